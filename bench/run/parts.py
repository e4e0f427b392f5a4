"""A latency's processes: each measures its part, some before the case's own process, apart in time.

All samples of a process share its luck, and what a machine does changes over seconds to minutes. So
the processes of one case lie some cases apart in a suite.
"""

import math
from collections.abc import Callable, Sequence
from itertools import count

from ..measure.over_processes import NARROW, is_fit, over_processes, quiet_of, sampled_s
from ..records.case import Device
from ..records.job import Budget
from ..records.latency import Latency
from ..statistics.intervals import expected_half_width
from .planned import Planned

MOST_APART = 8
"""Cases that lie between two processes of one case, at most; some 20 seconds of the quick suite."""
TRIES = 2
"""Processes that are started for one that counts, at most: a disturbed one doesn't."""

OTHER_CASES = 1.2
"""Time of the reference kernel next to a case's network, over its least next to any other one, that
may be the network's doing: on some processors wide vectors lower the clock by so much. What slows
it more is a neighbour, which may last as long as all processes of a case."""

MeasurePart = Callable[[int, int, tuple[Latency, ...]], Latency | str]
"""Measures the latency of a case, by its number, in one process, by its number, after those given;
returns the reason if that fails."""


class Parts:
    """Measures the parts of all latencies of a run, in time for the case's own process."""

    def __init__(self, planned: Sequence[Planned], budget: Budget, measure: MeasurePart) -> None:
        """Plan them; nothing is measured yet.

        Args:
            planned: The cases of the run, in order.
            budget: The number of processes of a latency, and their time.
            measure: Measures one part.
        """
        self._budget = budget
        self._measure = measure
        self._planned = planned
        self._found: dict[int, list[tuple[int, Latency]]] = {}
        self._failed: dict[int, str] = {}
        self._fastest_s: dict[tuple[Device, int | None], float] = {}
        self._due = schedule(
            [number for number, entry in enumerate(planned) if "latency" in entry.measures],
            len(planned),
            budget.processes,
        )

    def quiet_s(self, number: int) -> float | None:
        """Return the longest time of the reference kernel on an undisturbed machine, in seconds."""
        fastest_s = self._fastest_s.get(self._kind(number))
        return None if fastest_s is None else OTHER_CASES * fastest_s

    def learn(self, number: int, latency: Latency) -> None:
        """Take note of how fast the reference kernel was next to a case."""
        kind = self._kind(number)
        fastest_s = quiet_of([latency], self._fastest_s.get(kind))
        if fastest_s is not None:
            self._fastest_s[kind] = fastest_s

    def _kind(self, number: int) -> tuple[Device, int | None]:
        """Return what the time of the reference kernel depends on."""
        case = self._planned[number].case
        return case.device, case.threads

    def due_before(self, number: int) -> list[tuple[int, int]]:
        """Return the case and the process of each part that comes before a case's own process."""
        return [(case, process) for due, case, process in self._due if due <= number]

    def of(self, number: int) -> tuple[Latency, ...]:
        """Measure what is due before a case's own process, and return the parts of the case.

        Further processes follow while too few are undisturbed, or the interval would still be wide
        with the case's own process, and there is time left.
        """
        while self._due and self._due[0][0] <= number:
            _, case, process = self._due.pop(0)
            self._add(case, process)
        if "latency" in self._planned[number].measures and self._budget.processes > 1:
            while number not in self._failed and self._needs_more(number):
                self._add(number, self._next_process(number))
        return tuple(part for _, part in self._found.pop(number, ()))

    def failure(self, number: int) -> str | None:
        """Return why a part of a case failed, after which no other was measured; None if none did.

        Mostly the case's own process fails the same way. If it doesn't, this must not be lost.
        """
        return self._failed.get(number)

    def _add(self, number: int, process: int) -> None:
        if number in self._failed:
            return
        found = self._found.setdefault(number, [])
        part = self._measure(number, process, tuple(part for _, part in found))
        if isinstance(part, str):
            self._failed[number] = part
        else:
            found.append((process, part))
            self.learn(number, part)

    def _next_process(self, number: int) -> int:
        """Return the number of the next process: that of a disturbed one, in place of which it is.

        So it is forked from the same server. Beyond the least number each process is a fresh one.
        """
        found = self._found.get(number, [])
        quiet_s = quiet_of([part for _, part in found], self.quiet_s(number))
        fit = {process for process, part in found if is_fit(part, quiet_s)}
        return next(process for process in count() if process not in fit)

    def _needs_more(self, number: int) -> bool:
        """Return whether another process is wanted besides the case's own."""
        parts, budget = [part for _, part in self._found.get(number, ())], self._budget
        quiet_s = quiet_of(parts, self.quiet_s(number))
        fit = [part for part in parts if is_fit(part, quiet_s)]
        if len(parts) >= TRIES * (budget.max_processes - 1):
            return False
        others = budget.processes - 1
        if sampled_s(parts) >= budget.max_s * others / budget.processes:
            return False  # the rest of the time is for the case's own process
        if len(fit) < others:
            return True
        if len(fit) >= budget.max_processes - 1:
            return False
        medians_s = over_processes(parts, others, 0.0, quiet_s).process_medians_s
        narrow = budget.within or NARROW[self._planned[number].case.device]
        return expected_half_width(medians_s, more=1) > narrow


def schedule(timed: Sequence[int], cases: int, processes: int) -> list[tuple[int, int, int]]:
    """Return when parts are measured: the case before whose own process, the case, the process.

    The case's own process is the last one, and not among them.

    Args:
        timed: Numbers of the cases whose latency is measured.
        cases: Number of all cases.
        processes: Number of processes of a latency.
    """
    apart = min(MOST_APART, math.ceil(cases / 2))
    found = [
        (number - apart * (processes - 1 - process), number, process)
        for number in timed
        for process in range(processes - 1)
    ]
    return sorted(found)
