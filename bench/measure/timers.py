"""Timers of one forward: by the wall clock on a CPU, by CUDA events and the wall clock on a GPU."""

import time
from collections.abc import Callable

import torch

from ..network.inputs import Inputs
from ..network.network import Forward
from .gpu_spin import Spin
from .sampling import Sample, Timer

L2_FLUSH_BYTES = 256 * 2**20
"""Twice any NVIDIA GPU's L2 cache of today (126 MB in a B200), as triton's `do_bench` writes."""


def l2_flush_bytes() -> int:
    """Return how much is written to empty the L2 cache of torch's GPU: twice its size or more."""
    gpu = torch.cuda.get_device_properties(torch.cuda.current_device())
    return max(2 * gpu.L2_cache_size, L2_FLUSH_BYTES)


Fresh = Callable[[Inputs], Inputs]
"""Returns arguments for one forward, such as `Network.fresh`; what it does isn't timed."""


def as_they_are(inputs: Inputs) -> Inputs:
    """Return the arguments themselves."""
    return inputs


def cpu_timer(forward: Forward, rotation: list[Inputs], fresh: Fresh = as_they_are) -> Timer:
    """Return what times the next forward by the wall clock, on the arguments in turn."""
    turn = 0

    def once() -> Sample:
        nonlocal turn
        inputs = fresh(rotation[turn])
        turn = (turn + 1) % len(rotation)
        cpu, begin = time.process_time(), time.perf_counter()
        forward(*inputs)
        wall_s = time.perf_counter() - begin
        return Sample(wall_s, wall_s, time.process_time() - cpu)

    return once


def cuda_timer(
    forward: Forward,
    rotation: list[Inputs],
    flush: torch.Tensor | None = None,
    fresh: Fresh = as_they_are,
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
        drawn = rotation[turn]
        turn = (turn + 1) % len(rotation)
        inputs = fresh(drawn)
        if flush is not None:
            flush.zero_()
        torch.cuda.synchronize()
        cpu, begin = time.process_time(), time.perf_counter()
        forward(*inputs)
        enqueued = time.perf_counter()
        torch.cuda.synchronize()
        wall_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
        spin.fit(enqueued - begin)
        inputs = fresh(drawn)
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
