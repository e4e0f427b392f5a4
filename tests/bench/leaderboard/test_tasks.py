"""Localizers and detectors in tables: their settings, their scores, their order."""

from typing import Any

import pytest

from kinobench.bench.leaderboard.columns import differing_settings
from kinobench.bench.leaderboard.fields import field
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.bench.leaderboard.pareto import front
from kinobench.bench.leaderboard.values import VALUES
from kinobench.bench.measure.task_columns import DETECTION, LOCALIZATION
from kinobench.bench.records.case_names import names_of
from kinobench.bench.records.record import Record
from kinobench.bench.records.task_results import Detection, Localization

from ...fakes.made_records import made_case, made_cost, made_latency, made_record

SCORE: dict[str, Any] = {
    "rule": "activitynet",
    "interval": (0.1, 0.9),
    "thresholds": (0.5,),
    "by_threshold": (0.5,),
    "classes": 6,
    "scored": 9,
    "expected": 9,
    "truths": 20,
    "predictions": None,
    "found": 100,
    "manifest": "m",
    "wall_s": 1.0,
}
EVENTS = {"dataset": "pointlight-events", "task": "localization", "classes": 6, "weights": "w"}
BOXES = {"dataset": "pointlight-boxes", "task": "detection", "boxes": 1, "weights": "w"}


def localizer(name: str, score: float, step: int = 4, ms: float = 1.0, **case: Any) -> Record:
    found = Localization(
        **SCORE,
        map=score,
        windows=90,
        video_s=45.0,
        step_s=0.5,
        window_s=1.0,
        suppression={},
        end_to_end_s=0.02,
    )
    return made_record(
        name,
        case=EVENTS | {"step": step} | case,
        latency=made_latency(ms / 1e3),
        cost=made_cost(10**9),
        accuracy=None,
        localization=found,
    )


def detector(name: str, score: float) -> Record:
    found = Detection(**SCORE, map=score, key_frames=9, boxes=20, end_to_end_s=0.04)
    return made_record(name, case=BOXES, accuracy=None, detection=found)


def board_of(*records: Record) -> Board:
    (board,) = boards(records)
    return board


def models(board: Board, numbers: Any) -> set[str]:
    return {board.rows[number].record.case.model for number in numbers}


def test_rows_that_differ_in_the_step_alone_are_told_apart() -> None:
    records = localizer("windows_tiny", 0.5, step=4), localizer("windows_tiny", 0.4, step=8)
    assert "step" in differing_settings(board_of(*records))
    assert names_of([each.case for each in records]) == [
        "windows_tiny (step 4)",
        "windows_tiny (step 8)",
    ]


@pytest.mark.parametrize("score", ["score", "segment_map"])
def test_trained_localizers_have_a_front_and_untrained_ones_are_not_on_it(score: str) -> None:
    board = board_of(
        localizer("windows_tiny", 0.5, ms=1),
        localizer("bmn_tiny", 0.6, ms=2),
        localizer("tridet_tiny", 0.4, ms=3),
        localizer("actionformer_tiny", 0.9, ms=0.5, weights=None),
    )
    on_it = front(board, field("latency"), field(score))
    assert models(board, on_it) == {"windows_tiny", "bmn_tiny"}


def test_trained_localizers_stand_in_the_order_of_their_score() -> None:
    board = board_of(
        localizer("windows_tiny", 0.5, ms=1),
        localizer("bmn_tiny", 0.6, ms=2),
        localizer("tridet_tiny", 0.9, ms=0.1, weights=None),
    )
    order = [row.record.case.model for row in ordered(board).rows]
    assert order == ["bmn_tiny", "windows_tiny", "tridet_tiny"]


def test_a_time_from_the_file_stands_under_its_own_task_alone() -> None:
    of_events, of_boxes = localizer("windows_tiny", 0.5), detector("roi_tiny", 0.5)
    (per_s,) = [each for each in LOCALIZATION if each.name.startswith("from file")]
    (per_frame,) = [each for each in DETECTION if each.name.startswith("from file")]
    assert per_s.cell(of_events)[0] == "20.00" and per_frame.cell(of_boxes)[0] == "40.00"
    assert per_s.cell(of_boxes) == per_frame.cell(of_events) == ("–", "")


def test_cases_of_tasks_have_names_by_what_they_ask() -> None:
    cases = [made_case("roi_tiny", task="detection", boxes=boxes) for boxes in (1, 4)]
    assert names_of(cases) == ["roi_tiny (boxes 1)", "roi_tiny (boxes 4)"]


def test_csv_and_json_have_the_score_with_its_rule() -> None:
    board = board_of(localizer("windows_tiny", 0.5, step=8))
    found = {name: read(board.rows[0]) for name, read in VALUES.items()}
    assert (found["segment_map"], found["segment_map_low"], found["segment_map_high"]) == (
        *(0.5, 0.1, 0.9),
    )
    assert (found["rule"], found["step"], found["task"]) == ("activitynet", 8, "localization")
    assert (found["scored"], found["expected"], found["end_to_end_s"]) == (9, 9, 0.02)
    assert found["box_map"] is None and found["top1"] is None
