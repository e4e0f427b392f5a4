"""The videos of several lists that two networks scored, paired, with their source groups."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .places import VideoPlaces


class PairedLists(NamedTuple):
    """The videos of each list that both networks scored.

    Attributes:
        a, b: Of each list, `[videos]`: the place of each video's class by either network.
        clusters: Of each list, `[videos]`: the number of its source group, the same in each list.
        only_a, only_b: Number of videos that only the one scored, in all lists together.
    """

    a: list[np.ndarray]
    b: list[np.ndarray]
    clusters: list[np.ndarray]
    only_a: int
    only_b: int

    def hits(self, k: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return whether the first and the second have each video among their first k."""
        return [each < k for each in self.a], [each < k for each in self.b]


def pair_lists(a: Sequence[VideoPlaces], b: Sequence[VideoPlaces]) -> PairedLists:
    """Return the videos that both have, in the order of the first.

    Args:
        a: The places of a network's videos of each list.
        b: Those of the other network, the lists in the same order.
    """
    found = PairedLists([], [], [], 0, 0)
    only_a = only_b = 0
    numbers: dict[tuple[object, ...], int] = {}
    for of_a, of_b in zip(a, b, strict=True):
        place = {video: at for at, video in enumerate(of_b.videos.to_pylist())}
        listed = of_a.videos.to_pylist()
        in_a = np.array([at for at, video in enumerate(listed) if video in place], np.int64)
        in_b = np.array([place[listed[at]] for at in in_a], np.int64)
        found.a.append(of_a.places[in_a])
        found.b.append(of_b.places[in_b])
        found.clusters.append(clusters_of(of_a, numbers)[in_a])
        only_a += len(listed) - len(in_a)
        only_b += len(place) - len(in_b)
    return found._replace(only_a=only_a, only_b=only_b)


def clusters_of(found: VideoPlaces, numbers: dict[tuple[object, ...], int]) -> np.ndarray:
    """Number the source group of each video, the same in each split; `numbers` has those so far."""
    keys: list[tuple[object, ...]] = []
    listed = zip(found.videos.to_pylist(), found.labels, found.groups.to_pylist(), strict=True)
    for video, label, group in listed:
        of_class = int(label) if found.label_sets is None else None
        keys.append((of_class, group) if group else (video,))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
