"""Average precision as the area under straight lines between the points of the curve."""

import numpy as np

from ..average_precision import Flags
from ..instances import Floats, Ints

_VALUES_AT_ONCE = 2**22
"""Number of weights of 4 bytes that the weighted form gathers at once."""


def trapezoid_precision(hits: Flags, positives: int) -> float:
    """Return the area under the polygon of recall and precision; NaN without a positive.

    The curve begins at recall 0 with precision 1 and has a point after each detection
    (`pr_to_ap` of ACT: vkalogeiton/caffe, branch act-detector, `ACT_utils.py`). Precision isn't
    interpolated, and nothing is added after the last point.

    Args:
        hits: `[N]`: whether each detection is a true positive, in the order of their rank.
        positives: Number of true instances of the class.
    """
    if positives == 0:
        return float("nan")
    places = np.flatnonzero(hits)
    true = np.arange(1, len(places) + 1)
    after = true / (places + 1)
    before = np.divide(true - 1, places, out=np.ones(len(places)), where=places > 0)
    return float((before + after).sum() / 2 / positives)


def resampled_trapezoids(hits: Flags, video: Ints, positives: Ints, weights: Ints) -> Floats:
    """Return the area at each threshold under each draw of videos; see `resampled_precisions`.

    It equals `trapezoid_precision` of a list in which each detection stands as often as its video
    was drawn, the copies next to each other.

    Args:
        hits: `[N, thresholds]`: whether each detection is a true positive, in the order of rank.
        video: `[N]`: the video of each detection.
        positives: `[videos]`: number of true instances of the class in each video.
        weights: `[videos, draws]`, int32: how often each video was drawn.

    Returns:
        `[thresholds, draws]`; NaN for a draw without a positive.
    """
    total = positives @ weights
    area = np.full((hits.shape[1], weights.shape[1]), np.nan)
    places = np.flatnonzero(hits.any(axis=1))
    until = int(places[-1]) + 1 if len(places) else 0
    starts = np.concatenate([[0], places[:-1] + 1]) if len(places) else places
    at_once = max(1, _VALUES_AT_ONCE // max(1, until))
    for first in range(0, weights.shape[1], at_once):
        part = slice(first, first + at_once)
        known = total[part] > 0
        gathered = weights[:, part][video[:until]]
        ranked = np.add.reduceat(gathered, starts, axis=0) if until else gathered
        ranked, own = np.cumsum(ranked, axis=0, dtype=np.int64), gathered[places]
        for number in range(hits.shape[1]):
            hit = hits[places, number]
            summed = _summed(own[hit], ranked[hit])
            area[number, part][known] = summed[known] / total[part][known]
    return area


def _summed(own: Ints, ranked: Ints) -> Floats:
    """Return the sum over the hits of the mean of the precisions before and after: `[draws]`.

    Args:
        own: `[hits, draws]`: weight of each hit.
        ranked: `[hits, draws]`: weight of all detections up to it.
    """
    # With `false` detections before it, copy j of a hit, at rank r, has the precision 1 - false / r
    # after it and 1 - false / (r - 1) before it: sums over the copies are harmonic numbers. At rank
    # 1 there is no false detection, and both are 1, as the curve begins.
    if not len(own):
        return np.zeros(own.shape[1])
    false = ranked - np.cumsum(own, axis=0)
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, int(ranked.max()) + 2))])
    before = ranked - own
    after = harmonic[ranked] - harmonic[before]
    ahead = harmonic[np.maximum(ranked - 1, 0)] - harmonic[np.maximum(before - 1, 0)]
    summed: Floats = (own - false * (after + ahead) / 2).sum(axis=0)
    return summed
