"""Intersection over union of segments of time."""

from typing import Literal

import numpy as np

from .instances import Floats

Union = Literal["lengths", "hull"]
"""How the union is computed: both lengths less the intersection, or the hull of both.

They are the same length wherever segments overlap, but not to the last bit, which decides where a
segment overlaps by exactly a threshold. ActivityNet's code has the one, THUMOS14's the other.
"""


def segment_iou(first: Floats, second: Floats, union: Union = "lengths") -> Floats:
    """Return how much each segment overlaps each other one: `[A, B]`, 0 to 1.

    Args:
        first: `[A, 2]`, start and end in seconds.
        second: `[B, 2]`, likewise.
        union: How the union is computed.
    """
    return paired_iou(first[:, None, 0], first[:, None, 1], second[:, 0], second[:, 1], union)


def paired_iou(
    start: Floats, end: Floats, other_start: Floats, other_end: Floats, union: Union = "lengths"
) -> Floats:
    """Return the intersection over union of pairs of segments, of the arrays' common shape.

    Two segments of length zero don't overlap. (activitynet/ActivityNet `Evaluation/utils.py`,
    `segment_iou`; THUMOS14 `intervaloverlapvalseconds.m`.)

    Args:
        start: Seconds, of the one segment of each pair.
        end: Its end.
        other_start: Seconds, of the other segment.
        other_end: Its end.
        union: How the union is computed.
    """
    shared = np.minimum(end, other_end) - np.maximum(start, other_start)
    np.maximum(shared, 0, out=shared)
    if union == "hull":
        whole = np.maximum(end, other_end) - np.minimum(start, other_start)
    else:
        whole = (other_end - other_start) + (end - start) - shared
    overlap: Floats = np.divide(shared, whole, out=np.zeros(shared.shape), where=shared > 0)
    return overlap
