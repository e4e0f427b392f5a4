"""Intervals and the bootstrap: pure functions on numbers, on scipy.

scipy imports its parts, which takes half a second, as they are first used.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy

LEVEL = 0.95
RESAMPLES, SEED = 10_000, 0

_DRAWN_AT_ONCE = 2**21
"""Number of counts of 8 bytes that a bootstrap keeps in memory."""

_FEW_RESAMPLES = 25
"""If fewer resamples than this lie beyond zero, their share says little about a small p."""


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share (Wilson 1927; Brown et al. 2001, eq. 4)."""
    interval = scipy.stats.binomtest(hits, trials).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the median from order statistics; None for fewer than 6 values.

    It assumes no distribution (Conover 1999, section 3.2): the number of values below the true
    median is binomial. With 5 values even the whole range covers only 93.75 %.
    """
    if len(values) < 6:
        return None
    interval = scipy.stats.quantile_test(np.asarray(values), p=0.5).confidence_interval(LEVEL)
    return float(interval.low), float(interval.high)


def log_mean_interval(values: Sequence[float], shared: float = 0.0) -> tuple[float, float] | None:
    """Return the 95 % interval of the geometric mean by Student's t; None for fewer than 2 values.

    It assumes that the logarithms of the values, all above 0, are normally distributed. With three
    values it reaches 2.5 of their standard deviations to either side: three say little.

    Args:
        values: Values above 0.
        shared: Standard uncertainty of the logarithm of something that changes all values alike, so
            that they don't show it. Squares are added up (JCGM 100:2008, 5.1.2).
    """
    if len(values) < 2:
        return None
    logs = np.log(np.asarray(values, float))
    error = float(logs.std(ddof=1)) / len(logs) ** 0.5
    half = float(scipy.special.stdtrit(len(logs) - 1, (1 + LEVEL) / 2)) * error
    half = float(np.hypot(half, scipy.special.ndtri((1 + LEVEL) / 2) * shared))
    middle = float(logs.mean())
    return float(np.exp(middle - half)), float(np.exp(middle + half))


def expected_half_width(values: Sequence[float], more: int = 0) -> float:
    """Return the half width of `log_mean_interval` that is expected with some more values.

    Args:
        values: Values above 0; with fewer than two, the width is infinite.
        more: Number of further values, which are expected to differ as much as these.

    Returns:
        Half of the interval, of the logarithms: 0.05 is 5 % to either side.
    """
    if len(values) < 2:
        return float("inf")
    count = len(values) + more
    spread = float(np.log(np.asarray(values, float)).std(ddof=1))
    return float(scipy.special.stdtrit(count - 1, (1 + LEVEL) / 2)) * spread / count**0.5


class Resampled(NamedTuple):
    """A difference by a paired bootstrap.

    Attributes:
        interval: The 95 % interval.
        p: Two-sided; below 5 % exactly if the interval excludes zero.
    """

    interval: tuple[float, float]
    p: float


def resampled_difference(
    a: np.ndarray,
    b: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Resampled | None:
    """Resample the mean of `b - a` by a paired bootstrap (percentiles).

    Videos are drawn with replacement, both networks' results of a video together; with clusters,
    whole clusters are drawn (Davison & Hinkley 1997, section 3.8), and the mean is that over the
    videos drawn. Clusters of one size and one sum are alike, so that what is drawn is how many of
    each kind, which has the multinomial distribution: nothing grows with the number of videos.
    The same seed and data give the same result in whatever order the videos stand, and with `a` and
    `b` exchanged the opposite one. It returns None if there is only one video, or cluster.

    The interval's ends are the resamples at place (R + 1) 2.5 % from either end. p is the share of
    resamples beyond zero (Davison & Hinkley 1997, equation 4.11), doubled; in the far tail, where
    too few are, it is that of a normal distribution with the resamples' mean and spread.

    Args:
        a: `[videos]`, bool: the one network gets the video.
        b: `[videos]`, bool: the other network does.
        clusters: `[videos]`, an index for each; None draws videos.
        resamples: Number of times that videos or clusters are drawn.
        seed: Seed of the generator.
    """
    differences = b.astype(np.int64) - a.astype(np.int64)
    sizes = np.ones_like(differences)
    if clusters is not None:
        _, member = np.unique(clusters, return_inverse=True)
        differences = np.bincount(member, differences).astype(np.int64)
        sizes = np.bincount(member)
    count = len(sizes)
    if count < 2:
        return None
    sign = -1 if differences.sum() < 0 else 1
    kinds, alike = np.unique(np.stack([sign * differences, sizes]), axis=1, return_counts=True)
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    at_once = max(1, _DRAWN_AT_ONCE // len(alike))
    for first in range(0, resamples, at_once):
        size = min(at_once, resamples - first)
        drawn = generator.multinomial(count, alike / count, size=size) @ kinds.T
        means[first : first + size] = drawn[:, 0] / drawn[:, 1]
    return of_draws(means, sign)


def of_draws(means: np.ndarray, sign: int) -> Resampled:
    """Return the interval and p of a difference from its resamples; see `resampled_difference`.

    Args:
        means: `[resamples]`, of the difference that is not below 0.
        sign: -1 if the opposite difference is asked for, else 1.
    """
    means = np.sort(means)
    beyond = int(np.count_nonzero(means <= 0))
    p = min(1.0, 2 * (beyond + 1) / (len(means) + 1))
    outer = max(1, int((1 - LEVEL) / 2 * (len(means) + 1)))
    low, high = float(means[outer - 1]), float(means[-outer])
    spread = float(means.std())
    if low > 0 and beyond < _FEW_RESAMPLES and spread > 0:
        p = min(p, 2 * float(scipy.stats.norm.sf(float(means.mean()) / spread)))
    return Resampled((low, high) if sign > 0 else (-high, -low), p)


def difference_interval(
    a: np.ndarray,
    b: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float, float] | None:
    """Return the interval of `resampled_difference`, which takes the same arguments."""
    found = resampled_difference(a, b, clusters, resamples=resamples, seed=seed)
    return None if found is None else found.interval
