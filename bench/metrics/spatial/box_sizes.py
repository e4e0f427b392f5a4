"""Frame mAP of small, medium and large boxes."""

from typing import NamedTuple

import numpy as np

from ....datasets.errors import KinobenchError
from ..instances import Floats
from .box_matching import MatchedBoxes
from .box_overlap import box_area
from .class_means import by_class
from .drawn_means import Ranked

SIZES = ("small", "medium", "large")
LIMITS = (0.05, 0.25)
"""Shares of the frame's area from which on a box is medium, and large. A person who stands half as
high as the frame fills some 6 % of it. By the limits of COCO, of pixels, nearly all boxes of films
would be large."""


class SizeScore(NamedTuple):
    """Frame mAP of the boxes of one size.

    Attributes:
        size: Its name.
        map: The mAP; None if there is no true box of the size.
        truths: Number of true boxes.
        hits: Number of these that were found.
    """

    size: str
    map: float | None
    truths: int
    hits: int


def scores_by_size(
    matched: MatchedBoxes,
    *,
    frame_area: float | Floats = 1.0,
    limits: tuple[float, float] = LIMITS,
    number: int = 0,
) -> list[SizeScore]:
    """Score the boxes of each size.

    Positives are the true boxes of the size. As in COCO's evaluation (cocodataset/cocoapi
    `cocoeval.py`, areaRng), predictions that hit a true box of another size are left out, and so
    are false ones of another size; but what a prediction hits doesn't depend on the size.

    Args:
        matched: Matched boxes, of `match_boxes`.
        frame_area: Area of a frame, or that of each, `[frames]`, in the square of the boxes' unit:
            1 for shares of the frame.
        limits: Shares of the frame from which on a box is medium, and large.
        number: Which of the rule's thresholds.
    """
    area = np.broadcast_to(np.asarray(frame_area, float), matched.frames)
    if not 0 < limits[0] < limits[1] or (area <= 0).any():
        raise KinobenchError(
            f"the limits of sizes are {limits}: give two rising ones above 0, and areas above 0."
        )
    found, truth, rule = matched.found, matched.truth, matched.rule
    size, true_size = (
        np.searchsorted(limits, box_area(boxes.box, rule.pixel) / area[boxes.frame], side="right")
        for boxes in (found, truth)
    )
    instance = matched.instance[number]
    hit = instance >= 0
    size[hit] = true_size[instance[hit]]
    scores = []
    for place, name in enumerate(SIZES):
        kept, real = size == place, true_size == place
        label = found.label[kept]
        ranked = Ranked(
            label,
            np.zeros_like(label),
            hit[None, kept],
            truth.label[real],
            np.zeros_like(truth.label[real]),
            matched.scored,
            1,
        )
        table = by_class(ranked, rule.thresholds[:1], area=rule.area, mean_over="with truth")
        known = table.precision[0][table.truths > 0]
        mean = float(known.mean()) if len(known) else None
        scores.append(SizeScore(name, mean, int(real.sum()), int(hit[kept].sum())))
    return scores
