"""The bootstrap of localization's mAP over videos: matched once, then weighed by each draw.

No detection takes an instance of another video, so a draw doesn't change what is matched.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from .average_precision import resampled_precisions
from .bootstrap import (
    DRAWS,
    SEED,
    Bootstrapped,
    BootstrappedDifference,
    bootstrapped,
    bootstrapped_difference,
    drawn_videos,
)
from .instances import Floats
from .temporal import averaged_columns, score_matched
from .temporal_matching import MatchedSegments


class SegmentIntervals(NamedTuple):
    """Intervals of the scores of `SegmentScores`.

    Attributes:
        average: Of the average over the thresholds.
        by_threshold: Of the mAP at each threshold.
        by_class: Of the average over the thresholds of each class with an instance, by its number.
    """

    average: Bootstrapped
    by_threshold: list[Bootstrapped]
    by_class: dict[int, Bootstrapped]


def resampled_segments(matched: MatchedSegments, *, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """Return the mAP at each threshold on videos that are drawn with replacement.

    A video that is drawn twice counts as two videos, whose equal detections stand next to each
    other in the ranking. A draw's mean is over the classes with an instance in its videos.

    Args:
        matched: Detections and what they take.
        draws: Number of times that all videos are drawn.
        seed: Seed of the generator.

    Returns:
        `[T, draws]`; NaN for a draw without an instance.
    """
    mean = _Mean(len(matched.thresholds), draws)
    for _, precision in _resampled_classes(matched, draws, seed):
        mean.add(precision)
    return mean.values


class _Mean:
    """The mean over the classes that a draw has an instance of."""

    def __init__(self, thresholds: int, draws: int) -> None:
        self._total = np.zeros((thresholds, draws))
        self._known = np.zeros(draws, np.int64)

    def add(self, precision: Floats) -> None:
        there = ~np.isnan(precision[0])
        self._total[:, there] += precision[:, there]
        self._known += there

    @property
    def values(self) -> Floats:
        known, total = self._known, self._total
        return np.divide(total, known, out=np.full(total.shape, np.nan), where=known > 0)


def _resampled_classes(
    matched: MatchedSegments, draws: int, seed: int
) -> Iterator[tuple[int, Floats]]:
    """Yield each class with an instance and its precisions under the draws, `[T, draws]`."""
    weights = drawn_videos(matched.videos, draws=draws, seed=seed)
    hits, truth = matched.hits, matched.truth
    for label in np.unique(truth.label).tolist():
        own = slice(*matched.first[label : label + 2].tolist())
        yield (
            label,
            resampled_precisions(
                hits[own],
                matched.found.video[own],
                np.bincount(truth.video[truth.label == label], minlength=matched.videos),
                weights,
                interpolated=matched.rule.interpolated,
                ignored=None if matched.ignored is None else matched.ignored[own],
            ),
        )


def bootstrap_segments(
    matched: MatchedSegments, *, draws: int = DRAWS, seed: int = SEED
) -> SegmentIntervals | None:
    """Return the 95 % intervals of the scores over videos; None without an instance.

    Args:
        matched: Detections and what they take.
        draws: Number of times that all videos are drawn.
        seed: Seed of the generator.
    """
    scores = score_matched(matched)
    if scores.average is None:
        return None
    columns = averaged_columns(matched)
    mean, by_class = _Mean(len(matched.thresholds), draws), {}
    for label, precision in _resampled_classes(matched, draws, seed):
        mean.add(precision)
        own = float(scores.by_class[label, columns].mean())
        by_class[label] = bootstrapped(own, precision[columns].mean(axis=0))
    drawn = mean.values
    return SegmentIntervals(
        bootstrapped(scores.average, drawn[columns].mean(axis=0)),
        [bootstrapped(*each) for each in zip(scores.by_threshold.tolist(), drawn, strict=True)],
        by_class,
    )


def compare_segments(
    first: MatchedSegments, second: MatchedSegments, *, draws: int = DRAWS, seed: int = SEED
) -> BootstrappedDifference | None:
    """Return how much higher the second average is, on the same videos; None without an instance.

    Args:
        first: One set of detections and what they take.
        second: Another one, of the same instances under the same rule.
        draws: Number of times that all videos are drawn.
        seed: Seed of the generator.

    Raises:
        KinobenchError: The two don't have the same rule, thresholds, videos and instances.
    """
    alike = (
        first.rule == second.rule
        and first.thresholds.tolist() == second.thresholds.tolist()
        and (first.videos, first.classes) == (second.videos, second.classes)
        and all(
            np.array_equal(a, b) for a, b in zip(first.truth[:4], second.truth[:4], strict=True)
        )
    )
    if not alike:
        raise KinobenchError(
            "the two sets of detections are matched with other instances, or under other rules: "
            "match both with the same ones"
        )
    averages = [score_matched(each).average for each in (first, second)]
    if averages[0] is None or averages[1] is None:
        return None
    columns = averaged_columns(first)
    drawn = [
        resampled_segments(each, draws=draws, seed=seed)[columns].mean(axis=0)
        for each in (first, second)
    ]
    return bootstrapped_difference(averages[0], averages[1], drawn[0], drawn[1])
