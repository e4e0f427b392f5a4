"""Files are looked at in processes that may die of one."""

import sys
from pathlib import Path

import pytest

from kinobench.datasets.doctor.frames import Frames
from kinobench.datasets.doctor.workers import Workers
from kinobench.datasets.errors import KinobenchError

from ...fakes.ill_copies import WORKERS, put, video
from ...fakes.media import FAKES


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the decoder of every new process do what a file's last word says."""
    monkeypatch.setenv("PYTHONPATH", str(FAKES / "deadly"))


def _workers(count: int, timeout_s: float) -> Workers:
    return Workers(command=WORKERS.command, count=count, timeout_s=timeout_s)


@pytest.mark.usefixtures("deadly")
def test_a_file_that_ends_its_process_costs_that_file_alone(tmp_path: Path) -> None:
    once = tmp_path / "once"
    words = ["", "CRASHES", "", f"CRASHES@{once}", "", "CRASHES", ""]
    paths = [
        str(put(tmp_path / f"{number}.mp4", video(30) + word.encode()))
        for number, word in enumerate(words)
    ]
    seen = dict(_workers(1, 60.0).each_seen(paths, "header"))
    assert sorted(seen) == list(range(7))
    died = "reading it ends the process by SIGSEGV; it was tried twice"
    assert [seen[place].reason for place in range(7)] == [None, died, None, None, None, died, None]
    frames = dict(_workers(2, 60.0).each_seen(paths[:3], "frames"))
    assert [frames[place].damage for place in range(3)] == [None, died, None]
    assert frames[0].frames == Frames(count=30)


@pytest.mark.usefixtures("deadly")
def test_a_file_that_hangs_is_given_up(tmp_path: Path) -> None:
    paths = [
        str(put(tmp_path / f"{number}.mp4", video(30) + word))
        for number, word in enumerate((b"HANGS", b""))
    ]
    seen = dict(_workers(1, 1.0).each_seen(paths, "header"))
    assert seen[0].reason == "reading it takes longer than 1 s; it was tried twice"
    assert seen[1].header is not None


def test_a_process_that_cannot_start_says_why() -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('no such library')")
    workers = Workers(command=command, count=2)
    with pytest.raises(KinobenchError, match=r"can't be started .*: no such library"):
        list(workers.each_seen(["a.mp4"], "header"))


def test_names_with_line_ends_and_strange_bytes_are_looked_at(tmp_path: Path) -> None:
    import os

    names = ["a b.mp4", "a\nb.mp4", os.fsdecode(b"a\xffb.mp4"), "ä.mp4"]
    paths = [str(put(tmp_path / name, video(30))) for name in names]
    seen = dict(WORKERS.each_seen(paths, "header"))
    assert [seen[place].header is not None for place in range(4)] == [True] * 4
