"""Scores, places and hits from logits: pure functions on arrays."""

import numpy as np

NOWHERE = np.iinfo(np.int32).max
"""The place of the true class of a video with a score that is not finite: within no first k."""


def view_scores(logits: np.ndarray, aggregation: str) -> np.ndarray:
    """Return each view's scores, which are averaged over the views of a video.

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
    total: np.ndarray = np.zeros((values.shape[0], values.shape[2]))
    with np.errstate(invalid="ignore"):
        for view in range(values.shape[1]):
            total += values[:, view]
    mean: np.ndarray = total / values.shape[1]
    return mean


def scores(logits: np.ndarray, aggregation: str) -> np.ndarray:
    """Return each video's scores, the mean over its views, in a fixed order of summation.

    Args:
        logits: `[videos, views, classes]`.
        aggregation: `softmax` averages probabilities, `logits` the outputs as they are.

    Returns:
        `[videos, classes]`, float64.
    """
    return mean_score(view_scores(logits, aggregation))


def places(scored: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many classes come before the true one: `[videos]`, int32.

    A tie never helps: a class that scores the same as the true one is counted. The place is
    `NOWHERE` if a score is not finite.

    Args:
        scored: `[videos, classes]`.
        labels: `[videos]`, indices of the true classes.
    """
    true = np.take_along_axis(scored, labels[:, None], axis=1)
    before = np.count_nonzero(scored >= true, axis=1) - 1
    return np.where(np.isfinite(scored).all(axis=1), before, NOWHERE).astype(np.int32)


def hits_at(k: int, scored: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return whether each video's class is among the first k: `[videos]`, bool.

    Args:
        k: Number of places that count.
        scored: `[videos, classes]`.
        labels: `[videos]`, indices of the true classes.
    """
    hits: np.ndarray = places(scored, labels) < k
    return hits


def named_classes(scored: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the class that each video is taken for: `[videos]`, int64; -1 if nothing is finite.

    It is the true one exactly if `hits_at(1, ...)` is true; in a tie it is another class.

    Args:
        scored: `[videos, classes]`.
        labels: `[videos]`, indices of the true classes.
    """
    place = places(scored, labels)
    others = scored.copy()
    np.put_along_axis(others, labels[:, None], -np.inf, axis=1)
    named = np.where(place == 0, labels, others.argmax(axis=1))
    return np.where(place == NOWHERE, -1, named)
