"""Intervals of a mean average precision by a bootstrap over videos: numbers in, numbers out.

The interval is as wide as the draws spread, around the score. Percentiles of the draws don't cover
it: a detection of a video that is drawn twice is followed by its copy, which raises a precision, so
that the draws lie above the score. A test has both on made-up detections.
"""

from typing import NamedTuple

import numpy as np

from ..statistics.average_precision import interval_of, p_of
from ..statistics.intervals import LEVEL
from .instances import Floats, Ints

DRAWS, SEED = 1000, 0


class Bootstrapped(NamedTuple):
    """A score on videos that are drawn with replacement.

    Attributes:
        interval: The 95 % interval; None if the draws don't vary.
        draws: `[draws]`: the score of each draw; NaN for a draw without a positive.
    """

    interval: tuple[float, float] | None
    draws: Floats

    @property
    def percentiles(self) -> tuple[float, float] | None:
        """The draws at place (R + 1) 2.5 % from either end; None without a draw that counts."""
        known = np.sort(self.draws[np.isfinite(self.draws)])
        if not len(known):
            return None
        outer = max(1, int((1 - LEVEL) / 2 * (len(known) + 1)))
        return float(known[outer - 1]), float(known[-outer])


class BootstrappedDifference(NamedTuple):
    """A difference of two scores on the same videos, by a paired bootstrap.

    Attributes:
        difference: The second score less the first, of the videos as they are.
        interval: The 95 % interval; None if the draws don't vary.
        p: Two-sided; below 5 % where the interval leaves out 0.
    """

    difference: float
    interval: tuple[float, float] | None
    p: float


def drawn_videos(videos: int, *, draws: int = DRAWS, seed: int = SEED) -> Ints:
    """Return how often each video is drawn: `[videos, draws]`, int32, each column sums to videos.

    What is drawn depends on the numbers of the videos: number them in an order that doesn't change,
    such as that of their ids.

    Args:
        videos: Number of videos; those without instances and detections count too.
        draws: Number of times that all are drawn with replacement.
        seed: Seed of the generator.
    """
    share = np.full(videos, 1 / max(1, videos))
    drawn = np.random.default_rng(seed).multinomial(videos, share, size=draws)
    return np.ascontiguousarray(drawn.T, dtype=np.int32)


def bootstrapped(score: float, draws: Floats) -> Bootstrapped:
    """Return the 95 % interval of a score from its draws, as `interval_of` of the statistics.

    Args:
        score: The score of the videos as they are, 0 to 1.
        draws: `[draws]`: its value on the videos of each draw.
    """
    return Bootstrapped(interval_of(score, draws), draws)


def bootstrapped_difference(
    first: float, second: float, first_draws: Floats, second_draws: Floats
) -> BootstrappedDifference:
    """Return how much higher the second score is, by the same draws of the same videos.

    Args:
        first: The first score of the videos as they are.
        second: The second one.
        first_draws: `[draws]`: the first score on the videos of each draw.
        second_draws: `[draws]`: the second one on the same videos.
    """
    difference, spread = second - first, second_draws - first_draws
    interval = interval_of(difference, spread, least=-1.0)
    return BootstrappedDifference(difference, interval, p_of(difference, spread))
