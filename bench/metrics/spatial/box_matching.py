"""Which predicted box hits which true box, by a rule.

Predictions are ranked by (score descending, frame, x1, y1, x2, y2), and so are those of one frame
for the cap, where the label comes last. Of true boxes that a prediction overlaps equally, it takes
the first by (x1, y1, x2, y2). So the order of rows never changes a score.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ....datasets.errors import KinobenchError
from ..average_precision import Flags
from ..instances import Boxes, Floats, Ints
from .assignment import assigned, overlapping_pairs
from .box_overlap import box_iou
from .inputs import check_boxes, check_unit, members
from .rules import FrameRule


class LeftOut(NamedTuple):
    """Predicted boxes that the rule leaves out, each counted once, in this order.

    Attributes:
        unscored: Of classes that aren't scored.
        excluded: In excluded frames.
        empty: In frames without a true box, where the rule leaves these out.
        capped: Beyond the best of their frame.
        flat: Without area, or with exchanged edges.
    """

    unscored: int = 0
    excluded: int = 0
    empty: int = 0
    capped: int = 0
    flat: int = 0


class MatchedBoxes(NamedTuple):
    """Predicted boxes by rank, and what they hit.

    Attributes:
        rule: By which they were matched.
        truth: True boxes that count, by frame and class.
        found: Predictions that count, by class and rank.
        instance: `[thresholds, N]`: number of the box in `truth` that each hits, or -1.
        scored: `[classes]`, bool: whether a class is scored.
        frames: Number of frames.
        left_out: Predictions that don't count.
    """

    rule: FrameRule
    truth: Boxes
    found: Boxes
    instance: Ints
    scored: Flags
    frames: int
    left_out: LeftOut


def match_boxes(
    truth: Boxes,
    found: Boxes,
    *,
    frames: int,
    classes: int,
    rule: FrameRule,
    scored: Collection[int] | None = None,
    excluded: Collection[int] = (),
) -> MatchedBoxes:
    """Match predicted boxes with true ones.

    Args:
        truth: True boxes; a frame may have none.
        found: Predicted boxes, with scores, in the same unit.
        frames: Number of frames.
        classes: Number of classes.
        rule: The rule.
        scored: Classes that are scored; None for all.
        excluded: Frames that are left out, of truth and predictions.

    Raises:
        KinobenchError: A number, a box or a score can't be.
    """
    check_boxes("true", truth, frames=frames, classes=classes)
    check_boxes("predicted", found, frames=frames, classes=classes, exchanged=not rule.flat_counts)
    if found.score is None:
        raise KinobenchError("the predicted boxes have no scores: give one for each.")
    check_unit(rule.name, rule.pixel, truth.box)
    is_scored = members(scored, classes, "scored class")
    kept = ~members(excluded, frames, "excluded frame")
    truth = _rows(truth, np.flatnonzero(is_scored[truth.label] & kept[truth.frame]))
    truth = _rows(truth, np.lexsort((*truth.box.T[::-1], truth.label, truth.frame)))
    found, left_out = _counting(found, is_scored, kept, truth.frame, frames, rule)
    assert found.score is not None
    found = _rows(found, np.lexsort((*ranking(found)[::-1], found.label)))
    pairs = overlapping_pairs(
        found.frame * classes + found.label,
        truth.frame * classes + truth.label,
        lambda one, other: box_iou(found.box[one], truth.box[other], rule.pixel),
        least=min(rule.thresholds),
        match=rule.match,
    )
    count = len(found.frame)
    instance = [
        assigned(pairs, each, strict=rule.strict, match=rule.match, detections=count)
        for each in rule.thresholds
    ]
    return MatchedBoxes(rule, truth, found, np.stack(instance), is_scored, frames, left_out)


def ranking(found: Boxes) -> tuple[Floats | Ints, ...]:
    """Return the columns by which predictions are ranked, the first first."""
    assert found.score is not None
    return (-found.score, found.frame, *found.box.T)


def _rows(boxes: Boxes, rows: Ints) -> Boxes:
    score = None if boxes.score is None else boxes.score[rows]
    return Boxes(boxes.frame[rows], boxes.label[rows], boxes.box[rows], score)


def _counting(
    found: Boxes, scored: Flags, kept: Flags, true_frames: Ints, frames: int, rule: FrameRule
) -> tuple[Boxes, LeftOut]:
    """Return the predictions that count, rounded as the rule says, and how many don't."""
    lost = []

    def keep(boxes: Boxes, good: Flags) -> Boxes:
        lost.append(len(good) - int(good.sum()))
        return boxes if good.all() else _rows(boxes, np.flatnonzero(good))

    found = keep(found, scored[found.label])
    found = keep(found, kept[found.frame])
    with_truth = np.zeros(frames, bool)
    with_truth[true_frames] = True
    found = keep(found, with_truth[found.frame] | rule.empty_counts)
    if rule.decimals is not None:
        assert found.score is not None
        box, score = (np.round(each, rule.decimals) for each in (found.box, found.score))
        found = found._replace(box=box, score=score)
    found = keep(found, _among_the_best(found, frames, rule.cap))
    solid = (found.box[:, 2] > found.box[:, 0]) & (found.box[:, 3] > found.box[:, 1])
    found = keep(found, solid | rule.flat_counts)
    return found, LeftOut(*lost)


def _among_the_best(found: Boxes, frames: int, cap: int | None) -> Flags:
    """Return whether each prediction is among the best `cap` of its frame."""
    best = np.ones(len(found.frame), bool)
    counts = np.bincount(found.frame, minlength=frames)
    if cap is None or counts.max(initial=0) <= cap:
        return best
    crowded = np.flatnonzero(counts[found.frame] > cap)
    some = _rows(found, crowded)
    score, frame, *box = ranking(some)
    order = np.lexsort((some.label, *box[::-1], score, frame))
    own = counts[counts > cap]
    place = np.arange(len(order)) - np.repeat(np.cumsum(own) - own, own)
    best[crowded[order[place >= cap]]] = False
    return best
