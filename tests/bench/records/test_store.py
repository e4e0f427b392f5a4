"""Records on disk: what is appended stays, and what can't be read is told."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kinobench.bench.records.files import replacing, write_text
from kinobench.bench.records.store import RunFile, read_records
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import failed_record, made_record


def filled(results: Path, run: str, *models: str) -> Path:
    file = RunFile(results, run)
    for model in models:
        file.append(made_record(model, run=run))
    return file.path


def read(results: Path) -> list[tuple[str, str]]:
    records, problems = read_records(results)
    assert problems == []
    return [(record.run, record.case.model) for record in records]


def test_records_come_back_in_the_order_of_runs_and_of_cases(tmp_path: Path) -> None:
    filled(tmp_path, "20260102T000000Z-aaaaaa", "x3d_tiny", "c3d_tiny")
    filled(tmp_path, "20260101T000000Z-ffffff", "i3d_tiny")
    assert read(tmp_path) == [
        ("20260101T000000Z-ffffff", "i3d_tiny"),
        ("20260102T000000Z-aaaaaa", "x3d_tiny"),
        ("20260102T000000Z-aaaaaa", "c3d_tiny"),
    ]


def test_each_record_is_on_disk_before_append_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (synced.append(number), fsync(number))[1])
    file = RunFile(tmp_path, "run")
    for count, record in enumerate([made_record("c3d_tiny"), failed_record("x3d_tiny")], 1):
        file.append(record)
        assert len(synced) == count + 1  # the file each time, and once the folder that names it
        assert file.path.read_bytes().count(b"\n") == count
    assert file.path == tmp_path / "runs" / "run.jsonl"
    assert read_records(tmp_path)[0][1] == failed_record("x3d_tiny")


def test_a_run_without_a_finished_case_leaves_an_empty_store(tmp_path: Path) -> None:
    RunFile(tmp_path, "run")
    assert read_records(tmp_path) == ([], [])


def test_a_half_written_last_line_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    path = filled(tmp_path, "run", "c3d_tiny", "x3d_tiny", "i3d_tiny")
    path.write_bytes(path.read_bytes()[:-200])
    records, problems = read_records(tmp_path)
    assert [record.case.model for record in records] == ["c3d_tiny", "x3d_tiny"]
    (problem,) = problems
    assert problem.startswith(f"{path}, line 3: left out, not a record: ")


def test_lines_that_are_no_records_are_told_one_by_one(tmp_path: Path) -> None:
    path = filled(tmp_path, "run", "c3d_tiny")
    with path.open("ab") as file:
        file.write(b'\n\xff\xfe noise\n{"schema": 1}\n[]\nnull\n')
        file.write(made_record("x3d_tiny").to_json() + b"\n")
    records, problems = read_records(tmp_path)
    assert [record.case.model for record in records] == ["c3d_tiny", "x3d_tiny"]
    assert [problem.split(":")[0].rpartition(" ")[2] for problem in problems] == list("3456")
    assert "missing required field `run`" in problems[1]


def test_another_schema_is_left_out_and_named_as_such(tmp_path: Path) -> None:
    path = filled(tmp_path, "run", "c3d_tiny")
    later = {"schema": 2, "run": "r", "cases": ["of another form altogether"]}
    alike = json.loads(made_record().to_json()) | {"schema": 7}
    with path.open("a") as file:
        file.write(f"{json.dumps(later)}\n{json.dumps(alike)}\n")
    records, problems = read_records(tmp_path)
    assert len(records) == 1
    assert problems == [
        f"{path}, line 2: left out, schema 2 (this is 1)",
        f"{path}, line 3: left out, schema 7 (this is 1)",
    ]


def test_a_protocol_that_cannot_be_is_told_and_left_out(tmp_path: Path) -> None:
    path = filled(tmp_path, "run")
    plain = json.loads(made_record().to_json())
    plain["case"]["protocol"]["frames"] = 0
    path.write_text(json.dumps(plain) + "\n")
    records, problems = read_records(tmp_path)
    assert records == [] and "frames is 0; it must be 1 or more" in problems[0]


@pytest.mark.parametrize("field", ["batch", "classes", "threads", "eval_batch"])
def test_a_case_of_less_than_one_is_told_and_left_out(tmp_path: Path, field: str) -> None:
    path = filled(tmp_path, "run", "c3d_tiny")
    plain = json.loads(made_record().to_json())
    plain["case"][field] = 0
    with path.open("a") as file:
        file.write(json.dumps(plain) + "\n")
    records, (problem,) = read_records(tmp_path)
    assert len(records) == 1
    assert "line 2: left out, not a record" in problem and f"$.case.{field}" in problem


def test_a_missing_folder_is_named_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(KinobenchError) as caught:
        read_records(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)
    assert "`kinobench run` makes it" in str(caught.value)


def test_a_run_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs" / "folder.jsonl").mkdir(parents=True)
    with pytest.raises(
        KinobenchError, match=r"folder\.jsonl can't be read: it is a folder, not a file"
    ):
        read_records(tmp_path)


def test_results_inside_a_file_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KinobenchError, match=r"--results .*file: .*; give a folder"):
        RunFile(tmp_path / "file", "run")


def test_a_folder_that_may_not_be_written_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(KinobenchError, match=r"runs can't be written; give another folder"):
        RunFile(tmp_path, "run")


def test_a_disk_that_is_full_is_told_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    file = RunFile(tmp_path, "run")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KinobenchError, match=r"run\.jsonl can't be written: the disk is full"):
        file.append(made_record())


def test_a_text_is_written_whole_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "table.md"
    write_text(path, "first – é\n")
    write_text(path, "second\n")
    assert path.read_text(encoding="utf-8") == "second\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.md"
    write_text(path, "old\n")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(KinobenchError, match=r"table\.md can't be written: the disk is full"):
        write_text(path, "new\n")
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KinobenchError, match=r"table\.md can't be written: .*give another place"):
        write_text(tmp_path / "file" / "table.md", "text")
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(KinobenchError, match=r"folder\.md can't be written"):
        write_text(tmp_path / "folder.md", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.md"]


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text("old")
    (tmp_path / "link.md").symlink_to("real.md")
    write_text(tmp_path / "link.md", "new")
    assert (tmp_path / "link.md").is_symlink() and (tmp_path / "real.md").read_text() == "new"
    write_text(Path("/dev/null"), "nothing")
    assert Path("/dev/null").is_char_device()


def test_writers_side_by_side_never_leave_a_torn_file(tmp_path: Path) -> None:
    path = tmp_path / "board.md"
    texts = {letter * 200_000 for letter in "ab"}

    def write(text: str) -> None:
        for _ in range(20):
            write_text(path, text)

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, text) for text in texts]
        while not all(future.done() for future in writing):
            if path.exists():
                assert path.read_text() in texts
        for future in writing:
            future.result()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("durable", [True, False])
def test_a_replaced_file_is_the_new_one_only_once_it_is_whole(
    tmp_path: Path, durable: bool
) -> None:
    path = tmp_path / "file"
    with replacing(path, durable=durable) as unfinished:
        unfinished.write_text("first")
        assert unfinished.parent == path.parent and not path.exists()
    with pytest.raises(RuntimeError), replacing(path, durable=durable) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert path.read_text() == "first" and list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_a_durable_file_is_on_disk_before_its_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def synced(number: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        fsync(number)

    def renamed(self: Path, target: Path) -> Path:
        done.append("name")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    for durable in (True, False):
        with replacing(tmp_path / "file", durable=durable) as unfinished:
            unfinished.write_text("whole")
    assert done == ["file", "name", "folder", "name"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
