"""Latency: time of one forward, sampled until its median is known well enough."""

import statistics
import time
from collections.abc import Callable

import msgspec
import torch

from ..machine.allocator import memory_kept
from ..network.network import Network
from ..network.outputs import logits_of
from ..records.job import Budget, Job
from ..records.latency import Drift, Latency
from ..statistics.intervals import median_interval
from .block_watch import BlockWatch
from .context import Context
from .gpu_watch import GpuWatch
from .latency_remarks import latency_remarks
from .over_processes import LAUNCH_BOUND, NARROW, over_processes, quiet_of, sampled_s
from .reference_kernel import MemoryKernel, ReferenceKernel
from .sampling import Sampled, Timer, Until, other_work, sample, times_of
from .timers import cpu_timer, cuda_timer, l2_flush_bytes

WARM_WITHIN = 0.01
"""Medians of two neighbouring windows that differ by less have settled."""
WARM_CALLS, WARM_S = 10, 1.0
INPUTS_IN_ROTATION = 2


def run(context: Context) -> None:
    """Measure the latency of a case, or one process's part of it."""
    job = context.job
    own = measure_latency(
        context.network,
        context.budget,
        drift=not job.is_part,
        quiet_s=quiet_of(job.parts, job.quiet_s),
        until=_until(job, context.case.device),
    )
    if job.is_part:
        context.keep(latency=own)
        return
    narrow = context.budget.within or NARROW[context.case.device]
    latency = over_processes((*job.parts, own), context.budget.processes, narrow, job.quiet_s)
    context.keep(latency=latency)
    for remark in latency_remarks(latency):
        context.note(remark)


def _until(job: Job, device: str) -> Until:
    """Return the end of this process's sampling: a share of the time, and for the last one more."""
    if not job.is_part and not job.parts:
        return Until.interval(job.budget, device)
    share = Until.share(job.budget)
    if job.is_part:
        return share
    left_s = job.budget.max_s - sampled_s(job.parts)
    return share._replace(max_s=max(share.max_s, left_s))


def measure_latency(
    network: Network,
    budget: Budget,
    drift: bool = True,
    *,
    until: Until | None = None,
    quiet_s: float | None = None,
) -> Latency:
    """Time the network's forward, eval and inference mode, on random clips in rotation.

    Args:
        network: A network that has settled.
        budget: Limits of the time that it may take.
        drift: True to compare the outputs with those of eager fp32.
        until: The end of sampling; None: until the interval over its own blocks is narrow, as for
            the only process of a latency.
        quiet_s: The reference kernel's time in earlier processes of the case, in seconds.
    """
    device, flush = network.device.type, None
    with torch.inference_mode(), memory_kept() as allocated_by:
        rotation = network.inputs(INPUTS_IN_ROTATION)
        if device == "cuda":
            if network.case.cold_l2:
                flush = torch.empty(l2_flush_bytes(), dtype=torch.int8, device=network.device)
            once = cuda_timer(network.forward, rotation, flush, network.fresh)
        else:
            once = cpu_timer(network.forward, rotation, network.fresh)
        calls, warm = warm_up(once, budget.warmup_max_s)
        gpu = GpuWatch() if device == "cuda" else None
        watch = BlockWatch(gpu=gpu)
        if gpu is None:
            watch = BlockWatch(ReferenceKernel().time_s, time_memory=MemoryKernel().time_s)
        sampled = sample(
            once,
            until or Until.interval(budget, device),
            watch,
            threads=torch.get_num_threads(),
            quiet_s=quiet_s,
        )
        drifted = measure_drift(network) if drift else None
    if gpu is not None and sampled.disturbed and any(load.slowed for load in sampled.loads):
        gpu.keep_slowed()
    medians = [statistics.median(s.time_s for s in block) for block in sampled.blocks]
    found = Latency(
        samples_s=times_of(sampled.blocks),
        blocks_of_processes=(len(sampled.blocks),),
        median_s=statistics.median(medians),
        interval_s=median_interval(medians),
        converged=sampled.converged,
        disturbed=sampled.disturbed,
        loads=sampled.loads,
        discarded_s=times_of(sampled.discarded),
        discarded_loads=sampled.discarded_loads,
        others=other_work(sampled),
        missing=watch.missing,
        allocator=allocated_by,
        build_s=network.build_s,
        prepare_s=network.prepare_s,
        first_call_s=network.first_call_s,
        warmup_calls=calls,
        warm=warm,
        threads=torch.get_num_threads(),
        drift=drifted,
    )
    if gpu is None:
        cpu_s = tuple(statistics.fmean(s.cpu_s for s in block) for block in sampled.blocks)
        return msgspec.structs.replace(found, cpu_s=cpu_s)
    return _on_gpu(found, sampled, gpu, None if flush is None else flush.numel())


def _on_gpu(
    latency: Latency, sampled: Sampled, gpu: GpuWatch, cold_l2_bytes: int | None
) -> Latency:
    """Return a latency with what only a GPU has: wall times, gaps, conditions."""
    walls = [statistics.median(s.wall_s for s in block) for block in sampled.blocks]
    wall_s = statistics.median(walls)
    gaps = statistics.fmean(s.gaps for block in sampled.blocks for s in block) > 0.5
    return msgspec.structs.replace(
        latency,
        wall_samples_s=tuple(tuple(s.wall_s for s in block) for block in sampled.blocks),
        wall_median_s=wall_s,
        wall_interval_s=median_interval(walls),
        launch_bound=None if gaps else wall_s / latency.median_s > LAUNCH_BOUND,
        host_gaps=gaps,
        cudnn_benchmark=torch.backends.cudnn.benchmark,
        gpu=gpu.conditions(),
        cold_l2_bytes=cold_l2_bytes,
    )


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


def measure_drift(network: Network) -> Drift | None:
    """Compare the outputs with those of eager fp32 on the same clips; None for eager fp32."""
    if network.reference is None:
        return None
    with torch.inference_mode():
        outputs = torch.stack(
            [
                logits_of(network.forward_clips(*network.placed(inputs))).float().cpu()
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
