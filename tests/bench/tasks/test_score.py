"""Predictions as columns -> the metric's input and score."""

import numpy as np
import pytest

from kinobench.bench.tasks.score import boxes_of, score_detection, score_localization, segments_of
from kinobench.datasets.truth import Box, BoxTruth, Event, EventsOfVideo, EventTruth, KeyFrame

EVENTS = EventTruth(
    rule="activitynet",
    videos={
        "a": EventsOfVideo((Event(0, 0.0, 10.0), Event(1, 20.0, 30.0)), 60.0),
        "b": EventsOfVideo((Event(0, 5.0, 8.0),), 20.0, ignored=((1.0, 2.0),)),
    },
)
BOXES = BoxTruth(
    rule="ava",
    videos={
        "a": (
            KeyFrame("0902", 902.0, (Box(0.1, 0.1, 0.5, 0.9, (0, 2)),)),
            KeyFrame("0903", 903.0, ()),
        ),
        "b": (KeyFrame("0902", 902.0, (Box(0.0, 0.0, 0.4, 0.4, (1,)),)),),
    },
    excluded=frozenset({("a", "0903")}),
)


def columns(**given: list[object]) -> dict[str, np.ndarray]:
    return {
        name: np.array(values, dtype=object if name in ("video", "frame") else float)
        for name, values in given.items()
    }


def test_segments_are_numbered_by_their_video_and_ignored_spans_are_kept_apart() -> None:
    found = columns(
        video=["b", "a"], label=[0, 1], start_s=[5, 20], end_s=[8, 30], score=[0.9, 0.8]
    )
    task = segments_of(EVENTS, ["b", "a"], found)
    assert task.truth.video.tolist() == [0, 1, 1] and task.truth.label.tolist() == [0, 0, 1]
    assert task.found.video.tolist() == [0, 1] and task.found.label.dtype == np.int64
    assert task.ignored is not None
    assert (task.ignored.start_s.tolist(), task.ignored.end_s.tolist()) == ([1.0], [2.0])


def test_a_perfect_prediction_scores_one_and_a_missed_class_counts_as_zero() -> None:
    perfect = columns(
        video=["a", "a", "b"],
        label=[0, 1, 0],
        start_s=[0, 20, 5],
        end_s=[10, 30, 8],
        score=[0.9, 0.8, 0.7],
    )
    scores = score_localization(EVENTS, ["a", "b"], perfect, 3)
    assert (scores.rule, scores.average, scores.classes, scores.truths) == (
        "activitynet",
        1.0,
        2,
        3,
    )
    half = {name: column[[0, 2]] for name, column in perfect.items()}
    assert score_localization(EVENTS, ["a", "b"], half, 3).average == pytest.approx(0.5)


def test_predictions_of_a_class_that_never_happens_are_left_out() -> None:
    found = columns(
        video=["a", "a"], label=[2, 0], start_s=[0, 0], end_s=[10, 10], score=[0.9, 0.5]
    )
    scores = score_localization(EVENTS, ["a"], found, 3)
    assert scores.found == 2 and scores.average == pytest.approx(0.5)


def test_no_prediction_at_all_scores_zero() -> None:
    scores = score_localization(EVENTS, ["a", "b"], {}, 2)
    assert scores.average == 0.0 and scores.found == 0


def test_boxes_have_a_row_for_each_label_and_excluded_frames_none() -> None:
    found = columns(
        video=["a", "a", "b"],
        frame=["0902", "0903", "0902"],
        x1=[0.1, 0, 0],
        y1=[0.1, 0, 0],
        x2=[0.5, 1, 0.4],
        y2=[0.9, 1, 0.4],
        label=[0, 0, 1],
        score=[0.9, 0.8, 0.7],
    )
    task = boxes_of(BOXES, ["a", "b"], found)
    assert task.frames == [("a", "0902"), ("b", "0902")]
    assert task.video_of_frame.tolist() == [0, 1]
    assert task.truth.frame.tolist() == [0, 0, 1] and task.truth.label.tolist() == [0, 2, 1]
    assert task.found.frame.tolist() == [0, 1]  # that of the excluded key frame is gone
    scores = score_detection(BOXES, ["a", "b"], found, 3)
    assert scores.rule == "ava" and scores.classes == 3
    assert scores.average == pytest.approx(2 / 3)
