"""Latency: time of one forward, sampled until its median is known well enough."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from ..network.inputs import Inputs
from ..network.network import Forward, Network
from ..records.job import Budget
from ..records.latency import Drift, Latency
from ..statistics.intervals import median_interval
from .context import Context
from .gpu_spin import Spin
from .gpu_watch import GpuWatch, watch_remarks

WARM_WITHIN = 0.01
"""Medians of two neighbouring windows that differ by less have settled."""
WARM_CALLS, WARM_S = 10, 1.0
LAUNCH_BOUND = 1.1
INPUTS_IN_ROTATION = 2
L2_FLUSH_BYTES = 256 * 2**20
"""Twice any NVIDIA GPU's L2 cache of today (126 MB in a B200), as triton's `do_bench` writes."""


class Sample(NamedTuple):
    """Times of one forward, in seconds, and whether `time_s` includes gaps of a GPU."""

    time_s: float
    wall_s: float
    cpu_s: float
    gaps: bool = False


Timer = Callable[[], Sample]


def run(context: Context) -> None:
    """Measure the latency of a case."""
    latency = measure_latency(context.network, context.budget)
    context.keep(latency=latency)
    for remark in latency_remarks(latency):
        context.note(remark)


def measure_latency(network: Network, budget: Budget, drift: bool = True) -> Latency:
    """Time the network's forward, eval and inference mode, on random clips in rotation.

    Args:
        network: A network that has settled.
        budget: Limits of the time that it may take.
        drift: True to compare the outputs with those of eager fp32.
    """
    watch = None
    flush = None
    with torch.inference_mode():
        rotation = network.inputs(INPUTS_IN_ROTATION)
        if network.device.type == "cuda":
            if network.case.cold_l2:
                flush = torch.empty(l2_flush_bytes(), dtype=torch.int8, device=network.device)
            once = _cuda_timer(network.forward, rotation, flush)
        else:
            once = _cpu_timer(network.forward, rotation)
        calls, warm = warm_up(once, budget.warmup_max_s)
        if network.device.type == "cuda":
            watch = GpuWatch()
        tolerance = 0.005 if network.device.type == "cuda" else 0.02
        blocks, converged = sample(once, budget, tolerance, watch=watch)
        drifted = measure_drift(network) if drift else None
    medians = [statistics.median(s.time_s for s in block) for block in blocks]
    on_gpu = network.device.type == "cuda"
    walls = [statistics.median(s.wall_s for s in block) for block in blocks]
    median_s, wall_s = statistics.median(medians), statistics.median(walls)
    gaps = statistics.fmean(s.gaps for block in blocks for s in block) > 0.5
    return Latency(
        samples_s=tuple(tuple(s.time_s for s in block) for block in blocks),
        median_s=median_s,
        interval_s=median_interval(medians),
        converged=converged,
        cpu_s=None
        if on_gpu
        else tuple(statistics.fmean(s.cpu_s for s in block) for block in blocks),
        wall_samples_s=tuple(tuple(s.wall_s for s in block) for block in blocks)
        if on_gpu
        else None,
        wall_median_s=wall_s if on_gpu else None,
        wall_interval_s=median_interval(walls) if on_gpu else None,
        launch_bound=wall_s / median_s > LAUNCH_BOUND if on_gpu and not gaps else None,
        host_gaps=gaps if on_gpu else None,
        cudnn_benchmark=torch.backends.cudnn.benchmark if on_gpu else None,
        build_s=network.build_s,
        prepare_s=network.prepare_s,
        first_call_s=network.first_call_s,
        warmup_calls=calls,
        warm=warm,
        threads=torch.get_num_threads(),
        drift=drifted,
        gpu=None if watch is None else watch.conditions(),
        cold_l2_bytes=None if flush is None else flush.numel(),
    )


def latency_remarks(latency: Latency) -> list[str]:
    """Return remarks for the reader of a latency."""
    remarks = []
    if latency.launch_bound:
        remarks.append(
            f"launch bound: the GPU waits for the host; a call takes over {LAUNCH_BOUND} times "
            "what the GPU works for it"
        )
    if latency.host_gaps:
        remarks.append(
            "gaps in which the GPU waits for the host are in it: the forward waits for the GPU, as "
            "in copying from the host, or launches more kernels than CUDA queues"
        )
    if latency.cold_l2_bytes is not None:
        megabytes = f"{latency.cold_l2_bytes / 1e6:.0f} MB"
        remarks.append(f"the L2 cache is cold: {megabytes} are written before each sample")
    if latency.gpu is not None:
        remarks += watch_remarks(latency.gpu)
    if not latency.warm:
        remarks.append("not settled when the warm-up's time was up")
    if not latency.converged:
        remarks.append("not converged in the time that it had")
    return remarks


def l2_flush_bytes() -> int:
    """Return how much is written to empty the L2 cache of torch's GPU: twice its size or more."""
    gpu = torch.cuda.get_device_properties(torch.cuda.current_device())
    return max(2 * gpu.L2_cache_size, L2_FLUSH_BYTES)


