"""The time that the rest of a run will take, from the cases that are finished."""

from collections.abc import Sequence

import numpy as np

from ..cost.models import model_of
from .planned import Planned

FEW, ENOUGH = 4, 2
"""A run of more than so many cases has an estimate once so many are finished: in the time of the
first, libraries are loaded too."""

LEAST_LEFT = 0.1
"""Share of its expected time that a case still takes, at least, however long it has taken."""


def work_of(planned: Sequence[Planned], videos: Sequence[int]) -> list[float]:
    """Return the work of each case: the MACs of all its forwards, of which the number is a guess.

    A network whose MACs are not known has the mean work of the others, or none.

    Args:
        planned: The cases.
        videos: Number of videos that each is scored on; 0 for one without a dataset.
    """
    found = [_macs(each) for each in planned]
    known = [macs for macs in found if macs is not None]
    usual = sum(known) / len(known) if known else 0.0
    work = []
    for each, macs, count in zip(planned, found, videos, strict=True):
        views = count * each.case.protocol.views if "accuracy" in each.measures else 0
        work.append((usual if macs is None else macs) * (1 + views))
    return work


def _macs(planned: Planned) -> float | None:
    """Return the MACs of a view: those of the network's own input, by the number of pixels."""
    model, protocol = model_of(planned.case.model), planned.case.protocol
    if model.macs is None:
        return None
    own = model.frames * model.size**2
    return model.macs * protocol.frames * protocol.size**2 / own


class Remaining:
    """Estimates the time that is left, each time that it is asked.

    A case takes some time that all cases take, and some for its work. Both come from the finished
    cases by least squares, the first left out where there are others; neither is below 0.
    """

    def __init__(self, work: Sequence[float]) -> None:
        """Begin without finished cases; `work` is that of each case, in any unit."""
        self._work = list(work)
        self._took_s = [0.0] * len(self._work)
        self._finished: list[int] = []
        self._left_out: set[int] = set()

    def spend(self, number: int, took_s: float) -> None:
        """Take note of seconds that a case took, by its number; it may take more."""
        self._took_s[number] += took_s

    def took_s(self, number: int) -> float:
        """Return the seconds that a case has taken."""
        return self._took_s[number]

    def finish(self, number: int) -> None:
        """Take note that a case is finished."""
        self._finished.append(number)

    def leave_out(self, number: int) -> None:
        """Take note of a case that need not be measured."""
        self._left_out.add(number)

    def left_s(self, current: int | None = None, spending_s: float = 0.0) -> float | None:
        """Return the seconds that are left; None as long as too few cases are finished.

        Args:
            current: Number of the case that is being measured; None: none is.
            spending_s: Seconds of it that `spend` has not been given yet.
        """
        if len(self._finished) < (ENOUGH if len(self._work) > FEW else 1):
            return None
        every_s, per_work_s = self._fit()
        left_s = 0.0
        done = self._left_out.union(self._finished)
        for number, work in enumerate(self._work):
            if number not in done:
                expected_s = every_s + per_work_s * work
                took_s = self._took_s[number] + (spending_s if number == current else 0.0)
                left_s += max(expected_s - took_s, LEAST_LEFT * expected_s)
        return left_s

    def _fit(self) -> tuple[float, float]:
        """Return the seconds that every case takes, and those of a unit of work."""
        known = self._finished[1:] if len(self._finished) > ENOUGH else self._finished
        work = np.array([self._work[number] for number in known])
        took_s = np.array([self._took_s[number] for number in known])
        spread = work - work.mean()
        if len(known) < 3 or not np.any(spread):  # two points lie on any line
            return float(np.median(took_s)), 0.0
        slope = float(spread @ took_s / (spread @ spread))
        if slope <= 0:
            return float(np.median(took_s)), 0.0
        begin_s = float(took_s.mean() - slope * work.mean())
        if begin_s >= 0:
            return begin_s, slope
        return 0.0, float(work @ took_s / (work @ work))
