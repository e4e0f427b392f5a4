"""Mean average precision of temporal action localization under a rule."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .average_precision import average_precision
from .instances import Floats, Ints, Segments
from .temporal_matching import MatchedSegments, match_segments
from .temporal_rules import TemporalRule


class SegmentScores(NamedTuple):
    """How well detections fit the true instances.

    Attributes:
        rule: The rule.
        thresholds: The overlaps, `[T]`.
        average: The mean of the mAP over the rule's averaged thresholds, of those that were scored;
            None if no class has an instance.
        by_threshold: mAP at each, `[T]`: the mean over the classes with an instance; NaN if none.
        by_class: `[classes, T]`: average precision; NaN for a class without an instance.
        recall: `[classes, T]`: share of the instances that a detection takes; NaN without any.
        instances: Number of instances of each class, `[classes]`.
        detections: Number of detections of each class that count in the ranking, `[classes]`.
        true_positives: Number of them at each threshold, `[T]`.
        ignored: Number of detections that don't count at each threshold, `[T]`.
        left_out: Number of detections of classes without an instance, which were left out.
        duplicates: Number of instances that repeat another one within a millisecond: counted, or
            left out where the rule says so.
        backwards: Number of detections that end before they begin: turned around where the rule
            says so, else false positives.
    """

    rule: TemporalRule
    thresholds: Floats
    average: float | None
    by_threshold: Floats
    by_class: Floats
    recall: Floats
    instances: Ints
    detections: Ints
    true_positives: Ints
    ignored: Ints
    left_out: int
    duplicates: int
    backwards: int


def score_segments(
    truth: Segments,
    found: Segments,
    *,
    videos: int,
    classes: int,
    rule: TemporalRule,
    thresholds: Sequence[float] | None = None,
    ignored: Segments | None = None,
    leave_out: bool = False,
) -> SegmentScores:
    """Return the mean average precision of detections under a rule.

    The order of the detections never matters; that of the instances only where the rule says so:
    see `temporal_matching`.

    Args:
        truth: True instances, in the order of their file.
        found: Detections, with scores.
        videos: Number of videos.
        classes: Number of classes.
        rule: The rule; see `temporal_rules`.
        thresholds: Overlaps instead of the rule's; all of them are averaged.
        ignored: Spans that the dataset calls ambiguous, whose labels don't matter. Rules that
            don't know such spans don't use them.
        leave_out: Whether detections of classes without an instance are left out and counted where
            the rule would refuse them.

    Raises:
        KinobenchError: Segments aren't what a metric needs (`checked_segments`), a class without an
            instance isn't allowed by the rule, or a threshold isn't between 0 and 1.
    """
    matched = match_segments(
        *(truth, found),
        videos=videos,
        classes=classes,
        rule=rule,
        thresholds=None if thresholds is None else tuple(thresholds),
        ignored=ignored,
        leave_out=leave_out,
    )
    return score_matched(matched)


def score_matched(matched: MatchedSegments) -> SegmentScores:
    """Return the scores of detections that are matched already."""
    hits = matched.hits
    spans = np.zeros(len(hits), bool) if matched.ignored is None else matched.ignored
    instances = np.bincount(matched.truth.label, minlength=matched.classes)
    by_class = np.full((matched.classes, len(matched.thresholds)), np.nan)
    recall = by_class.copy()
    for label in np.flatnonzero(instances).tolist():
        own = slice(*matched.first[label : label + 2].tolist())
        recall[label] = hits[own].sum(axis=0) / instances[label]
        for number, hit in enumerate(hits[own].T):
            counted = hit[hit | ~spans[own]]
            by_class[label, number] = average_precision(
                counted, int(instances[label]), interpolated=matched.rule.interpolated
            )
    by_threshold = np.full(len(matched.thresholds), np.nan)
    if instances.any():
        by_threshold = by_class[instances > 0].mean(axis=0)
    return SegmentScores(
        rule=matched.rule,
        thresholds=matched.thresholds,
        average=average_of(matched, by_threshold) if instances.any() else None,
        by_threshold=by_threshold,
        by_class=by_class,
        recall=recall,
        instances=instances,
        detections=np.diff(matched.first),
        true_positives=hits.sum(axis=0),
        ignored=(spans[:, None] & ~hits).sum(axis=0),
        left_out=matched.left_out,
        duplicates=matched.duplicates,
        backwards=matched.backwards,
    )


def averaged_columns(matched: MatchedSegments) -> Ints:
    """Return which thresholds are averaged: all, if they aren't the rule's own."""
    if matched.thresholds.tolist() != list(matched.rule.thresholds):
        return np.arange(len(matched.thresholds))
    return np.flatnonzero(np.isin(matched.thresholds, matched.rule.averaged))


def average_of(matched: MatchedSegments, by_threshold: Floats) -> float:
    """Return the mean over the averaged thresholds."""
    return float(by_threshold[averaged_columns(matched)].mean())
