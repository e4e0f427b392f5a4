"""Predictions of a split -> its score under the dataset's rule."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...datasets.truth import BoxTruth, EventTruth
from ..metrics.instances import Boxes, Segments
from ..metrics.spatial.frame_map import score_boxes
from ..metrics.spatial.rules import frame_rule
from ..metrics.temporal import score_matched
from ..metrics.temporal_bootstrap import bootstrap_segments
from ..metrics.temporal_matching import MatchedSegments, match_segments
from ..metrics.temporal_rules import temporal_rule

Columns = Mapping[str, np.ndarray]


class Scores(NamedTuple):
    """A score under a rule.

    Attributes:
        rule: Its name.
        average: The mean average precision; None if no class has a true instance.
        interval: Its 95 % interval over videos.
        thresholds: The overlaps.
        by_threshold: The mean average precision at each.
        classes: Number of classes in the mean.
        truths, found: Number of true instances and of predictions.
    """

    rule: str
    average: float | None
    interval: tuple[float, float] | None
    thresholds: tuple[float, ...]
    by_threshold: tuple[float | None, ...]
    classes: int
    truths: int
    found: int


class SegmentTask(NamedTuple):
    """What a metric of segments takes.

    Attributes:
        truth, found: True and predicted events.
        ignored: Spans that count neither for nor against, as events without a class.
    """

    truth: Segments
    found: Segments
    ignored: Segments | None


def segments_of(truth: EventTruth, videos: Sequence[str], columns: Columns) -> SegmentTask:
    """Return the events of some videos and the predictions for them, as columns of numbers.

    Args:
        truth: The ground truth.
        videos: Ids of the videos that were scored, in order.
        columns: Predictions: `video`, `label`, `start_s`, `end_s`, `score`.
    """
    place_of = {video: place for place, video in enumerate(videos)}
    events, spans = [], []
    for place, video in enumerate(videos):
        annotated = truth.videos.get(video)
        if annotated is None:
            continue
        events += [(place, each.label, each.start_s, each.end_s) for each in annotated.events]
        spans += [(place, -1, start, end) for start, end in annotated.ignored]
    found = _found(columns, place_of)
    own = Segments(
        found, *(_column(columns, name) for name in ("label", "start_s", "end_s", "score"))
    )
    own = own._replace(label=own.label.astype(np.int64))
    return SegmentTask(_segments(events), own, _segments(spans) if spans else None)


def matched_segments(
    truth: EventTruth, videos: Sequence[str], columns: Columns, classes: int
) -> MatchedSegments:
    """Match the predictions for some videos under the rule of their truth.

    Predictions of classes without a true instance are left out where the rule would refuse them:
    the network predicts every class, and nobody chose these.
    """
    task = segments_of(truth, videos, columns)
    return match_segments(
        *(task.truth, task.found),
        videos=len(videos),
        classes=classes,
        rule=temporal_rule(truth.rule),
        thresholds=None,
        ignored=task.ignored,
        leave_out=True,
    )


def score_localization(
    truth: EventTruth, videos: Sequence[str], columns: Columns, classes: int
) -> Scores:
    """Score segments under the rule of their truth."""
    matched = matched_segments(truth, videos, columns, classes)
    scores, intervals = score_matched(matched), bootstrap_segments(matched)
    return Scores(
        rule=scores.rule.name,
        average=scores.average,
        interval=None if intervals is None else intervals.average.interval,
        thresholds=tuple(scores.thresholds.tolist()),
        by_threshold=tuple(map(_known, scores.by_threshold.tolist())),
        classes=int((scores.instances > 0).sum()),
        truths=int(scores.instances.sum()),
        found=int(scores.detections.sum()) + scores.left_out,
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


class BoxTask(NamedTuple):
    """What a metric of boxes takes.

    Attributes:
        truth, found: True and predicted boxes, one for each class.
        video_of_frame: Number of the video of each key frame.
        frames: Ids of the key frames: video and name.
    """

    truth: Boxes
    found: Boxes
    video_of_frame: np.ndarray
    frames: list[tuple[str, str]]


def boxes_of(truth: BoxTruth, videos: Sequence[str], columns: Columns) -> BoxTask:
    """Return the boxes of some videos and the predictions for them, as columns of numbers.

    Args:
        truth: The ground truth; excluded key frames are left out.
        videos: Ids of the videos that were scored, in order.
        columns: Predictions: `video`, `frame`, `x1`, `y1`, `x2`, `y2`, `label`, `score`.
    """
    frames: list[tuple[str, str]] = []
    of_video, rows = [], []
    for place, video in enumerate(videos):
        for key in truth.videos.get(video, ()):
            if (video, key.name) in truth.excluded:
                continue
            number = len(frames)
            frames.append((video, key.name))
            of_video.append(place)
            rows += [
                (number, label, box.x1, box.y1, box.x2, box.y2)
                for box in key.boxes
                for label in box.labels
            ]
    number_of = {frame: number for number, frame in enumerate(frames)}
    named = zip(_column(columns, "video"), _column(columns, "frame"), strict=True)
    numbers = np.array([number_of.get(each, -1) for each in named], dtype=np.int64)
    kept = numbers >= 0
    corners = [_column(columns, name)[kept] for name in ("x1", "y1", "x2", "y2")]
    found = Boxes(
        numbers[kept],
        _column(columns, "label")[kept].astype(np.int64),
        np.column_stack(corners).astype(np.float64).reshape(-1, 4),
        _column(columns, "score")[kept].astype(np.float64),
    )
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    true = Boxes(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])
    return BoxTask(true, found, np.array(of_video, dtype=np.int64), frames)


def score_detection(
    truth: BoxTruth, videos: Sequence[str], columns: Columns, classes: int
) -> Scores:
    """Score boxes under the rule of their truth."""
    task = boxes_of(truth, videos, columns)
    scores = score_boxes(
        task.truth,
        task.found,
        frames=len(task.frames),
        classes=classes,
        rule=frame_rule(truth.rule),
        scored=truth.scored,
        video_of_frame=task.video_of_frame,
    )
    counts = scores.by_class
    return Scores(
        rule=scores.rule,
        average=scores.map,
        interval=scores.interval,
        thresholds=counts.thresholds,
        by_threshold=tuple(mean.map for mean in scores.means.values()),
        classes=int((counts.truths > 0).sum()),
        truths=int(counts.truths.sum()),
        found=len(task.found.frame),
    )


def _found(columns: Columns, place_of: Mapping[str, int]) -> np.ndarray:
    return np.array([place_of[video] for video in _column(columns, "video")], dtype=np.int64)


def _column(columns: Columns, name: str) -> np.ndarray:
    """Return a column; of predictions of which there is none, an empty one."""
    return columns[name] if name in columns else np.zeros(0)


def _segments(rows: Sequence[tuple[int, int, float, float]]) -> Segments:
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return Segments(
        table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], table[:, 3]
    )
