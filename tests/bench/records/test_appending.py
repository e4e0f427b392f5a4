"""Records that are appended by real processes: together, killed in between, on a full disk."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinobench.bench.records.store import RunFile, read_records
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import made_record
from ...fakes.media import REPOSITORY

PROGRAM = """
import os, signal, sys
from pathlib import Path
from kinobench.bench.records.store import RunFile
from tests.fakes.made_records import made_record

results, run, first, count, killed = sys.argv[1:]
file = RunFile(Path(results), run)
for number in range(int(first), int(first) + int(count)):
    file.append(made_record(f"network_{number:03d}", run=run))
if killed == "killed":
    write = os.write

    def half(descriptor, content):
        write(descriptor, bytes(content)[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    os.write = half
    file.append(made_record("the_killed_one", run=run))
"""


def writer(
    results: Path, run: str, first: int, count: int, end: str = "whole"
) -> subprocess.Popen[bytes]:
    """A process that appends so many records."""
    given = [str(results), run, str(first), str(count), end]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *given], cwd=REPOSITORY)


def names(results: Path) -> list[str]:
    records, problems = read_records(results)
    assert problems == []
    return sorted(record.case.model for record in records)


@pytest.mark.parametrize("runs", [("one", "one", "one"), ("one", "two", "three")])
def test_no_record_of_three_writers_is_lost(tmp_path: Path, runs: tuple[str, ...]) -> None:
    writers = [writer(tmp_path, run, 30 * at, 30) for at, run in enumerate(runs)]
    assert [each.wait() for each in writers] == [0, 0, 0]
    assert names(tmp_path) == [f"network_{number:03d}" for number in range(90)]


def test_a_line_that_a_killed_process_left_is_reported_once_and_spoils_no_other(
    tmp_path: Path,
) -> None:
    assert writer(tmp_path, "run", 0, 2, "killed").wait() == -9
    path = tmp_path / "runs" / "run.jsonl"
    assert not path.read_bytes().endswith(b"\n")
    records, problems = read_records(tmp_path)
    assert [record.case.model for record in records] == ["network_000", "network_001"]
    (problem,) = problems
    assert problem.startswith(f"{path}, line 3: left out, not a record: it ends in the middle")
    assert writer(tmp_path, "run", 2, 2).wait() == 0
    records, problems = read_records(tmp_path)
    assert [record.case.model for record in records] == [
        f"network_{number:03d}" for number in range(4)
    ]
    assert [problem.partition(":")[0] for problem in problems] == [f"{path}, line 3"]


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 KiB, which is taken away in the end."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mounting, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_what_is_finished_and_the_record_is_stored_elsewhere(
    full_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "my files"))
    (tmp_path / "my files").mkdir()
    file = RunFile(full_disk, "run")
    for stored in range(100):
        try:
            file.append(made_record(f"network_{stored:03d}", run="run"))
        except KinobenchError as error:
            message = str(error)
            break
    else:
        pytest.fail("the disk took a hundred records")
    assert stored > 5
    assert message.startswith(f"{file.path} can't be written: the disk is full; the record is in ")
    assert file.path.read_bytes().endswith(b"\n")
    assert names(full_disk) == [f"network_{number:03d}" for number in range(stored)]
    found = re.search(r"`([^`]+)`,", message)
    assert found is not None
    *_, merge, place, to, whole = shlex.split(found[1])
    assert (merge, to, whole) == ("merge", "--to", str(full_disk))
    assert names(Path(place)) == [f"network_{stored:03d}"]


def test_a_disk_that_takes_no_more_than_a_part_keeps_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RunFile(tmp_path, "run")
    file.append(made_record("first"))
    write = os.write
    calls = []

    def part(descriptor: int, content: bytes) -> int:
        calls.append(len(content))
        if len(calls) == 1:
            return write(descriptor, bytes(content)[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as changed, pytest.raises(KinobenchError, match="the disk is full"):
        changed.setattr(os, "write", part)
        file.append(made_record("second"))
    assert len(calls) >= 2 and names(tmp_path) == ["first"]
    file.append(made_record("third"))
    assert names(tmp_path) == ["first", "third"]


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("precious")
    file = RunFile(tmp_path / "results", "run")
    (file.path.parent / ".appending").symlink_to(mine)
    file.append(made_record("first"))
    assert mine.read_text() == "precious" and names(tmp_path / "results") == ["first"]
