"""Reading few frames of long files, side by side with another commit and with bare PyAV.

    git worktree add --detach ../before COMMIT
    python tests/benchmarks/seek_speed.py ../before [--page results/benchmarks.md]

Each side has a process of its own, and all take turns, measurement by measurement. Bare PyAV
decodes the whole file and converts the wanted frames. It takes some five minutes. Without `--page`
the section is printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import IO, NamedTuple

import av

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sections import put

REPOSITORY = Path(__file__).resolve().parents[2]
SIDES = ("before", "now", "bare")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SPARSE, DENSE = "common-112", "pytorchvideo-32x2-256"


MOST_ENCODED = 1000
"""Frames that are encoded of a file; a longer one repeats them."""


class Measurement(NamedTuple):
    """What each side is asked.

    Attributes:
        name: What stands in the table.
        file: Name of the file that is read.
        preset: The protocol's name.
        views: Its clips and crops.
        copies: How often the file is read; by `readers`, if they aren't 0.
        readers: Files that are read at once; 0: one file, without reading ahead.
        with_views: True if float views are made.
        goal: What is asked of it.
    """

    name: str
    file: str
    preset: str
    views: tuple[int, int]
    goal: str
    copies: int = 1
    readers: int = 0
    with_views: bool = False


FILES: dict[str, tuple[int, tuple[int, int], str, dict[str, str]]] = {
    "five_minutes.mp4": (9000, (1280, 720), "libx264", {"preset": "veryfast", "g": "250"}),
    **{
        f"ten_seconds_{group}.mp4": (300, (340, 256), "libx264", {"g": str(group)})
        for group in (12, 25, 50, 250)
    },
    "ten_seconds.webm": (300, (340, 256), "libvpx-vp9", {"g": "128", "cpu-used": "5"}),
    "seven_seconds.avi": (210, (320, 240), "mpeg4", {"g": "12", "qscale": "4"}),
}
"""Frames, width and height, codec and options; 30 frames a second."""
MEASUREMENTS = (
    Measurement("5 minutes, 10 clips of 16x4", "five_minutes.mp4", SPARSE, (10, 1), "4.5 x before"),
    *(
        Measurement(
            f"10 s, a key frame every {group}, 1 clip of 16x4",
            f"ten_seconds_{group}.mp4",
            SPARSE,
            (1, 1),
            "1.5 x before" if group < 100 else "never slower",
        )
        for group in (12, 25, 50, 250)
    ),
    *(
        Measurement(
            f"10 s, a key frame every {group}, 10x3 views of 32x2",
            f"ten_seconds_{group}.mp4",
            DENSE,
            (10, 3),
            "1.3 x bare PyAV",
        )
        for group in (50, 250)
    ),
    *(
        Measurement(f"{name}, 10 clips of 16x4", name, SPARSE, (10, 1), "never slower")
        for name in ("ten_seconds.webm", "seven_seconds.avi")
    ),
    *(
        Measurement(
            f"8 files to {'float views' if with_views else 'frames'}, {readers} readers",
            "ten_seconds_250.mp4",
            DENSE,
            (10, 3),
            goal,
            copies=8,
            readers=readers,
            with_views=with_views,
        )
        for with_views, readers, goal in (
            (False, CORES, "within 5 % of bare PyAV"),
            (True, 1, ""),
            (True, 2, "clearly faster than 1 reader"),
        )
    ),
)


def main() -> None:
    """Make the files, measure in turns, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="A checkout of the commit to compare with.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--files", type=Path, help="Folder that keeps the files that are made.")
    parser.add_argument("--only", default="", help="A part of the measurements' names.")
    parser.add_argument("--page", type=Path, help="Page whose section is replaced.")
    asked = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        files = asked.files or scratch / "files"
        files.mkdir(parents=True, exist_ok=True)
        chosen = [each for each in MEASUREMENTS if asked.only in each.name]
        for name in {each.file for each in chosen}:
            if not (files / name).exists():
                make(files / name)
        trees = {"before": asked.before, "now": REPOSITORY, "bare": REPOSITORY}
        sides = {}
        for side, tree in trees.items():
            sides[side] = stack.enter_context(start_side("seek_side.py", tree, scratch / side))
        rows = []
        for measurement in chosen:
            times: dict[str, list[float]] = {side: [] for side in SIDES}
            for number in range(asked.rounds + 1):
                for side in SIDES:
                    taken_s = ask(sides[side], side, measurement, files)
                    if number > 0:  # the first warms up
                        times[side].append(taken_s)
            rows.append(line(measurement, times))
            print(rows[-1], file=sys.stderr)
        for process in sides.values():
            assert process.stdin is not None
            process.stdin.close()
    section = table(rows, asked.rounds)
    if asked.page:
        put(asked.page, section)
    else:
        print("\n".join(section))


