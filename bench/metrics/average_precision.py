"""Average precision of ranked detections of one class, as they are and under a bootstrap's weights.

Both forms give the same: a video of weight two counts as if it stood in the dataset twice, with its
detections next to each other in the ranking.
"""

import numpy as np
from numpy.typing import NDArray

from .instances import Floats, Ints

Flags = NDArray[np.bool_]

_VALUES_AT_ONCE = 2**23
"""Number of weights of 4 bytes that the weighted form gathers at once."""


def average_precision(
    hits: Flags, positives: int, *, interpolated: bool, typical: float | None = None
) -> float:
    """Return the average precision of one class at one threshold; NaN without a positive.

    Interpolated, the precision at a recall is the highest at that recall or a higher one, and the
    area is that under these steps (PASCAL VOC from 2011 on: Everingham et al. 2015, section 4.2;
    activitynet/ActivityNet `Evaluation/utils.py`, `interpolated_prec_rec`). Not interpolated, it is
    the sum of the precisions at the hits over the number of positives (THUMOS14 `TH14evalDet`,
    `prap`).

    Args:
        hits: `[N]`: whether each detection is a true positive, in the order of their rank. Leave
            out detections that the rule ignores.
        positives: Number of true instances of the class.
        interpolated: Whether the precision is interpolated.
        typical: Number of instances that the class is taken to have where a precision is computed,
            so that rare and frequent ones compare (normalized AP: Hoiem et al. 2012, section 2.3);
            None for its own.
    """
    if positives == 0:
        return float("nan")
    places = np.flatnonzero(hits)
    true = np.arange(1, len(places) + 1)
    precision = true / (places + 1)
    if typical is not None:
        recalled = true / positives * typical
        precision = recalled / (recalled + places + 1 - true)
    if interpolated:
        precision = np.maximum.accumulate(precision[::-1])
    return float(precision.sum() / positives)


def resampled_precisions(
    hits: Flags,
    video: Ints,
    positives: Ints,
    weights: Ints,
    *,
    interpolated: bool,
    ignored: Flags | None = None,
) -> Floats:
    """Return the average precision of one class at each threshold under each draw of videos.

    It equals `average_precision` of a list in which each detection stands as often as its video was
    drawn, the copies next to each other.

    Args:
        hits: `[N, thresholds]`: whether each detection is a true positive, in the order of rank.
        video: `[N]`: the video of each detection.
        positives: `[videos]`: number of true instances of the class in each video.
        weights: `[videos, draws]`, int32: how often each video was drawn, as `drawn_videos` gives.
        interpolated: As in `average_precision`.
        ignored: `[N]`: detections that count only where they hit; None if there are none.

    Returns:
        `[thresholds, draws]`; NaN for a draw without a positive.
    """
    with_positives = np.flatnonzero(positives)
    total = positives[with_positives] @ weights[with_positives]
    found = np.zeros((hits.shape[1], weights.shape[1]))
    found[:, total == 0] = np.nan
    places = np.flatnonzero(hits.any(axis=1))
    if not len(places):
        return found
    until = int(places[-1]) + 1
    hits, video = hits[places], video[:until]
    own_ignored = None if ignored is None or not ignored[:until].any() else ignored[:until]
    at_once = max(1, _VALUES_AT_ONCE // until)
    for first in range(0, weights.shape[1], at_once):
        part = slice(first, first + at_once)
        own, ranked = _ranked(weights[:, part], video, places, own_ignored)
        for number, hit in enumerate(hits.T):
            kept = own[hit]
            before = ranked[hit]
            if own_ignored is not None:
                before = before + np.cumsum(kept * own_ignored[places[hit], None], axis=0)
            summed = _summed_precision(kept, before, interpolated)
            known = total[part] > 0
            found[number, part][known] = summed[known] / total[part][known]
    return found


def _ranked(weights: Ints, video: Ints, places: Ints, ignored: Flags | None) -> tuple[Ints, Ints]:
    """Return the weight of the detection at each place, and of all that count up to it.

    Both are `[places, draws]`. Detections that the rule ignores don't count.
    """
    starts = np.concatenate([[0], places[:-1] + 1])
    gathered = weights[video]
    own = gathered[places]
    if ignored is not None:
        gathered[ignored] = 0
    between = np.add.reduceat(gathered, starts, axis=0, dtype=np.int32)
    return own, np.cumsum(between, axis=0, dtype=np.int64)


def _summed_precision(own: Ints, ranked: Ints, interpolated: bool) -> Floats:
    """Return the sum of the precisions at the hits of each draw: `[draws]`.

    Args:
        own: `[hits, draws]`: the weight of each hit.
        ranked: `[hits, draws]`: the weight of all detections up to it, itself included.
        interpolated: As in `average_precision`.
    """
    true = np.cumsum(own, axis=0, dtype=np.int64)
    if not len(true):
        return np.zeros(own.shape[1])
    if interpolated:
        # Copies of a hit stand next to each other, so that the last has the highest precision.
        precision = np.divide(true, ranked, out=np.zeros(own.shape), where=ranked > 0)
        highest = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        return np.einsum("hd,hd->d", own, highest)
    # With `false` detections before it, copy j of `own` has a precision of 1 - false / (rank of j):
    # the sum over the copies is a difference of harmonic numbers.
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, int(ranked.max()) + 1))])
    lost = (ranked - true) * (harmonic[ranked] - harmonic[ranked - own])
    summed: Floats = (own - lost).sum(axis=0)
    return summed
