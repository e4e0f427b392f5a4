"""Every fault of a folder of results is found, and the worst comes first."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kinobench.bench.evaluation.places import FILE
from kinobench.bench.export.findings import MEANINGS
from kinobench.bench.export.validate import validate
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.records.store import RunFile

from ...fakes.command import call
from ...fakes.made_predictions import flip
from ...fakes.made_records import made_accuracy
from ...fakes.made_results import RUN, files_of, made_results, record_of


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three networks with predictions, which a leaderboard has ranked."""
    folder = made_results(tmp_path / "results", {"a": 20, "b": 10, "c": 14})
    read_boards(folder, print)
    assert len(list(folder.rglob(FILE))) == 3
    return folder


def kinds(results: Path) -> list[str]:
    return [each.kind for each in validate(results).findings]


def test_a_whole_folder_has_no_finding_and_is_not_changed(results: Path) -> None:
    before = files_of(results)
    found = validate(results)
    assert (found.runs, found.records, found.predictions, found.computed) == (1, 3, 3, 3)
    assert found.findings == () and found.faults == 0
    assert files_of(results) == before


def lines_of(results: Path) -> Path:
    return results / "runs" / f"{RUN}.jsonl"


def _flipped(results: Path) -> None:
    flip(results / "predictions" / "a" / RUN / "shard-00001.parquet", 4000)


def _shard_gone(results: Path) -> None:
    (results / "predictions" / "a" / RUN / "shard-00002.parquet").unlink()


def _of_another(results: Path) -> None:
    shutil.rmtree(results / "predictions" / "a" / RUN)
    shutil.copytree(results / "predictions" / "b" / RUN, results / "predictions" / "a" / RUN)


def _gone(results: Path) -> None:
    shutil.rmtree(results / "predictions" / "a")


def _changed(field: str, value: object) -> Callable[[Path], None]:
    def change(results: Path) -> None:
        first, *others = lines_of(results).read_text().splitlines()
        plain = json.loads(first)
        plain["accuracy"][field] = value
        lines_of(results).write_text("\n".join([json.dumps(plain), *others]) + "\n")

    return change


def _noise(results: Path) -> None:
    with lines_of(results).open("ab") as file:
        file.write(b"\xff noise\n")


def _half(results: Path) -> None:
    content = lines_of(results).read_bytes()
    lines_of(results).write_bytes(content + content[:300])


def _later_schema(results: Path) -> None:
    with lines_of(results).open("ab") as file:
        file.write(b'{"schema": 2, "run": "r"}\n')


def _twice(results: Path) -> None:
    shutil.copy(lines_of(results), results / "runs" / "copy.jsonl")


def _other_of_one_id(results: Path) -> None:
    changed = msgspec.structs.replace(record_of("a", 20), params=1)
    RunFile(results, "another").append(changed)


def _no_digests(results: Path) -> None:
    (results / "predictions" / "a" / RUN / "digests.json").unlink()


def _stale_places(results: Path) -> None:
    flip(results / "predictions" / "a" / RUN / FILE, 4000)


def _places_alone(results: Path) -> None:
    for path in (results / "predictions" / "a" / RUN).iterdir():
        if path.name != FILE:
            path.unlink()


def _other_places_alone(results: Path) -> None:
    _places_alone(results)
    _changed("top1", 0.5)(results)


def _orphan(results: Path) -> None:
    shutil.copytree(results / "predictions" / "a" / RUN, results / "predictions" / "a" / "begun")


def _unfinished(results: Path) -> None:
    (results / "runs" / f".x.{'0' * 32}.unfinished").write_bytes(b"")


FAULTS: dict[Callable[[Path], None], tuple[str, bool]] = {
    _flipped: ("damaged predictions", True),
    _shard_gone: ("damaged predictions", True),
    _of_another: ("damaged predictions", True),
    _changed("top1", 0.95): ("another accuracy", True),
    _changed("scored", 19): ("another accuracy", True),
    _changed("top1_of_expected", 0.9): ("another accuracy", True),
    _noise: ("damaged line", True),
    _half: ("half a line", True),
    _other_of_one_id: ("two records of one id", True),
    _gone: ("missing predictions", True),
    _later_schema: ("another schema", True),
    _twice: ("a record twice", False),
    _no_digests: ("not checked", False),
    _stale_places: ("stale places", False),
    _places_alone: ("places alone", False),
    _orphan: ("no record", False),
    _unfinished: ("temporary file", False),
}


