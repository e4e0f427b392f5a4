"""Ranks of networks from paired tests of all of them, on the videos that two have scored."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..evaluation.map_difference import map_difference
from ..evaluation.places import VideoPlaces
from ..evaluation.video_scores import VideoScores
from ..statistics.intervals import LEVEL, resampled_difference
from ..statistics.tests import holm, mcnemar


def ranks(networks: Sequence[VideoPlaces]) -> list[int]:
    """Return the rank of each network: 1 and the number that are significantly better."""
    return _counted(better(networks))


def _counted(better: np.ndarray) -> list[int]:
    return [int(number) for number in 1 + better.sum(axis=0)]


def better(networks: Sequence[VideoPlaces]) -> np.ndarray:
    """Return which network is significantly better than which: `[networks, networks]`, bool.

    The first of the two is the better one. A pair's p is the larger one of its two tests (Berger
    1982). Only pairs with a significant McNemar test, adjusted for all pairs, are resampled: no
    other pair can be significant by the larger p.
    """
    hits, scored, clusters = _aligned(networks)
    pairs = [(a, b) for a in range(len(networks)) for b in range(a)]
    counts = []
    for a, b in pairs:
        differ = (hits[a] != hits[b]) & scored[a] & scored[b]
        only_a = int(np.count_nonzero(differ & hits[a]))
        counts.append((only_a, int(np.count_nonzero(differ)) - only_a))
    exact = [mcnemar(*count) for count in counts]
    larger = list(exact)
    for number, ((a, b), p) in enumerate(zip(pairs, holm(exact), strict=True)):
        if p < 1 - LEVEL:
            both = scored[a] & scored[b]
            drawn = _joint_clusters(clusters[a, both], clusters[b, both])
            resampled = resampled_difference(hits[a, both], hits[b, both], drawn)
            larger[number] = max(exact[number], 1.0 if resampled is None else resampled.p)
    found = np.zeros((len(networks), len(networks)), bool)
    for (a, b), (only_a, only_b), p in zip(pairs, counts, holm(larger), strict=True):
        if p < 1 - LEVEL:
            found[(b, a) if only_a < only_b else (a, b)] = True
    return found


def ranks_by_map(networks: Sequence[VideoScores]) -> list[int]:
    """Return the rank of each network by mAP: 1 and the number that are significantly better."""
    return _counted(better_by_map(networks))


def better_by_map(networks: Sequence[VideoScores]) -> np.ndarray:
    """Return which network is significantly better by mAP than which, as `better` does."""
    pairs = [(a, b) for a in range(len(networks)) for b in range(a)]
    tested = [map_difference(networks[a], networks[b]) for a, b in pairs]
    found = np.zeros((len(networks), len(networks)), bool)
    for (a, b), each, p in zip(pairs, tested, holm([each.p for each in tested]), strict=True):
        if p < 1 - LEVEL:
            found[(b, a) if each.difference > 0 else (a, b)] = True
    return found


def _joint_clusters(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Return a cluster for each video as `pairing.pair` does, from those of two networks."""
    known = np.where(a >= 0, a, b)
    if not (known >= 0).any():
        return None
    return np.where(known >= 0, known, -1 - np.arange(len(known)))


def _aligned(networks: Sequence[VideoPlaces]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `hits`, `scored` and `clusters`, `[networks, videos]`, over all that any scored.

    A cluster is a number for each class and source group, -1 where no group is known.
    """
    if not networks:
        return np.zeros((0, 0), bool), np.zeros((0, 0), bool), np.zeros((0, 0), np.int64)
    videos = networks[0].videos
    if any(not network.videos.equals(videos) for network in networks):
        videos = pc.unique(pa.concat_arrays([network.videos for network in networks]))
    hits, scored = (np.zeros((len(networks), len(videos)), bool) for _ in range(2))
    clusters = np.full(hits.shape, -1)
    sources = pc.unique(pa.concat_arrays([network.groups.drop_null() for network in networks]))
    for number, network in enumerate(networks):
        at = pc.index_in(network.videos, value_set=videos).to_numpy()
        hits[number, at], scored[number, at] = network.hits, True
        source = pc.fill_null(pc.index_in(network.groups, value_set=sources), -1).to_numpy()
        # With one label a group is one of its class; with several, one whatever its classes.
        of_class = network.labels if network.label_sets is None else 0
        clusters[number, at] = np.where(source < 0, -1, of_class * len(sources) + source)
    return hits, scored, clusters
