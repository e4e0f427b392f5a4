"""Stored results of localization and detection that no network gave."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.evaluation.shards import Shard
from kinobench.bench.records.record import Record
from kinobench.bench.records.store import RunFile
from kinobench.bench.records.task_results import Detection, Localization
from kinobench.bench.tasks.prediction_shards import ShardPredictions, write_predictions
from kinobench.bench.tasks.score import Scores, score_detection, score_localization
from kinobench.bench.tasks.truth_file import keep_truth
from kinobench.datasets.copy_digest import StoredVideo
from kinobench.datasets.split import Split, Video
from kinobench.datasets.truth import Box, BoxTruth, Event, EventsOfVideo, EventTruth, KeyFrame

from .made_records import made_record

RUN = "20260101T000000Z-000000"

Columns = Mapping[str, np.ndarray]
TrueEvents = Mapping[str, Sequence[tuple[int, float, float]]]
Found = Sequence[tuple[Any, ...]]


def event_split(
    events: TrueEvents, classes: tuple[str, ...], duration_s: float = 30.0, **of_truth: Any
) -> Split:
    """A split of videos with events `(label, start, end)`."""
    truth = {
        video: EventsOfVideo(tuple(Event(*each) for each in its), duration_s)
        for video, its in events.items()
    }
    rule = of_truth.pop("rule", "activitynet")
    return _split(tuple(events), classes, EventTruth(rule=rule, videos=truth))


def box_split(
    frames: Mapping[str, Mapping[str, Sequence[tuple[tuple[float, ...], tuple[int, ...]]]]],
    classes: tuple[str, ...],
) -> Split:
    """A split of videos with key frames, named by their seconds, with `(corners, labels)`."""
    truth = {
        video: tuple(
            KeyFrame(name, float(name), tuple(Box(*corners, labels) for corners, labels in boxes))
            for name, boxes in its.items()
        )
        for video, its in frames.items()
    }
    return _split(tuple(frames), classes, BoxTruth(rule="ava", videos=truth))


def _split(names: Sequence[str], classes: tuple[str, ...], truth: Any) -> Split:
    return Split(
        dataset="made",
        name="test",
        classes=classes,
        videos=tuple(Video(id=name, path=Path("/none") / name, labels=(0,)) for name in names),
        scoring="map",
        truth=truth,
    )


def segments(found: Found) -> Columns:
    """Columns of `(video, label, start, end, score)`."""
    names = ("video", "label", "start_s", "end_s", "score")
    return _columns(names, found)


def boxes(found: Found) -> Columns:
    """Columns of `(video, frame, x1, y1, x2, y2, label, score)`."""
    return _columns(("video", "frame", "x1", "y1", "x2", "y2", "label", "score"), found)


def _columns(names: Sequence[str], found: Found) -> Columns:
    kinds: dict[str, Any] = {"video": object, "frame": object, "label": np.int32}
    columns = list(zip(*found, strict=True)) or [()] * len(names)
    return {
        name: np.array(column, dtype=kinds.get(name, np.float64))
        for name, column in zip(names, columns, strict=True)
    }


def store_task(
    results: Path,
    model: str,
    split: Split,
    columns: Columns,
    *,
    size: tuple[int, int] | None = (320, 240),
    keeps: bool = True,
    dataset: str = "made",
) -> Record:
    """Store a record of predictions for all videos of a split, and them if they are kept."""
    names = tuple(video.id for video in split.videos)
    is_localization = isinstance(split.truth, EventTruth)
    score_by = score_localization if is_localization else score_detection
    scores: Scores = score_by(split.truth, names, columns, len(split.classes))  # type: ignore[arg-type]
    folder = f"predictions/{model}"
    common = {
        "rule": scores.rule,
        "map": scores.average,
        "interval": scores.interval,
        "thresholds": scores.thresholds,
        "by_threshold": scores.by_threshold,
        "classes": scores.classes,
        "scored": len(names),
        "expected": len(names),
        "truths": scores.truths,
        "predictions": folder if keeps else None,
        "found": scores.found,
        "manifest": split.manifest,
        "wall_s": 1.0,
    }
    task: dict[str, Any] = (
        {"localization": Localization(
            **common, windows=9, video_s=90.0, step_s=1.0, window_s=2.0, suppression={}
        )}
        if is_localization
        else {"detection": Detection(**common, key_frames=9, boxes=9)}
    )  # fmt: skip
    case = {"classes": len(split.classes), "dataset": dataset, "weights": "made"}
    record: Record = made_record(model, case, accuracy=None, run=RUN, **task)
    RunFile(results, RUN).append(record)
    if keeps:
        (results / folder).mkdir(parents=True)
        keep_truth(results / folder, split)
        stored = None if size is None else StoredVideo(1, *size, "h264")
        found = ShardPredictions(names, columns, (), {}, (), (stored,) * len(names))
        shard = Shard(0, split.videos)
        write_predictions(results / folder, shard, found, "0" * 16, origin_of(record))
    return record


def many_events(videos: int, classes: tuple[str, ...], seed: int = 0) -> tuple[Split, Columns]:
    """Videos of half a minute with events, most of which are found."""
    random = np.random.default_rng(seed)
    truth: dict[str, list[tuple[int, float, float]]] = {}
    found = []
    for number in range(videos):
        video = f"video_{number:03d}"
        starts = np.arange(1, 27, 4) + random.uniform(0, 1, 7)
        labels = random.integers(0, len(classes), 7)
        truth[video] = [
            (int(label), float(start), float(start + random.uniform(1.5, 3)))
            for label, start in zip(labels, starts, strict=True)
        ]
        for label, start, end in truth[video]:
            shift = random.normal(0, 0.4)
            named = label if random.random() < 0.75 else int(random.integers(0, len(classes)))
            found.append((video, named, start + shift, end + shift, random.uniform(0.3, 0.95)))
        for _ in range(6):
            start = random.uniform(0, 26)
            label = int(random.integers(0, len(classes)))
            found.append((video, label, start, start + 2.5, random.uniform(0.05, 0.5)))
    return event_split(truth, classes), segments(found)


def many_boxes(videos: int, classes: tuple[str, ...], seed: int = 0) -> tuple[Split, Columns]:
    """Videos with two key frames of three boxes each, most of whose classes are found."""
    random = np.random.default_rng(seed)
    truth: dict[str, dict[str, list[tuple[tuple[float, ...], tuple[int, ...]]]]] = {}
    found = []
    for number in range(videos):
        video = f"video_{number:03d}"
        truth[video] = {}
        for name in ("1", "3"):
            corners = [(0.05 + 0.3 * n, 0.2, 0.3 + 0.3 * n, 0.9) for n in range(3)]
            labels = [tuple(sorted({int(each) for each in random.integers(0, len(classes), 2)}))
                      for _ in corners]  # fmt: skip
            truth[video][name] = list(zip(corners, labels, strict=True))
            for box, of in truth[video][name]:
                for label in range(len(classes)):
                    score = random.uniform(0.4, 0.9) if label in of else random.uniform(0.0, 0.5)
                    found.append((video, name, *box, label, score))
    return box_split(truth, classes), boxes(found)
