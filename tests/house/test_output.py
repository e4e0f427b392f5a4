"""Standard output that can't be written is told in a line, with the exit code for wrong usage."""

import subprocess
import sys
from pathlib import Path

import pytest

from ..fakes.media import REPOSITORY

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "models"),  # written at once, as it is long
        ("list", "suites"),  # written when all is said
        ("list", "suites", "--json"),
    ],
)
def test_a_full_disk_is_told_in_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with FULL.open("w") as out:
        done = subprocess.run(
            [sys.executable, REPOSITORY / "bench.py", *arguments],
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    (line,) = done.stderr.splitlines()
    assert line == "kinobench: standard output can't be written: the disk is full"
    assert done.returncode == 2


def test_a_closed_output_is_no_mistake(tmp_path: Path) -> None:
    command = f"{sys.executable} {REPOSITORY / 'bench.py'} list suites >&-"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