def warm_up(
    once: Timer, limit_s: float, clock: Callable[[], float] = time.perf_counter
) -> tuple[int, bool]:
    """Call until the medians of the last two windows agree; return the calls and whether they did.

    A window is five calls or a quarter of a second, whichever is more.
    """
    begin = clock()
    windows: list[float] = []
    window: list[float] = []
    calls = 0
    window_begin = begin
    while True:
        window.append(once().time_s)
        calls += 1
        now = clock()
        if now - begin >= limit_s:
            return calls, False
        if len(window) >= 5 and now - window_begin >= 0.25:
            windows.append(statistics.median(window))
            window, window_begin = [], now
            if calls >= WARM_CALLS and now - begin >= WARM_S and len(windows) >= 2:
                before, last = windows[-2:]
                if abs(last - before) < WARM_WITHIN * before:
                    return calls, True


def sample(
    once: Timer,
    budget: Budget,
    tolerance: float,
    clock: Callable[[], float] = time.perf_counter,
    watch: GpuWatch | None = None,
) -> tuple[list[list[Sample]], bool]:
    """Sample in blocks until the interval of the median is narrow; return blocks and whether it is.

    Args:
        once: Times one call.
        budget: The least and the most time.
        tolerance: Half width of the interval that is narrow enough, as a share of the median.
        clock: Returns the time in seconds.
        watch: Looks at the GPU after each block; a block under a slowdown is discarded, unless
            there is no other when time is up: those are returned as not converged.

    Noise comes in stretches, so that neighbouring samples are alike; an interval over samples
    would be too narrow. A block lasts a tenth of a second or one call, whichever is more.
    """
    begin = clock()
    blocks: list[list[Sample]] = []
    medians: list[float] = []
    discarded: list[list[Sample]] = []
    while True:
        block_begin = clock()
        block = [once()]
        while clock() - block_begin < 0.1:
            block.append(once())
        if watch is None or watch.undisturbed():
            blocks.append(block)
            medians.append(statistics.median(s.time_s for s in block))
        else:
            discarded.append(block)
        elapsed = clock() - begin
        if elapsed >= budget.min_s and blocks:
            interval = median_interval(medians)
            middle = statistics.median(medians)
            if interval is not None and _half_width(interval, middle) <= tolerance * middle:
                return blocks, True
        if elapsed >= budget.max_s:
            if watch is not None and not blocks:
                watch.keep_slowed()
                return discarded, False
            return blocks, False


def _half_width(interval: tuple[float, float], middle: float) -> float:
    return max(interval[1] - middle, middle - interval[0])


def _cpu_timer(forward: Forward, rotation: list[Inputs]) -> Timer:
    turn = 0

    def once() -> Sample:
        nonlocal turn
        inputs = rotation[turn]
        turn = (turn + 1) % len(rotation)
        cpu, begin = time.process_time(), time.perf_counter()
        forward(*inputs)
        wall_s = time.perf_counter() - begin
        return Sample(wall_s, wall_s, time.process_time() - cpu)

    return once


def _cuda_timer(
    forward: Forward, rotation: list[Inputs], flush: torch.Tensor | None = None
) -> Timer:
    """Time on the device and on the wall, each by a call of its own.

    For the time on the device, the GPU first spins while the host enqueues the whole forward.
    Before each call `flush` is written, if there is one, so that the L2 cache has nothing of the
    call before.
    """
    turn = 0
    start = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    spin = Spin()

    def once() -> Sample:
        nonlocal turn
        inputs = rotation[turn]
        turn = (turn + 1) % len(rotation)
        if flush is not None:
            flush.zero_()
        torch.cuda.synchronize()
        cpu, begin = time.process_time(), time.perf_counter()
        forward(*inputs)
        enqueued = time.perf_counter()
        torch.cuda.synchronize()
        wall_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
        spin.fit(enqueued - begin)
        if flush is not None:
            flush.zero_()
        spin.enqueue()
        start.record()
        forward(*inputs)
        end.record()
        gaps = spin.was_late(start)
        torch.cuda.synchronize()
        return Sample(start.elapsed_time(end) / 1e3, wall_s, cpu_s, gaps)

    return once


def measure_drift(network: Network) -> Drift | None:
    """Compare the outputs with those of eager fp32 on the same clips; None for eager fp32."""
    if network.reference is None:
        return None
    with torch.inference_mode():
        outputs = torch.stack(
            [
                network.forward_clips(*network.placed(inputs)).float().cpu()
                for inputs in network.reference_inputs
            ]
        )
    flips = outputs.argmax(dim=-1) != network.reference.argmax(dim=-1)
    return Drift(
        largest_logit_difference=float((outputs - network.reference).abs().max()),
        logit_spread=float(network.reference.std(dim=-1, correction=0).mean()),
        top1_flips=int(flips.sum()),
        clips=flips.numel(),
    )
