"""Intervals and hits: pure functions on numbers, on scipy."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

LEVEL = 0.95


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


def scores(logits: np.ndarray, aggregation: str) -> np.ndarray:
    """Return each video's scores: the mean over its views.

    Args:
        logits: `[videos, views, classes]`.
        aggregation: `softmax` averages probabilities, `logits` the outputs as they are.

    Returns:
        `[videos, classes]`, float64, summed view by view so that nothing else can change the sum.
    """
    values = logits.astype(np.float64)
    if aggregation == "softmax":
        values = np.exp(values - values.max(axis=2, keepdims=True))
        values /= values.sum(axis=2, keepdims=True)
    total = np.zeros((values.shape[0], values.shape[2]))
    for view in range(values.shape[1]):
        total += values[:, view]
    return total / values.shape[1]


def hits_at(k: int, scored: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return for each video whether its class is among the first k: `[videos]`, bool.

    A tie never helps: a class that scores the same as the true one stands before it. Scores that
    are not finite miss.

    Args:
        k: How many places count.
        scored: `[videos, classes]`.
        labels: `[videos]`, indices of the true classes.
    """
    true = np.take_along_axis(scored, labels[:, None], axis=1)
    before = (scored >= true).sum(axis=1) - 1
    finite: np.ndarray = np.isfinite(scored).all(axis=1)
    return finite & (before < k)
