"""The difference in mAP of two networks on the videos that both scored, by a paired bootstrap."""

from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ..statistics.average_precision import (
    MAP_RESAMPLES,
    interval_of,
    mean_average_precision,
    p_of,
    resampled_maps,
)
from .video_scores import VideoScores, group_clusters


class MapDifference(NamedTuple):
    """The mAP of two networks, A and B, on the same videos (fractions).

    Attributes:
        a, b: The mAP of each.
        difference: B less A.
        interval: Its 95 % interval; None if nothing varies, as with a single video or cluster.
        p: Two-sided p of the difference, below 5 % where the interval leaves out 0.
        videos: Number of videos that both scored.
        only_a, only_b: Number of videos that only A, that only B scored.
        clusters: Number of source groups, which are drawn whole; None: videos are drawn.
        classes: Number of classes that one of these videos has.
    """

    a: float
    b: float
    difference: float
    interval: tuple[float, float] | None
    p: float
    videos: int
    only_a: int
    only_b: int
    clusters: int | None
    classes: int


def _refuse_other_labels(a: VideoScores, b: VideoScores) -> None:
    if a.true.shape != b.true.shape:
        raise KinobenchError(
            f"one has {a.true.shape[1]} classes, and the other {b.true.shape[1]}; give predictions "
            "for one dataset"
        )
    other = (a.true != b.true).any(axis=1)
    if other.any():
        raise KinobenchError(
            f"video {a.videos[int(np.argmax(other))]!r} has other labels in the one than in the "
            "other; give predictions for one dataset with one class order"
        )


def map_difference(a: VideoScores, b: VideoScores, resamples: int = MAP_RESAMPLES) -> MapDifference:
    """Compare the mAP of two networks.

    Args:
        a: Scores of the first network.
        b: Scores of the second.
        resamples: Number of the bootstrap's draws.

    Raises:
        KinobenchError: They have no common video with a label, or differ in a video's labels.
    """
    theirs = set(b.videos)
    shared = tuple(video for video in a.videos if video in theirs)
    if not shared:
        raise KinobenchError("the two have no video in common; give predictions for one split")
    of_a, of_b = a.of(shared), b.of(shared)
    _refuse_other_labels(of_a, of_b)
    one, other = (mean_average_precision(each.scores, each.true) for each in (of_a, of_b))
    if one.map is None or other.map is None:
        raise KinobenchError("no video that both scored has a label: there is no mAP to compare")
    groups = tuple(x or y for x, y in zip(of_a.groups, of_b.groups, strict=True))
    clusters = group_clusters(groups)
    drawn = resampled_maps([of_a.scores, of_b.scores], of_a.true, clusters, resamples=resamples)
    difference = other.map - one.map
    spread = np.zeros(0) if drawn is None else drawn[1] - drawn[0]
    return MapDifference(
        a=one.map,
        b=other.map,
        difference=difference,
        interval=interval_of(difference, spread, least=-1.0),
        p=p_of(difference, spread),
        videos=len(shared),
        only_a=len(a.videos) - len(shared),
        only_b=len(b.videos) - len(shared),
        clusters=None if clusters is None else int(clusters.max()) + 1,
        classes=one.classes,
    )
