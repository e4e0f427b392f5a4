"""Mean average precisions under a bootstrap over videos, of all classes at once.

A video of weight two counts as if it stood in the dataset twice, with its detections next to each
other in the ranking. What a detection hits doesn't change: the instances of a video are its own.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..average_precision import Flags
from ..instances import Floats, Ints
from .rules import Area

_VALUES_AT_ONCE = 2**16
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
    edges = np.searchsorted(ranked.label, np.arange(classes + 1))
    draws = np.ascontiguousarray(weights.T)
    summed = np.zeros((len(ranked.hits), len(draws)))
    for some in _together(np.diff(edges)):
        own = slice(edges[some.start], edges[some.stop])
        label = ranked.label[own] - some.start
        hits = [_Hits.of(each[own], label) for each in ranked.hits]
        at_once = max(1, _VALUES_AT_ONCE // (len(label) + 1))
        for first in range(0, len(draws), at_once):
            part = slice(first, first + at_once)
            video = ranked.video[own]
            summed[:, part] += _summed(hits, draws[part], video, positives[part, some], area)
    known = (positives > 0).sum(axis=1)
    mean: Floats = np.divide(summed, known, out=np.full(summed.shape, np.nan), where=known > 0)
    return mean


def _together(counts: Ints) -> list[slice]:
    """Return slices of classes which have about `_VALUES_AT_ONCE` detections or fewer together."""
    number = np.cumsum(counts) // _VALUES_AT_ONCE
    edges = [*np.flatnonzero(np.diff(number, prepend=-1)), len(counts)]
    return [slice(*ends) for ends in pairwise(edges)]


def _summed(hits: "list[_Hits]", weights: Ints, video: Ints, positives: Ints, area: Area) -> Floats:
    """Return the sums of some classes' precisions: `[thresholds, draws]`.

    Args:
        hits: Of each threshold.
        weights: `[draws, videos]`.
        video: `[N]`: of each detection of these classes.
        positives: `[draws, classes]`; a class without any isn't in the sum.
        area: How the area is computed.
    """
    own, ranks = _ranks(weights, video)
    summing = _trapezoids if area == "trapezoid" else _interpolated
    summed = np.zeros((len(hits), len(weights)))
    for number, hit in enumerate(hits):
        if len(hit.place):
            rank = ranks[:, hit.place + 1] - np.repeat(ranks[:, hit.before], hit.counts, axis=1)
            added = np.add.reduceat(summing(hit, own[:, hit.place], rank), hit.starts, axis=1)
            positive = positives[:, hit.present]
            precision = np.divide(added, positive, out=np.zeros(added.shape), where=positive > 0)
            summed[number] = precision.sum(axis=1)
    return summed


def _ranks(weights: Ints, video: Ints) -> tuple[Ints, Ints]:
    """Return the weight of each detection, and of all before each place: `[draws, N]`, `N + 1`."""
    own = np.take(weights, video, axis=1, mode="clip")  # twice as fast as with a check
    small = len(video) * int(weights.max(initial=0)) < 2**31
    ranks = np.zeros((len(weights), len(video) + 1), np.int32 if small else np.int64)
    np.cumsum(own, axis=1, dtype=ranks.dtype, out=ranks[:, 1:])
    return own, ranks


class _Hits(NamedTuple):
    """The hits at one threshold, by class.

    Attributes:
        place: Their places among the detections, `[hits]`.
        label: Their classes, rising, `[hits]`.
        present: The classes that have any, `[present]`.
        starts: Where the hits of each of these begin, `[present]`.
        counts: How many each has, `[present]`.
        before: Where the detections of each begin, `[present]`.
    """

    place: Ints
    label: Ints
    present: Ints
    starts: Ints
    counts: Ints
    before: Ints

    @classmethod
    def of(cls, hits: Flags, label: Ints) -> "_Hits":
        place = np.flatnonzero(hits)
        present, starts, counts = np.unique(label[place], return_index=True, return_counts=True)
        return cls(place, label[place], present, starts, counts, np.searchsorted(label, present))

    def true(self, own: Ints) -> Ints:
        """Return the weight of the hits of its class up to each, itself included."""
        true: Ints = np.cumsum(own, axis=1, dtype=np.int32)
        before = true[:, self.starts] - own[:, self.starts]
        return true - np.repeat(before, self.counts, axis=1)


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
