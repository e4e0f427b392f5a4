"""Views, latencies, sweeps, confusions and checks: what is drawn is what is stored."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from kinobench.bench.analysis.analyse import clip_order
from kinobench.bench.analysis.sources import find
from kinobench.bench.figures import confusion, gate, gate_checks, latency, lines, sweep, views
from kinobench.bench.figures.rows import chosen_board, highlighted
from kinobench.bench.figures.style import MOST_LINES, STYLES, drawing
from kinobench.bench.gate.page import Report, plain
from kinobench.bench.gate.stored import StoredCheck
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.datasets.errors import KinobenchError, UnknownNameError

from ...fakes.made_figures import CLASSES, logits_of, made_sweep, store_scored
from ...fakes.made_records import made_case, made_latency, made_record
from ...fakes.media import REPOSITORY

PAPER = STYLES["paper"]


def line_of(axes: Any, gid: str) -> tuple[list[float], list[float]]:
    (line,) = (line for line in axes.lines if line.get_gid() == gid)
    return [float(x) for x in line.get_xdata()], [float(y) for y in line.get_ydata()]


def board_of(results: Path) -> Board:
    (board,) = read_boards(results, lambda line: None)
    return board


# --- views ----------------------------------------------------------------------------------------


def test_the_accuracy_by_views_is_that_of_the_logits(tmp_path: Path) -> None:
    labels = np.arange(16) % CLASSES
    named = np.repeat(labels[:, None], 3, axis=1)
    first = clip_order(3)[0]
    named[:4, first] = (labels[:4] + 1) % CLASSES  # 4 of 16 are wrong by the first clip alone
    store_scored(tmp_path, "net", logits_of(named))
    with drawing(PAPER):
        figure = views.draw(board_of(tmp_path), tmp_path, PAPER).figure
    x, y = line_of(figure.axes[0], f"{lines.HIGHLIGHTED}: net")
    assert x == [1, 2, 3] and y[0] == 75.0 and y[2] == 100.0


@pytest.mark.parametrize("clips", [2, 10])
def test_intervals_of_networks_at_the_same_x_stand_side_by_side(tmp_path: Path, clips: int) -> None:
    named = np.repeat(np.arange(16)[:, None] % CLASSES, clips, axis=1)
    for number in range(MOST_LINES):
        store_scored(tmp_path, f"net{number}", logits_of(named))
    with drawing(PAPER):
        figure = views.draw(board_of(tmp_path), tmp_path, PAPER).figure
        figure.canvas.draw()
    (axes,) = figure.axes
    drawn = [
        line.get_transform().transform(line.get_xydata())[:, 0]
        for line in axes.lines
        if str(line.get_gid()).startswith(lines.HIGHLIGHTED)
    ]
    bars = [
        bar.get_transform().transform([part[0] for part in bar.get_segments()])[:, 0]
        for bar in axes.collections
    ]
    assert len(drawn) == len(bars) == MOST_LINES
    assert np.allclose(drawn, bars)  # each interval goes through its point
    width_px = PAPER.line_pt / 2 * figure.dpi / 72
    assert (np.diff(bars, axis=0) > width_px).all()
    ticks = axes.transData.transform([(x + 1, 0) for x in range(clips)])[:, 0]
    assert (np.abs(bars - ticks) < np.diff(ticks).min() / 2).all()
    box = axes.get_window_extent()
    assert box.x0 < np.min(bars) and np.max(bars) < box.x1


def test_a_network_alone_stands_at_its_x(tmp_path: Path) -> None:
    store_scored(tmp_path, "net", logits_of(np.repeat(np.arange(16)[:, None] % CLASSES, 2, axis=1)))
    with drawing(PAPER):
        (axes,) = views.draw(board_of(tmp_path), tmp_path, PAPER).figure.axes
    assert all(line.get_transform() == axes.transData for line in axes.lines)


def test_predictions_that_are_gone_are_reported_and_others_drawn(tmp_path: Path) -> None:
    named = np.repeat(np.arange(16)[:, None] % CLASSES, 2, axis=1)
    for model in ("kept", "gone"):
        store_scored(tmp_path, model, logits_of(named))
    board = board_of(tmp_path)
    for file in (tmp_path / "predictions" / "gone").iterdir():
        file.unlink()
    said: list[str] = []
    with drawing(PAPER):
        figure = views.draw(board, tmp_path, PAPER, on_problem=said.append).figure
    assert [line.get_gid() for line in figure.axes[0].lines if line.get_gid()] == [
        f"{lines.HIGHLIGHTED}: kept"
    ]
    assert len(said) == 1 and said[0].startswith("left out, gone: ")


# --- at most eight lines --------------------------------------------------------------------------


def of_sweeps(count: int) -> Board:
    records = [
        made_record(f"net{number}", sweep=made_sweep(100.0 + number, 180.0 + number, 181.0))
        for number in range(count)
    ]
    (board,) = boards(records)
    return board


@pytest.mark.parametrize(("count", "grey"), [(1, 0), (8, 0), (9, 1), (32, 24)])
def test_at_most_eight_lines_have_a_colour(count: int, grey: int) -> None:
    with drawing(PAPER):
        figure = sweep.draw(of_sweeps(count), PAPER).figure
    for axes in figure.axes:
        gids = [str(line.get_gid()) for line in axes.lines]
        coloured = [gid for gid in gids if gid.startswith(f"{lines.HIGHLIGHTED}: ")]
        assert len(coloured) == min(count, MOST_LINES) and gids.count(lines.GREY) == grey
        looks = {
            (line.get_color(), line.get_marker())
            for line in axes.lines
            if str(line.get_gid()) in coloured
        }
        assert len(looks) == len(coloured)
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert (f"{grey} more" in texts) == bool(grey)


def test_a_ninth_coloured_line_is_refused() -> None:
    nine = [lines.Line(str(number), [1], [1], colour=0) for number in range(9)]
    with drawing(PAPER), pytest.raises(ValueError, match="9 lines can't be told apart"):
        lines.draw_lines(sweep.new_figure(PAPER, None, 1).subplots(), nine, PAPER)
    rows = of_sweeps(9).rows
    with pytest.raises(KinobenchError, match="9 lines can't be told apart; choose at most 8"):
        highlighted([row.record.case.model for row in rows], rows)
    with pytest.raises(UnknownNameError, match="did you mean 'net1'"):
        highlighted(["ne1"], rows)
    assert highlighted(["net3", "net0"], rows) == [0, 3]


# --- sweeps ---------------------------------------------------------------------------------------


def test_a_sweep_has_its_throughput_latency_and_memory_and_its_knee() -> None:
    (board,) = boards([made_record("net", sweep=made_sweep(100.0, 180.0, 182.0))])
    with drawing(PAPER):
        picture = sweep.draw(board, PAPER)
    first, second, third = picture.figure.axes
    gid = f"{lines.HIGHLIGHTED}: net"
    assert line_of(first, gid) == ([1, 2, 4], pytest.approx([100, 180, 182]))
    assert line_of(second, gid)[1] == pytest.approx([10, 2000 / 180, 4000 / 182])
    assert line_of(third, gid)[1] == pytest.approx([50, 60, 80])
    assert line_of(first, sweep.KNEE) == ([2], pytest.approx([180]))
    assert "at most 182 a second at batch 4, the knee at batch 2" in picture.description


# --- latency --------------------------------------------------------------------------------------


def test_every_sample_of_each_process_is_drawn() -> None:
    blocks = ((0.001, 0.003), (0.002,), (0.004, 0.006, 0.005))
    timed = made_latency(0.003, samples_s=blocks, blocks_of_processes=(2, 1))
    assert latency.samples_of(timed) == [
        pytest.approx([1, 3, 2]),
        pytest.approx([4, 6, 5]),
    ]
    (board,) = boards([made_record("net", latency=timed), made_record("other")])
    with drawing(PAPER):
        figure = latency.draw(board, PAPER, models=["net"]).figure
    (axes,) = figure.axes
    drawn = {
        gid: sorted(
            round(float(segment[0][0]), 6)
            for each in axes.collections
            if each.get_gid() == gid
            for segment in each.get_segments()
        )
        for gid in (latency.SAMPLES, latency.PROCESS_MEDIANS)
    }
    assert drawn == {latency.SAMPLES: [1, 2, 3, 4, 5, 6], latency.PROCESS_MEDIANS: [2, 5]}
    assert line_of(axes, latency.MEDIANS) == ([pytest.approx(3)], [0])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["net"]


# --- confusions -----------------------------------------------------------------------------------


def test_the_heat_map_has_the_counts_of_the_largest_confusions(tmp_path: Path) -> None:
    labels = np.arange(24) % CLASSES
    named = labels.copy()
    named[[0, 8]] = 3  # 2 of 3 of class 0 taken for class 3
    named[5] = 1
    store_scored(tmp_path, "net", logits_of(named[:, None]))
    source = find("net", tmp_path)
    analysis = confusion.analysis_of(source)
    classes = confusion.classes_of(analysis)
    names = [each.name for each in analysis.by_class]
    assert classes == [names[0], names[1], names[3], names[5]]
    assert confusion.counts_of(analysis, classes).tolist() == [
        [1, 0, 2, 0],
        [0, 3, 0, 0],
        [0, 0, 3, 0],
        [0, 1, 0, 2],
    ]
    with drawing(PAPER):
        picture = confusion.draw(source, PAPER)
    axes = picture.figure.axes[0]
    shown = np.asarray(axes.images[0].get_array())
    assert shown[0].tolist() == pytest.approx([100 / 3, 0, 200 / 3, 0])
    assert sorted(text.get_text() for text in axes.texts) == ["1", "1", "2", "2", "3", "3"]
    assert f"{names[0]} taken for {names[3]}, 2 of 3" in picture.description


def test_a_network_without_errors_has_no_confusions(tmp_path: Path) -> None:
    store_scored(tmp_path, "net", logits_of((np.arange(16) % CLASSES)[:, None]))
    with drawing(PAPER), pytest.raises(KinobenchError, match="nothing to plot: no video was taken"):
        confusion.draw(find("net", tmp_path), PAPER)


# --- the gate -------------------------------------------------------------------------------------


def report(day: int, slowdown: float | None, verdict: Any) -> bytes:
    checked = StoredCheck(
        case=made_case("net"), verdict=verdict, slowdown=slowdown, low=-0.01, high=0.02, now_s=1.0
    )
    found = Report(
        title="a check", budget=0.03, stored=(checked,), started=f"2026-01-{day:02d}T00:00:00Z"
    )
    return msgspec.json.format(msgspec.json.encode(plain(found)), indent=2)


def test_reports_one_after_the_other_are_a_history(tmp_path: Path) -> None:
    path = tmp_path / "checks.json"
    reports = [report(2, 0.05, "fail"), report(1, 0.01, "pass"), report(3, None, "new")]
    path.write_bytes(b"\n".join(reports))
    found = gate_checks.read_checks([path])
    assert [(each.verdict, each.slowdown) for each in found] == [("pass", 1.0), ("fail", 5.0)]
    assert found[0][4:] == (-1.0, 2.0, 3.0)
    with drawing(PAPER):
        picture = gate.draw(found, PAPER)
    (axes,) = picture.figure.axes
    assert line_of(axes, "verdict: pass") == ([1], [1]) and line_of(axes, "budget")[1] == [3, 3]
    assert line_of(axes, "verdict: fail") == ([2], [5])
    assert "net: 1 pass, 1 fail" in picture.description
    with drawing(PAPER), pytest.raises(KinobenchError, match="--model x: no check is of it"):
        gate.draw(found, PAPER, models=["x"])


def test_the_checks_with_which_the_gate_was_tried_are_read() -> None:
    path = REPOSITORY / "results" / "gate_checks.jsonl.gz"
    with gzip.open(path, "rt") as file:
        rows = [json.loads(line) for line in file]
    found = gate_checks.read_checks([path])
    assert len(found) == len(rows) == 195
    for each in found:
        assert each.low is not None and each.high is not None
        assert each.low < each.slowdown < each.high and each.budget == 1.5
    slowed = [each.slowdown for each in found if each.name.endswith(", 5 %")]
    assert abs(sum(slowed) / len(slowed) - 5) < 0.5 and len(slowed) == 25


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"title": 3}', b"\xff\xfe", b'{"kind": 1}'])
def test_a_file_of_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    with pytest.raises(KinobenchError, match=r"--checks .*odd\.json: "):
        gate_checks.read_checks([path])


def test_no_checks_say_how_to_keep_them() -> None:
    with pytest.raises(KinobenchError, match=r"nothing to plot: .*check --json >> checks\.json"):
        gate_checks.read_checks([])


# --- which board ----------------------------------------------------------------------------------


def test_the_board_with_most_rows_is_drawn_or_the_one_of_a_number() -> None:
    records = [made_record("a"), made_record("b"), made_record("c", case={"split": "train"})]
    found = boards(records)
    assert len(found) == 2
    most = chosen_board(found, latency.has_latency, "measure it")
    assert len(most.rows) == 2
    for number in (1, 2):
        assert chosen_board(found, latency.has_latency, "", number) is found[number - 1]
    with pytest.raises(KinobenchError, match="--board 3: there are 2 boards: 1: "):
        chosen_board(found, latency.has_latency, "", 3)
    with pytest.raises(KinobenchError, match="nothing to plot: measure it"):
        chosen_board(found, sweep.has_sweep, "measure it")
