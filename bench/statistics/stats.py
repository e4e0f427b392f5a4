"""Scores, hits, intervals and tests: pure functions on numbers, on scipy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

LEVEL = 0.95
RESAMPLES, SEED = 10_000, 0

_DRAWN_AT_ONCE = 2**21
"""Counts that a bootstrap holds, of 8 bytes each."""

_FEW_RESAMPLES = 25
"""Where fewer than these lie beyond zero, their share says little of how small a p is."""


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share (Wilson 1927; Brown et al. 2001, eq. 4)."""
    interval = stats.binomtest(hits, trials).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the median from order statistics; None for fewer than 6 values.

    It assumes no distribution (Conover 1999, section 3.2): the number of values below the true
    median is binomial. With 5 values even the whole range covers only 93.75 %.
    """
    if len(values) < 6:
        return None
    interval = stats.quantile_test(np.asarray(values), p=0.5).confidence_interval(LEVEL)
    return float(interval.low), float(interval.high)


def view_scores(logits: np.ndarray, aggregation: str) -> np.ndarray:
    """Return what is averaged over the views of a video.

    Args:
        logits: `[videos, views, classes]`.
        aggregation: `softmax` gives probabilities, `logits` the outputs as they are.

    Returns:
        `[videos, views, classes]`, float64. A view with a logit that is not finite gives NaN or an
        infinity.
    """
    values = logits.astype(np.float64)
    if aggregation == "softmax":
        with np.errstate(invalid="ignore"):  # inf - inf: such a video misses, see `places`
            values -= values.max(axis=2, keepdims=True)
        np.exp(values, out=values)
        values /= values.sum(axis=2, keepdims=True)
    return values


def mean_score(values: np.ndarray) -> np.ndarray:
    """Average scores over views: `[videos, views, classes]` to `[videos, classes]`, float64.

    They are summed view by view, so that nothing but their order can change the sum.
    """
    total = np.zeros((values.shape[0], values.shape[2]))
    with np.errstate(invalid="ignore"):
        for view in range(values.shape[1]):
            total += values[:, view]
    return total / values.shape[1]


def scores(logits: np.ndarray, aggregation: str) -> np.ndarray:
    """Return each video's scores, the mean over its views, in a fixed order of summation.

    Args:
        logits: `[videos, views, classes]`.
        aggregation: `softmax` averages probabilities, `logits` the outputs as they are.

    Returns:
        `[videos, classes]`, float64.
    """
    return mean_score(view_scores(logits, aggregation))


NOWHERE = np.iinfo(np.int32).max
"""The place of the true class where the scores are not finite: within no first k."""


def places(scored: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many classes stand before the true one: `[videos]`, int32.

    A tie never helps: a class that scores the same as the true one stands before it. Where a score
    is not finite it is `NOWHERE`.

    Args:
        scored: `[videos, classes]`.
        labels: `[videos]`, indices of the true classes.
    """
    true = np.take_along_axis(scored, labels[:, None], axis=1)
    before = np.count_nonzero(scored >= true, axis=1) - 1
    return np.where(np.isfinite(scored).all(axis=1), before, NOWHERE).astype(np.int32)


def hits_at(k: int, scored: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return for each video whether its class is among the first k: `[videos]`, bool.

    Args:
        k: How many places count.
        scored: `[videos, classes]`.
        labels: `[videos]`, indices of the true classes.
    """
    hits: np.ndarray = places(scored, labels) < k
    return hits


def named_classes(scored: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the class that each video is taken for: `[videos]`, int64; -1 if nothing is finite.

    It is the true one exactly where `hits_at(1, ...)` holds: of tied classes, another one.

    Args:
        scored: `[videos, classes]`.
        labels: `[videos]`, indices of the true classes.
    """
    place = places(scored, labels)
    others = scored.copy()
    np.put_along_axis(others, labels[:, None], -np.inf, axis=1)
    named = np.where(place == 0, labels, others.argmax(axis=1))
    return np.where(place == NOWHERE, -1, named)


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p of the exact McNemar test (Fagerland et al. 2013, equation 3).

    If two networks were equally good, a video that just one of them gets would be either's with
    probability one half.

    Args:
        only_a: Videos that only the one network gets.
        only_b: Videos that only the other gets.
    """
    # The two tails are alike, so that none must be searched for, as binomtest does.
    tail = stats.binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)
    return min(1.0, 2 * float(tail))


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for how many there are (Holm 1979): each at most 1, in their order.

    Rejecting where one is below 5 % makes a false claim among them all in at most 5 % of cases.
    It is written here since scipy hasn't got it; statsmodels has, which is a large library for six
    lines, and so the tests alone need it and hold this to it.
    """
    adjusted, least = [0.0] * len(p), 0.0
    for before, at in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - before) * p[at]))
        adjusted[at] = least
    return adjusted


class Resampled(NamedTuple):
    """What a paired bootstrap says of a difference.

    Attributes:
        interval: Of 95 %.
        p: Two-sided; below 5 % exactly where the interval excludes zero.
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
    `b` exchanged the opposite one. None where there is but one video, or cluster.

    The interval's ends are the resamples at place (R + 1) 2.5 % from either end. p is the share of
    resamples beyond zero (Davison & Hinkley 1997, equation 4.11), doubled; in the far tail, where
    too few are, it is that of a normal distribution with the resamples' mean and spread.

    Args:
        a: `[videos]`, bool, whether the one network gets the video.
        b: `[videos]`, whether the other does.
        clusters: `[videos]`, an index for each; None draws videos.
        resamples: How often.
        seed: Of the generator.
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
    means.sort()
    beyond = int(np.count_nonzero(means <= 0))
    p = min(1.0, 2 * (beyond + 1) / (resamples + 1))
    outer = max(1, int((1 - LEVEL) / 2 * (resamples + 1)))
    low, high = float(means[outer - 1]), float(means[-outer])
    spread = float(means.std())
    if low > 0 and beyond < _FEW_RESAMPLES and spread > 0:
        p = min(p, 2 * float(stats.norm.sf(float(means.mean()) / spread)))
    return Resampled((low, high) if sign > 0 else (-high, -low), p)


def difference_interval(
    a: np.ndarray,
    b: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float, float] | None:
    """Return the interval of `resampled_difference`, of which the arguments are."""
    found = resampled_difference(a, b, clusters, resamples=resamples, seed=seed)
    return None if found is None else found.interval
