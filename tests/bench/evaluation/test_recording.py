"""From its first shard until its record is stored, a folder belongs to one command."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kinobench.bench.evaluation import resume
from kinobench.bench.evaluation.recording import is_owned, recording
from kinobench.bench.evaluation.resume import claim, mark_finished
from kinobench.datasets.errors import KinobenchError

from .test_shards import CONDITIONS

BUSY = "not continued: run1-001, which another process is measuring"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "PATIENCE_S", 0.1)


def begun(results: Path, name: str) -> Path:
    """Claim a folder as a process does that writes a shard and ends."""
    with claim(results / "case", name, CONDITIONS, results=results) as claimed:
        (claimed.folder / "shard-00000.parquet").touch()
    return claimed.folder


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_is_kept_until_its_record_is_stored(tmp_path: Path, fresh: bool) -> None:
    with recording(tmp_path, "run1-001"):
        first = begun(tmp_path, "run1-001")
        with claim(tmp_path / "case", "run2-001", CONDITIONS, results=tmp_path, fresh=fresh) as two:
            assert two.folder.name == "run2-001" and two.notes == (BUSY,)
        assert begun(tmp_path, "run1-001") == first  # another process of the same case
        mark_finished(first)
    with claim(tmp_path / "case", "run3-001", CONDITIONS, results=tmp_path, fresh=fresh) as three:
        assert three.folder.name == ("run3-001" if fresh else "run2-001")
    assert (first / "shard-00000.parquet").is_file()
    assert not list((tmp_path / "runs").iterdir())


def test_a_case_that_was_given_up_leaves_its_folder_to_the_next(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), recording(tmp_path, "run1-001"):
        first = begun(tmp_path, "run1-001")
        raise KeyboardInterrupt
    with recording(tmp_path, "run2-001"):
        assert begun(tmp_path, "run2-001") == first
        assert is_owned(tmp_path, first, "run3-001")  # by the one that continues it
        assert not is_owned(tmp_path, first, "run2-001")


@contextmanager
def commanded(results: Path, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command that measures a case until it is killed."""
    script = (
        "import pathlib, sys\n"
        "from kinobench.bench.evaluation.recording import recording\n"
        "with recording(pathlib.Path(sys.argv[1]), sys.argv[2]):\n"
        "    print('measuring', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(results), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"measuring\n"
        yield process


def test_a_killed_command_leaves_its_folder_to_the_next(tmp_path: Path) -> None:
    with commanded(tmp_path, "run1-001") as command:
        first = begun(tmp_path, "run1-001")
        assert begun(tmp_path, "run2-001") != first
        command.kill()
        command.wait(timeout=60)
        assert (tmp_path / "runs" / "run1-001.lock").is_file()
        (first / "shard-00001.parquet").touch()  # it has most, and is continued
        assert begun(tmp_path, "run3-001") == first
    assert not list((tmp_path / "runs").iterdir())


def test_locks_that_killed_commands_left_are_removed_when_they_are_old(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with commanded(tmp_path, "living-001"):
        for name in ("old-001.lock", "young-001.lock", "run.jsonl"):
            (runs / name).touch()
        for name in ("old-001.lock", "living-001.lock", "run.jsonl"):
            os.utime(runs / name, (0, time.time() - 25 * 3600))
        with recording(tmp_path, "run1-001"):
            kept = {path.name for path in runs.iterdir()}
    assert kept == {"young-001.lock", "run.jsonl", "living-001.lock", "run1-001.lock"}


@pytest.mark.parametrize(
    "owner",
    ["../outside", "/tmp/outside", "", "a\0b", "\n", "x" * 5000],
    ids=["above", "absolute", "empty", "nul", "line", "endless"],
)
def test_an_owner_whose_name_is_none_is_nobody(tmp_path: Path, owner: str) -> None:
    first = begun(tmp_path, "run1-001")
    (tmp_path / "runs").mkdir()
    (tmp_path / "outside.lock").touch()
    (first / "owner").write_bytes(owner.encode())
    assert not is_owned(tmp_path, first, "run2-001")
    assert begun(tmp_path, "run2-001") == first
    assert (tmp_path / "outside.lock").is_file()


@pytest.mark.parametrize("name", ["owner", "finished"])
def test_a_link_of_the_name_of_a_small_file_is_replaced(tmp_path: Path, name: str) -> None:
    first = begun(tmp_path, "run1-001")
    (tmp_path / "outside").write_text("kept")
    (first / name).unlink(missing_ok=True)
    (first / name).symlink_to(tmp_path / ("outside" if name == "owner" else "new"))
    assert not is_owned(tmp_path, first, "run2-001")
    if name == "owner":
        assert begun(tmp_path, "run2-001") == first
    else:
        mark_finished(first)
    assert not (first / name).is_symlink() and (first / name).is_file()
    assert (tmp_path / "outside").read_text() == "kept" and not (tmp_path / "new").exists()


def test_a_pipe_of_the_name_of_an_owner_is_nobody(tmp_path: Path) -> None:
    first = begun(tmp_path, "run1-001")
    (first / "owner").unlink()
    os.mkfifo(first / "owner")
    assert not is_owned(tmp_path, first, "run2-001")
    assert begun(tmp_path, "run2-001") == first


def test_what_is_being_removed_is_neither_continued_nor_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, "run1-001")
    remove, seen = shutil.rmtree, []

    def with_another_command_in_the_middle(path: Path, **options: bool) -> None:
        (path / "lock").unlink()  # as the removal may begin
        with claim(tmp_path / "case", "run2-001", CONDITIONS) as other:
            seen.append((other.folder.name, other.notes))
            remove(path, **options)
            assert (other.folder / "conditions.json").is_file()

    monkeypatch.setattr(shutil, "rmtree", with_another_command_in_the_middle)
    with claim(tmp_path / "case", "run3-001", CONDITIONS, fresh=True) as fresh:
        assert fresh.notes == ("started over: unfinished run1-001 is removed",)
    assert seen == [("run2-001", ())]
    assert sorted(path.name for path in (tmp_path / "case").iterdir()) == ["run2-001", "run3-001"]


def test_a_folder_that_goes_while_it_is_looked_at_is_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(tmp_path, "run1-001")
    shutil.copytree(first, first.with_name("run2-001"))
    conditions, locked = resume._read, resume._Keeper.locked

    def gone_before_it_is_read(path: Path) -> object:
        if path.parent.name == "run2-001":
            shutil.rmtree(path.parent)
        return conditions(path)

    def gone_before_it_is_locked(keeper: resume._Keeper, folder: Path) -> object:
        shutil.rmtree(folder)
        return locked(keeper, folder)

    monkeypatch.setattr(resume, "_read", gone_before_it_is_read)
    monkeypatch.setattr(resume._Keeper, "locked", gone_before_it_is_locked)
    with claim(tmp_path / "case", "run3-001", CONDITIONS) as claimed:
        assert (claimed.folder.name, claimed.notes) == ("run3-001", ())
    assert [path.name for path in (tmp_path / "case").iterdir()] == ["run3-001"]


def test_what_a_killed_removal_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    names = [f".run{number}-001.{'0' * 32}.unfinished" for number in (1, 2)]
    for name in names:
        (tmp_path / "case" / name).mkdir(parents=True)
        shutil.copy(__file__, tmp_path / "case" / name / "conditions.json")
    os.utime(tmp_path / "case" / names[0], (0, time.time() - 25 * 3600))
    with claim(tmp_path / "case", "run3-001", CONDITIONS) as claimed:
        assert claimed.notes == ()
    assert sorted(path.name for path in (tmp_path / "case").iterdir()) == [names[1], "run3-001"]


def test_results_that_can_not_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with (
        pytest.raises(KinobenchError, match=r"run1-001\.lock can't be locked: .*--results"),
        recording(tmp_path, "run1-001"),
    ):
        pass
