"""Published numbers next to measured ones as text, and the commands that show them."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.leaderboard.published_pages import FORMATS, render
from kinobench.bench.leaderboard.published_pairs import pairs_of, texts_of
from kinobench.bench.leaderboard.published_screen import show
from kinobench.bench.records.store import RunFile
from kinobench.datasets.errors import UnknownNameError
from kinobench.datasets.protocol import preset

from ...fakes.command import call
from ...fakes.made_records import MACHINE, made_accuracy, made_cost, made_record

NATIVE = preset("pytorchvideo-16x5-256")


def of_x3d(top1: float = 0.7594, **case: Any) -> Any:
    fields = {
        "weights": "kinetics400",
        "classes": 400,
        "protocol": NATIVE,
        "dataset": "kinetics400",
        "split": "val",
    }
    accuracy = made_accuracy(
        top1,
        top5=None,
        interval_top1=(top1 - 0.006, top1 + 0.006),
        interval_top5=None,
        scored=19_761,
        expected=19_761,
    )
    return made_record(
        "x3d_m",
        fields | case,
        params=3_794_274,
        cost=made_cost(6_185_725_184),
        latency=None,
        accuracy=accuracy,
    )


def store(results: Path, *records: Any) -> None:
    run = RunFile(results, "20260101T000000Z-000000")
    for record in records:
        run.append(record)


def on_screen(records: list[Any], width: int) -> str:
    out = io.StringIO()
    show(pairs_of(boards(records)), len(records), Console(file=out, width=width))
    return out.getvalue()


def test_a_row_has_the_printed_and_the_measured_number_and_a_verdict() -> None:
    text = on_screen([of_x3d()], 120)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "top-1 75.94 % 75.94 % [75.34, 76.54] +0.00 points reproduced" in lines
    assert "GMACs 6.72" not in text and "params" in text
    assert "https://github.com/facebookresearch/pytorchvideo/blob/" in text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_number_is_cut_on_any_terminal(width: int) -> None:
    text = on_screen([of_x3d(0.70, protocol=preset("common-224"))], width)
    assert "75.94 %" in text and "70.00 % [69.40, 70.60]" in text and "-5.94 points" in text
    assert "differs, known reason" in text
    assert "printed for 16 frames of 256 pixels" in " ".join(text.split())


def test_rows_of_which_nothing_was_printed_are_counted() -> None:
    assert on_screen([made_record("c3d_tiny")], 80) == "Nothing was printed of 1 row.\n"
    both = on_screen([made_record("c3d_tiny"), of_x3d()], 80)
    assert both.endswith("\nNothing was printed of 1 more row.\n")
    assert on_screen([], 80).startswith("No records yet. Measure networks first")


def test_every_format_has_the_same_numbers() -> None:
    found = pairs_of(boards([of_x3d(0.74)]))
    texts = {form: render(found, form) for form in FORMATS}
    rows = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert [(row["quantity"], row["verdict"]) for row in rows][:1] == [("top-1", "differs")]
    assert float(rows[0]["difference"]) == pytest.approx(-1.94)
    (plain,) = json.loads(texts["json"])
    assert plain["model"] == "x3d_m"
    assert plain["comparisons"][0]["here"] == pytest.approx(74.0)
    for form in ("md", "html"):
        assert "-1.94 points" in texts[form] and "74.00 % [73.40, 74.60]" in texts[form]
    assert '<tr class="differs">' in texts["html"]
    with pytest.raises(UnknownNameError, match="no format is named 'latex'"):
        render(found, "latex")


def test_a_hostile_name_is_no_markup() -> None:
    name = "<script>alert(1)</script>\x1b[31m|"
    record = msgspec.structs.replace(of_x3d(), environment=MACHINE)
    found = [
        msgspec.structs.replace(each, name=name, table=name) for each in pairs_of(boards([record]))
    ]
    html = render(found, "html")
    assert "<script" not in html and "\x1b" not in html
    assert "\x1b" not in render(found, "md") and "<script" not in render(found, "md")
    assert "\x1b" not in render(found, "json")
    assert re.search(r"href=\"https://github\.com/[^\"<>]*\"", html)


def test_what_cannot_be_compared_has_no_difference() -> None:
    (pairs,) = pairs_of(boards([of_x3d()]), every=True)
    (each,) = [one for one in pairs.comparisons if one.verdict == "not compared"]
    assert texts_of(each)[1:] == ("–", "–")


def test_the_leaderboard_shows_what_was_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tmp_path / "results", of_x3d())
    done = call(monkeypatch, tmp_path, "leaderboard", "--published")
    assert done.exit_code == 0 and "reproduced" in done.stdout
    assert not (tmp_path / "results" / "leaderboard.md").exists()
    call(monkeypatch, tmp_path, "leaderboard", "--published", "--output", "p.html")
    assert (tmp_path / "p.html").read_text().startswith("<!doctype html>")
    done = call(monkeypatch, tmp_path, "leaderboard", "--published", "--wide")
    assert done.exit_code == 2 and "--wide: the table of --published" in done.stderr


@pytest.mark.parametrize(
    ("top1", "case", "code", "verdict"),
    [
        (0.7594, {}, 0, "reproduced"),
        (0.70, {}, 1, "differs"),
        (0.7594, {"protocol": preset("common-224")}, 3, "open"),
        (0.70, {"protocol": preset("common-224")}, 3, "open"),
        (0.7594, {"weights": "mine"}, 3, "open"),
        (0.7594, {"dataset": "ucf101", "split": "test1"}, 3, "open"),
    ],
)
def test_reproduce_says_by_its_code_whether_the_printed_accuracy_is_met(
    top1: float,
    case: dict[str, Any],
    code: int,
    verdict: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store(tmp_path / "results", of_x3d(top1, **case))
    done = call(monkeypatch, tmp_path, "reproduce", "x3d_m", "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout)["verdict"] == verdict
    done = call(monkeypatch, tmp_path, "reproduce", "x3d_m", "--output", "page.md")
    assert done.exit_code == code
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("# x3d_m: printed and measured\n")
    assert ("--protocol native" in page) == (verdict != "reproduced")


def test_reproduce_without_records_shows_what_was_printed_and_how_to_measure_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, tmp_path, "reproduce", "x3d_m")
    assert done.exit_code == 3
    assert "top-1 75.94 %, top-5 92.72 %: weights kinetics400" in done.stdout
    assert done.stdout.count("top-1 75.94 %") == 1  # the checkpoint, and not its row again
    assert "run --model x3d_m --weights kinetics400 --dataset kinetics400" in done.stdout
    done = call(monkeypatch, tmp_path, "reproduce", "c3d_tiny")
    assert done.exit_code == 3 and "No accuracy was printed of it." in done.stdout
    done = call(monkeypatch, tmp_path, "reproduce", "x3d_n")
    assert done.exit_code == 2 and "did you mean 'x3d_l'?" in done.stderr
    done = call(monkeypatch, tmp_path, "reproduce", "x3d_m", "--results", "nowhere")
    assert done.exit_code == 2 and "nowhere" in done.stderr
