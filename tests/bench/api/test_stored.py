"""Stored records from Python: read, as a table, ranked, and compared."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import kinobench
from kinobench.bench.analysis.compare import Comparison
from kinobench.bench.cli.commands import app
from kinobench.bench.records.store import RunFile

from ...fakes.made_predictions import logits_table, write_file
from ...fakes.made_records import failed_record, made_accuracy, made_latency, made_record
from ...fakes.made_results import made_results


def stored(folder: Path, *records: Any) -> kinobench.Records:
    file = RunFile(folder, "20260101T000000Z-abcdef")
    for record in records:
        file.append(record)
    return kinobench.Records.read(folder)


def test_records_are_read_and_sliced(tmp_path: Path) -> None:
    first, second = made_record("c3d_tiny"), made_record("x3d_tiny")
    records = stored(tmp_path, first, second)
    assert list(records) == [first, second] and len(records) == 2
    assert records[-1] == second
    assert list(records[:1]) == [first] and records[:1].folder == tmp_path
    with pytest.raises(kinobench.KinobenchError, match=r"^folder='.*nowhere': there is no "):
        kinobench.Records.read(tmp_path / "nowhere")


def test_a_line_that_is_no_record_is_left_out_with_a_warning(tmp_path: Path) -> None:
    stored(tmp_path, made_record())
    with next((tmp_path / "runs").glob("*.jsonl")).open("a") as file:
        file.write("{half\n")
    with pytest.warns(UserWarning, match="line 2: left out"):
        records = kinobench.Records.read(tmp_path)
    assert len(records) == 1 and len(records.problems) == 1
    assert records[:10].problems == records.problems


def test_the_frame_has_a_row_a_record_in_base_units() -> None:
    latency, accuracy = made_latency(0.25), made_accuracy(0.5)
    records = kinobench.Records(
        [made_record(latency=latency, accuracy=accuracy), failed_record("x3d_tiny", "it broke")]
    )
    frame = records.frame()
    assert list(frame["model"]) == ["c3d_tiny", "x3d_tiny"]
    row, failed = frame.iloc[0], frame.iloc[1]
    assert row["latency_median_s"] == 0.25 and row["accuracy_top1"] == 0.5
    assert (row["accuracy_interval_top1_low"], row["accuracy_interval_top1_high"]) == (
        accuracy.interval_top1
    )
    assert row["case_digest"] == records[0].case.digest
    assert row["protocol"] == records[0].case.protocol.name
    assert failed["error_message"] == "it broke"
    assert not [name for name in frame.columns if "samples" in name]


def test_the_leaderboard_is_the_commands(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    records = stored(tmp_path, made_record("c3d_tiny"), made_record("x3d_tiny"))
    printed = CliRunner().invoke(app, ["leaderboard", "--results", str(tmp_path), "--format", "md"])
    board = records.leaderboard()
    assert str(board) == printed.stdout and "c3d_tiny" in printed.stdout
    assert board._repr_markdown_() == str(board)
    assert board.render("html").startswith("<!doctype html>")
    assert repr(board) == "<Leaderboard of 1 board, 2 rows>"
    by_name = records.leaderboard(sort="model").boards[0].rows
    assert [row.record.case.model for row in by_name] == ["c3d_tiny", "x3d_tiny"]
    with pytest.raises(kinobench.UnknownNameError, match="did you mean 'latency'"):
        records.leaderboard(sort="latncy")


def test_a_folder_is_shown_without_control_characters(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[2J\n"
    stored(folder, made_record("c3d_tiny"))
    assert repr(kinobench.Records.read(folder)).endswith("a\\x1b[2J\\n>")


def scored(folder: Path, name: str, right: int) -> tuple[Path, Any]:
    """Store predictions of 40 videos, of which the first so many are right."""
    labels = np.arange(40) % 4
    logits = np.zeros((40, 1, 8), np.float32)
    answers = np.where(np.arange(40) < right, labels, 7)
    logits[np.arange(40), 0, answers] = 1
    path = write_file(folder / f"{name}.parquet", logits_table(logits, labels))
    accuracy = made_accuracy(scored=40, expected=40, predictions=path.name)
    return path, made_record(name, accuracy=accuracy)


def test_two_are_compared_by_path_and_by_record_as_the_command_does(tmp_path: Path) -> None:
    (one, record), (other, another) = scored(tmp_path, "a", 10), scored(tmp_path, "b", 30)
    by_path = kinobench.compare(one, other, results=tmp_path)
    assert (by_path.top1.a, by_path.top1.b, by_path.videos) == (0.25, 0.75, 40)
    assert by_path.top1.is_significant
    by_record = kinobench.compare(record, another, results=tmp_path)
    assert by_record.a is not None and by_record.a.record == record.id
    assert by_path.a is not None and by_path.a.predictions == by_record.a.predictions
    assert by_path.top1 == by_record.top1 and by_path.videos == by_record.videos
    nothing = msgspec.structs.replace(record, accuracy=None)
    with pytest.raises(kinobench.KinobenchError, match="keeps no predictions"):
        kinobench.compare(nothing, another, results=tmp_path)


def test_several_folders_are_read_as_one(tmp_path: Path) -> None:
    """Predictions are looked for in the folder of each record, by whoever asks first."""
    one = made_results(tmp_path / "one", {"a": 20, "b": 10})
    other = made_results(tmp_path / "other", {"c": 14}, run="20260102T000000Z-111111")
    made_results(other, {"b": 10})
    both = [str(one), other]
    records = kinobench.Records.read(both)
    assert [record.case.model for record in records] == ["a", "b", "c"]
    (board,) = records.leaderboard().boards
    assert [row.rank is not None for row in board.rows] == [True] * 3
    assert "the best of 3 networks is a " in str(records.recommend(max_latency="1s"))
    by_record = kinobench.compare(records[0], records[2], results=both)
    assert isinstance(by_record, Comparison)
    assert by_record.top1.a == 1 and by_record.top1.b == 0.7
    by_name = kinobench.compare("a", "c", results=both)
    assert isinstance(by_name, Comparison) and by_name.top1 == by_record.top1
    assert records[:1].folder is records.folder
    again = kinobench.Records(list(records), both).leaderboard()
    assert again.render("csv") == records.leaderboard().render("csv")
    with pytest.raises(kinobench.KinobenchError, match="no folder is given"):
        kinobench.Records.read([])
    with pytest.raises(kinobench.KinobenchError, match=r"nowhere': there is no "):
        kinobench.Records.read([one, tmp_path / "nowhere"])
