"""Frame mAP by AVA's rule, written from its definition and slow: what faster code is held against.

Of activitynet/ActivityNet, `Evaluation/get_ava_performance.py`: a detection is right if the box of
its class that it overlaps most has an IoU of 0.5 or more with it and isn't taken; the average
precision is interpolated; classes without ground truth are left out of the mean; of each frame the
50 best detections over all classes count.
"""

from collections.abc import Sequence
from typing import NamedTuple

Edges = tuple[float, float, float, float]
CAP = 50


class Labelled(NamedTuple):
    """A box with one label in a frame; with a score if it is detected."""

    frame: object
    label: int
    edges: Edges
    score: float = 0.0


def overlap(one: Edges, other: Edges) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (one, other))
    return shared / (areas - shared)


def interpolated(is_right: Sequence[bool], positives: int) -> float:
    """Average precision of detections in the order of their scores.

    Each positive that is found counts with the best precision at its place or at a later one.
    """
    total = 0.0
    for place, right in enumerate(is_right):
        if right:
            later = range(place, len(is_right))
            total += max(sum(is_right[: end + 1]) / (end + 1) for end in later)
    return total / positives


def average_precision(truth: Sequence[Labelled], found: Sequence[Labelled]) -> float:
    """Average precision of one class; of equal scores the first in `found` goes first."""
    taken: set[int] = set()
    is_right = []
    for detection in sorted(found, key=lambda each: -each.score):
        overlaps = {
            number: overlap(detection.edges, each.edges)
            for number, each in enumerate(truth)
            if each.frame == detection.frame
        }
        best = max(overlaps, key=lambda number: overlaps[number], default=None)
        right = best is not None and overlaps[best] >= 0.5 and best not in taken
        if right and best is not None:
            taken.add(best)
        is_right.append(right)
    return interpolated(is_right, len(truth))


def frame_map(truth: Sequence[Labelled], found: Sequence[Labelled], cap: int = CAP) -> float:
    """Mean over the classes of the truth of their average precision."""
    kept: list[Labelled] = []
    for frame in dict.fromkeys(each.frame for each in found):
        here = sorted((each for each in found if each.frame == frame), key=lambda each: -each.score)
        kept += here[:cap]
    labels = {each.label for each in truth}
    return sum(
        average_precision(
            [each for each in truth if each.label == label],
            [each for each in kept if each.label == label],
        )
        for label in labels
    ) / len(labels)
