"""Remarks for the reader of a latency."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ...datasets.plurals import quantity
from ..records.latency import BlockLoad, Latency
from .block_watch import Disturbance, disturbance
from .gpu_watch import watch_remarks
from .over_processes import LAUNCH_BOUND, quiet_of

MANY_FAULTS = 100
"""Page faults of a forward that are worth a remark: they take some 0.1 milliseconds."""

MORE_CORES = 1.2
"""Processor time over wall time, as a share of the threads, from which more cores ran than given:
clocks of both are exact, so what is above 1 was computed by another thread."""

REASONS: dict[Disturbance | None, str] = {
    "waited": "a thread waited for a processor in",
    "throttled": "the GPU was slowed in",
    "slow": "the processor was slower than at other times in",
    None: "nothing disturbed",
}
"""Text of each disturbance before a number of blocks; a process that is left out as a whole may
have blocks in which there was none."""


def latency_remarks(latency: Latency) -> list[str]:
    """Return remarks for the reader of a latency."""
    return [
        *_of_gpu(latency),
        *_of_threads(latency),
        *_of_disturbances(latency),
        *_of_memory(latency),
        *_of_the_end(latency),
    ]


def _of_gpu(latency: Latency) -> Iterator[str]:
    if latency.launch_bound:
        yield (
            f"launch bound: the GPU waits for the host; a call takes over {LAUNCH_BOUND} times "
            "what the GPU works for it"
        )
    if latency.host_gaps:
        yield (
            "gaps in which the GPU waits for the host are in it: the forward waits for the GPU, as "
            "in copying from the host, or launches more kernels than CUDA queues"
        )
    if latency.cold_l2_bytes is not None:
        megabytes = f"{latency.cold_l2_bytes / 1e6:.0f} MB"
        yield f"the L2 cache is cold: {megabytes} are written before each sample"
    if latency.gpu is not None:
        yield from watch_remarks(latency.gpu)


def _of_threads(latency: Latency) -> Iterator[str]:
    cores = latency.cores
    if cores is not None and cores > MORE_CORES * latency.threads:
        yield (
            f"took {cores:.1f} cores, though it was given {quantity(latency.threads, 'thread')}: "
            "something in the forward starts threads of its own"
        )


def _of_disturbances(latency: Latency) -> Iterator[str]:
    """Say what disturbed blocks, what of them counts, and what else ran."""
    loads = (*(latency.loads or ()), *latency.discarded_loads)
    left_out = latency.discarded_loads
    blocks = quantity(len(loads), "block")
    if latency.disturbed:
        yield (
            f"disturbed: of {blocks}, {_reasons(latency, loads)}; measure it again while nothing "
            "else runs"
        )
    elif left_out:
        yield f"discarded {len(left_out)} of {blocks}: {_reasons(latency, left_out)}"
    if latency.others:
        yield f"what else ran: {', '.join(latency.others)}"
    for what, why in latency.missing.items():
        yield f"{what}: not known: {why}"


def _reasons(latency: Latency, loads: Sequence[BlockLoad]) -> str:
    """Return what disturbed blocks of a latency, and how many of them."""
    quiet_s = quiet_of([latency])
    found = Counter(disturbance(load, quiet_s, latency.threads) for load in loads)
    return ", ".join(f"{text} {found[what]}" for what, text in REASONS.items() if found[what])


def _of_memory(latency: Latency) -> Iterator[str]:
    faults = latency.faults_per_forward
    if faults is not None and faults > MANY_FAULTS:
        yield (
            f"{faults:.0f} page faults a forward: its memory is given back to the system and taken "
            f"again each time (allocator: {latency.allocator})"
        )


def _of_the_end(latency: Latency) -> Iterator[str]:
    if len(latency.blocks_of_processes) == 1:
        yield "the interval is that of one process, and leaves out what differs between processes"
    if not latency.warm:
        yield "not settled when the warm-up's time was up"
    if not latency.converged:
        yield "not converged in the time that it had"
