"""Time of stages, one after the other without a gap, and what follows from many samples."""

import statistics
from collections.abc import Callable, Sequence

import torch

from ..records.times import StageTime, shares_of
from ..statistics.intervals import median_interval

LEAST_VIDEOS = 6
"""The fewest whose order statistics bound the median at 95 %: 1 - 2 * 0.5 ** 6 = 0.97."""

Clock = Callable[[], float]
Note = Callable[[str], None]


class Laps:
    """Splits time into stages without a gap: a lap lasts from the end of the one before it.

    Attributes:
        spent_s: Seconds of each stage, in the order in which they first ended.
    """

    def __init__(self, clock: Clock, synchronise: Callable[[], None]) -> None:
        """Begin the first lap."""
        self._clock = clock
        self._synchronise = synchronise
        self.spent_s: dict[str, float] = {}
        self.restart()

    def restart(self) -> None:
        """Begin again, with nothing spent."""
        self._synchronise()
        self.spent_s = {}
        self._last_s = self._clock()

    def lap(self, stage: str) -> None:
        """End a stage, after the device has finished its work."""
        self._synchronise()
        now_s = self._clock()
        self.spent_s[stage] = self.spent_s.get(stage, 0.0) + now_s - self._last_s
        self._last_s = now_s


def laps_of(device: torch.device, clock: Clock) -> Laps:
    """Return laps that wait for the device."""

    def nothing() -> None: ...

    return Laps(clock, torch.cuda.synchronize if device.type == "cuda" else nothing)


def stages_of(samples: Sequence[dict[str, float]]) -> tuple[StageTime, ...]:
    """Return each stage's times over all samples, and its share: median over sum of medians."""
    names = dict.fromkeys(name for sample in samples for name in sample)
    times_s = [tuple(sample.get(name, 0.0) for sample in samples) for name in names]
    medians_s = [statistics.median(each) for each in times_s]
    return tuple(
        StageTime(
            name=name,
            samples_s=each,
            median_s=median_s,
            interval_s=median_interval(each),
            share=share,
        )
        for name, each, median_s, share in zip(
            names, times_s, medians_s, shares_of(medians_s), strict=True
        )
    )
