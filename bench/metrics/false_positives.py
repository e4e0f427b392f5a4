"""What the false positives are, and what the mAP would be without each kind, as DETAD has it.

Alwassel et al., Diagnosing Error in Temporal Action Detectors, ECCV 2018, section 4.1;
HumamAlwassel/DETAD `src/action_detector_diagnosis.py`. Each class's highest-scoring detections are
looked at, ten times as many as it has instances. Two things differ from DETAD's code: of instances
that a detection overlaps alike it takes the first of the file, whatever its class; and it compares
detections of a video without an instance, after the first one, with the instances of another video.
"""

from typing import NamedTuple

import numpy as np

from .action_lengths import typical_instances
from .average_precision import Flags, average_precision
from .instances import Floats, Ints, Segments
from .segment_iou import paired_iou
from .temporal import averaged_columns
from .temporal_inputs import checked_segments, chosen, grouped
from .temporal_matching import MatchedSegments, match_segments, ranked_segments
from .temporal_rules import TemporalRule

KINDS = (
    "true positive",
    "double detection",
    "wrong label",
    "localization",
    "confusion",
    "background",
)
"""What a detection is, by the instance that it overlaps most, of whatever class.

- double detection: it is of the detection's class, and reaches the threshold;
- wrong label: it is of another class, and reaches the threshold;
- localization: it is of the detection's class, and overlaps by 0.1 to the threshold;
- confusion: it is of another class, and overlaps by 0.1 to the threshold;
- background: none overlaps by 0.1.

Of instances that overlap it alike, one of the detection's class counts as the most.
"""

LEAST_OVERLAP = 0.1
PER_INSTANCE = 10
_IGNORED = -1
_PAIRS_AT_ONCE = 2**21


class FalsePositives(NamedTuple):
    """The kinds of the highest-scoring detections.

    Attributes:
        thresholds: The overlaps, `[T]`.
        counts: `[PER_INSTANCE, kinds, T]`: number of detections of each of `KINDS`, first among the
            G highest of each class, G being its number of instances, then the next G, and so on.
        average: The mean of the normalized AP of these detections over classes and averaged
            thresholds; None if no class has an instance.
        gains: By kind of false positive, how much `average` rises if those are left out.
    """

    thresholds: Floats
    counts: Ints
    average: float | None
    gains: dict[str, float]

    @property
    def shares(self) -> Floats:
        """Share of each of `KINDS` among all these detections, at each threshold: `[kinds, T]`."""
        total = self.counts.sum(axis=(0, 1))
        summed = self.counts.sum(axis=0)
        return np.divide(summed, total, out=np.full(summed.shape, np.nan), where=total > 0)


def analyse_false_positives(
    truth: Segments,
    found: Segments,
    *,
    videos: int,
    classes: int,
    rule: TemporalRule,
    thresholds: tuple[float, ...] | None = None,
    ignored: Segments | None = None,
    leave_out: bool = False,
) -> FalsePositives:
    """Return what the highest-scoring detections are; see `score_segments` for the arguments.

    Detections that the rule ignores are none of the kinds.
    """
    truth = checked_segments("instance", truth, videos, classes)
    found = checked_segments("detection", found, videos, classes, found=True)
    instances = np.bincount(truth.label, minlength=classes)
    ranked = ranked_segments(found, np.ones(classes, bool))
    first = np.searchsorted(ranked.label, np.arange(classes + 1))
    place = np.arange(len(ranked.label)) - first[ranked.label]
    # Detections of classes without an instance stay, for the rule to refuse or to leave out.
    kept = (place < PER_INSTANCE * instances[ranked.label]) | (instances[ranked.label] == 0)
    matched = match_segments(
        truth,
        chosen(ranked, np.flatnonzero(kept)),
        videos=videos,
        classes=classes,
        rule=rule,
        thresholds=thresholds,
        ignored=ignored,
        leave_out=leave_out,
    )
    kinds = _kinds(matched)
    average, gains = _gains(matched, kinds)
    return FalsePositives(matched.thresholds, _counts(matched, kinds), average, gains)


def _kinds(matched: MatchedSegments) -> Ints:
    """Return the number in `KINDS` of each detection at each threshold: `[N, T]`."""
    most, own = _best_overlaps(matched)
    same = (own >= most)[:, None]
    near = most[:, None] >= LEAST_OVERLAP
    reached = most[:, None] >= matched.thresholds
    if matched.rule.strict:
        reached = most[:, None] > matched.thresholds
    inexact = np.where(near, np.where(same, 3, 4), 5)
    kinds = np.where(reached, np.where(same, 1, 2), inexact)
    if matched.ignored is not None:
        kinds[matched.ignored] = _IGNORED
    kinds[matched.hits] = 0
    return kinds


def _best_overlaps(matched: MatchedSegments) -> tuple[Floats, Floats]:
    """Return each detection's highest overlap, with any instance and with those of its class."""
    truth, found = matched.truth, matched.found
    order = np.argsort(truth.video, kind="stable")
    most, own = np.zeros(len(found.video)), np.zeros(len(found.video))
    for detection, place in grouped(truth.video[order], found.video, _PAIRS_AT_ONCE):
        instance = order[place]
        overlap = paired_iou(
            *(found.start_s[detection], found.end_s[detection]),
            *(truth.start_s[instance], truth.end_s[instance]),
            matched.rule.union,
        )
        starts = np.flatnonzero(np.diff(detection, prepend=-1))
        rows = detection[starts]
        most[rows] = np.maximum.reduceat(overlap, starts)
        alike = truth.label[instance] == found.label[detection]
        own[rows] = np.maximum.reduceat(np.where(alike, overlap, 0), starts)
    return most, own


def _counts(matched: MatchedSegments, kinds: Ints) -> Ints:
    instances = np.bincount(matched.truth.label, minlength=matched.classes)
    label = matched.found.label
    group = (np.arange(len(label)) - matched.first[label]) // np.maximum(1, instances[label])
    counts = np.zeros((PER_INSTANCE, len(KINDS), kinds.shape[1]), np.int64)
    row, threshold = np.nonzero(kinds != _IGNORED)
    group = np.minimum(group, PER_INSTANCE - 1)  # where duplicates were left out
    np.add.at(counts, (group[row], kinds[row, threshold], threshold), 1)
    return counts


def _gains(matched: MatchedSegments, kinds: Ints) -> tuple[float | None, dict[str, float]]:
    """Return the average of the normalized AP, and how much it rises without each kind."""
    counted = kinds != _IGNORED
    average = _average(matched, counted)
    if average is None:
        return None, {}
    gains = {}
    for number, kind in enumerate(KINDS[1:], 1):
        without = _average(matched, counted & (kinds != number))
        gains[kind] = (without or 0.0) - average
    return average, gains


def _average(matched: MatchedSegments, counted: Flags) -> float | None:
    instances = np.bincount(matched.truth.label, minlength=matched.classes)
    typical, hits = typical_instances(matched), matched.hits
    precisions = []
    for label in np.flatnonzero(instances).tolist():
        own = slice(*matched.first[label : label + 2].tolist())
        for column in averaged_columns(matched).tolist():
            precision = average_precision(
                hits[own, column][counted[own, column]],
                int(instances[label]),
                interpolated=matched.rule.interpolated,
                typical=typical,
            )
            precisions.append(precision)
    return float(np.mean(precisions)) if precisions else None
