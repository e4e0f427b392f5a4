"""The videos of a split through a network, shard by shard, to predictions of its task."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...datasets.copy_digest import StoredVideo
from ...datasets.errors import VideoError
from ...datasets.plurals import quantity
from ...datasets.split import Split, Video
from ...datasets.video.machine_faults import MachineError
from ..evaluation.damage import DamagedError, measured_again
from ..evaluation.dataset_copy import copy_of, stored_videos
from ..evaluation.digests import sync_digests
from ..evaluation.origin import Origin
from ..evaluation.shards import Shard, shards_of
from ..records.dataset_copy import DatasetCopy
from ..records.results import Unreadable
from .prediction_shards import (
    Columns,
    ShardPredictions,
    joined_columns,
    missing_shards,
    read_predictions,
    write_predictions,
)
from .truth_file import keep_truth

VIEWS = 64
"""Views that a long video stands for where shards are cut: a shard has eight videos at most."""


class VideoPredictions(NamedTuple):
    """The predictions for a video.

    Attributes:
        columns: Them, without the column `video`.
        facts: Numbers that are summed over the videos, such as its windows.
        remarks: What is unusual about the file.
    """

    columns: Columns
    facts: dict[str, float]
    remarks: tuple[str, ...] = ()


Predict = Callable[[Video, dict[str, StoredVideo]], VideoPredictions]
"""Called with a video, and a table that gets how it is stored; raises VideoError if it can't be
read."""


def _ignore(*_: object) -> None:
    """Ignore a report."""


@dataclass(frozen=True)
class TaskSink:
    """Places for the results of an evaluation.

    Attributes:
        predictions: Folder for the shards.
        origin: What they are of.
        progress: Called with the number of videos done, and of all videos.
        note: Called with each remark that a reader of the result should know.
    """

    predictions: Path
    origin: Origin
    progress: Callable[[int, int], object] = field(default=_ignore)
    note: Callable[[str], object] = field(default=_ignore)


class TaskPredictions(NamedTuple):
    """The predictions for a split.

    Attributes:
        scored: Ids of the videos that could be read.
        columns: The predictions, with a column `video` of ids.
        unreadable: The other videos.
        facts: Sums over the scored videos.
        copy: The files that were read; None if that isn't known.
        wall_s: Time of this run.
    """

    scored: tuple[str, ...]
    columns: dict[str, np.ndarray]
    unreadable: tuple[Unreadable, ...]
    facts: dict[str, float]
    copy: DatasetCopy | None
    wall_s: float


def predict_split(predict: Predict, split: Split, sink: TaskSink) -> TaskPredictions:
    """Predict every video of a split once; shards that are kept already are not measured again.

    Args:
        predict: Predicts one video.
        split: The videos.
        sink: Places for the results.

    Raises:
        MachineError: The machine failed while a file was read.
        KinobenchError: A shard can't be written.
    """
    begin = time.perf_counter()
    folder, shards = sink.predictions, shards_of(split, VIEWS)
    folder.mkdir(parents=True, exist_ok=True)
    keep_truth(folder, split)
    damaged: list[DamagedError] = []
    missing = missing_shards(folder, shards, sink.origin, damaged.append)
    total = len(split.videos)
    done = total - sum(len(shard.videos) for shard in missing)
    if damaged:
        sink.note(measured_again(damaged))
    if done:
        sink.note(f"continued after {done} of {quantity(total, 'video')}")
        sink.progress(done, total)
    for shard in missing:
        files = shard.files_digest
        found = _measured(predict, shard, partial(_report, sink, done, total))
        _refuse_lost_files(shard, files, found)
        write_predictions(folder, shard, found, files, sink.origin)
        done += len(shard.videos)
    if missing:
        sync_digests(folder)
    return _together(folder, shards, split, sink, begin)


def _report(sink: TaskSink, before: int, total: int, done: int) -> None:
    sink.progress(before + done, total)


def _measured(
    predict: Predict, shard: Shard, progress: Callable[[int], object]
) -> ShardPredictions:
    scored: list[str] = []
    parts: list[Columns] = []
    unreadable: list[Unreadable] = []
    remarks: list[tuple[str, str]] = []
    opened: dict[str, StoredVideo] = {}
    facts: dict[str, float] = {}
    for count, video in enumerate(shard.videos, 1):
        try:
            found = predict(video, opened)
        except VideoError as error:
            unreadable.append(Unreadable(id=video.id, path=str(error.path), reason=error.reason))
        else:
            scored.append(video.id)
            rows = len(next(iter(found.columns.values())))
            ids = np.full(rows, video.id, dtype=object)
            parts.append({"video": ids, **found.columns})
            remarks += [(text, video.id) for text in found.remarks]
            for name, number in found.facts.items():
                facts[name] = facts.get(name, 0.0) + number
        progress(count)
    stored = stored_videos(shard.videos, opened, unreadable)
    columns = joined_columns(parts)
    return ShardPredictions(
        tuple(scored), columns, tuple(unreadable), facts, tuple(remarks), stored
    )


def _refuse_lost_files(shard: Shard, files: str, found: ShardPredictions) -> None:
    """Refuse unreadable videos whose files were there when the shard was begun."""
    if found.unreadable and shard.files_digest != files:
        first = found.unreadable[0]
        raise MachineError(
            Path(first.path),
            f"{first.reason} (files of its shard have gone or changed since the run began)",
        )


def _together(
    folder: Path, shards: Sequence[Shard], split: Split, sink: TaskSink, begin: float
) -> TaskPredictions:
    names = [shard.path(folder).name for shard in shards]
    parts = list(read_predictions(folder, sink.origin, names))
    seen: dict[str, list[str]] = {}
    facts: dict[str, float] = {}
    for part in parts:
        for text, video in part.remarks:
            seen.setdefault(text, []).append(video)
        for name, number in part.facts.items():
            facts[name] = facts.get(name, 0.0) + number
    for text, ids in seen.items():
        sink.note(f"{quantity(len(ids), 'video')}: {text} (first: {ids[0]})")
    filled = [part.columns for part in parts if part.columns]
    return TaskPredictions(
        scored=tuple(video for part in parts for video in part.scored),
        columns=joined_columns(filled),
        unreadable=tuple(each for part in parts for each in part.unreadable),
        facts=facts,
        copy=copy_of(split, [part.stored for part in parts]),
        wall_s=time.perf_counter() - begin,
    )
