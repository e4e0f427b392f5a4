"""A file with a few changed bits is read, or is a VideoError: at once, and in little memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from ..fakes.media import REPOSITORY, numbered_frames, write_video

FILES = {
    "h264.mp4": ("libx264", {}),
    "fragments.mp4": ("libx264", {"movflags": "frag_keyframe+empty_moov"}),
    "h264.mkv": ("libx264", {}),
    "vp8.webm": ("libvpx", {}),
    "mpeg4.avi": ("mpeg4", {}),
    "mpeg2.ts": ("mpeg2video", {}),
    "flv1.flv": ("flv", {}),
    "wmv2.asf": ("wmv2", {}),
}
LONGEST_S = 5.0
"""A file takes milliseconds; the machine may be doing something else."""
LARGEST_MIB = 600
"""The whole process, whose libraries take 60; a header may announce frames of 8K."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("whole")
    for name, (codec, options) in FILES.items():
        keys = {"g": "8"} | ({"bf": "2"} if codec == "libx264" else {})
        write_video(
            made / name, numbered_frames(24), codec=codec, options=keys, container_options=options
        )
    return made


def _read(folder: Path, first: int, count: int, *protocols: str) -> None:
    """Read mutants of all files in a process of its own, and check how each ended."""
    command = [sys.executable, "-m", "tests.fakes.mutants", folder, first, count, *protocols]
    done = subprocess.run(
        list(map(str, command)), cwd=REPOSITORY, capture_output=True, text=True, timeout=600
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"it died with {done.returncode} at {lines[-1:]}"
    assert len(lines) == len(FILES) * count
    for line in lines:
        _, _, took_s, peak_mib, end = line.split(" ", 4)
        assert end == "read" or end.startswith("VideoError: "), line
        assert float(took_s) < LONGEST_S and int(peak_mib) < LARGEST_MIB, line
    ends = [line.split(" ", 4)[4] for line in lines]
    assert 0 < ends.count("read") < len(ends)


def test_mutants_of_eight_containers_are_read_or_refused(folder: Path) -> None:
    _read(folder, 42, 20)


@pytest.mark.slow
def test_many_mutants_of_eight_containers_are_read_or_refused(folder: Path) -> None:
    _read(folder, 0, 600)
