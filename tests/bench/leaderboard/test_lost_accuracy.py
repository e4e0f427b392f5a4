"""Accuracy that a quantisation, or a runtime, costs: a mark in tables, and its line."""

from typing import Any

import pytest

from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.bench.leaderboard.render import render
from kinobench.bench.leaderboard.runtimes import runtime_table
from kinobench.bench.measure.lost_accuracy import line, lossy, marks

from ...fakes.made_records import made_accuracy, made_record


def scored(top1: float, **case: Any) -> Any:
    return made_record(
        case={"weights": "w", **case}, accuracy=made_accuracy(top1), weights_digest="0" * 16
    )


EAGER = scored(0.25)
INT8 = {"precision": "int8", "runtime": "openvino", "calibration": 128}


def test_more_than_a_point_below_eager_fp32_is_marked() -> None:
    lost, kept = scored(0.2, **INT8), scored(0.24, **(INT8 | {"runtime": "onnxruntime"}))
    found = render([ordered(board) for board in boards([EAGER, lost, kept])], "md")
    marked = [each for each in found.splitlines() if each.startswith("|") and "†" in each]
    assert len(marked) == 1
    assert "openvino" in marked[0]
    assert "20.0†" in marked[0]
    assert "†: top-1 is more than 1 point below that of eager fp32" in found
    assert line([EAGER, lost, kept]).endswith(": c3d_tiny openvino int8 by 5.0.")


@pytest.mark.parametrize("top1", [0.2399, 0.24, 0.2401])
def test_the_table_of_runtimes_marks_what_the_leaderboard_marks(top1: float) -> None:
    records = [EAGER, scored(top1, **INT8)]
    (board,) = boards(records)
    table = runtime_table(board)
    assert table is not None
    cell = table.networks[0].cells[1]
    assert cell is not None
    assert cell.loses is (records[1].case.digest in marks(records)) is (top1 < 0.24)


def test_a_point_is_not_more_than_a_point() -> None:
    assert lossy([EAGER, scored(0.24, **INT8)]) == {}
    assert line([EAGER, scored(0.24, **INT8)]) == ""


def test_eager_fp32_of_other_weights_or_videos_says_nothing() -> None:
    lost = scored(0.1, **INT8)
    assert list(lossy([EAGER, lost])) == [lost.case.digest]
    assert lossy([lost]) == {}
    assert lossy([scored(0.25, weights="others"), lost]) == {}
    assert lossy([scored(0.25, split="quick"), lost]) == {}


def test_a_calibration_that_all_int8_rows_share_is_no_column() -> None:
    def head(*records: Any) -> str:
        (board,) = boards(records)
        lines = render([board], "md").splitlines()
        return next(line for line in lines if line.startswith("| model"))

    int8 = scored(0.24, **INT8)
    assert "calibration" not in head(EAGER, int8)
    assert "calibration" in head(EAGER, int8, scored(0.24, **(INT8 | {"calibration": 300})))
