"""What stored predictions of localization and detection say of a network, for the page."""

import msgspec

from ...datasets.errors import KinobenchError
from ..evaluation.origin import origin_of
from ..records.record import Record
from ..records.stores import Results, predictions_in
from ..records.task_results import TaskScore
from ..tasks.key_frames import KeyFrames, key_frames_of
from ..tasks.stored import open_task
from ..tasks.tables import AtThreshold, Precisions, precisions_of
from ..tasks.timelines import Timelines, timelines_of


class TaskAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of how a network localizes, or detects.

    Attributes:
        score_name: `segment mAP` or `box mAP`.
        precisions: By threshold and by class; without predictions only what the record says.
        videos: Number of scored videos.
        timelines: Some videos, of localization.
        key_frames: Some key frames, of detection.
        ground: The dataset and the split, which tell the ids of their videos from others.
        without_predictions: The predictions are not in the folder of results.
    """

    score_name: str
    precisions: Precisions
    videos: int
    timelines: Timelines | None = None
    key_frames: KeyFrames | None = None
    ground: str = ""
    without_predictions: bool = False


def task_answers_of(record: Record, results: Results) -> TaskAnswers | None:
    """Return what the stored predictions of a record say; None if it is of no such task.

    Raises:
        KinobenchError: They can't be read, or are of another case.
    """
    score = record.localization or record.detection
    if score is None or not score.scored:
        return None
    if score.predictions is None or not predictions_in(score, results).is_dir():
        return of_record_alone(record)
    task = open_task(predictions_in(score, results), origin_of(record))
    if len(task.scored) != score.scored:
        raise KinobenchError(
            f"predictions for {len(task.scored)} videos, and the record says {score.scored}; "
            "measure the case again"
        )
    is_localization = task.truth.events is not None
    return TaskAnswers(
        score_name=score.score_name,
        precisions=precisions_of(task),
        videos=len(task.scored),
        timelines=timelines_of(task) if is_localization else None,
        key_frames=None if is_localization else key_frames_of(task),
        ground=_ground(record),
    )


def of_record_alone(record: Record) -> TaskAnswers | None:
    """Return what a record itself says, without its predictions; None if it is of no such task."""
    score: TaskScore | None = record.localization or record.detection
    if score is None or not score.scored:
        return None
    named = zip(score.thresholds, score.by_threshold, strict=True)
    return TaskAnswers(
        score_name=score.score_name,
        precisions=Precisions(
            rule=score.rule,
            map=score.map,
            ends=score.interval,
            averaged=(),
            by_threshold=tuple(
                AtThreshold(threshold=float(f"{threshold:.6g}"), map=value, ends=None)
                for threshold, value in named
            ),
            by_class=(),
        ),
        videos=score.scored,
        ground=_ground(record),
        without_predictions=True,
    )


def _ground(record: Record) -> str:
    return f"{record.case.dataset} {record.case.split}"
