"""Results as one file: a colleague imports it, and gets the same tables."""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import msgspec
import pytest

from kinobench.bench.export.archive import export
from kinobench.bench.export.merge import merge
from kinobench.bench.export.unpack import import_archive
from kinobench.bench.export.validate import validate
from kinobench.bench.leaderboard.build import read_boards, rebuild
from kinobench.bench.leaderboard.render import render
from kinobench.bench.records.store import RunFile, read_records
from kinobench.datasets.errors import KinobenchError

from ...fakes.command import call
from ...fakes.made_predictions import flip
from ...fakes.made_results import RUN, files_of, made_results, record_of
from ...fakes.media import REPOSITORY

LATER = "20260102T000000Z-111111"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    made_results(tmp_path / "results", {"a": 20, "b": 10})
    return made_results(tmp_path / "results", {"c": 14}, run=LATER)


def tables(results: Path) -> list[bytes]:
    said: list[str] = []
    rebuild(results, said.append)
    assert said == []
    return [(results / f"leaderboard.{form}").read_bytes() for form in ("md", "csv")]


def test_elsewhere_the_leaderboard_is_the_same_byte_for_byte(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, tmp_path, "results", "export", "r.zip", "--results", "results")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("r.zip: 3 records, 3 folders of predictions, ")
    done = call(monkeypatch, tmp_path, "results", "import", "r.zip", "--to", "theirs")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "theirs: 3 records of 2 runs and 3 folders of predictions added.\n"
    assert tables(tmp_path / "theirs") == tables(results)
    assert read_records(tmp_path / "theirs") == read_records(results)
    assert validate(tmp_path / "theirs").findings == ()
    done = call(monkeypatch, tmp_path, "results", "import", "r.zip", "--to", "theirs")
    assert done.exit_code == 0 and "3 records there already" in done.stdout