def make(path: Path) -> None:
    """Encode a texture that drifts and turns back, with a square that jumps.

    A long file repeats its first packets: encoding all of it takes minutes.
    """
    count, (width, height), codec, options = FILES[path.name]
    whole = path.with_name(f"part_{path.name}")
    _encode(whole, min(count, MOST_ENCODED), (width, height), codec, options)
    if count > MOST_ENCODED:
        assert count % MOST_ENCODED == 0 == MOST_ENCODED % int(options["g"])
        once = whole.rename(path.with_name(f"once_{path.name}"))
        _repeat(once, whole, count // MOST_ENCODED)
        once.unlink()
    whole.rename(path)


def _encode(
    whole: Path, count: int, size: tuple[int, int], codec: str, options: dict[str, str]
) -> None:
    import cv2  # here: the sides don't need it
    import numpy as np

    width, height = size
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    texture = cv2.resize(coarse, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    grain = chance.integers(0, 16, (2 * height, width, 3), dtype=np.uint8)
    with av.open(str(whole), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = options
        for number in range(count):
            x, y = (round(side * (0.5 + 0.5 * np.sin(number / 40))) for side in (width, height))
            shift = 7 * number % height
            picture = cv2.add(
                texture[y : y + height, x : x + width] // 10 * 9, grain[shift : shift + height]
            )
            top, left = 11 * number % (height - 40), 17 * number % (width - 40)
            picture[top : top + 40, left : left + 40] = number % 256
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _repeat(once: Path, whole: Path, times: int) -> None:
    """Write the packets of a file one time after the other."""
    with av.open(str(whole), "w") as target:
        stream = None
        for turn in range(times):
            with av.open(str(once)) as source:
                given = source.streams.video[0]
                stream = stream or target.add_stream_from_template(given)
                assert given.duration is not None
                for packet in source.demux(given):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts += turn * given.duration
                        packet.dts += turn * given.duration
                        packet.stream = stream
                        target.mux(packet)


def start_side(program: str, tree: Path, links: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start a program next to this one that imports kinobench from a checkout.

    Args:
        program: Its name.
        tree: The checkout.
        links: Folder that is made, with links to the checkout's parts.
        arguments: Of the program.
    """
    package = links / "kinobench"
    package.mkdir(parents=True)
    tree = tree.resolve()
    for folder in (tree / "bench", tree / "zoo", tree / "datasets"):
        (package / folder.name).symlink_to(folder)
    for part in (tree / "bench" / "api").iterdir():
        if part.name != "__pycache__":
            (package / part.name).symlink_to(part)
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name(program)), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(links)},
        cwd=links,
    )


def ask(
    process: "subprocess.Popen[str]", side: str, measurement: Measurement, files: Path
) -> float:
    """Return the seconds that a side takes for a measurement."""
    kind = "bare" if side == "bare" else "views" if measurement.with_views else "frames"
    readers = measurement.readers or (1 if side == "bare" else 0)
    asked = {
        "kind": kind,
        "files": [str(files / measurement.file)] * measurement.copies,
        "preset": measurement.preset,
        "views": measurement.views,
        "readers": readers,
    }
    assert process.stdin is not None and process.stdout is not None
    _send(process.stdin, asked)
    return float(process.stdout.readline())


def _send(stdin: IO[str], asked: dict[str, object]) -> None:
    stdin.write(json.dumps(asked) + "\n")
    stdin.flush()


def line(measurement: Measurement, times: dict[str, list[float]]) -> str:
    """Return a line of the table; ratios are medians of those of the rounds."""

    def ratio(side: str) -> float:
        pairs = zip(times[side], times["now"], strict=True)
        return statistics.median(other / now for other, now in pairs)

    medians = " | ".join(f"{1000 * statistics.median(times[side]):,.1f}" for side in SIDES)
    before, bare = ratio("before"), ratio("bare")
    return (
        f"| {measurement.name} | {medians} | **{before:.2f}** | {bare:.2f} | {measurement.goal} |"
    )


def table(rows: list[str], rounds: int) -> list[str]:
    """Return the section of the page."""
    return [
        "## Few frames of long files",
        "",
        f"Medians of {rounds} rounds, in which the sides take turns, on {CORES} cores. Bare PyAV "
        "decodes the whole file and converts the wanted frames; it makes no views. Written by "
        "`tests/benchmarks/seek_speed.py`.",
        "",
        "| | before, ms | now, ms | bare PyAV, ms | times as fast as before | as bare PyAV "
        "| goal |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


if __name__ == "__main__":
    main()
