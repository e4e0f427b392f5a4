"""Why predicted boxes are false."""

from typing import NamedTuple

import numpy as np

from ..average_precision import Flags
from ..instances import Floats, Ints
from .assignment import pairs_of_groups
from .box_matching import MatchedBoxes
from .box_overlap import box_iou
from .class_means import by_class
from .drawn_means import Ranked

KINDS = (
    "true positive",
    "double detection",
    "wrong label",
    "localization",
    "confusion",
    "background",
)
"""What a prediction is; a false one by the true box of its frame that it overlaps most.

As DETAD has them for segments (Alwassel et al., ECCV 2018, section 4.1; HumamAlwassel/DETAD
`src/action_detector_diagnosis.py`):

- double detection: that box is of its class, and it overlaps enough, but another has the box;
- wrong label: it is of another class, and it overlaps enough;
- localization: it is of its class, and it overlaps by 0.1 or more, but not enough;
- confusion: it is of another class, and it overlaps by 0.1 or more, but not enough;
- background: it overlaps none by 0.1.

Of boxes that it overlaps alike, as the box of a person with several labels, its class's counts.
"""

NEAR = 0.1
"""Overlap from which on a prediction isn't background."""

PER_TRUTH = 10
"""How many times as many predictions as true boxes are looked at, class by class."""


class BoxErrors(NamedTuple):
    """Predictions by kind, at one threshold.

    Attributes:
        threshold: It.
        by_class: Number of all predictions of each of `KINDS`, `[kinds, classes]`.
        counts: Number of predictions of each kind among the best, `[PER_TRUTH, kinds]`: first among
            the G best of each class, G being its number of true boxes, then the next G, and so on.
        gains: By kind of false prediction, how much higher the mAP would be without these; empty if
            there is no class to score.
        missed: Number of true boxes that nothing hits, `[classes]`.
    """

    threshold: float
    by_class: Ints
    counts: Ints
    gains: dict[str, float]
    missed: Ints


def box_errors(matched: MatchedBoxes, number: int = 0) -> BoxErrors:
    """Say what predictions are, and what the mAP would be without each kind of false ones.

    Args:
        matched: Matched boxes, of `match_boxes`.
        number: Which of the rule's thresholds.
    """
    label, truth_label = matched.found.label, matched.truth.label
    classes = len(matched.scored)
    hit = matched.instance[number] >= 0
    kind = np.where(hit, 0, _kinds(matched, matched.rule.thresholds[number]))
    by_class = np.bincount(kind * classes + label, minlength=len(KINDS) * classes)
    truths = np.bincount(truth_label, minlength=classes)
    return BoxErrors(
        matched.rule.thresholds[number],
        by_class.reshape(len(KINDS), classes),
        _among_the_best(kind, label, truths),
        _gains(matched, kind),
        truths - np.bincount(label[hit], minlength=classes),
    )


def _kinds(matched: MatchedBoxes, threshold: float) -> Ints:
    """Return the number of the kind that each prediction is if it is false."""
    own, other = _highest_overlaps(matched)
    most = np.maximum(own, other)
    enough = most > threshold if matched.rule.strict else most >= threshold
    kinds: Ints = np.select([enough, most >= NEAR], [1, 3], 5)
    return kinds + ((other > own) & (kinds < 5))


def _highest_overlaps(matched: MatchedBoxes) -> tuple[Floats, Floats]:
    """Return the highest overlap of each prediction with true boxes of its class, and of others."""
    found, truth = matched.found, matched.truth
    own, other = np.zeros(len(found.frame)), np.zeros(len(found.frame))
    for detections, instances in pairs_of_groups(found.frame, truth.frame):
        overlap = box_iou(found.box[detections], truth.box[instances], matched.rule.pixel)
        same = found.label[detections] == truth.label[instances]
        starts = np.flatnonzero(np.diff(detections, prepend=-1))
        whose = detections[starts]
        own[whose] = np.maximum.reduceat(np.where(same, overlap, 0.0), starts)
        other[whose] = np.maximum.reduceat(np.where(same, 0.0, overlap), starts)
    return own, other


def _among_the_best(kind: Ints, label: Ints, truths: Ints) -> Ints:
    """Return the numbers of kinds among the best predictions: `[PER_TRUTH, kinds]`."""
    detections = np.bincount(label, minlength=len(truths))
    place = np.arange(len(label)) - (np.cumsum(detections) - detections)[label]
    of_its_class = truths[label]
    inside = np.flatnonzero(place < PER_TRUTH * of_its_class)
    tranche = place[inside] // of_its_class[inside]
    counts = np.bincount(tranche * len(KINDS) + kind[inside], minlength=PER_TRUTH * len(KINDS))
    return counts.reshape(PER_TRUTH, len(KINDS))


def _gains(matched: MatchedBoxes, kind: Ints) -> dict[str, float]:
    """Return how much the mAP rises without the false predictions of each kind."""
    rule, label, truth_label = matched.rule, matched.found.label, matched.truth.label

    def precisions(kept: Flags) -> Floats:
        ranked = Ranked(
            label[kept],
            np.zeros_like(label[kept]),
            (kind == 0)[None, kept],
            truth_label,
            np.zeros_like(truth_label),
            matched.scored,
            1,
        )
        return by_class(ranked, (0.0,), area=rule.area, mean_over=rule.mean_over).precision[0]

    whole = precisions(np.ones(len(kind), bool))
    known = ~np.isnan(whole)  # a class that only had false ones has none left, and stays
    if not known.any():
        return {}
    mean = whole[known].mean()
    return {
        name: float(np.nan_to_num(precisions(kind != number)[known]).mean() - mean)
        for number, name in enumerate(KINDS)
        if number
    }