@pytest.mark.parametrize(("spoil", "found"), FAULTS.items())
def test_each_fault_is_found_and_is_the_only_one(
    results: Path, spoil: Callable[[Path], None], found: tuple[str, bool]
) -> None:
    spoil(results)
    done = validate(results)
    kind, is_fault = found
    assert {each.kind for each in done.findings} == {kind}, done.findings
    assert bool(done.faults) is is_fault
    assert all(each.what and each.where for each in done.findings)


def test_every_kind_is_tried() -> None:
    assert {kind for kind, _ in FAULTS.values()} == set(MEANINGS)


def test_the_worst_comes_first_and_the_exit_code_says_it(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, results.parent, "results", "validate", results)
    assert done.exit_code == 0
    assert done.stdout.rstrip().endswith("3 accuracies computed again: 0 faults, 0 notes.")
    _orphan(results)
    done = call(monkeypatch, results.parent, "results", "validate", results)
    assert done.exit_code == 0 and "0 faults, 1 note." in done.stdout
    for spoil in (_changed("top1", 0.5), _half, _unfinished):
        spoil(results)
    flip(results / "predictions" / "c" / RUN / "shard-00000.parquet", 4000)
    assert kinds(results) == [
        "damaged predictions",
        "another accuracy",
        "half a line",
        "no record",
        "temporary file",
    ]
    done = call(monkeypatch, results.parent, "results", "validate", results)
    assert done.exit_code == 1
    assert "top1 is 100.000 % by them, and 50.000 % in the record" in done.stdout
    assert f"  runs/{RUN}.jsonl, line 4: not a record: it ends in the middle" in done.stdout
    done = call(monkeypatch, results.parent, "results", "validate", results, "--json")
    plain = json.loads(done.stdout)
    assert done.exit_code == 1 and plain["faults"] == 3
    assert list(plain["counts"].values()) == [1] * 5


def test_a_record_without_predictions_has_nothing_to_check(tmp_path: Path) -> None:
    record = msgspec.structs.replace(record_of("a", 20), accuracy=made_accuracy())
    RunFile(tmp_path, RUN).append(record)
    found = validate(tmp_path)
    assert (found.records, found.predictions, found.findings) == (1, 0, ())


def test_of_many_findings_a_few_are_shown(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        name = f".x.{number:032x}.unfinished"
        (results / "runs" / name).write_bytes(b"")
    done = call(monkeypatch, results.parent, "results", "validate", results)
    assert "temporary file (25): " in done.stdout and "  and 5 more: --json has all" in done.stdout


def test_where_the_places_alone_are_left_the_accuracy_is_held_against_them(results: Path) -> None:
    _other_places_alone(results)
    assert kinds(results) == ["another accuracy", "places alone"]
    assert "20 of 20 videos are right by _places.parquet, and 10 of 20 in the record" in (
        validate(results).findings[0].what
    )


def _orphan_of(results: Path) -> str:
    (found,) = [each for each in validate(results).findings if each.kind == "no record"]
    assert found.where == f"predictions/a/{RUN}"
    return found.what


def test_predictions_of_a_line_of_another_version_are_no_orphans(results: Path) -> None:
    content = lines_of(results).read_bytes()
    lines_of(results).write_bytes(content.replace(b'"schema":1', b'"schema":2', 1))
    assert kinds(results) == ["another schema"]


def test_nobody_is_advised_to_remove_what_a_damaged_line_may_name(results: Path) -> None:
    first, *others = lines_of(results).read_bytes().splitlines(keepends=True)
    lines_of(results).write_bytes(first[:200] + b"\n" + b"".join(others))
    assert _orphan_of(results) == "keep it: a line that can't be read may name it"


def test_predictions_whose_record_is_gone_are_told_from_those_of_a_stopped_run(
    results: Path,
) -> None:
    _, *others = lines_of(results).read_bytes().splitlines(keepends=True)
    lines_of(results).write_bytes(b"".join(others))
    assert _orphan_of(results).startswith("an equal run continues it")
    (results / "predictions" / "a" / RUN / "finished").touch()
    assert _orphan_of(results).startswith("its record was stored and is gone")
