"""Batches 1, 2, 4, ... of one network: latency, throughput and memory, up to where it ends."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from ..network.failures import out_of_memory
from ..network.network import Network
from ..records.job import Budget
from ..records.latency import Drift, Latency
from ..records.results import Memory
from ..records.times import FORWARD_ALONE, Sweep, SweepEnd, SweepPoint
from .context import Context
from .gpu_watch import watch_remarks
from .latency import measure_drift, measure_latency
from .memory import blocks_apart, measure_memory

GROWTH = 1.02
"""A doubling that gains less has not made throughput grow: a CPU's latency is known to 2 %."""
FLAT_DOUBLINGS = 2
SHARE = 1 / 3
"""Share of a latency's longest time for each batch: about ten batches fill a GPU."""


def run(context: Context) -> None:
    """Sweep over batches of a case; each batch is kept as soon as it is measured."""
    sweep, notes = measure_sweep(
        context.network,
        context.budget,
        context.job.max_batch,
        lambda so_far: context.keep(sweep=so_far),
    )
    context.keep(sweep=sweep)
    if context.case.flow is not None:
        context.note(FORWARD_ALONE)
    context.notes(notes)


def measure_sweep(
    network: Network,
    budget: Budget,
    max_batch: int | None = None,
    keep: Callable[[Sweep], None] = lambda sweep: None,
) -> tuple[Sweep, list[str]]:
    """Double the batch until memory runs out, `max_batch` is passed, or nothing is to be gained.

    The last ends a sweep on a CPU only: there memory is large, and a doubling takes twice as long.

    Args:
        network: Settled; it ends at the case's batch, as it began.
        budget: Time for a latency; each batch gets a share of it, see `budget_of_a_batch`.
        max_batch: The largest batch that is tried.
        keep: Called with the sweep so far after each batch, lest the process be killed.

    Returns:
        The sweep, and notes for its reader.
    """
    own_batch = network.case.batch
    drift = measure_drift(network)
    points: list[SweepPoint] = []
    notes: list[str] = []
    remarks: dict[str, list[str]] = {}
    until_flat = network.device.type == "cpu"
    each = budget_of_a_batch(budget)
    batch = 1
    while True:
        end = _end_before(batch, points, max_batch, until_flat)
        reason = None
        if end is None:
            try:
                point, found = _measure(network, batch, each)
                points.append(point)
                notes += [note for note in found if note not in notes]
                for remark in _remarks(point.latency):
                    remarks.setdefault(remark, []).append(str(batch))
            except Exception as error:  # runtimes raise errors of their own kinds
                end = "out_of_memory" if out_of_memory(error) else "error"
                if end == "error" and not points:
                    raise
                reason = next(iter(str(error).splitlines()), type(error).__name__)
        if end is not None and until_flat:
            points, found = _with_memory(network, points)
            notes += found
        sweep = _sweep(points, end or "unfinished", batch, reason, drift)
        if end is not None:
            network.rebatch(own_batch)
            notes += [f"sweep: batch {', '.join(at)}: {text}" for text, at in remarks.items()]
            return sweep, [*notes, f"sweep: {sweep.end_text}"]
        keep(msgspec.structs.replace(sweep, ended_at=2 * batch))
        batch *= 2


def budget_of_a_batch(budget: Budget) -> Budget:
    """Return a third of the most time, for warm-up and samples, and of the least what fits in."""
    max_s = budget.max_s * SHARE
    return Budget(
        min_s=min(budget.min_s, max_s), max_s=max_s, warmup_max_s=budget.warmup_max_s * SHARE
    )


def is_flat(throughputs: Sequence[float]) -> bool:
    """Return whether the last two doublings gained nothing over the best before them."""
    before, last = throughputs[:-FLAT_DOUBLINGS], throughputs[-FLAT_DOUBLINGS:]
    return bool(before) and max(last) < GROWTH * max(before)


def _end_before(
    batch: int, points: Sequence[SweepPoint], max_batch: int | None, until_flat: bool
) -> SweepEnd | None:
    """Return why the sweep ends before this batch, if it does."""
    if max_batch is not None and batch > max_batch:
        return "max_batch"
    if until_flat and is_flat([point.throughput_per_s for point in points]):
        return "flat"
    return None


def _measure(network: Network, batch: int, budget: Budget) -> tuple[SweepPoint, list[str]]:
    network.rebatch(batch)
    notes: list[str] = []
    memory = Memory(
        weights_bytes=network.weights_bytes(), peak_activation_bytes=None, peak_process_bytes=None
    )
    if network.device.type != "cpu":  # there it comes last: see blocks_apart
        memory, notes = measure_memory(network)
    latency = measure_latency(network, budget, drift=False)
    return SweepPoint(batch=batch, latency=latency, memory=memory, export=network.export), notes


def _remarks(latency: Latency) -> Iterator[str]:
    """Yield remarks on the machine, in the same words for every batch."""
    if latency.gpu is not None:
        yield from watch_remarks(latency.gpu)
    if latency.disturbed:
        names = f" ({', '.join(latency.others)})" if latency.others else ""
        yield f"disturbed by other work{names}; measure it again while nothing else runs"


def _with_memory(
    network: Network, points: Sequence[SweepPoint]
) -> tuple[list[SweepPoint], list[str]]:
    """Return the points of a CPU with their memory, when nothing is timed any more."""
    measured, notes = [], []
    with blocks_apart():
        for point in points:
            network.rebatch(point.batch)
            memory, found = measure_memory(network)
            measured.append(msgspec.structs.replace(point, memory=memory))
            notes += [note for note in found if note not in notes]
    return measured, notes


def _sweep(
    points: Sequence[SweepPoint],
    ended: SweepEnd,
    ended_at: int,
    reason: str | None,
    drift: Drift | None,
) -> Sweep:
    return Sweep(points=tuple(points), ended=ended, ended_at=ended_at, reason=reason, drift=drift)
