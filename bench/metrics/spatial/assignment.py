"""Which detection hits which true instance: the best first, each true instance once."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..instances import Floats, Ints
from .rules import Match

_PAIRS_AT_ONCE = 2**19
"""Number of pairs whose overlap is computed together: some 250 bytes each."""

Overlap = Callable[[Ints, Ints], Floats]
"""Gives the overlap of detections and true instances, by their numbers, `[pairs]` each."""


class Pairs(NamedTuple):
    """Detections with true instances that they may hit, the best first; columns `[pairs]`.

    By rank of the detection, then by falling overlap, then by the number of the true instance.

    Attributes:
        found: Number of the detection, which is its rank: 0 is the best.
        truth: Number of the true instance.
        overlap: From 0 to 1.
    """

    found: Ints
    truth: Ints
    overlap: Floats


def pairs_of_groups(found: Ints, truth: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield all pairs whose groups are the same, in parts, by rising number of the detection.

    All pairs of one detection are in one part.

    Args:
        found: `[N]`: group of each detection, such as a frame and a class.
        truth: `[M]`: group of each true instance, rising.

    Yields:
        Numbers of detections and of true instances, `[pairs]` each.
    """
    start = np.searchsorted(truth, found)
    counts = np.searchsorted(truth, found, side="right") - start
    paired = np.flatnonzero(counts)
    counts = counts[paired]
    part = np.cumsum(counts) // _PAIRS_AT_ONCE
    edges = [*np.flatnonzero(np.diff(part, prepend=-1)), len(paired)]
    for first, last in pairwise(edges):
        own = counts[first:last]
        within = np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)
        some = paired[first:last]
        yield np.repeat(some, own), np.repeat(start[some], own) + within


def overlapping_pairs(
    found: Ints, truth: Ints, overlap: Overlap, *, least: float, match: Match
) -> Pairs:
    """Return the pairs that may become hits.

    Args:
        found: `[N]`: group of each detection, the detections by rank.
        truth: `[M]`: group of each true instance, rising. Of instances that a detection overlaps
            equally, it takes the first here.
        overlap: Computes overlaps.
        least: The least overlap of a hit.
        match: With "best alone", a detection has one pair at most.
    """
    parts = []
    for detections, instances in pairs_of_groups(found, truth):
        shared = overlap(detections, instances)
        enough = np.flatnonzero(shared >= least)
        order = enough[np.lexsort((-shared[enough], detections[enough]))]
        if match == "best alone":
            order = order[np.diff(detections[order], prepend=-1) > 0]
        parts.append((detections[order], instances[order], shared[order]))
    if not parts:
        return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def assigned(
    pairs: Pairs, threshold: float, *, strict: bool, match: Match, detections: int
) -> Ints:
    """Return the true instance that each detection hits, -1 for those that hit none: `[N]`.

    The detections choose by rank; a true instance is hit once.

    Args:
        pairs: Of `overlapping_pairs` with the same `match`, of this threshold or a lower one.
        threshold: Overlap from which on there is a hit.
        strict: Whether it has to be above the threshold.
        match: Whether a detection whose best instance is taken may take another.
        detections: Number of detections.
    """
    hit = np.full(detections, -1)
    high = pairs.overlap > threshold if strict else pairs.overlap >= threshold
    found, truth = pairs.found[high], pairs.truth[high]
    if match == "best alone":
        _, first = np.unique(truth, return_index=True)
        hit[found[first]] = truth[first]
        return hit
    taken: set[int] = set()
    done = -1
    for detection, instance in zip(found.tolist(), truth.tolist(), strict=True):
        if detection != done and instance not in taken:
            taken.add(instance)
            done = detection
            hit[detection] = instance
    return hit
