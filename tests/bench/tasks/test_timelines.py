"""Timelines: which events and predictions are shown of a video, and which are hits."""

from pathlib import Path

import msgspec
import pytest

from kinobench.bench.tasks.score import score_localization
from kinobench.bench.tasks.stored import StoredTask, open_task
from kinobench.bench.tasks.tables import precisions_of
from kinobench.bench.tasks.timelines import MOST_FOUND, Timelines, timelines_of
from kinobench.datasets.errors import KinobenchError

from ...fakes.task_results import Columns, event_split, many_events, segments, store_task

CLASSES = ("jump", "run")


def stored(folder: Path, split: object, columns: Columns) -> StoredTask:
    record = store_task(folder, "net", split, columns)  # type: ignore[arg-type]
    assert record.localization is not None and record.localization.predictions is not None
    return open_task(folder / record.localization.predictions)


def told(found: Timelines) -> list[tuple[str, list[object], list[object]]]:
    return [
        (
            each.video,
            [(span.name, span.start_s, span.end_s, span.hit) for span in each.truths],
            [(span.name, span.start_s, span.end_s, span.score, span.hit) for span in each.found],
        )
        for each in found.videos
    ]


def test_bars_are_at_the_seconds_of_the_events_and_say_what_hit(tmp_path: Path) -> None:
    truth = {"a": [(0, 2.0, 4.0), (1, 6.0, 8.0), (0, 10.0, 12.0)], "b": [(1, 1.0, 3.0)], "c": []}
    found = [
        ("a", 0, 2.0, 4.0, 0.9),  # a hit
        ("a", 0, 2.1, 4.1, 0.8),  # finds the same event again
        ("a", 1, 7.0, 9.0, 0.7),  # overlaps by a third
        ("b", 1, 1.5, 3.0, 0.6),  # overlaps by three quarters
        ("c", 0, 0.0, 9.0, 0.1),  # below the cut
    ]
    shown = timelines_of(stored(tmp_path, event_split(truth, CLASSES, 20.0), segments(found)))
    assert told(shown) == [
        (
            "a",
            [("jump", 2.0, 4.0, True), ("run", 6.0, 8.0, False), ("jump", 10.0, 12.0, False)],
            [("jump", 2.0, 4.0, 0.9, True), ("jump", 2.1, 4.1, 0.8, False),
             ("run", 7.0, 9.0, 0.7, False)],
        ),
        ("b", [("run", 1.0, 3.0, True)], [("run", 1.5, 3.0, 0.6, True)]),
    ]  # fmt: skip
    assert shown.cut is not None and shown.of == 3
    assert (shown.cut.score, shown.cut.hits, shown.cut.found, shown.cut.truths) == (0.6, 2, 4, 4)
    assert [each.end_s for each in shown.videos] == [20.0, 20.0]


def test_a_prediction_in_an_ignored_span_counts_neither_way(tmp_path: Path) -> None:
    truth = event_split({"a": [(0, 2.0, 4.0)]}, CLASSES, 20.0, rule="thumos14")
    split = with_ignored(truth, (10.0, 12.0))
    columns = segments([("a", 0, 2.0, 4.0, 0.5), ("a", 0, 10.5, 11.5, 0.9)])
    (video,) = timelines_of(stored(tmp_path, split, columns)).videos
    assert [(each.start_s, each.hit) for each in video.found] == [(2.0, True)]
    assert video.ignored == ((10.0, 12.0),)


def with_ignored(split: object, span: tuple[float, float]) -> object:
    (of_video,) = split.truth.videos.values()  # type: ignore[attr-defined]
    videos = {"a": msgspec.structs.replace(of_video, ignored=(span,))}
    truth = msgspec.structs.replace(split.truth, videos=videos)  # type: ignore[attr-defined]
    return msgspec.structs.replace(split, truth=truth)  # type: ignore[type-var]


def test_a_video_of_very_many_predictions_has_the_highest(tmp_path: Path) -> None:
    found = [("a", 0, 2.0, 4.0, 0.2)] + [
        ("a", 0, 5.0 + n, 6.0 + n, 0.3 + n / 999) for n in range(99)
    ]
    split = event_split({"a": [(0, 2.0, 4.0)]}, CLASSES, 20.0)
    (video,) = timelines_of(stored(tmp_path, split, segments(found))).videos
    assert len(video.found) == MOST_FOUND and video.left_out == 100 - MOST_FOUND
    assert video.end_s == 6.0 + 98, "the axis is as long as the last prediction"
    assert min(each.score for each in video.found if each.score is not None) > 0.3


def test_some_of_many_videos_are_shown_and_any_if_asked_for(tmp_path: Path) -> None:
    task = stored(tmp_path, *many_events(40, CLASSES))
    shown = timelines_of(task)
    assert [each.video for each in shown.videos] == [f"video_{2 + 5 * n:03d}" for n in range(8)]
    assert shown.of == 40
    (one,) = timelines_of(task, ["video_039"]).videos
    assert one.video == "video_039" and len(one.truths) == 7
    with pytest.raises(KinobenchError, match="no scored video is named 'video_40'"):
        timelines_of(task, ["video_40"])


def test_predictions_of_classes_that_never_happen_are_counted_and_not_shown(tmp_path: Path) -> None:
    split = event_split({"a": [(0, 2.0, 4.0)]}, CLASSES)
    columns = segments([("a", 0, 2.0, 4.0, 0.5), ("a", 1, 2.0, 4.0, 0.9)])
    shown = timelines_of(stored(tmp_path, split, columns))
    assert shown.uncounted == 1
    assert [each.name for each in shown.videos[0].found] == ["jump"]


def test_without_predictions_there_is_the_truth(tmp_path: Path) -> None:
    split = event_split({"a": [(0, 2.0, 4.0)]}, CLASSES)
    shown = timelines_of(stored(tmp_path, split, segments([])))
    assert shown.cut is None
    assert told(shown) == [("a", [("jump", 2.0, 4.0, False)], [])]


def test_the_tables_are_those_of_the_score(tmp_path: Path) -> None:
    split, columns = many_events(12, CLASSES)
    task = stored(tmp_path, split, columns)
    found, scores = precisions_of(task), score_localization(split.truth, task.scored, columns, 2)  # type: ignore[arg-type]
    assert (found.map, found.ends, found.rule) == (scores.average, scores.interval, "activitynet")
    assert [each.map for each in found.by_threshold] == list(scores.by_threshold)
    assert [each.threshold for each in found.by_threshold][-2:] == [0.9, 0.95]
    assert all(
        each.ends is not None and each.map is not None and each.ends[0] < each.map < each.ends[1]
        for each in found.by_threshold
    )
    precisions = [each.precision or 0 for each in found.by_class]
    assert sum(precisions) / 2 == pytest.approx(scores.average)
    assert sum(each.truths for each in found.by_class) == scores.truths
    assert all(each.ends is not None for each in found.by_class)
