"""Average precisions by class and threshold, and their means with intervals over videos."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..average_precision import Flags, average_precision, resampled_precisions
from ..bootstrap import bootstrapped, drawn_videos
from ..instances import Floats, Ints
from .rules import Area, MeanOver
from .trapezoid import resampled_trapezoids, trapezoid_precision


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


class Ranked(NamedTuple):
    """Detections of all classes and what they hit, each class's by rank.

    Attributes:
        label: Class of each detection, rising, `[N]`.
        video: Video of each, `[N]`.
        hits: Whether each is a true positive, `[thresholds, N]`.
        true_label, true_video: Of each true instance, `[M]`.
        scored: Whether a class is scored, `[classes]`.
        videos: Number of videos.
    """

    label: Ints
    video: Ints
    hits: Flags
    true_label: Ints
    true_video: Ints
    scored: Flags
    videos: int


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
    used = np.flatnonzero(~np.isnan(found.precision).all(axis=0))
    wanted = {f"{each:g}": (each,) for each in found.thresholds} | dict(averages)
    if not len(used):
        return {name: MeanScore(None) for name in wanted}
    means = found.precision[:, used].mean(axis=1)
    drawn = _drawn_means(ranked, found, used, area, draws, seed) if draws else None
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


def _drawn_means(
    ranked: Ranked, found: ByClass, used: Ints, area: Area, draws: int, seed: int
) -> Floats:
    """Return the mAP at each threshold under each draw: `[thresholds, draws]`.

    Classes of which no drawn video has an instance are left out of a draw's mean.
    """
    weights = drawn_videos(ranked.videos, draws=draws, seed=seed)
    total = np.zeros((len(found.thresholds), draws))
    known = np.zeros(draws)
    edges = np.concatenate([[0], np.cumsum(found.detections)])
    order = np.argsort(ranked.true_label, kind="stable")
    true_edges = np.concatenate([[0], np.cumsum(found.truths)])
    for label in used:
        own = slice(edges[label], edges[label + 1])
        its = ranked.true_video[order[true_edges[label] : true_edges[label + 1]]]
        columns = (
            np.ascontiguousarray(ranked.hits[:, own].T),
            ranked.video[own],
            np.bincount(its, minlength=ranked.videos),
            weights,
        )
        drawn = (
            resampled_trapezoids(*columns)
            if area == "trapezoid"
            else resampled_precisions(*columns, interpolated=True)
        )
        there = ~np.isnan(drawn[0])
        total[:, there] += drawn[:, there]
        known += there
    with np.errstate(invalid="ignore"):
        mean: Floats = total / known
    return mean
