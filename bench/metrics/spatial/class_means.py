"""Average precisions by class and threshold, and their means with intervals over videos."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..average_precision import average_precision
from ..bootstrap import DRAWS, SEED, bootstrapped, drawn_videos
from ..instances import Floats, Ints
from .drawn_means import Ranked, drawn_means
from .rules import Area, MeanOver
from .trapezoid import trapezoid_precision


class MeanScore(NamedTuple):
    """A mean average precision, from 0 to 1.

    Attributes:
        map: The mean over the classes; None if there is no class to score.
        interval: Its 95 % interval over videos; None if it wasn't asked for or nothing varies.
        draws: `[draws]`: its value under each draw of videos, for a paired comparison.
    """

    map: float | None
    interval: tuple[float, float] | None = None
    draws: Floats | None = None


class ByClass(NamedTuple):
    """What was found of each class.

    Attributes:
        thresholds: The thresholds.
        precision: Average precisions, `[thresholds, classes]`; NaN for a class that isn't in the
            mean.
        truths: Number of true instances, `[classes]`; 0 for a class that isn't scored.
        detections: Number of predictions that count, `[classes]`.
        hits: Number of true positives, `[thresholds, classes]`.
    """

    thresholds: tuple[float, ...]
    precision: Floats
    truths: Ints
    detections: Ints
    hits: Ints


def by_class(
    ranked: Ranked, thresholds: tuple[float, ...], *, area: Area, mean_over: MeanOver
) -> ByClass:
    """Return the average precision of each class at each threshold."""
    classes = len(ranked.scored)
    truths = np.bincount(ranked.true_label, minlength=classes)
    detections = np.bincount(ranked.label, minlength=classes)
    precision = np.full((len(thresholds), classes), np.nan)
    hits = np.zeros((len(thresholds), classes), np.int64)
    edges = np.concatenate([[0], np.cumsum(detections)])
    for label in range(classes):
        own = ranked.hits[:, edges[label] : edges[label + 1]]
        hits[:, label] = own.sum(axis=1)
        for number, each in enumerate(own):
            precision[number, label] = (
                trapezoid_precision(each, int(truths[label]))
                if area == "trapezoid"
                else average_precision(each, int(truths[label]), interpolated=True)
            )
    if mean_over == "all scored":
        precision[:, ranked.scored & (truths == 0)] = 0.0
    elif mean_over == "with truth and detections":
        precision[:, detections == 0] = np.nan
    return ByClass(thresholds, precision, truths, detections, hits)


def mean_scores(
    ranked: Ranked,
    found: ByClass,
    averages: Mapping[str, tuple[float, ...]],
    *,
    area: Area,
    draws: int,
    seed: int,
) -> dict[str, MeanScore]:
    """Return the mAP at each threshold, by its text, and each average over thresholds, by its name.

    Args:
        ranked: The detections.
        found: What `by_class` gives of them.
        averages: Name -> thresholds; all of them are in `found`.
        area: As for `by_class`.
        draws: Number of draws of the bootstrap over videos; 0 for no intervals.
        seed: Its seed.
    """
    used = np.asarray(~np.isnan(found.precision).all(axis=0), bool)
    wanted = {f"{each:g}": (each,) for each in found.thresholds} | dict(averages)
    if not used.any():
        return {name: MeanScore(None) for name in wanted}
    means = found.precision[:, used].mean(axis=1)
    weights = drawn_videos(ranked.videos, draws=draws, seed=seed) if draws else None
    drawn = None if weights is None else drawn_means(ranked, used, weights, area)
    scores = {}
    for name, thresholds in wanted.items():
        rows = [found.thresholds.index(each) for each in thresholds]
        mean = float(means[rows].mean())
        if drawn is None:
            scores[name] = MeanScore(mean)
            continue
        interval, values = bootstrapped(mean, drawn[rows].mean(axis=0))
        scores[name] = MeanScore(mean, interval, values)
    return scores


def class_intervals(
    ranked: Ranked, found: ByClass, *, area: Area, draws: int = DRAWS, seed: int = SEED
) -> dict[int, tuple[float, float] | None]:
    """Return the 95 % interval over videos of each class's precision at the first threshold.

    Args:
        ranked: The detections.
        found: What `by_class` gives of them.
        area: As for `by_class`.
        draws: Number of draws of the bootstrap over videos.
        seed: Its seed.

    Returns:
        The interval of each class that is in the mean, by its number; None where nothing varies.
    """
    weights = drawn_videos(ranked.videos, draws=draws, seed=seed)
    intervals = {}
    for label in np.flatnonzero(~np.isnan(found.precision[0])).tolist():
        own, true = ranked.label == label, ranked.true_label == label
        alone = Ranked(
            np.zeros(int(own.sum()), np.int64),
            ranked.video[own],
            ranked.hits[:1, own],
            np.zeros(int(true.sum()), np.int64),
            ranked.true_video[true],
            np.ones(1, bool),
            ranked.videos,
        )
        drawn = drawn_means(alone, np.ones(1, bool), weights, area)[0]
        intervals[label] = bootstrapped(float(found.precision[0, label]), drawn).interval
    return intervals
