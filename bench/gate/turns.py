"""A pair of processes that take turns, one forward at a time, over pipes."""

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

import msgspec

from ..machine.environment import usable_cpus
from ..records.case import Case
from .counts import Facts
from .looks import log_ratio
from .sides import Code, MissingModelError, Process, Side, SideError, Started

LEAST_TURNS, MOST_TURNS = 96, 1536
"""Turn pairs of a process pair. There are more than the least only if they cost little compared
with starting the processes: turns can't average out the difference between process pairs."""
TURNS_S, TURNS_SHARE = 1.2, 0.4
"""Longest duration of a pair's turns, if there are more than the least: seconds, or a share of the
time that starting the pair took, whichever is more. A busy machine starts slowly and needs more."""
LEAST_FORKED_TURNS, FORKED_TURNS_S = 32, 0.8
"""The same of a pair of forked processes, which start in 0.4 s, so that time is better spent on
another pair. A network of 4 ms has 96 turn pairs. In 895 pairs of a network of 4.3 ms, turns added
0.54 % if there were 144 of them, 0.76 % if there were 64, and processes added 0.59 %. So 80 to 140
turn pairs give the most precise estimate in a given time."""
DISCARDED = 8
"""First turn pairs that don't count: caches and clocks settle in them."""
SWITCH_AFTER = 8
"""Turn pairs after which the other side goes first. Between these switches the turns alternate. At
a switch, one extra forward that isn't counted comes in between, so that a side never follows
itself. In plain ABBA order, every second turn finds its own weights in the cache and is a tenth
shorter; the ratios of turns then have two modes, and their median jumps from one to the other
between pairs of processes."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Times of the turns of one pair of processes, in seconds; the i-th of each are neighbours.

    Attributes:
        baseline_s, candidate_s: Times by the wall clock, or by the GPU's.
        baseline_cpu_s, candidate_cpu_s: Processor time; None on a GPU.
        core: The core that both processes were bound to; None if they weren't.
        server: Number of the two servers that the processes were forked from; None if both were
            started afresh.
    """

    baseline_s: tuple[float, ...]
    candidate_s: tuple[float, ...]
    baseline_cpu_s: tuple[float, ...] | None
    candidate_cpu_s: tuple[float, ...] | None
    core: int | None = None
    server: int | None = None

    @property
    def wall(self) -> float:
        """The median log-ratio by the wall clock, or by the GPU's."""
        return log_ratio(self.baseline_s, self.candidate_s)

    @property
    def cpu(self) -> float | None:
        """The median log-ratio by the processor time; None on a GPU."""
        if self.baseline_cpu_s is None or self.candidate_cpu_s is None:
            return None
        return log_ratio(self.baseline_cpu_s, self.candidate_cpu_s)


class Turns(Protocol):
    """A process that makes one forward on request."""

    def turn(self) -> tuple[float, float | None]:
        """Make one forward; return its seconds by the wall clock and of processor time."""
        ...


class Two(NamedTuple):
    """Both sides, built.

    Attributes:
        baseline, candidate: The processes.
        core: The core that both are bound to while turns are timed; None: they aren't.
        server: Number of the two servers that they were forked from; None: of none.
    """

    baseline: Side
    candidate: Side
    core: int | None
    server: int | None = None


Start = Callable[[Case], AbstractContextManager[Two]]
"""Starts both sides of a case, and ends them on leaving."""


def started(baseline: Code, candidate: Code, draw: random.Random) -> Start:
    """Return a function that starts fresh processes, in random order."""

    @contextmanager
    def start(case: Case) -> Iterator[Two]:
        core = core_for(case, draw)
        codes = {False: baseline, True: candidate}
        process_of: Callable[[bool], Process] = lambda which: Started(  # noqa: E731
            codes[which], case.threads or 1
        )
        with built(codes, case, core, process_of, draw) as (one, other):
            yield Two(one, other, core)

    return start


def core_for(case: Case, draw: random.Random) -> int | None:
    """Return the core that both sides are bound to, drawn again for each pair; None: they aren't.

    With one thread on a CPU, both take their turns on the same core: if that core is slow or busy,
    it is so for both.
    """
    if case.device == "cpu" and (case.threads or 1) == 1 and hasattr(os, "sched_setaffinity"):
        return draw.choice(usable_cpus())
    return None


