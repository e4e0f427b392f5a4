"""Stored predictions as tables: the mean average precision by threshold and by class."""

import msgspec
import numpy as np

from ..metrics.spatial.class_means import class_intervals
from ..metrics.spatial.frame_map import ranked_boxes, scores_of_boxes
from ..metrics.temporal import averaged_columns, score_matched
from ..metrics.temporal_bootstrap import bootstrap_segments
from .key_frames import matched_boxes
from .score import matched_segments
from .stored import StoredTask

Ends = tuple[float, float]
"""The ends of a 95 % interval over videos."""


class AtThreshold(msgspec.Struct, frozen=True, kw_only=True):
    """The mean average precision at one overlap, a share; None if nothing was scored."""

    threshold: float
    map: float | None
    ends: Ends | None


class OfClass(msgspec.Struct, frozen=True, kw_only=True):
    """One class.

    Attributes:
        name: Its name.
        truths, found: Number of true instances, and of predictions that count.
        precision: Its average precision, a share, averaged as the rule says; None if it isn't in
            the mean.
        ends: The interval.
    """

    name: str
    truths: int
    found: int
    precision: float | None
    ends: Ends | None


class Precisions(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of a network.

    Attributes:
        rule: Name of the rule.
        map: The mean average precision that ranks, a share.
        ends: Its interval.
        averaged: The overlaps that it is a mean over.
        by_threshold: At each overlap.
        by_class: Every class.
    """

    rule: str
    map: float | None
    ends: Ends | None
    averaged: tuple[float, ...]
    by_threshold: tuple[AtThreshold, ...]
    by_class: tuple[OfClass, ...]


def precisions_of(task: StoredTask) -> Precisions:
    """Return the tables of stored predictions, under the rule of their truth."""
    return _of_segments(task) if task.truth.events is not None else _of_boxes(task)


def _of_segments(task: StoredTask) -> Precisions:
    truth, names = task.truth.events, task.truth.classes
    assert truth is not None
    matched = matched_segments(truth, task.scored, task.columns, len(names))
    scores, intervals = score_matched(matched), bootstrap_segments(matched)
    columns = averaged_columns(matched)
    by_threshold = [
        AtThreshold(
            threshold=_overlap(threshold),
            map=_share(scores.by_threshold[at]),
            ends=None if intervals is None else intervals.by_threshold[at].interval,
        )
        for at, threshold in enumerate(matched.thresholds)
    ]
    of_class = {} if intervals is None else intervals.by_class
    by_class = [
        OfClass(
            name=name,
            truths=int(scores.instances[label]),
            found=int(scores.detections[label]),
            precision=_share(scores.by_class[label, columns].mean()),
            ends=of_class[label].interval if label in of_class else None,
        )
        for label, name in enumerate(names)
    ]
    return Precisions(
        rule=scores.rule.name,
        map=scores.average,
        ends=None if intervals is None else intervals.average.interval,
        averaged=tuple(_overlap(each) for each in matched.thresholds[columns]),
        by_threshold=tuple(by_threshold),
        by_class=tuple(by_class),
    )


def _of_boxes(task: StoredTask) -> Precisions:
    given, matched = matched_boxes(task)
    scores = scores_of_boxes(matched, given.video_of_frame)
    ranked = ranked_boxes(matched, given.video_of_frame)
    counts = scores.by_class
    ends = class_intervals(ranked, counts, area=matched.rule.area)
    by_threshold = [
        AtThreshold(threshold=_overlap(threshold), map=mean.map, ends=mean.interval)
        for threshold, mean in zip(counts.thresholds, scores.means.values(), strict=True)
    ]
    by_class = [
        OfClass(
            name=name,
            truths=int(counts.truths[label]),
            found=int(counts.detections[label]),
            precision=_share(counts.precision[0, label]),
            ends=ends.get(label),
        )
        for label, name in enumerate(task.truth.classes)
    ]
    return Precisions(
        rule=scores.rule,
        map=scores.map,
        ends=scores.interval,
        averaged=(_overlap(counts.thresholds[0]),),
        by_threshold=tuple(by_threshold),
        by_class=tuple(by_class),
    )


def _share(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _overlap(threshold: float) -> float:
    """Return a threshold as people write it: not 0.8999999999999999."""
    return float(f"{threshold:.6g}")
