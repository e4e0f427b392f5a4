"""The torture shelf: small real files of each kind, and their mutants read in child processes."""

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .media import REPOSITORY, moving_frames, write_video
from .torture import Mutant, Outcome, plan

KEYS = {"g": "8"}
B_FRAMES = KEYS | {"bf": "2", "sc_threshold": "0", "b_strategy": "0"}
X264 = KEYS | {"crf": "30", "bf": "2", "sc_threshold": "0"}
X265 = {"preset": "ultrafast", "x265-params": "keyint=8:log-level=none:pools=1:frame-threads=1"}
VPX = KEYS | {"cpu-used": "8", "b": "100k", "auto-alt-ref": "1", "lag-in-frames": "8"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
FILES: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "h264.mp4": ("libx264", X264, {}),
    "h264_fragments.mp4": ("libx264", X264, FRAGMENTS),
    "h264.mov": ("libx264", X264, {}),
    "h264.mkv": ("libx264", X264, {}),
    "h264.flv": ("libx264", X264, {}),
    "h264.3gp": ("libx264", X264, {}),
    "h264.ts": ("libx264", X264, {}),
    "hevc.mp4": ("libx265", X265, {}),
    "vp9.mkv": ("libvpx-vp9", VPX, {}),
    "vp8.webm": ("libvpx", VPX, {}),
    "av1.mkv": ("libsvtav1", KEYS | {"preset": "12", "svtav1-params": "lp=1"}, {}),
    "mpeg4.avi": ("mpeg4", B_FRAMES | {"qscale": "6"}, {}),
    "mpeg2.ts": ("mpeg2video", B_FRAMES | {"qscale": "6"}, {}),
    "mpeg2.mpg": ("mpeg2video", B_FRAMES | {"qscale": "6"}, {}),
    "flv1.flv": ("flv", KEYS, {}),
    "wmv2.asf": ("wmv2", KEYS, {}),
}
"""Codec, its options and the container's."""
COUNT = 40
"""Frames of each file: five groups of pictures."""
LIMIT_S = 20.0
"""A file takes milliseconds; the machine may be doing something else."""
START_S = 60.0
"""Python and its libraries start."""


class Ended(NamedTuple):
    """How the reading of a mutant ended.

    Attributes:
        mutant: It.
        outcome: How.
        text: The error, or what is wrong.
    """

    mutant: Mutant
    outcome: Outcome
    text: str


def make_shelf(folder: Path) -> Path:
    """Write the files of the shelf to a folder, which is made."""
    frames = moving_frames(COUNT)
    for name, (codec, options, of_container) in FILES.items():
        write_video(
            folder / name, frames, codec=codec, options=options, container_options=of_container
        )
    return folder


def tortured(folder: Path, count: int, limit_s: float = LIMIT_S) -> Iterator[Ended]:
    """Read so many mutants of a folder's files, and yield how each ended.

    A process reads one after the other. One that dies or hangs costs that mutant alone: another
    process goes on with the next.
    """
    mutants = plan(sorted(path.name for path in folder.iterdir()), count)
    done = 0
    while done < count:
        for outcome, text in _of_a_process(folder, done, count, limit_s):
            yield Ended(mutants[done], outcome, text)
            done += 1


def _of_a_process(
    folder: Path, first: int, count: int, limit_s: float
) -> Iterator[tuple[Outcome, str]]:
    """Yield the outcomes of the mutants from `first` on, up to the one that ends the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.torture", str(folder), str(first), str(count)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    lines: queue.Queue[str | None] = queue.Queue()
    listener = threading.Thread(target=_pass_on, args=(process, lines))
    listener.start()
    try:
        for number in range(first, count):
            # The first is waited for longer: libraries are imported before it.
            begun = lines.get(timeout=limit_s + (START_S if number == first else 0))
            if begun is None:
                raise RuntimeError(f"{process.args} ended with {process.wait()} before {number}")
            ended = lines.get(timeout=limit_s)
            if ended is None:
                yield Outcome.KILLED, f"its process ended with {process.wait()}"
                return
            _, outcome, _, text = ended.rstrip("\n").split("\t", 3)
            yield Outcome(outcome), text
    except queue.Empty:
        yield Outcome.HUNG, f"for {limit_s:.0f} s"
    finally:
        process.kill()
        process.wait()
        listener.join()


def _pass_on(process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)
