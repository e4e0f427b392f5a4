"""Networks by runtime: speed-ups by hand, what is lost, and the table's formats."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.leaderboard.runtimes import RuntimeTable, runtime_tables
from kinobench.bench.leaderboard.runtimes_text import footnotes, render, show
from kinobench.bench.records.record import Failure
from kinobench.bench.records.store import RunFile
from kinobench.datasets.errors import UnknownNameError

from ...fakes.made_records import made_latency, made_record
from ...fakes.made_runtimes import in_runtime


def table_of(*records: Any) -> RuntimeTable:
    (table,) = runtime_tables(boards(records))
    return table


TWO = (
    in_runtime("c3d_tiny", "torch", 0.016, top1=0.95),
    in_runtime("c3d_tiny", "onnxruntime", 0.004, top1=0.95),
    in_runtime("c3d_tiny", "openvino", 0.002, top1=0.93),
    in_runtime("x3d_tiny", "torch", 0.008),
    in_runtime("x3d_tiny", "onnxruntime", 0.032),
)


def test_the_mean_of_the_speed_ups_is_geometric_and_says_how_many_networks() -> None:
    table = table_of(*TWO)
    assert table.ways == ("torch", "onnxruntime", "openvino")
    by_way = {mean.way: mean for mean in table.means}
    assert by_way["onnxruntime"].speed_up == pytest.approx(1.0)  # of 4 and 1/4
    assert (by_way["onnxruntime"].networks, by_way["onnxruntime"].slower) == (2, 1)
    assert by_way["openvino"].speed_up == pytest.approx(8.0)
    assert by_way["openvino"].networks == 1
    of_both = {mean.way: mean for mean in table.common}
    assert of_both["onnxruntime"].speed_up == pytest.approx(4.0)
    assert of_both["onnxruntime"].networks == of_both["openvino"].networks == 1


def test_the_interval_of_a_speed_up_is_that_of_two_independent_times() -> None:
    table = table_of(
        made_record("c3d_tiny", latency=made_latency(0.01, interval_s=(0.01 / 1.03, 0.01 * 1.03))),
        made_record(
            "c3d_tiny",
            {"runtime": "openvino"},
            latency=made_latency(0.002, interval_s=(0.002 / 1.04, 0.002 * 1.04)),
        ),
    )
    cell = table.networks[0].cells[1]
    assert cell is not None and cell.speed_up == pytest.approx(5.0)
    half = math.hypot(math.log(1.03), math.log(1.04))
    assert cell.speed_up_interval == pytest.approx((5 / math.exp(half), 5 * math.exp(half)))


@pytest.mark.parametrize(("top1", "loses"), [(0.89, False), (0.8875, True), (0.95, False)])
def test_a_loss_of_more_than_a_point_is_marked_and_named(top1: float, loses: bool) -> None:
    table = table_of(
        in_runtime("c3d_tiny", "torch", 0.016),
        in_runtime("c3d_tiny", "openvino", 0.002, top1=top1, precision="int8", calibration=32),
    )
    cell = table.networks[0].cells[1]
    assert cell is not None and cell.loses is loses
    assert table.ways[1] == "openvino int8 32 clips"
    assert (
        any(note.startswith("†: top-1 is more than 1 point below") for note in table.notes) is loses
    )
    fastest = table.networks[0].fastest
    assert fastest is not None and fastest.way == ("torch" if loses else table.ways[1])


def test_what_lacks_drift_or_accuracy_is_named() -> None:
    table = table_of(
        in_runtime("c3d_tiny", "torch", 0.016),
        in_runtime("c3d_tiny", "openvino", 0.002, top1=None, drift=None),
    )
    assert "drift was not measured: c3d_tiny in openvino." in table.notes
    assert "accuracy was not measured: c3d_tiny in openvino." in table.notes


def test_a_network_that_a_runtime_cannot_export_is_there_with_the_reason() -> None:
    failed = made_record(
        "x3d_tiny",
        {"runtime": "openvino", "weights": "pointlight"},
        **dict.fromkeys(("latency", "accuracy", "memory", "cost")),
        error=Failure(kind="export", message="x3d_tiny can't be exported at operator aten::fft"),
    )
    table = table_of(*TWO, failed)
    network = next(each for each in table.networks if each.model == "x3d_tiny")
    assert network.cells[2] is not None and network.cells[2].speed_up is None
    assert any("x3d_tiny in openvino failed: export: " in note for note in table.notes)
    assert next(mean for mean in table.means if mean.way == "openvino").networks == 1


def test_networks_of_one_runtime_alone_make_no_table_or_are_counted() -> None:
    alone = in_runtime("mvit_tiny", "torch", 0.004)
    assert runtime_tables(boards([alone])) == []
    table = table_of(*TWO, alone)
    assert [each.model for each in table.networks] == ["x3d_tiny", "c3d_tiny"]
    assert any(note.startswith("left out: 1 that was not measured") for note in table.notes)


def test_rows_of_other_settings_are_other_networks() -> None:
    table = table_of(*TWO, in_runtime("c3d_tiny", "openvino", 0.001, batch=8))
    assert all(mean.networks <= 2 for mean in table.means)
    cell = next(each for each in table.networks if each.model == "c3d_tiny").cells[2]
    assert cell is not None and cell.latency_s == 0.002


def test_the_formats_have_the_same_numbers() -> None:
    tables = [table_of(*TWO)]
    rows = list(csv.DictReader(io.StringIO(render(tables, "csv"))))
    assert len(rows) == 5
    ort = next(r for r in rows if (r["model"], r["way"]) == ("c3d_tiny", "onnxruntime"))
    assert float(ort["speed_up"]) == pytest.approx(4.0) and ort["size_bytes"] == "1200000"
    assert float(ort["speed_up_low"]) < 4 < float(ort["speed_up_high"])
    (plain,) = json.loads(render(tables, "json"))
    assert plain["networks"][1]["cells"][1]["speed_up"] == pytest.approx(4.0)
    page = render(tables, "md")
    (line,) = [line for line in page.splitlines() if line.startswith("| c3d_tiny")]
    assert "4.00" in line and "8.00" in line and "-2.0†" in line
    assert "1.00 (2)" in page and "8.00 (1)" in page
    tex = render(tables, "latex")
    assert r"\multicolumn{4}{c}{onnxruntime}" in tex and r"c3d\_tiny" in tex
    body = [line for line in tex.splitlines() if line.endswith(r"\\")]
    cells = [line.replace(r"\&", "").count("&") for line in body if "multicolumn" not in line]
    assert len(set(cells)) == 1
    with pytest.raises(UnknownNameError, match="latex"):
        render(tables, "latx")


@pytest.mark.parametrize("width", [40, 70, 100, 200])
def test_a_terminal_of_any_width_has_every_network_and_no_line_that_is_cut(width: int) -> None:
    file = io.StringIO()
    show([table_of(*TWO)], Console(file=file, force_terminal=True, width=width))
    text = file.getvalue()
    for word in ("c3d_tiny", "x3d_tiny", "8.00", "0.25", "geometric mean"):
        assert word in text
    assert "…" not in text


def test_a_narrow_terminal_keeps_speed_ups_with_their_marks_and_names_what_it_leaves_out() -> None:
    lossy = in_runtime("c3d_tiny", "openvino", 0.001, top1=0.9, precision="int8", calibration=128)
    file = io.StringIO()
    show([table_of(*TWO, lossy)], Console(file=file, force_terminal=True, width=64, no_color=True))
    text = file.getvalue()
    (row,) = [line for line in text.splitlines() if "c3d_tiny " in line and " 16.00 " in line]
    assert "8.00†" in row and "16.00†" in row
    assert " 4.00" in row and "4.00†" not in row
    assert "no room for intervals, drift" in text and "drift: largest" not in text
    assert "int8 128" not in text


def test_the_footnotes_name_runtimes_that_are_slower() -> None:
    assert any(
        "Slower than eager PyTorch: onnxruntime on 1 of 2." in line
        for line in footnotes(table_of(*TWO))
    )


def test_the_command_prints_and_writes_the_table_and_says_what_to_measure(tmp_path: Path) -> None:
    runner = CliRunner()
    file = RunFile(tmp_path, TWO[0].run)
    file.append(TWO[0])
    nothing = runner.invoke(app, ["runtimes", "--results", str(tmp_path)])
    assert nothing.exit_code == 2 and "run deploy" in nothing.output
    for record in TWO[1:]:
        file.append(record)
    shown = runner.invoke(app, ["runtimes", "--results", str(tmp_path)])
    assert shown.exit_code == 0 and "onnxruntime speed-up" in shown.stdout
    written = tmp_path / "table.tex"
    asked = ["runtimes", "--results", str(tmp_path), "--output", str(written)]
    assert runner.invoke(app, asked).exit_code == 0
    assert written.read_text().startswith("% Needs")
    only = runner.invoke(
        app, ["runtimes", "--results", str(tmp_path), "--where", "model == 'x3d_tiny'"]
    )
    assert "x3d_tiny" in only.stdout and "c3d_tiny" not in only.stdout
