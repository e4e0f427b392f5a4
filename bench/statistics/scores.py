"""Scores, places and hits from logits: pure functions on arrays."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

NOWHERE = np.iinfo(np.int32).max
"""The place of the true class of a video with a score that is not finite: within no first k."""


Averaged = Literal["softmax", "logits", "sigmoid"]
"""What is averaged over the views of a video."""


def averaged_of(aggregation: Literal["softmax", "logits"], scoring: str) -> Averaged:
    """Return what is averaged under a protocol's rule, where a split is scored in some way.

    By `map` each class is a question of its own, so probabilities are those of a sigmoid, as in
    the codebases that report it on Charades (facebookresearch/SlowFast,
    slowfast/models/head_helper.py, `act_func`). A softmax would make a video's score in a class
    depend on its other classes, which moves videos in the ranking.

    Args:
        aggregation: The protocol's rule: `softmax` stands for probabilities.
        scoring: `top-k`, `hit-k` or `map`.
    """
    return "sigmoid" if scoring == "map" and aggregation == "softmax" else aggregation


def view_scores(logits: np.ndarray, aggregation: str) -> np.ndarray:
    """Return each view's scores, which are averaged over the views of a video.

    Args:
        logits: `[videos, views, classes]`.
        aggregation: `softmax` gives probabilities of one class, `sigmoid` those of each class,
            `logits` the outputs as they are.

    Returns:
        `[videos, views, classes]`, float64. A view with a logit that is not finite gives NaN or an
        infinity.
    """
    values = logits.astype(np.float64)
    if aggregation == "sigmoid":
        with np.errstate(over="ignore"):
            probable = 1 / (1 + np.exp(-values))
        # An infinity would give 0 or 1, and its video would not come last.
        return np.where(np.isfinite(values), probable, np.nan)
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
        aggregation: See `view_scores`.

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


def label_mask(labels: Sequence[Sequence[int]], classes: int) -> np.ndarray:
    """Return which classes each video has: `[videos, classes]`, bool.

    Args:
        labels: The labels of each video.
        classes: Number of classes.
    """
    mask = np.zeros((len(labels), classes), bool)
    counts = np.array([len(each) for each in labels], np.int64)
    flat = np.array([label for each in labels for label in each], np.int64)
    mask[np.repeat(np.arange(len(labels)), counts), flat] = True
    return mask


def places_of_any(scored: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return how many wrong classes come before the first of the true ones: `[videos]`, int32.

    A video hits at k if that is less than k (Karpathy et al., CVPR 2014: any of its labels is among
    the first k). A tie never helps: a wrong class that scores the same is counted. The place is
    `NOWHERE` if a score is not finite, or if the video has no class.

    Args:
        scored: `[videos, classes]`.
        true: `[videos, classes]`, bool: the classes of each.
    """
    best = np.where(true, scored, -np.inf).max(axis=1, keepdims=True)
    before = np.count_nonzero((scored >= best) & ~true, axis=1)
    can_hit = np.isfinite(scored).all(axis=1) & true.any(axis=1)
    return np.where(can_hit, before, NOWHERE).astype(np.int32)


def places_of_each(scored: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many wrong classes come before each true class of each video.

    Args:
        scored: `[videos, classes]`.
        true: `[videos, classes]`, bool: the classes of each.

    Returns:
        The video and the class of each pair, `[2, pairs]`, in order; its place, `[pairs]`, int32:
        `NOWHERE` if a score of the video is not finite.
    """
    pairs = np.stack(np.nonzero(true))
    rows = scored[pairs[0]]
    own = np.take_along_axis(rows, pairs[1][:, None], axis=1)
    before = np.count_nonzero((rows >= own) & ~true[pairs[0]], axis=1)
    place = np.where(np.isfinite(rows).all(axis=1), before, NOWHERE).astype(np.int32)
    return pairs, place


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


def named_classes_of_any(scored: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the class that each video is taken for: `[videos]`, int64; -1 if nothing is finite.

    It is a true one exactly if `places_of_any` gives 0; in a tie it is another class.

    Args:
        scored: `[videos, classes]`.
        true: `[videos, classes]`, bool: the classes of each.
    """
    place = places_of_any(scored, true)
    right = np.where(true, scored, -np.inf).argmax(axis=1)
    wrong = np.where(true, -np.inf, scored).argmax(axis=1)
    named = np.where(place == 0, right, wrong)
    return np.where(np.isfinite(scored).all(axis=1), named, -1)
