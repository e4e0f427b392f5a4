"""Mean average precisions under a bootstrap over videos, of all classes at once.

A video of weight two counts as if it stood in the dataset twice, with its detections next to each
other in the ranking. What a detection hits doesn't change: the instances of a video are its own.
"""

from typing import NamedTuple

import numpy as np

from ..average_precision import Flags
from ..instances import Floats, Ints
from .rules import Area

_VALUES_AT_ONCE = 2**18
"""Number of weights, of draws times detections, that are looked at together: they fit a cache."""


class Ranked(NamedTuple):
    """Detections of all classes and what they hit, each class's by rank.

    Attributes:
        label: Class of each detection, rising, `[N]`.
        video: Video of each, `[N]`.
        hits: Whether each is a true positive, `[thresholds, N]`.
        true_label: Class of each true instance, `[M]`.
        true_video: Video of each, `[M]`.
        scored: Whether a class is scored, `[classes]`.
        videos: Number of videos.
    """

    label: Ints
    video: Ints
    hits: Flags
    true_label: Ints
    true_video: Ints
    scored: Flags
    videos: int


def drawn_means(ranked: Ranked, used: Flags, weights: Ints, area: Area) -> Floats:
    """Return the mAP at each threshold under each draw.

    Classes of which no drawn video has an instance are left out of a draw's mean.

    Args:
        ranked: The detections.
        used: `[classes]`: the classes of the mean.
        weights: `[videos, draws]`, int32: how often each video was drawn.
        area: How the area is computed.

    Returns:
        `[thresholds, draws]`; NaN for a draw without an instance of any class.
    """
    classes = len(used)
    cells = np.bincount(
        ranked.true_label * ranked.videos + ranked.true_video, minlength=classes * ranked.videos
    )
    positives = weights.T @ cells.reshape(classes, ranked.videos).T
    positives[:, ~used] = 0
    hits = [_Hits.of(each, ranked.label) for each in ranked.hits]
    summing = _trapezoids if area == "trapezoid" else _interpolated
    found = np.full((len(hits), weights.shape[1]), np.nan)
    at_once = max(1, _VALUES_AT_ONCE // (len(ranked.label) + 1))
    for first in range(0, weights.shape[1], at_once):
        part = slice(first, first + at_once)
        own, ranks = _ranks(np.ascontiguousarray(weights[:, part].T), ranked.video)
        before = ranks[:, np.searchsorted(ranked.label, np.arange(classes))]
        for number, hit in enumerate(hits):
            rank = ranks[:, hit.place + 1] - before[:, hit.label]
            added = summing(hit, own[:, hit.place], rank)
            found[number, part] = _mean(hit.summed(added, classes), positives[part])
    return found


def _ranks(weights: Ints, video: Ints) -> tuple[Ints, Ints]:
    """Return the weight of each detection, and of all before each place: `[draws, N]`, `N + 1`."""
    own = np.take(weights, video, axis=1, mode="clip")  # twice as fast as with a check
    small = len(video) * int(weights.max(initial=0)) < 2**31
    ranks = np.zeros((len(weights), len(video) + 1), np.int32 if small else np.int64)
    np.cumsum(own, axis=1, dtype=ranks.dtype, out=ranks[:, 1:])
    return own, ranks


def _mean(summed: Floats, positives: Ints) -> Floats:
    """Return the mean over the classes with positives, which sums are divided by: `[draws]`."""
    known = positives > 0
    precision = np.divide(summed, positives, out=np.zeros(summed.shape), where=known)
    counts = known.sum(axis=1)
    nothing = np.full(len(counts), np.nan)
    mean: Floats = np.divide(precision.sum(axis=1), counts, out=nothing, where=counts > 0)
    return mean


class _Hits(NamedTuple):
    """The hits at one threshold: their places among the detections, their classes, by class.

    `present` are the classes that have any, and `starts` where the hits of each of these begin.
    """

    place: Ints
    label: Ints
    present: Ints
    starts: Ints

    @classmethod
    def of(cls, hits: Flags, label: Ints) -> "_Hits":
        place = np.flatnonzero(hits)
        present, starts = np.unique(label[place], return_index=True)
        return cls(place, label[place], present, starts)

    def true(self, own: Ints) -> Ints:
        """Return the weight of the hits of its class up to each, itself included."""
        true: Ints = np.cumsum(own, axis=1, dtype=np.int32)
        before = (true - own)[:, self.starts]
        return true - np.repeat(before, np.diff([*self.starts, len(self.place)]), axis=1)

    def summed(self, added: Floats, classes: int) -> Floats:
        """Return the sums of each class: `[draws, classes]`."""
        summed = np.zeros((len(added), classes))
        if len(self.place):
            summed[:, self.present] = np.add.reduceat(added, self.starts, axis=1)
        return summed


def _interpolated(hit: _Hits, own: Ints, rank: Ints) -> Floats:
    """Return what each hit adds to the sum of precisions: its copies at the highest from there on.

    Args:
        hit: The hits.
        own: `[draws, hits]`: weight of each.
        rank: `[draws, hits]`: weight of all detections of its class up to it, itself included.
    """
    precision = hit.true(own) / np.maximum(rank, 1)
    # The highest from each hit to the end of its class: earlier classes stand higher by 2 each, so
    # that one pass from the end does for all. It costs precision some 1e-16 a class.
    floor = -2.0 * hit.label
    precision += floor
    highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1] - floor
    highest *= own
    return highest


def _trapezoids(hit: _Hits, own: Ints, rank: Ints) -> Floats:
    """Return what each hit adds to the sum of the means of precisions before and after; as above.

    With `false` detections before it, the copy of a hit at rank r has the precision 1 - false / r
    after it and 1 - false / (r - 1) before it: sums over the copies are harmonic numbers. At rank 1
    there is no false detection, and both are 1, as the curve begins.
    """
    false = rank - hit.true(own)
    most = int(rank.max(initial=0))
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, most + 2))])
    start = rank - own
    after = harmonic[rank] - harmonic[start]
    ahead = harmonic[np.maximum(rank - 1, 0)] - harmonic[np.maximum(start - 1, 0)]
    added: Floats = own - false * (after + ahead) / 2
    return added
