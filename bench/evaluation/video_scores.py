"""The scores of each video in every class, which an mAP ranks, computed from stored logits."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...datasets.protocol import Aggregation
from ..statistics.scores import averaged_of, mean_score, view_scores
from .labels import true_mask
from .origin import UNKNOWN, Origin
from .predictions import Predictions, open_predictions


class VideoScores(NamedTuple):
    """The scores of the scored videos, in the order of their ids.

    Attributes:
        videos: Ids.
        scores: `[videos, classes]`, float64, the mean over the views.
        true: `[videos, classes]`, bool: the classes of each.
        groups: The source that each shares footage with, or None.
        checked: The logits were as their digests say; False where none are kept.
    """

    videos: tuple[str, ...]
    scores: np.ndarray
    true: np.ndarray
    groups: tuple[str | None, ...]
    checked: bool = True

    @property
    def clusters(self) -> np.ndarray | None:
        """`[videos]`, a number for each source group; None where no group is known."""
        return group_clusters(self.groups)

    def of(self, videos: tuple[str, ...]) -> "VideoScores":
        """Return those of some of the videos."""
        if videos == self.videos:
            return self
        place = {video: number for number, video in enumerate(self.videos)}
        at = np.array([place[video] for video in videos], np.int64)
        groups = tuple(self.groups[number] for number in at)
        return self._replace(
            videos=videos, scores=self.scores[at], true=self.true[at], groups=groups
        )


def compute_scores(predictions: Predictions, aggregation: Aggregation) -> VideoScores:
    """Compute scores from per-view logits; all are in memory together, 8 bytes a class and video.

    Raises:
        KinobenchError: The logits can't be read.
    """
    videos: list[str] = []
    groups: list[str | None] = []
    scores, true = [], []
    averaged = averaged_of(aggregation, predictions.scoring)
    for chunk in predictions.chunks():
        scores.append(mean_score(view_scores(chunk.logits, averaged)))
        true.append(true_mask(chunk.labels, chunk.label_sets, predictions.classes))
        videos += chunk.videos
        groups += chunk.groups
    order = sorted(range(len(videos)), key=videos.__getitem__)
    return VideoScores(
        tuple(videos[number] for number in order),
        np.concatenate(scores)[order],
        np.concatenate(true)[order],
        tuple(groups[number] for number in order),
        predictions.checked,
    )


def read_scores(path: Path, aggregation: Aggregation, origin: Origin = UNKNOWN) -> VideoScores:
    """Return the scores of a record's videos.

    Args:
        path: Folder of the shards, or one Parquet file of logits.
        aggregation: Rule that averages the views.
        origin: What the record is of.

    Raises:
        KinobenchError: The logits can't be read, or are of another case or split.
    """
    return compute_scores(open_predictions(path, origin), aggregation)


def group_clusters(groups: tuple[str | None, ...]) -> np.ndarray | None:
    """Number each video's source group: `[videos]`; None where no group is known.

    A video may have several classes, so a group is one whatever its classes. A video without a
    group is a cluster of its own.
    """
    if not any(groups):
        return None
    numbers: dict[str | int, int] = {}
    keys = (group if group else video for video, group in enumerate(groups))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])
