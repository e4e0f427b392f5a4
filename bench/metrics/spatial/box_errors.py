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

KINDS = ("double", "wrong label", "localization", "confusion", "background")
"""Kinds of false predictions.

As DETAD has them for segments (Alwassel et al., ECCV 2018, section 4.1; HumamAlwassel/DETAD), which
follow Hoiem et al. (ECCV 2012); the first that applies:

- double: it overlaps a true box of its class enough, but another has that;
- wrong label: it overlaps one of another class enough;
- localization: it overlaps one of its class by 0.1 or more;
- confusion: it overlaps one of another class by 0.1 or more;
- background: it overlaps none by as much.
"""

NEAR = 0.1
"""Overlap from which on a prediction isn't background."""

MULTIPLES = 10
"""How many times as many predictions as true boxes are looked at, class by class."""


class BoxErrors(NamedTuple):
    """False predictions by kind, at one threshold.

    Attributes:
        threshold: It.
        counts: Number of predictions by kind, `[len(KINDS), classes]`.
        top: Among the best G, 2 G to 10 G predictions of each class, where G is its number of true
            boxes: the share of each kind and last of true ones, `[MULTIPLES, len(KINDS) + 1]`; NaN
            where there is no prediction. Shares are of those that there are, of all classes.
        gain: How much higher the mAP would be without the false predictions of a kind,
            `[len(KINDS)]`; NaN if there is no class to score.
        missed: Number of true boxes that nothing hits, `[classes]`.
    """

    threshold: float
    counts: Ints
    top: Floats
    gain: Floats
    missed: Ints


def box_errors(matched: MatchedBoxes, number: int = 0) -> BoxErrors:
    """Say why predictions are false.

    Args:
        matched: Matched boxes, of `match_boxes`.
        number: Which of the rule's thresholds.
    """
    found, truth, rule = matched.found, matched.truth, matched.rule
    classes = len(matched.scored)
    hit = matched.instance[number] >= 0
    kind = _kinds(matched, hit, rule.thresholds[number])
    false = ~hit
    counts = np.bincount(kind[false] * classes + found.label[false], minlength=5 * classes)
    truths = np.bincount(truth.label, minlength=classes)
    hits = np.bincount(found.label[hit], minlength=classes)
    return BoxErrors(
        rule.thresholds[number],
        counts.reshape(len(KINDS), classes),
        _top_shares(np.where(hit, len(KINDS), kind), found.label, truths),
        _gains(matched, hit, kind),
        truths - hits,
    )


def _kinds(matched: MatchedBoxes, hit: Flags, threshold: float) -> Ints:
    """Return the number of the kind that each prediction would have if it were false."""
    own, other = _highest_overlaps(matched)
    strict = matched.rule.strict
    conditions = [
        own > threshold if strict else own >= threshold,
        other > threshold if strict else other >= threshold,
        own >= NEAR,
        other >= NEAR,
    ]
    kinds: Ints = np.select(conditions, [0, 1, 2, 3], 4)
    return kinds


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


def _top_shares(outcome: Ints, label: Ints, truths: Ints) -> Floats:
    """Return the shares of outcomes among the best predictions: `[MULTIPLES, outcomes]`."""
    detections = np.bincount(label, minlength=len(truths))
    place = np.arange(len(label)) - (np.cumsum(detections) - detections)[label]
    of_its_class = truths[label]
    inside = np.flatnonzero(place < MULTIPLES * of_its_class)
    multiple = place[inside] // of_its_class[inside]
    outcomes = len(KINDS) + 1
    counts = np.bincount(multiple * outcomes + outcome[inside], minlength=MULTIPLES * outcomes)
    summed = counts.reshape(MULTIPLES, outcomes).cumsum(axis=0)
    with np.errstate(invalid="ignore"):
        shares: Floats = summed / summed.sum(axis=1, keepdims=True)
    return shares


def _gains(matched: MatchedBoxes, hit: Flags, kind: Ints) -> Floats:
    """Return how much the mAP rises without the false predictions of each kind."""

    def mean(kept: Flags) -> float:
        label = matched.found.label[kept]
        ranked = Ranked(
            label,
            np.zeros_like(label),
            hit[None, kept],
            matched.truth.label,
            np.zeros_like(matched.truth.label),
            matched.scored,
            1,
        )
        rule = matched.rule
        found = by_class(ranked, (0.0,), area=rule.area, mean_over=rule.mean_over)
        known = found.precision[0][counted]
        return float(np.nan_to_num(known).mean()) if len(known) else float("nan")

    counted = np.bincount(matched.truth.label, minlength=len(matched.scored)) > 0
    if matched.rule.mean_over == "all scored":
        counted = matched.scored
    elif matched.rule.mean_over == "with truth and detections":
        counted &= np.bincount(matched.found.label, minlength=len(counted)) > 0
    whole = mean(np.ones(len(hit), bool))
    return np.array([mean(hit | (kind != each)) - whole for each in range(len(KINDS))])
