"""Stored predictions of localization and detection: scored again, and compared in pairs."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ..evaluation.origin import UNKNOWN, Origin
from ..metrics.bootstrap import BootstrappedDifference, bootstrapped_difference
from ..metrics.spatial.frame_map import score_boxes
from ..metrics.spatial.rules import frame_rule
from ..metrics.temporal_bootstrap import compare_segments
from .prediction_shards import ShardPredictions, joined_columns, read_predictions
from .score import Scores, boxes_of, matched_segments, score_detection, score_localization
from .truth_file import StoredTruth, read_truth


class StoredTask(NamedTuple):
    """The predictions of a folder.

    Attributes:
        truth: What they are scored by.
        scored: Ids of the videos that were scored, in order.
        columns: The predictions.
        sizes: Width and height of the videos in pixels, by id, as far as they are known.
    """

    truth: StoredTruth
    scored: tuple[str, ...]
    columns: dict[str, np.ndarray]
    sizes: Mapping[str, tuple[int, int]] = MappingProxyType({})

    @property
    def rule(self) -> str:
        """Name of the rule."""
        truth = self.truth.events or self.truth.boxes
        assert truth is not None
        return truth.rule


def open_task(folder: Path, origin: Origin = UNKNOWN) -> StoredTask:
    """Read the predictions of a folder.

    Args:
        folder: Folder of a case's predictions.
        origin: What they must be of, as far as both are known.

    Raises:
        KinobenchError: They are not there, damaged, or of something else.
    """
    truth = read_truth(folder)
    parts = list(read_predictions(folder, origin))
    scored = tuple(video for part in parts for video in part.scored)
    columns = joined_columns([part.columns for part in parts if part.columns])
    return StoredTask(truth, scored, columns, _sizes(truth, parts))


def _sizes(truth: StoredTruth, parts: list[ShardPredictions]) -> dict[str, tuple[int, int]]:
    """Return the sizes of the videos whose header was read; the parts are in the split's order."""
    stored = [each for part in parts for each in part.stored or ()]
    if len(stored) != len(truth.videos):
        return {}
    named = zip(truth.videos, stored, strict=True)
    return {
        video: (each.width, each.height)
        for video, each in named
        if each is not None and each.is_known
    }


def score_stored(task: StoredTask) -> Scores:
    """Score stored predictions under their rule."""
    truth, classes = task.truth, len(task.truth.classes)
    if truth.events is not None:
        return score_localization(truth.events, task.scored, task.columns, classes)
    assert truth.boxes is not None
    return score_detection(truth.boxes, task.scored, task.columns, classes)


def common_videos(a: StoredTask, b: StoredTask) -> list[str]:
    """Return the videos that both scored, in order."""
    others = set(b.scored)
    return [video for video in a.scored if video in others]


def of_videos(task: StoredTask, videos: list[str]) -> StoredTask:
    """Return the predictions for some videos alone."""
    return StoredTask(task.truth, tuple(videos), _of(task.columns, videos))


def compare_stored(a: StoredTask, b: StoredTask) -> BootstrappedDifference:
    """Compare two networks' mAP on the videos that both scored, by a paired bootstrap of these.

    Raises:
        KinobenchError: They are of other videos or truths, or share none; or nothing varies.
    """
    if a.truth.manifest != b.truth.manifest:
        raise KinobenchError("the two were scored on other videos or other annotations")
    common = common_videos(a, b)
    if not common:
        raise KinobenchError("no video was scored by both")
    found = _boxes(a, b, common) if a.truth.boxes is not None else _segments(a, b, common)
    if found is None:
        raise KinobenchError("no video that both scored has a true instance")
    return found


def _segments(a: StoredTask, b: StoredTask, videos: list[str]) -> BootstrappedDifference | None:
    truth, classes = a.truth.events, len(a.truth.classes)
    assert truth is not None
    of_a, of_b = (
        matched_segments(truth, videos, _of(task.columns, videos), classes) for task in (a, b)
    )
    return compare_segments(of_a, of_b)


def _boxes(a: StoredTask, b: StoredTask, videos: list[str]) -> BootstrappedDifference | None:
    truth = a.truth.boxes
    assert truth is not None
    means = []
    for task in (a, b):
        given = boxes_of(truth, videos, _of(task.columns, videos))
        scores = score_boxes(
            given.truth,
            given.found,
            frames=len(given.frames),
            classes=len(a.truth.classes),
            rule=frame_rule(truth.rule),
            scored=truth.scored,
            video_of_frame=given.video_of_frame,
        )
        means.append(next(iter(scores.means.values())))
    one, other = means
    if one.map is None or other.map is None or one.draws is None or other.draws is None:
        return None
    return bootstrapped_difference(one.map, other.map, one.draws, other.draws)


def _of(columns: dict[str, np.ndarray], videos: list[str]) -> dict[str, np.ndarray]:
    """Return the rows of some videos."""
    if "video" not in columns:
        return columns
    kept = np.isin(columns["video"].astype(str), videos)
    return {name: column[kept] for name, column in columns.items()}
