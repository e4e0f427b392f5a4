"""Is a row's accuracy another one in a second record? A paired test on the same videos."""

from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ..evaluation.map_difference import map_difference
from ..evaluation.places import VideoPlaces
from ..evaluation.restricted import Scored, common_videos
from ..evaluation.video_scores import VideoScores, group_clusters
from ..statistics.intervals import LEVEL, resampled_difference
from ..statistics.tests import mcnemar


class Tested(NamedTuple):
    """A difference, B less A (a fraction, or the logarithm of a ratio).

    Attributes:
        difference: Its value.
        interval: Its 95 % interval; None if nothing varies.
        p: Two-sided, of this difference alone.
    """

    difference: float
    interval: tuple[float, float] | None
    p: float


def paired_difference(a: Scored, b: Scored, k: int = 1) -> Tested:
    """Test the difference of two accuracies on the videos that both scored, as `compare` does.

    Two tests must find it, so p is the larger one (Berger 1982): the exact McNemar test, and a
    bootstrap that draws whole source groups. The mAP has the bootstrap alone.

    Args:
        a: The videos of the one.
        b: The videos of the other.
        k: A hit is among the first k classes.

    Raises:
        KinobenchError: They have no common video, or disagree on labels.
    """
    if isinstance(a, VideoScores) and isinstance(b, VideoScores):
        found = map_difference(a, b)
        return Tested(found.difference, found.interval, found.p)
    if isinstance(a, VideoScores) or isinstance(b, VideoScores):
        raise KinobenchError("the one has a mAP, and the other none")
    videos = common_videos([a, b])
    if not videos:
        raise KinobenchError("the two have no video in common")
    one, other = a.of(videos), b.of(videos)
    if not np.array_equal(one.labels, other.labels) or one.label_sets != other.label_sets:
        raise KinobenchError("the labels of a video differ")
    hits_a, hits_b = one.places < k, other.places < k
    exact = mcnemar(
        int(np.count_nonzero(hits_a & ~hits_b)), int(np.count_nonzero(hits_b & ~hits_a))
    )
    resampled = resampled_difference(hits_a, hits_b, _clusters(one, other))
    return Tested(
        float(hits_b.mean() - hits_a.mean()),
        None if resampled is None else resampled.interval,
        max(exact, 1.0 if resampled is None else resampled.p) if exact < 1 - LEVEL else exact,
    )


def _clusters(one: VideoPlaces, other: VideoPlaces) -> np.ndarray | None:
    """Return a number for each video's source: with one label a group is one of its class."""
    groups = [x or y for x, y in zip(one.groups.to_pylist(), other.groups.to_pylist(), strict=True)]
    if one.label_sets is None:
        labels = one.labels.tolist()
        groups = [
            f"{label} {group}" if group else None
            for label, group in zip(labels, groups, strict=True)
        ]
    return group_clusters(tuple(groups))
