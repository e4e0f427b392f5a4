"""Damaged predictions are one record's fault: a line names the file and the cure."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from kinobench.bench.evaluation import digests, places
from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.evaluation.places import read_places
from kinobench.bench.records.record import Record
from kinobench.bench.records.store import RunFile

from ...fakes.command import call
from ...fakes.made_predictions import flip, logits_table, store_run, write_shards
from ...fakes.made_records import made_accuracy, made_record

# The ranks of these are worked by hand in tests/bench/leaderboard/test_ranking.py.
HITS = {name: np.arange(20) < hits for name, hits in {"a": 20, "b": 10, "c": 14}.items()}
LABELS = np.arange(20) % 4


def logits_of(hits: np.ndarray) -> np.ndarray:
    logits = np.zeros((20, 2, 4), dtype=np.float32)
    logits[np.arange(20), :, LABELS] = np.where(hits, 1, -1)[:, None]
    return logits


def record_of(name: str) -> Record:
    made = made_accuracy(
        float(HITS[name].mean()), scored=20, expected=20, predictions=f"predictions/{name}"
    )
    record: Record = made_record(name, case={"weights": "mine"}, accuracy=made)
    return record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The records of three networks, and their predictions, in shards of 8, 8 and 4 videos."""
    folder = tmp_path / "results"
    file = RunFile(folder, "run")
    for name, hits in HITS.items():
        record = record_of(name)
        store_run(folder / "predictions" / name, logits_of(hits), LABELS, origin_of(record))
        file.append(record)
    return folder


def rows_of(done: Any) -> dict[str, dict[str, Any]]:
    assert done.exit_code == 0, done.stderr
    (board,) = json.loads(done.stdout)
    return {row["model"]: row for row in board["rows"]}


def _flipped(folder: Path) -> None:
    flip(folder / "shard-00001.parquet", 4000)


def _pipe(folder: Path) -> None:
    (folder / "shard-00001.parquet").unlink()
    os.mkfifo(folder / "shard-00001.parquet")


def _empty(folder: Path) -> None:
    (folder / "shard-00001.parquet").write_bytes(b"")


def _of_another(folder: Path) -> None:
    shutil.copy(folder.parent / "a" / "shard-00001.parquet", folder)


def _all_of_another(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(folder.parent / "c", folder)


def _torn_digests(folder: Path) -> None:
    (folder / digests.FILE).write_bytes(b"{torn")


def _only_damaged_places(folder: Path) -> None:
    record = record_of("b")
    read_places(folder, "softmax", scored=20, hits=10, origin=origin_of(record))
    for shard in folder.glob("shard-*"):
        shard.unlink()
    path = folder / places.FILE
    path.write_bytes(path.read_bytes()[:-30])


DAMAGE = {
    _flipped: "b/shard-00001.parquet is not as it was written",
    _pipe: "b/shard-00001.parquet: it is a named pipe, not a file; remove it",
    _empty: "b/shard-00001.parquet is not as it was written",
    _of_another: "b/shard-00001.parquet is not as it was written",
    _all_of_another: "b/shard-00000.parquet is of case ",
    _torn_digests: "b/digests.json can't be read",
    _only_damaged_places: "b/_places.parquet can't be read",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_predictions_are_one_records_fault(
    results: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    damage(results / "predictions" / "b")
    home = results.parent
    rows = rows_of(call(monkeypatch, home, "leaderboard", "--format", "json"))
    assert {name: row["rank"] for name, row in rows.items()} == {"a": 1, "c": 2, "b": None}
    reason = rows["b"]["unranked"]
    assert f"predictions/{DAMAGE[damage]}" in reason and "measure the case again" in reason
    assert rows["a"]["unranked"] is None is rows["c"]["unranked"]
    assert call(monkeypatch, home, "leaderboard").exit_code == 0
    assert "not ranked" in (results / "leaderboard.md").read_text()
    for command in (("analyse", "b"), ("compare", "a", "b"), ("analyse", "a", "--fuse", "b")):
        done = call(monkeypatch, home, *command)
        assert done.exit_code == 2 and isinstance(done.exception, SystemExit), command
        named = DAMAGE[damage].replace("b/_places.parquet can't be read", "b: there is no Parquet")
        (line,) = done.stderr.splitlines()
        assert line.startswith("kinobench: ") and f"predictions/{named}" in line
        assert line.endswith("measure the case again") or "remove it" in line
    assert call(monkeypatch, home, "compare", "a", "c").exit_code == 0


def test_damaged_places_are_made_again_from_the_shards(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = results / "predictions" / "b" / places.FILE
    ranks = []
    for content in (None, b"", b"PAR1", bytes(range(256)) * 8):
        if content is not None:
            path.write_bytes(content)
        rows = rows_of(call(monkeypatch, results.parent, "leaderboard", "--format", "json"))
        ranks.append({name: row["rank"] for name, row in rows.items()})
    assert ranks == [{"a": 1, "c": 1, "b": 2}] * 4


def test_a_record_whose_numbers_can_not_be_is_one_records_fault(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, top1 in enumerate((1e300, -3.0)):
        accuracy = msgspec.structs.replace(record_of("b").accuracy, top1=top1)
        record = msgspec.structs.replace(
            record_of("b"), accuracy=accuracy, started=f"2027-0{number}"
        )
        RunFile(results, f"run{number}").append(record)
        rows = rows_of(call(monkeypatch, results.parent, "leaderboard", "--format", "json"))
        assert f"says that {top1} of the videos are right" in rows["b"]["unranked"]
        assert rows["a"]["rank"] == 1


def test_a_name_that_is_too_long_for_a_file_is_one_records_fault(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accuracy = msgspec.structs.replace(record_of("b").accuracy, predictions="x" * 5000)
    record = msgspec.structs.replace(record_of("b"), accuracy=accuracy, started="2027")
    RunFile(results, "later").append(record)
    rows = rows_of(call(monkeypatch, results.parent, "leaderboard", "--format", "json"))
    assert rows["b"]["unranked"] is not None and rows["a"]["rank"] == 1


def test_it_is_said_once_that_predictions_of_an_earlier_version_are_not_checked(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, said = results.parent, "NOT CHECKED that"
    for command in (("analyse", "b"), ("compare", "a", "b"), ("leaderboard", "--format", "md")):
        assert said not in call(monkeypatch, home, *command).stdout
    folder = results / "predictions" / "b"
    shutil.rmtree(folder)
    write_shards(folder, logits_table(logits_of(HITS["b"]), LABELS), 16)
    for command in (("analyse", "b"), ("compare", "a", "b"), ("leaderboard", "--format", "md")):
        done = call(monkeypatch, home, *command)
        assert done.exit_code == 0 and done.stdout.count(said) == 1, command
    rows = rows_of(call(monkeypatch, home, "leaderboard", "--format", "json"))
    assert {name: row["rank"] for name, row in rows.items()} == {"a": 1, "c": 1, "b": 2}
    assert [said in "".join(rows[name]["notes"]) for name in "abc"] == [False, True, False]
