"""Several folders of results, read as one."""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.analysis.sources import find_two
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.records.store import RunFile
from kinobench.bench.records.stores import Stores, predictions_in, read_results, results_in
from kinobench.datasets.errors import KinobenchError

from ...fakes.command import call
from ...fakes.made_results import RUN, made_results, record_of

LATER = "20260102T000000Z-111111"


def rows(results: Any) -> dict[str, tuple[int | None, str | None]]:
    said: list[str] = []
    (board,) = read_boards(results, said.append)
    assert said == []
    return {row.record.case.model: (row.rank, row.unranked) for row in board.rows}


def test_the_records_of_two_folders_are_ranked_by_the_predictions_of_either(tmp_path: Path) -> None:
    """20, 10 and 14 of 20 right: as one folder, so as two."""
    together = made_results(tmp_path / "all", {"a": 20, "b": 10, "c": 14})
    one = made_results(tmp_path / "one", {"a": 20, "c": 14})
    other = made_results(tmp_path / "other", {"b": 10})
    assert rows(results_in([one, other])) == rows(together)
    assert rows(results_in([one, other])) == {"a": (1, None), "b": (2, None), "c": (1, None)}
    found = find_two("a", "b", results_in([one, other]))
    assert found[0].path.is_relative_to(one) and found[1].path.is_relative_to(other)


def test_a_record_in_both_is_counted_once_and_predictions_are_where_there_are_any(
    tmp_path: Path,
) -> None:
    whole = made_results(tmp_path / "whole", {"a": 20, "b": 10})
    bare = tmp_path / "bare"
    shutil.copytree(whole / "runs", bare / "runs")
    for order in ([whole, bare], [bare, whole]):
        results = results_in(order)
        records, problems = read_results(results)
        assert len(records) == 2 and problems == []
        assert {predictions_in(each.accuracy, results) for each in records if each.accuracy} == {
            whole / "predictions" / name / RUN for name in "ab"
        }
        assert rows(results) == {"a": (1, None), "b": (2, None)}


def test_a_row_whose_accuracy_is_of_an_older_record_has_the_predictions_of_that_folder(
    tmp_path: Path,
) -> None:
    """A later run elsewhere measured the latency alone: the row is made of both."""
    older = made_results(tmp_path / "older", {"a": 20, "b": 10})
    newer = tmp_path / "newer"
    again = msgspec.structs.replace(record_of("a", 20, LATER), accuracy=None)
    RunFile(newer, LATER).append(again)
    for order in ([newer, older], [older, newer]):
        (board,) = read_boards(results_in(order), print)
        row = next(row for row in board.rows if row.record.case.model == "a")
        assert (row.record.run, row.rank, row.unranked) == (LATER, 1, None)


def test_two_records_of_one_id_are_not_both_true(tmp_path: Path) -> None:
    one = made_results(tmp_path / "one", {"a": 20})
    other = made_results(tmp_path / "other", {"a": 10})
    records, (problem,) = read_results(results_in([one, other]))
    assert len(records) == 1 and records[0].accuracy.top1 == 1.0  # type: ignore[union-attr]
    assert problem.startswith(f"{other}: left out, record {records[0].id}: {one} has another one")


def test_predictions_of_one_name_are_those_of_the_record_that_names_them(tmp_path: Path) -> None:
    """A folder was copied, and both were continued: the ids differ, the names are alike."""
    one = made_results(tmp_path / "one", {"a": 20, "b": 10})
    other = made_results(tmp_path / "other", {"a": 14}, run=LATER)
    (other / "predictions" / "a" / LATER).rename(other / "predictions" / "a" / RUN)
    path = other / "runs" / f"{LATER}.jsonl"
    path.write_text(path.read_text().replace(f"predictions/a/{LATER}", f"predictions/a/{RUN}"))
    results = results_in([one, other])
    records, problems = read_results(results)
    assert problems == []
    assert [
        predictions_in(each.accuracy, results).relative_to(tmp_path).parts[0]
        for each in records
        if each.accuracy is not None
    ] == ["one", "one", "other"]
    assert rows(results)["a"][1] is None


def test_one_folder_given_twice_is_one(tmp_path: Path) -> None:
    one = made_results(tmp_path / "one", {"a": 20})
    assert results_in([one, tmp_path / "one" / ".." / "one"]) == one
    assert str(Stores([one, tmp_path / "two"])) == f"{one}, {tmp_path / 'two'}"


def test_a_folder_without_records_is_named(tmp_path: Path) -> None:
    one = made_results(tmp_path / "one", {"a": 20})
    with pytest.raises(KinobenchError, match=r"--results .*nowhere: there is no"):
        read_results(results_in([one, tmp_path / "nowhere"]))


def test_the_commands_take_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_results(tmp_path / "one", {"a": 20})
    made_results(tmp_path / "other", {"b": 10})
    both = ("--results", "one", "--results", "other")
    done = call(monkeypatch, tmp_path, "leaderboard", *both)
    assert done.exit_code == 0, done.stderr
    assert not list(tmp_path.glob("*/leaderboard.*"))
    assert done.stdout.count("mine") == 2
    done = call(monkeypatch, tmp_path, "leaderboard", *both, "--output", "both.csv")
    assert done.exit_code == 0 and len((tmp_path / "both.csv").read_text().splitlines()) == 3
    done = call(monkeypatch, tmp_path, "compare", "a", "b", *both, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["significant"] is True
    done = call(monkeypatch, tmp_path, "analyse", "b", *both)
    assert done.exit_code == 0 and "other/predictions/b" in done.stdout
