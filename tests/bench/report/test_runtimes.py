"""The chart by runtime: from each network in eager PyTorch to where it is fastest."""

from pathlib import Path

import pytest

from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.report.page import render_report
from kinobench.bench.report.runtimes import by_runtime
from kinobench.bench.report.tables import table_of

from ...fakes.browser import browser, opened
from ...fakes.made_runtimes import in_runtime

RECORDS = (
    in_runtime("c3d_tiny", "torch", 0.016, top1=0.95),
    in_runtime("c3d_tiny", "onnxruntime", 0.004, top1=0.95),
    in_runtime("c3d_tiny", "openvino", 0.002, top1=0.9, precision="int8", calibration=128),
    in_runtime("x3d_tiny", "torch", 0.008, top1=0.8),
    in_runtime("x3d_tiny", "onnxruntime", 0.032, top1=0.8),
    in_runtime("mvit_tiny", "torch", 0.004),
)


def test_the_fastest_that_keeps_its_accuracy_is_the_end_and_lines_are_the_tables() -> None:
    (board,) = boards(RECORDS)
    table = table_of(board)
    by = table.runtimes
    assert by is not None
    moved = {each.name: each for each in by.moved}
    assert set(moved) == {"c3d_tiny", "x3d_tiny"}
    c3d, x3d = moved["c3d_tiny"], moved["x3d_tiny"]
    assert (c3d.way, c3d.before_ms, c3d.after_ms) == ("onnxruntime", 16.0, 4.0)
    assert c3d.speed_up == pytest.approx(4.0)
    assert table.lines[c3d.after].values["runtime"] == "onnxruntime"
    assert table.lines[c3d.before].name == "c3d_tiny (runtime torch)"
    assert x3d.before == x3d.after and x3d.way == "torch"
    assert [(mean.way, mean.networks) for mean in by.means] == [
        ("onnxruntime", 2),
        ("openvino int8", 1),
    ]


def test_a_row_is_named_by_what_tells_it_apart_and_its_lost_points_are_known() -> None:
    (board,) = boards(RECORDS)
    by_name = {line.name: line for line in table_of(board).lines}
    assert "mvit_tiny" in by_name and "x3d_tiny (runtime onnxruntime)" in by_name
    assert by_name["c3d_tiny (runtime openvino)"].lost == pytest.approx(5.0)
    assert by_name["c3d_tiny (runtime onnxruntime)"].lost is None


def test_a_board_of_one_runtime_has_no_such_chart() -> None:
    (board,) = boards(RECORDS[-1:])
    assert by_runtime(board) is None


def test_the_chart_says_both_points_of_a_network_and_the_table_has_the_mark(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(render_report(boards(RECORDS)), encoding="utf-8")
    with browser() as chromium, opened(chromium, page) as found:
        found.page.wait_for_selector("#runtimes-chart .reached", state="attached")
        marks = found.page.locator("#runtimes-chart .reached")
        said = [marks.nth(at).get_attribute("aria-label") or "" for at in range(marks.count())]
        assert len(said) == 3  # c3d_tiny in both, x3d_tiny in eager PyTorch alone
        moved = "onnxruntime: 4.00 ms, top-1 95.0 %\nspeed-up: 4.00"
        assert sum(moved in each for each in said) == 2
        assert sum("no other runtime is faster" in each for each in said) == 1
        assert "onnxruntime 1.00 (2)" in found.page.inner_text("#runtimes-means")
        assert "90.0†" in found.page.inner_text("#table")
        assert found.said == []
