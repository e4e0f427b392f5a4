"""What was seen is kept, until a file changes."""

import os
from pathlib import Path

import pytest

from kinobench.datasets.doctor.frames import Frames
from kinobench.datasets.doctor.headers import Header
from kinobench.datasets.doctor.kept import Kept, Stamp, stamp_of
from kinobench.datasets.doctor.seen import Seen

HEADER = Header(bytes=1, container="mp4", codec="h264", width=64, height=48)


def _stamp(name: str = "a", size: int = 1, changed_ns: int = 5) -> Stamp:
    return Stamp(os.fsencode(name), size, changed_ns)


def test_a_file_is_known_again_until_its_size_or_time_changes(tmp_path: Path) -> None:
    file = tmp_path / "doctor" / "x.jsonl"
    first = Kept(file)
    first.add([(_stamp(), Seen(header=HEADER)), (_stamp("b\xff"), Seen(reason="empty"))])
    first.add([(_stamp(), Seen(frames=Frames(count=3)))])
    first.close()
    again = Kept(file)
    assert again.get(_stamp()) == Seen(header=HEADER, frames=Frames(count=3))
    assert again.get(_stamp("b\xff")) == Seen(reason="empty")
    assert again.get(_stamp(size=2)) == again.get(_stamp(changed_ns=6)) == Seen()
    again.close()
    with Kept(file, fresh=True) as fresh:
        assert fresh.get(_stamp()) == Seen()


def test_a_line_that_was_cut_off_costs_that_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    kept = Kept(file)
    kept.add([(_stamp("a"), Seen(header=HEADER)), (_stamp("b"), Seen(header=HEADER))])
    kept.close()
    file.write_bytes(file.read_bytes()[:-20])
    kept = Kept(file)
    assert (kept.get(_stamp("a")).header, kept.get(_stamp("b")).header) == (HEADER, None)
    kept.add([(_stamp("c"), Seen(header=HEADER))])
    kept.close()
    with Kept(file) as again:
        assert [again.get(_stamp(name)).header for name in "abc"] == [HEADER, None, HEADER]


def test_what_another_version_saw_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    kept = Kept(file)
    kept.add([(_stamp(), Seen(header=HEADER))])
    kept.close()
    head, _, rest = file.read_bytes().partition(b"\n")
    file.write_bytes(head.replace(b'"form":1', b'"form":0') + b"\n" + rest)
    with Kept(file) as again:
        assert again.get(_stamp()) == Seen()


def test_a_fault_of_the_machine_is_not_kept_and_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    kept = Kept(tmp_path / "file" / "x.jsonl")
    assert kept.trouble is not None and "there is a file of that name" in kept.trouble
    kept.add([(_stamp(), Seen(header=HEADER)), (_stamp("b"), Seen(machine="no memory"))])
    assert kept.get(_stamp()).header == HEADER and kept.get(_stamp("b")) == Seen()


def test_a_relative_path_is_the_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").touch()
    status = Path("a").stat()
    assert stamp_of("a", status) == stamp_of(str(tmp_path / "a"), status)
