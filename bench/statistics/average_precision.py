"""Average precision of ranked videos, and its bootstrap: pure functions on arrays."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import scipy

from .intervals import LEVEL, SEED

MAP_RESAMPLES = 1000
"""Draws of a bootstrap of the mAP: each ranks every class again."""

_DRAWN_AT_ONCE = 2**24
"""Number of weights of 4 bytes that a bootstrap keeps in memory."""


class MeanPrecision(NamedTuple):
    """A mean average precision (fraction).

    Attributes:
        map: The mean over the classes that a video has; None if there is none.
        by_class: `[classes]`, float64; NaN for a class that no video has.
        classes: Number of classes that a video has.
    """

    map: float | None
    by_class: np.ndarray
    classes: int


def ranked_scores(scored: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return scores as they are ranked: a video that can't win anything comes last in each class.

    That is a video without a label, as in `charades_map` of the dataset's own script
    (gsig/charades-algorithms, `pytorch/map.py`), and one with a score that is not finite.

    Args:
        scored: `[videos, classes]`.
        true: `[videos, classes]`, bool.

    Returns:
        `[videos, classes]`, float64; minus infinity for those videos.
    """
    ranked: np.ndarray = scored.astype(np.float64)
    ranked[~np.isfinite(ranked).all(axis=1) | ~true.any(axis=1)] = -np.inf
    return ranked


def mean_average_precision(scored: np.ndarray, true: np.ndarray) -> MeanPrecision:
    """Return the mean over the classes of the average precision of their rankings.

    As `map` of the Charades script (gsig/charades-algorithms, `pytorch/map.py`): the precision at
    the place of each video of the class, averaged over these (Sigurdsson et al., ECCV 2016).
    Classes that no video has are left out; the script's mean is NaN there. The script breaks ties
    as the sort leaves them; here a tie never helps: those without the class come first.

    Args:
        scored: `[videos, classes]`; see `ranked_scores` for what comes last.
        true: `[videos, classes]`, bool: the video has the class.
    """
    order = _order(ranked_scores(scored, true), true)
    hit = np.take_along_axis(true.T, order, axis=1)
    precision = np.cumsum(hit, axis=1) / np.arange(1, hit.shape[1] + 1)
    positives = hit.sum(axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0: a class that no video has
        by_class = (precision * hit).sum(axis=1) / positives
    known = positives > 0
    mean = float(by_class[known].mean()) if known.any() else None
    return MeanPrecision(mean, by_class, int(known.sum()))


def resampled_maps(
    networks: Sequence[np.ndarray],
    true: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    resamples: int = MAP_RESAMPLES,
    seed: int = SEED,
) -> np.ndarray | None:
    """Return the mAP of networks on videos that are drawn with replacement, the same for all.

    With clusters, whole clusters are drawn (Davison & Hinkley 1997, section 3.8). A video that is
    drawn twice counts twice, at one place of the ranking. Classes that no drawn video has are left
    out of a draw's mean. What is drawn depends on the order of the videos: give them in one that
    doesn't change, such as that of their ids. It returns None if there is only one video, or
    cluster.

    Args:
        networks: Scores `[videos, classes]` of each network.
        true: `[videos, classes]`, bool.
        clusters: `[videos]`, an index for each; None draws videos.
        resamples: Number of times that videos or clusters are drawn.
        seed: Seed of the generator.

    Returns:
        `[networks, resamples]`, float64; NaN for a draw without any label.
    """
    member = np.arange(len(true))
    if clusters is not None:
        _, member = np.unique(clusters, return_inverse=True)
    count = int(member.max()) + 1 if len(member) else 0
    if count < 2:
        return None
    orders = [_order(ranked_scores(each, true), true) for each in networks]
    found = np.full((len(networks), resamples), np.nan)
    generator = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_AT_ONCE // len(true))
    for first in range(0, resamples, at_once):
        size = min(at_once, resamples - first)
        drawn = generator.multinomial(count, np.full(count, 1 / count), size=size)
        weights = drawn.astype(np.int32)[:, member].T.copy()
        for number, order in enumerate(orders):
            found[number, first : first + size] = _weighted_map(order, true, weights)
    return found


def _weighted_map(order: np.ndarray, true: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mAP under each column of weights `[videos, draws]`: `[draws]`."""
    total, known = np.zeros(weights.shape[1]), np.zeros(weights.shape[1])
    for precision, there in _weighted_precisions(order, true, weights):
        total += precision
        known += there
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = total / known
    return mean


def _weighted_precisions(
    order: np.ndarray, true: np.ndarray, weights: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each class's average precision under each draw, 0 without the class, and its presence.

    Weights between two videos of the class are added up first: only these videos' places count.
    """
    for row, label in zip(order, true.T, strict=True):
        places = np.flatnonzero(label[row])
        if not len(places):
            continue
        until = row[: places[-1] + 1]
        starts = np.concatenate([[0], places[:-1] + 1])
        ranked = np.cumsum(np.add.reduceat(weights[until], starts, axis=0), axis=0)
        own = weights[row[places]]
        hits = np.cumsum(own, axis=0)
        precision = np.divide(hits, ranked, out=np.zeros(hits.shape), where=ranked > 0)
        positives = hits[-1]
        summed = (precision * own).sum(axis=0)
        there = positives > 0
        yield np.divide(summed, positives, out=np.zeros(len(there)), where=there), there


def interval_of(
    estimate: float, resampled: np.ndarray, least: float = 0.0
) -> tuple[float, float] | None:
    """Return the 95 % interval of a bootstrap by the spread of its draws; None if none varies.

    The spread is taken as that of a normal distribution around the estimate (Davison & Hinkley
    1997, section 5.2.1). Percentiles would be wrong: a video that is drawn twice raises a class's
    precision, so the draws of an mAP lie above it.

    Args:
        estimate: The value of the videos as they are.
        resampled: `[resamples]`, those of the draws; NaN where there was none.
        least: The least value that there can be; the most is 1.
    """
    spread = _spread(resampled)
    if spread is None or spread == 0:
        return None
    half = float(scipy.stats.norm.ppf((1 + LEVEL) / 2)) * spread
    return max(least, estimate - half), min(1.0, estimate + half)


def p_of(difference: float, resampled: np.ndarray) -> float:
    """Return the two-sided p of a difference: below 5 % where `interval_of` leaves out 0.

    Args:
        difference: The difference of the videos as they are.
        resampled: `[resamples]`, those of the draws; NaN where there was none.
    """
    spread = _spread(resampled)
    if not spread:
        return 1.0
    return min(1.0, 2 * float(scipy.stats.norm.sf(abs(difference) / spread)))


def _spread(resampled: np.ndarray) -> float | None:
    known = resampled[np.isfinite(resampled)]
    return float(known.std(ddof=1)) if len(known) > 1 else None


def _order(ranked: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the videos of each class, the first first: `[classes, videos]`."""
    order: np.ndarray = np.lexsort((true.T, -ranked.T), axis=-1)
    return order