@contextmanager
def built(
    codes: dict[bool, Code],
    case: Case,
    core: int | None,
    process_of: Callable[[bool], Process],
    draw: random.Random,
) -> Iterator[tuple[Side, Side]]:
    """Make both processes in random order; yield baseline and candidate when both are built.

    The baseline's answer is always read first, so an error of the candidate's means that only the
    candidate fails.

    Args:
        codes: The versions of the code: the baseline's by False, the candidate's by True.
        case: The case.
        core: The core that both are bound to while turns are timed; None: they aren't.
        process_of: Makes the process of the baseline (False) or of the candidate (True).
        draw: Draws the order.
    """
    sides: dict[bool, Side] = {}
    failed: dict[bool, SideError] = {}
    try:
        for which in draw.sample((True, False), 2):
            try:
                process = process_of(which)
            except SideError as error:
                failed[which] = error
                continue
            sides[which] = Side(codes[which], case, process, core, is_candidate=which)
        if False in failed:
            raise failed[False]
        try:
            sides[False].wait_until_built()
        except MissingModelError:
            if True in failed:  # a new network must run, too
                raise failed[True] from None
            sides[True].wait_until_built()
            raise
        if True in failed:
            raise failed[True]
        sides[True].wait_until_built()
        yield sides[False], sides[True]
    finally:
        for side in sides.values():
            side.end()


def measured_pair(start: Start, case: Case, draw: random.Random) -> Pair:
    """Start a pair of processes, settle both, and time their turns."""
    began = time.monotonic()
    with start(case) as two:
        sides = (two.baseline, two.candidate)
        for side in sides:
            side.ask_to_settle()
        forward_s = max([side.settled_s() for side in sides])  # in this order, see `built`
        turns = turns_of(forward_s, time.monotonic() - began, forked=two.server is not None)
        pair = take_turns(*sides, turns, core=two.core, candidate_first=draw.random() < 0.5)
    return msgspec.structs.replace(pair, server=two.server)


def exact_facts(start: Start, case: Case) -> tuple[Facts, Facts]:
    """Count both sides, in processes of their own, at the same time."""
    with start(case) as two:
        for side in (two.baseline, two.candidate):
            side.ask_to_count()
        return two.baseline.counted(), two.candidate.counted()


def turns_of(forward_s: float, start_s: float, *, forked: bool = False) -> int:
    """Return the number of turn pairs of a pair of processes; each side goes first in half.

    Args:
        forward_s: Seconds of one forward.
        start_s: Seconds that it took to start the pair.
        forked: True if the processes were forked.
    """
    least, turns_s = LEAST_TURNS, max(TURNS_S, TURNS_SHARE * start_s)
    if forked:
        least, turns_s = LEAST_FORKED_TURNS, FORKED_TURNS_S
    affordable = int(turns_s / (2 * forward_s))
    each_first = affordable // (2 * SWITCH_AFTER) * (2 * SWITCH_AFTER)
    return min(max(least, each_first), MOST_TURNS)


def take_turns(
    baseline: Turns,
    candidate: Turns,
    turns: int,
    *,
    core: int | None = None,
    candidate_first: bool = False,
) -> Pair:
    """Let two sides make one forward each, `turns` times; each side goes first in half of them.

    Every timed forward follows one of the other side.

    Args:
        baseline: The baseline, settled.
        candidate: The candidate, settled.
        turns: Turn pairs that count; the `DISCARDED` before them don't.
        core: The core that both are bound to, for the result.
        candidate_first: True if the candidate goes first at the beginning.
    """
    times: dict[bool, list[tuple[float, float | None]]] = {False: [], True: []}
    sides = {False: baseline, True: candidate}
    first = candidate_first
    for turn in range(DISCARDED + turns):
        if turn > 0 and turn % SWITCH_AFTER == 0:
            sides[first].turn()
            first = not first
        for which in (first, not first):
            times[which].append(sides[which].turn())
    kept = {which: each[DISCARDED:] for which, each in times.items()}
    return Pair(
        baseline_s=tuple(wall for wall, _ in kept[False]),
        candidate_s=tuple(wall for wall, _ in kept[True]),
        baseline_cpu_s=_if_complete([cpu for _, cpu in kept[False]]),
        candidate_cpu_s=_if_complete([cpu for _, cpu in kept[True]]),
        core=core,
    )


def _if_complete(values: Sequence[float | None]) -> tuple[float, ...] | None:
    present = [value for value in values if value is not None]
    return tuple(present) if len(present) == len(values) else None
