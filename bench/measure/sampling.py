"""Sampling in blocks until the time of a forward is known well enough, or time is up."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import scipy.stats  # noqa: F401  (now, and not between two blocks, where it is first used)

from ..machine.other_work import sample_other_work
from ..records.job import Budget
from ..records.latency import BlockLoad
from ..statistics.intervals import median_interval
from .block_watch import MOST_WAITED, is_disturbed, quiet_reference_s

BLOCK_S = 0.1
"""Least time of a block. Noise comes in stretches, so that neighbouring samples are alike; an
interval over samples would be too narrow."""
LEAST_BLOCKS = 3
"""The fewest undisturbed blocks of a process that counts."""
TOLERANCES = {"cpu": 0.02, "cuda": 0.005}
"""Half width of an interval that is narrow enough, as a share of the median."""


class Sample(NamedTuple):
    """Times of one forward, in seconds, and whether `time_s` includes gaps of a GPU."""

    time_s: float
    wall_s: float
    cpu_s: float
    gaps: bool = False


Timer = Callable[[], Sample]


class Watch(Protocol):
    """The part of a `BlockWatch` that sampling needs."""

    def begin(self) -> None:
        """Begin a block."""

    def sampled(self, wall_s: float) -> None:
        """Take note of a forward."""

    def end(self, forwards: int) -> BlockLoad:
        """End the block."""
        ...


class Until(NamedTuple):
    """The end of sampling.

    Attributes:
        min_s: The least time of undisturbed blocks.
        max_s: The most time of all blocks.
        tolerance: Half width of the interval over the blocks that is narrow enough, as a share of
            the median; None: the time alone counts.
    """

    min_s: float
    max_s: float
    tolerance: float | None = None

    @classmethod
    def interval(cls, budget: Budget, device: str) -> "Until":
        """Return the end for the only process of a latency."""
        return cls(budget.min_s, budget.max_s, TOLERANCES[device])

    @classmethod
    def share(cls, budget: Budget) -> "Until":
        """Return the end for one of several processes, which share the time."""
        return cls(budget.min_s / budget.processes, budget.max_s / budget.processes)


class Sampled(NamedTuple):
    """Blocks of samples.

    Attributes:
        blocks, loads: The blocks that count, and what else the machine did during each.
        discarded, discarded_loads: The blocks that were disturbed.
        converged: The interval over the blocks became narrow enough.
        disturbed: There were too few undisturbed blocks, so that all count.
    """

    blocks: tuple[tuple[Sample, ...], ...]
    loads: tuple[BlockLoad, ...]
    discarded: tuple[tuple[Sample, ...], ...]
    discarded_loads: tuple[BlockLoad, ...]
    converged: bool
    disturbed: bool


def sample(
    once: Timer,
    until: Until,
    watch: Watch,
    *,
    threads: int = 1,
    quiet_s: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Sampled:
    """Sample in blocks until the median is known well enough.

    A block lasts a tenth of a second or one call, whichever is more. Disturbed blocks don't count,
    unless there are too few others when time is up.

    Args:
        once: Times one call.
        until: The end.
        watch: Says what else the machine did during a block.
        threads: Threads of the forward.
        quiet_s: Time of the reference kernel on the undisturbed machine, if it is known; a faster
            block of these counts instead.
        clock: Returns the time in seconds.
    """
    begin = clock()
    blocks: list[tuple[Sample, ...]] = []
    loads: list[BlockLoad] = []
    lengths_s: list[float] = []
    medians_s: list[float] = []
    while True:
        block_begin = clock()
        watch.begin()
        block = [once()]
        watch.sampled(block[0].wall_s)
        while clock() - block_begin < BLOCK_S:
            block.append(once())
            watch.sampled(block[-1].wall_s)
        loads.append(watch.end(len(block)))
        blocks.append(tuple(block))
        lengths_s.append(clock() - block_begin)
        medians_s.append(statistics.median(each.time_s for each in block))
        fit = undisturbed(loads, threads, quiet_s)
        fit_s = sum(each for each, counts in zip(lengths_s, fit, strict=True) if counts)
        kept = [each for each, counts in zip(medians_s, fit, strict=True) if counts]
        if fit_s >= until.min_s and len(kept) >= LEAST_BLOCKS:
            narrow = _is_narrow(kept, until.tolerance)
            if narrow is not False:
                return _sampled(blocks, loads, fit, converged=bool(narrow))
        if clock() - begin >= until.max_s:
            return _sampled(blocks, loads, fit, converged=False)


def undisturbed(
    loads: Sequence[BlockLoad], threads: int = 1, quiet_s: float | None = None
) -> list[bool]:
    """Return which blocks count: the fastest reference kernel of all says what is undisturbed."""
    fastest = quiet_reference_s(loads)
    if fastest is not None and quiet_s is not None:
        fastest = min(fastest, quiet_s)
    return [not is_disturbed(load, fastest, threads) for load in loads]


def _is_narrow(medians_s: Sequence[float], tolerance: float | None) -> bool | None:
    """Return whether the interval over blocks is narrow enough; None if that doesn't matter."""
    if tolerance is None:
        return None
    interval, middle = median_interval(medians_s), statistics.median(medians_s)
    if interval is None:
        return False
    return max(interval[1] - middle, middle - interval[0]) <= tolerance * middle


def _sampled(
    blocks: Sequence[tuple[Sample, ...]],
    loads: Sequence[BlockLoad],
    fit: Sequence[bool],
    *,
    converged: bool,
) -> Sampled:
    disturbed = sum(fit) < min(LEAST_BLOCKS, len(fit))
    if disturbed:
        fit = [True] * len(fit)
    return Sampled(
        blocks=tuple(each for each, counts in zip(blocks, fit, strict=True) if counts),
        loads=tuple(each for each, counts in zip(loads, fit, strict=True) if counts),
        discarded=tuple(each for each, counts in zip(blocks, fit, strict=True) if not counts),
        discarded_loads=tuple(each for each, counts in zip(loads, fit, strict=True) if not counts),
        converged=converged and not disturbed,
        disturbed=disturbed,
    )


def times_of(blocks: Sequence[Sequence[Sample]]) -> tuple[tuple[float, ...], ...]:
    """Return the times of blocks, in seconds."""
    return tuple(tuple(each.time_s for each in block) for block in blocks)


def other_work(sampled: Sampled) -> tuple[str, ...]:
    """Return the names of what else runs now, if blocks lost time; it takes half a second.

    A neighbour on the other half of a core makes no thread wait: it is looked for only where too
    few blocks are left.
    """
    loads = (*sampled.loads, *sampled.discarded_loads)
    if not sampled.disturbed and not any((load.waited_share or 0) > MOST_WAITED for load in loads):
        return ()
    return tuple(f"{each.name} (pid {each.pid})" for each in sample_other_work().busiest[:3])
