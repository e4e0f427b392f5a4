"""`leaderboard --columns`, `--wide` and `--explain` on the command line."""

import csv
import io
from pathlib import Path

import pytest

from kinobench.bench.records.store import RunFile

from ...fakes.command import call
from ...fakes.made_records import failed_record, made_record


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    run = RunFile(tmp_path / "results", "20260101T000000Z-000000")
    run.append(made_record("c3d_tiny", case={"weights": "w"}))
    run.append(failed_record("x3d_tiny"))
    return tmp_path


def test_chosen_columns_are_printed_and_written(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, stored, "leaderboard", "--columns", "latency,model", "--format", "csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [
        *(["latency_ms", "model"], ["12.5", "c3d_tiny"], ["", "x3d_tiny"]),
    ]
    done = call(monkeypatch, stored, "leaderboard", "--columns", "latency,model")
    assert "12.50 [12.00, 13.00]  c3d_tiny" in done.stdout and "params" not in done.stdout
    assert "GFLOPs" in (stored / "results" / "leaderboard.md").read_text()
    name = str(stored / "table.tex")
    call(monkeypatch, stored, "leaderboard", "--columns", "model,top1", "--output", name)
    assert "top-1" in Path(name).read_text() and "GMACs" not in Path(name).read_text()


def test_explain_and_wide_print_more(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = call(monkeypatch, stored, "leaderboard").stdout
    assert "Measured with" not in plain and "more footnotes (--explain)" in plain
    assert "Measured with" in call(monkeypatch, stored, "leaderboard", "--explain").stdout
    assert "points/ms" in call(monkeypatch, stored, "leaderboard", "--wide").stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--columns", "model,latncy"], "no column is named 'latncy': did you mean 'latency'?"),
        (["--columns", ""], "no column is named; choose some, such as 'model,latency,top1'"),
        (["--columns", "model", "--wide"], "--wide shows all columns and --columns model some"),
        (["--wide", "--format", "md"], "--wide is for the table in the terminal"),
        (["--explain", "--output", "x.md"], "--explain is for the table in the terminal"),
    ],
)
def test_what_can_not_be_shown_is_refused_with_the_cure(
    options: list[str], told: str, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, stored, "leaderboard", *options)
    assert done.exit_code == 2 and told in done.stderr
    assert not (stored / "results" / "leaderboard.md").exists()


def test_a_folder_without_records_has_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results" / "runs").mkdir(parents=True)
    done = call(monkeypatch, tmp_path, "leaderboard")
    assert done.exit_code == 0 and "No records yet. Measure networks first: " in done.stdout
