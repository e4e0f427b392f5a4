"""Time of the optical flow of a clip on the CPU, without the network's forward."""

import statistics
from collections.abc import Callable
from time import perf_counter

import numpy as np

from ...datasets.flow.methods import compute_flow, opencv_version
from ...datasets.names import FlowMethod
from ...datasets.protocol import Protocol
from ..machine.environment import physical_cores
from ..records.results import FlowTime
from ..statistics.intervals import median_interval
from .context import Context
from .other_work_watch import quiet_expected

ASPECT = 4 / 3
"""Width over height of a frame of UCF101; flow is computed on whole frames, before the crop."""
SHIFT_PX = (2, 1)
"""Pixels that the texture moves from frame to frame, in x and y."""
LEAST_SAMPLES = 6
"""The fewest whose order statistics bound the median at 95 %: 1 - 2 * 0.5 ** 6 = 0.97."""


def run(context: Context) -> None:
    """Time the optical flow of a case's clip, which comes before each forward."""
    case = context.case
    assert case.flow is not None
    threads = case.threads or physical_cores()
    max_s = context.budget.min_s
    with quiet_expected(context.note):
        context.keep(flow_time=measure_flow_time(case.protocol, case.flow, threads, max_s))


def measure_flow_time(
    protocol: Protocol, method: FlowMethod, threads: int, max_s: float
) -> FlowTime:
    """Time the flow of one clip of moving texture, resized as the protocol resizes 4:3 frames.

    Args:
        protocol: Protocol; only its frames and its resize matter.
        method: Method that computes the flow.
        threads: Number of OpenCV's threads.
        max_s: Seconds after which no new clip is begun, once there are six.
    """
    height, width = protocol.resized(240, round(240 * ASPECT))
    frames = moving_texture(protocol.frames, height, width)
    once = _timed(lambda: compute_flow(frames, method, threads=threads))
    once()  # OpenCV makes its buffers and threads
    begin = perf_counter()
    samples = [once() for _ in range(LEAST_SAMPLES)]
    while perf_counter() - begin < max_s:
        samples.append(once())
    return FlowTime(
        method=method,
        samples_s=tuple(samples),
        median_s=statistics.median(samples),
        interval_s=median_interval(samples),
        pairs=protocol.frames - 1,
        height=height,
        width=width,
        threads=threads,
        opencv=opencv_version(),
    )


def moving_texture(frames: int, height: int, width: int) -> np.ndarray:
    """Return `[T, H, W, 3]`, uint8: smooth random texture that moves by `SHIFT_PX` a frame."""
    from scipy.ndimage import gaussian_filter

    across, down = SHIFT_PX
    shape = (height + down * frames, width + across * frames)
    noise = gaussian_filter(np.random.default_rng(0).standard_normal(shape), 2, mode="wrap")
    texture = np.clip(128 + 50 * noise / noise.std(), 0, 255).astype(np.uint8)
    # The window moves up and left, so the texture in it moves down and right.
    windows = [
        texture[down * place : down * place + height, across * place : across * place + width]
        for place in reversed(range(frames))
    ]
    return np.repeat(np.stack(windows)[..., None], 3, axis=-1)


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        begin = perf_counter()
        call()
        return perf_counter() - begin

    return once
