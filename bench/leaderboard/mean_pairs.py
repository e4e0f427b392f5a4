"""Ranks of networks from paired draws of source groups over the lists of several splits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..evaluation.places import VideoPlaces
from ..evaluation.split_pairs import pair_lists
from ..statistics.intervals import LEVEL
from ..statistics.split_means import mean_difference, resampled_mean_difference
from ..statistics.tests import holm


class _Compared(NamedTuple):
    """A pair of networks: how much better the second is (a fraction), and the two-sided p."""

    difference: float
    p: float


def mean_ranks(networks: Sequence[Sequence[VideoPlaces]]) -> list[int]:
    """Return the rank of each network: 1 and the number that are significantly better.

    Args:
        networks: Of each network, the places of the videos of each list, the lists in one order.
    """
    return [int(number) for number in 1 + better_means(networks).sum(axis=0)]


def better_means(networks: Sequence[Sequence[VideoPlaces]]) -> np.ndarray:
    """Return which network is significantly better than which: `[networks, networks]`, bool.

    The first of the two is the better one; the argument is that of `mean_ranks`.
    """
    pairs = [(a, b) for a in range(len(networks)) for b in range(a)]
    tested = [_compared(networks[a], networks[b]) for a, b in pairs]
    found = np.zeros((len(networks), len(networks)), bool)
    for (a, b), each, p in zip(pairs, tested, holm([each.p for each in tested]), strict=True):
        if p < 1 - LEVEL:
            found[(b, a) if each.difference > 0 else (a, b)] = True
    return found


def _compared(a: Sequence[VideoPlaces], b: Sequence[VideoPlaces]) -> _Compared:
    paired = pair_lists(a, b)
    if not all(map(len, paired.clusters)):
        return _Compared(0.0, 1.0)
    hits_a, hits_b = paired.hits(1)
    found = resampled_mean_difference(hits_a, hits_b, paired.clusters)
    return _Compared(mean_difference(hits_a, hits_b), 1.0 if found is None else found.p)