ASKED = (
    ("leaderboard", "--format", "json"),
    ("analyse", "b", "--json"),
    ("analyse", "b", "--errors"),
    ("compare", "a", "b", "--videos"),
    ("compare", "a", "c", "--json"),
    ("recommend", "--max-latency", "1s"),
    ("report", "--output", "page.html"),
    ("plot", "views", "--output", "views.svg"),
)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked[0] + asked[-1])
def test_elsewhere_every_answer_is_the_same(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    export(results, tmp_path / "r.zip")
    import_archive(tmp_path / "r.zip", tmp_path / "elsewhere" / "results")
    here, there = (
        _answer(monkeypatch, folder, asked) for folder in (tmp_path, tmp_path / "elsewhere")
    )
    assert here == there
    assert here[0] == 0 and (here[1] or here[3])


def _answer(
    monkeypatch: pytest.MonkeyPatch, folder: Path, asked: tuple[str, ...]
) -> tuple[int, str, str, bytes]:
    done = call(monkeypatch, folder, *asked)
    file = folder / asked[-1]
    written = file.read_bytes() if "--output" in asked else b""
    made = re.compile(rb'page made <time>[^<]*</time>|"made":"[^"]*"')  # the minute may be another
    return done.exit_code, done.stdout, done.stderr, made.sub(b"", written)


def test_the_same_results_give_the_same_bytes(results: Path, tmp_path: Path) -> None:
    export(results, tmp_path / "one.zip")
    tables(results)  # which writes the files of places
    for path in results.rglob("*"):
        path.touch()
    export(results, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_manifest_lists_each_file_with_its_digest_and_nothing_of_this_machine(
    results: Path, tmp_path: Path
) -> None:
    (results / "predictions" / "a" / RUN / "conditions.json").write_text('{"data_root": "/home"}')
    (results / "predictions" / "a" / RUN / "owner").write_text("x")
    export(results, tmp_path / "r.zip")
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        files = {name: archive.read(name) for name in archive.namelist()}
    del files["manifest.json"]
    assert (manifest["format"], manifest["records"], manifest["predictions"]) == (1, 3, 3)
    assert manifest["files"] == {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in files.items()
    }
    assert sum(name.endswith(".parquet") for name in files) == 9
    assert sorted({Path(name).name for name in files if "predictions" in name}) == [
        "digests.json",
        *(f"shard-{number:05d}.parquet" for number in range(3)),
    ]
    assert files[f"runs/{RUN}.jsonl"] == (results / "runs" / f"{RUN}.jsonl").read_bytes()


def test_lines_that_are_no_records_are_left_out_and_named(results: Path, tmp_path: Path) -> None:
    with (results / "runs" / f"{RUN}.jsonl").open("ab") as file:
        file.write(b"noise")
    done = export(results, tmp_path / "r.zip")
    assert done.records == 3
    assert len(done.problems) == 1 and "line 3: left out" in done.problems[0]
    assert import_archive(tmp_path / "r.zip", tmp_path / "theirs").records == 3


def test_damaged_predictions_are_not_passed_on(results: Path, tmp_path: Path) -> None:
    flip(results / "predictions" / "a" / RUN / "shard-00001.parquet", 4000)
    with pytest.raises(KinobenchError, match=r"shard-00001\.parquet is not as it was written"):
        export(results, tmp_path / "r.zip")
    assert not (tmp_path / "r.zip").exists()
    done = export(results, tmp_path / "r.zip", with_predictions=False)
    assert (done.records, done.predictions) == (3, 0)
    merged = import_archive(tmp_path / "r.zip", tmp_path / "theirs")
    assert (merged.records, len(merged.problems)) == (3, 3)
    assert str(tmp_path / "r.zip") in merged.problems[0]


def test_lines_that_shrink_as_a_bomb_does_are_exported_such_that_they_are_imported(
    tmp_path: Path,
) -> None:
    record = msgspec.structs.replace(record_of("a", 20), notes=("x" * 2_000_000,), accuracy=None)
    RunFile(tmp_path / "results", RUN).append(record)
    export(tmp_path / "results", tmp_path / "r.zip")
    import_archive(tmp_path / "r.zip", tmp_path / "theirs")
    assert read_records(tmp_path / "theirs") == ([record], [])


def test_results_without_a_record_are_not_exported(tmp_path: Path) -> None:
    (tmp_path / "results" / "runs").mkdir(parents=True)
    with pytest.raises(KinobenchError, match="has no record that can be read"):
        export(tmp_path / "results", tmp_path / "r.zip")


def test_an_import_changes_no_record_that_is_there(results: Path, tmp_path: Path) -> None:
    export(results, tmp_path / "r.zip")
    theirs = made_results(tmp_path / "theirs", {"a": 5})
    before = files_of(theirs)
    done = import_archive(tmp_path / "r.zip", theirs)
    assert (done.records, len(done.refused)) == (2, 1)
    assert done.refused[0].startswith(f"{tmp_path / 'r.zip'}: record {RUN}-")
    after = files_of(theirs)
    assert {name: after[name] for name in before if "runs" not in name} == {
        name: content for name, content in before.items() if "runs" not in name
    }
    assert after[f"runs/{RUN}.jsonl"].startswith(before[f"runs/{RUN}.jsonl"])


def test_the_environment_comes_with_each_record(results: Path, tmp_path: Path) -> None:
    export(results, tmp_path / "r.zip")
    import_archive(tmp_path / "r.zip", tmp_path / "theirs")
    records, _ = read_records(tmp_path / "theirs")
    assert {each.environment.cpu for each in records} == {"Made-up CPU & Sons <i9>"}
    assert all(msgspec.structs.asdict(each.environment)["versions"] for each in records)


def test_a_folder_that_kept_the_places_alone_gives_the_same_tables_too(
    tmp_path: Path,
) -> None:
    quick = Path(shutil.copytree(REPOSITORY / "results" / "quick", tmp_path / "quick"))
    for path in list((quick / "predictions").rglob("*")):
        if path.is_file() and path.name != "_places.parquet":
            path.unlink()
    done = export(quick, tmp_path / "r.zip")
    assert (done.records, done.predictions) == (32, 32)
    import_archive(tmp_path / "r.zip", tmp_path / "theirs")
    merge([quick], tmp_path / "merged")
    assert tables(tmp_path / "theirs") == tables(tmp_path / "merged")
    assert (tmp_path / "theirs" / "leaderboard.csv").read_bytes() == (
        render(read_boards(quick, print), "csv").encode()
    )
    ranks = [row.rank for board in read_boards(tmp_path / "theirs", print) for row in board.rows]
    assert sum(rank is not None for rank in ranks) > 20
    assert {each.kind for each in validate(tmp_path / "theirs").findings} == {"places alone"}
