"""A temporary folder goes with its process, or by a later one."""

import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from kinobench.datasets.unfinished import LEFT_AFTER_S, temporary_folder

BEGUN = """
import os, sys
from kinobench.datasets.unfinished import temporary_folder
with temporary_folder() as folder:
    (folder / "logits").touch()
    print(folder, flush=True)
    if sys.argv[1] == "die":
        os._exit(9)
    sys.stdin.read()
"""


def begun(folder: Path, end: str) -> "subprocess.Popen[str]":
    """Run a process that has a temporary folder, and then dies, or lives until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", BEGUN, end],
        env=os.environ | {"TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_nobody_else_enters_a_temporary_folder_and_it_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder() as folder:
        assert folder.parent == tmp_path and stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = []
    for _ in ("old", "young"):
        with begun(tmp_path, "die") as process:
            left.append(Path(process.communicate(timeout=60)[0].strip()))
    with begun(tmp_path, "live") as living:
        assert living.stdout is not None
        used = Path(living.stdout.readline().strip())
        for path in (left[0], used):
            os.utime(path, (0, time.time() - LEFT_AFTER_S - 60))
        with temporary_folder() as folder:
            assert set(tmp_path.iterdir()) == {left[1], used, folder}
        living.communicate(timeout=60)
    assert list(tmp_path.iterdir()) == left[1:]
