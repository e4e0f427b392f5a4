"""How well actions were localized, or detected in boxes: the results of these tasks."""

from typing import Any, ClassVar

import msgspec

from .dataset_copy import DatasetCopy
from .results import Unreadable


class TaskScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score under a rule, and what it is of.

    Attributes:
        rule: Name of the rule; see `bench/metrics`.
        map: Mean average precision over the classes, and over `thresholds` where it has several;
            None if nothing was scored.
        interval: Its 95 % interval, by a bootstrap of videos.
        thresholds: Overlaps from which on a prediction is a hit.
        by_threshold: Mean average precision at each of them.
        classes: Number of classes that are in the mean.
        scored, expected: Videos that were scored, and that the split has.
        unreadable: The other ones, with reasons.
        truths: True events or boxes in the scored videos, one for each label.
        predictions: Folder of Parquet files with the predictions, relative to the results.
        found: Number of predictions.
        copy: The files that were scored.
        manifest: Digest of the videos and their truth.
        wall_s: Time of this run, without the shards of earlier runs.
        end_to_end_s: Time from the file to the predictions, without features that were kept: for a
            second of video, or for a key frame. None if it isn't known.
    """

    score_name: ClassVar[str] = "mAP"

    rule: str
    map: float | None
    interval: tuple[float, float] | None
    thresholds: tuple[float, ...]
    by_threshold: tuple[float | None, ...]
    classes: int
    scored: int
    expected: int
    unreadable: tuple[Unreadable, ...] = ()
    truths: int
    predictions: str | None
    found: int
    copy: DatasetCopy | None = None
    manifest: str
    wall_s: float
    end_to_end_s: float | None = None

    @property
    def score(self) -> float | None:
        """The number that ranks."""
        return self.map

    @property
    def score_interval(self) -> tuple[float, float] | None:
        """Its interval."""
        return self.interval


class Localization(TaskScore, frozen=True, kw_only=True):
    """How well the times of actions were found.

    Attributes:
        windows: Windows of the scored videos.
        video_s: Seconds of video in the scored videos.
        step_s, window_s: Seconds between windows, and the length of one.
        suppression: Settings of the non-maximum suppression.
        classifier: What the classes' scores come from: the score depends on it.
    """

    score_name: ClassVar[str] = "segment mAP"

    windows: int
    video_s: float
    step_s: float
    window_s: float
    suppression: dict[str, Any]
    classifier: str | None = None


class Detection(TaskScore, frozen=True, kw_only=True):
    """How well actions in boxes were found.

    Attributes:
        key_frames: Key frames of the scored videos.
        boxes: Boxes that the network was asked about.
        source: Where the boxes come from: `truth`, or the name of a file.
        source_digest: Digest of that file; None for the truth.
    """

    score_name: ClassVar[str] = "box mAP"

    key_frames: int
    boxes: int
    source: str = "truth"
    source_digest: str | None = None
