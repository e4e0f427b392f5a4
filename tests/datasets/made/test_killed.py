"""A copy that is killed goes on where it was."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ...fakes.media import numbered_frames, write_video
from .test_make import files_in

_MAKE = """
import sys
from pathlib import Path
from kinobench.datasets import catalog
from kinobench.datasets.made.begin import Copy
from kinobench.datasets.made.form import form_of
from kinobench.datasets.made.make import make_copy

if __name__ == "__main__":
    root, to = map(Path, sys.argv[1:])
    split = catalog.load_split(catalog.get("folder"), root, None)
    form = form_of(short_side=32, gop=4)
    print("begun", flush=True)
    report = make_copy(Copy("folder", "folder", (split,), (root,), to, form), processes=2)
    print(report.files, report.kept)
"""


def _run(script: Path, root: Path, to: Path, stop: Callable[[], bool] | None) -> str:
    process = subprocess.Popen(
        [sys.executable, str(script), str(root), str(to)], stdout=subprocess.PIPE, text=True
    )
    if stop is not None:
        while not stop() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    out, _ = process.communicate(timeout=300)
    return out


@pytest.mark.slow
def test_a_killed_copy_goes_on_and_has_the_same_files_in_the_end(tmp_path: Path) -> None:
    root = tmp_path / "own"
    for number in range(40):
        write_video(root / f"c{number % 2}" / f"{number}.mp4", numbered_frames(60, 192, 256))
    script = tmp_path / "script.py"
    script.write_text(_MAKE)
    _run(script, root, tmp_path / "whole", None)
    to = tmp_path / "killed"
    rows = to / "kinobench-made.jsonl"

    def some() -> bool:
        return rows.is_file() and rows.read_bytes().count(b"\n") >= 5

    _run(script, root, to, some)
    assert 5 <= len(list(to.rglob("*.mp4"))) < 40
    printed = _run(script, root, to, None).split()
    assert printed[1] == "40" and int(printed[2]) >= 5
    whole = files_in(tmp_path / "whole")
    assert files_in(to) == whole and len([name for name in whole if name.endswith(".mp4")]) == 40
