"""Key frames: which boxes are shown with which classes, and which are hits."""

from pathlib import Path

import pytest

from kinobench.bench.tasks.key_frames import MOST_BOXES, key_frames_of
from kinobench.bench.tasks.score import score_detection
from kinobench.bench.tasks.stored import StoredTask, open_task
from kinobench.bench.tasks.tables import precisions_of

from ...fakes.task_results import Columns, box_split, boxes, many_boxes, store_task

CLASSES = ("jump", "run", "swim")
LEFT, RIGHT, ELSEWHERE = (0.1, 0.1, 0.4, 0.9), (0.5, 0.1, 0.9, 0.9), (0.45, 0.0, 0.55, 0.1)


def stored(folder: Path, split: object, columns: Columns, **more: object) -> StoredTask:
    record = store_task(folder, "net", split, columns, **more)  # type: ignore[arg-type]
    assert record.detection is not None and record.detection.predictions is not None
    return open_task(folder / record.detection.predictions)


def test_a_box_has_its_classes_and_what_was_predicted(tmp_path: Path) -> None:
    split = box_split({"a": {"1": [(LEFT, (0, 1)), (RIGHT, (2,))], "2": []}}, CLASSES)
    found = [
        ("a", "1", *LEFT, 0, 0.9),
        ("a", "1", *LEFT, 2, 0.8),
        ("a", "1", *RIGHT, 2, 0.7),
        ("a", "1", *ELSEWHERE, 1, 0.75),
        ("a", "1", *LEFT, 1, 0.01),  # far below the others: one hit for 96 false ones
        *[("a", "2", *LEFT, 0, 0.5 - n / 1000) for n in range(20)],
    ]
    shown = key_frames_of(stored(tmp_path, split, boxes(found)))
    (frame,) = shown.frames
    assert (frame.video, frame.name, frame.time_s, frame.size) == ("a", "1", 1.0, (320, 240))
    assert shown.of == 2 and shown.cut is not None and shown.cut.score == 0.7
    told = [
        (
            box.corners,
            box.is_true,
            [(each.name, each.hit) for each in box.truths],
            [(each.name, each.score, each.hit) for each in box.found],
        )
        for box in frame.boxes
    ]
    assert told == [
        (LEFT, True, [("jump", True), ("run", False)], [("jump", 0.9, True), ("swim", 0.8, False)]),
        (RIGHT, True, [("swim", True)], [("swim", 0.7, True)]),
        (ELSEWHERE, False, [], [("run", 0.75, False)]),
    ]


def test_a_box_that_was_rounded_is_still_the_true_one(tmp_path: Path) -> None:
    split = box_split({"a": {"1": [((0.12345, 0.1, 0.4, 0.9), (0,))]}}, CLASSES)
    rounded = boxes([("a", "1", 0.123, 0.1, 0.4, 0.9, 0, 0.9)])
    (frame,) = key_frames_of(stored(tmp_path, split, rounded)).frames
    (box,) = frame.boxes
    assert box.is_true and [each.name for each in box.found] == ["jump"]


def test_a_frame_of_very_many_boxes_has_the_best(tmp_path: Path) -> None:
    split = box_split({"a": {"1": [(LEFT, (0,))]}}, CLASSES)
    found = [("a", "1", 0.5, 0.01 * n, 0.9, 0.01 * n + 0.3, 0, 0.9 - n / 999) for n in range(40)]
    found.append(("a", "1", *LEFT, 0, 0.1))
    (frame,) = key_frames_of(stored(tmp_path, split, boxes(found))).frames
    assert len(frame.boxes) == MOST_BOXES and frame.left_out == 41 - MOST_BOXES
    assert frame.boxes[0].corners == LEFT and frame.boxes[1].corners[1] == 0.0


def test_sizes_that_nobody_knows_are_none(tmp_path: Path) -> None:
    task = stored(tmp_path, *many_boxes(3, CLASSES), size=None)
    assert {each.size for each in key_frames_of(task).frames} == {None}


def test_the_tables_are_those_of_the_score(tmp_path: Path) -> None:
    split, columns = many_boxes(12, CLASSES)
    task = stored(tmp_path, split, columns)
    found, scores = precisions_of(task), score_detection(split.truth, task.scored, columns, 3)  # type: ignore[arg-type]
    assert (found.map, found.ends) == (scores.average, scores.interval)
    assert [(each.threshold, each.map) for each in found.by_threshold] == [(0.5, scores.average)]
    precisions = [each.precision or 0 for each in found.by_class]
    assert sum(precisions) / 3 == pytest.approx(scores.average)
    assert sum(each.truths for each in found.by_class) == scores.truths
    assert all(each.ends is not None for each in found.by_class)
