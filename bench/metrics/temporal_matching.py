"""Which detection takes which true instance, at each threshold, under a rule.

Detections are ranked by score, the highest first; of equal scores by the number of the video, then
by start, then by end: no score depends on the order of a file. Of instances that a detection
overlaps alike, the one that starts first counts as the best, then the one that ends first. Only
`by truth` the order of the instances in their file counts, as its rule says.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...datasets.errors import KinobenchError
from .average_precision import Flags
from .instances import Floats, Ints, Segments
from .segment_iou import Union, paired_iou
from .temporal_inputs import checked_segments, chosen, grouped, without_duplicates
from .temporal_rules import TemporalRule

NOBODY = -1
"""The instance of a detection that takes none."""

_PAIRS_AT_ONCE = 2**21
_MOST_THRESHOLDS = 60
"""The thresholds that a pair reaches are the bits of one number of 64."""


class MatchedSegments(NamedTuple):
    """Detections in the order of their rank, and what each takes.

    Attributes:
        rule: The rule.
        thresholds: The overlaps, `[T]`.
        videos, classes: Number of them.
        truth: The instances that count, in the order in which they were given.
        found: The detections of classes that have an instance: class by class, ranked.
        first: Where the detections of each class begin, `[classes + 1]`.
        taken: The instance that each detection takes, or `NOBODY`; `[N, T]`, int32.
        ignored: Whether a detection doesn't count unless it takes something, `[N]`; None if all do.
        left_out: Number of detections of classes without an instance.
        duplicates: Number of instances that repeat another within a millisecond.
        backwards: Number of detections that ended before they began.
    """

    rule: TemporalRule
    thresholds: Floats
    videos: int
    classes: int
    truth: Segments
    found: Segments
    first: Ints
    taken: NDArray[np.int32]
    ignored: Flags | None
    left_out: int
    duplicates: int
    backwards: int

    @property
    def hits(self) -> Flags:
        """Whether each detection is a true positive: `[N, T]`."""
        hits: Flags = self.taken != NOBODY
        return hits


def match_segments(
    truth: Segments,
    found: Segments,
    *,
    videos: int,
    classes: int,
    rule: TemporalRule,
    thresholds: tuple[float, ...] | None = None,
    ignored: Segments | None = None,
    leave_out: bool = False,
) -> MatchedSegments:
    """Match detections with instances; see `score_segments` for the arguments and errors."""
    least = np.array(rule.thresholds if thresholds is None else thresholds, float)
    if not 0 < len(least) <= _MOST_THRESHOLDS or not ((least >= 0) & (least <= 1)).all():
        raise KinobenchError(
            f"thresholds {thresholds!r}: give 1 to {_MOST_THRESHOLDS} overlaps between 0 and 1"
        )
    truth = checked_segments("instance", truth, videos, classes)
    found = checked_segments("detection", found, videos, classes, found=True)
    backwards = found.end_s < found.start_s
    if rule.turns and backwards.any():
        ends = np.sort(np.stack([found.start_s, found.end_s]), axis=0)
        found = found._replace(start_s=ends[0], end_s=ends[1])
    kept, duplicates = without_duplicates(truth, rule.same_within_s)
    there = np.bincount(kept.label, minlength=classes) > 0
    left_out = _left_out(there, found, rule, leave_out)
    ranked = ranked_segments(found, there)
    spans = None
    if rule.ignores and ignored is not None and len(ignored.video):
        ignored = checked_segments("ignored span", ignored, videos, None)
        spans = _overlapping(ignored, ranked, rule.union)
    return MatchedSegments(
        rule=rule,
        thresholds=least,
        videos=videos,
        classes=classes,
        truth=kept,
        found=ranked,
        first=np.searchsorted(ranked.label, np.arange(classes + 1)),
        taken=_taken(kept, ranked, videos, rule, least),
        ignored=spans,
        left_out=left_out,
        duplicates=duplicates,
        backwards=int(backwards.sum()),
    )


def _left_out(there: Flags, found: Segments, rule: TemporalRule, leave_out: bool) -> int:
    """Return the number of detections of classes without an instance, if the rule allows them."""
    without = ~there[found.label]
    if leave_out or rule.without_truth == "leave out":
        return int(without.sum())
    cure = "leave such classes out, or score by a rule that does, such as 'opentad'"
    if without.any():
        label = int(found.label[without][0])
        raise KinobenchError(
            f"rule {rule.name!r}: {int(without.sum())} detections are of classes without an "
            f"instance, such as class {label}: {cure}"
        )
    if rule.without_truth == "refuse" and not there.all():
        label = int(np.flatnonzero(~there)[0])
        raise KinobenchError(f"rule {rule.name!r}: class {label} has no instance: {cure}")
    return 0


def ranked_segments(found: Segments, there: Flags) -> Segments:
    """Return the detections of classes that are there, class by class, in the order of rank.

    Args:
        found: Detections with scores.
        there: Whether a class is there, `[classes]`.
    """
    assert found.score is not None
    kept = np.flatnonzero(there[found.label])
    keys = (found.end_s, found.start_s, found.video, -found.score, found.label)
    return chosen(found, kept[np.lexsort(tuple(key[kept] for key in keys))])


def _taken(
    truth: Segments, found: Segments, videos: int, rule: TemporalRule, thresholds: Floats
) -> NDArray[np.int32]:
    """Return the instance that each ranked detection takes at each threshold: `[N, T]`."""
    detection, instance, reached = _close_pairs(truth, found, videos, rule, thresholds)
    taken = np.full((len(found.video), len(thresholds)), NOBODY, np.int32)
    everywhere = (1 << len(thresholds)) - 1
    free_detections = [everywhere] * len(found.video)
    free_instances = [everywhere] * len(truth.video)
    rows, instances, bits = [], [], []
    for begin in range(0, len(reached), _PAIRS_AT_ONCE):
        part = slice(begin, begin + _PAIRS_AT_ONCE)
        columns = (detection[part].tolist(), instance[part].tolist(), reached[part].tolist())
        for row, of, where in zip(*columns, strict=True):
            new = where & free_detections[row] & free_instances[of]
            if new:
                free_detections[row] ^= new
                free_instances[of] ^= new
                rows.append(row)
                instances.append(of)
                bits.append(new)
    matched = (np.array(bits, np.int64)[:, None] >> np.arange(len(thresholds))) & 1
    pair, threshold = np.nonzero(matched)
    taken[np.array(rows, np.int64)[pair], threshold] = np.array(instances, np.int64)[pair]
    return taken


def _close_pairs(
    truth: Segments, found: Segments, videos: int, rule: TemporalRule, thresholds: Floats
) -> tuple[Ints, Ints, Ints]:
    """Return detection, instance and thresholds reached of each pair, the first to match first."""
    order = np.argsort(truth.label * videos + truth.video, kind="stable")
    keys = (truth.label * videos + truth.video)[order]
    found_keys = found.label * videos + found.video
    earlier = np.empty(len(order), np.int64)  # the rank of each instance by its start
    earlier[np.lexsort((truth.end_s, truth.start_s))] = np.arange(len(order))
    close_pairs = []
    for detection, place in grouped(keys, found_keys, _PAIRS_AT_ONCE):
        instance = order[place]
        overlap = paired_iou(
            *(found.start_s[detection], found.end_s[detection]),
            *(truth.start_s[instance], truth.end_s[instance]),
            rule.union,
        )
        reached = reached_thresholds(overlap, thresholds, rule.strict)
        close = np.flatnonzero(reached)
        close_pairs.append((detection[close], instance[close], reached[close], overlap[close]))
    if not close_pairs:
        none = np.zeros(0, np.int64)
        return none, none, none
    detection, instance, reached, overlap = (
        np.concatenate(column) for column in zip(*close_pairs, strict=True)
    )
    if rule.matching == "by truth":
        order = np.lexsort((detection, -overlap, instance))
    else:
        order = np.lexsort((earlier[instance], -overlap, detection))
    if rule.matching == "best alone":
        order = order[np.diff(detection[order], prepend=-1) > 0]
    return detection[order], instance[order], reached[order]


def reached_thresholds(overlap: Floats, thresholds: Floats, strict: bool) -> Ints:
    """Return the thresholds that each overlap reaches, as bits: `[N]`, int64.

    Args:
        overlap: `[N]`.
        thresholds: At most 60.
        strict: Whether a threshold must be exceeded.
    """
    bits = np.zeros(len(overlap), np.int64)
    for number, threshold in enumerate(thresholds):
        reached = overlap > threshold if strict else overlap >= threshold
        bits |= reached.astype(np.int64) << number
    return bits


def _overlapping(spans: Segments, found: Segments, union: Union) -> Flags:
    """Return whether each detection shares any time with a span of its video: `[N]`."""
    order = np.argsort(spans.video, kind="stable")
    overlapping = np.zeros(len(found.video), bool)
    for detection, place in grouped(spans.video[order], found.video, _PAIRS_AT_ONCE):
        span = order[place]
        overlap = paired_iou(
            *(found.start_s[detection], found.end_s[detection]),
            *(spans.start_s[span], spans.end_s[span]),
            union,
        )
        overlapping[detection[overlap > 0]] = True
    return overlapping
