"""Reading clips, side by side with bare PyAV and the samplers of torchcodec and pytorchvideo.

    python tests/benchmarks/sampler_speed.py [--page results/benchmarks.md]

torchcodec needs `pip install torchcodec` and FFmpeg's shared libraries; a side that can't run says
why in the table. Each side has a process of its own, and all take turns, measurement by
measurement, one thread a file. It takes about five minutes on two cores. Without `--page` the
section is printed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sections import put
from seek_speed import CORES, REPOSITORY, make, start_side

SIDES = ("kinobench", "PyAV", "torchcodec", "pytorchvideo")
SPARSE, MIDDLE, DENSE = (10, 16, 4, False), (1, 16, 4, True), (10, 32, 2, False)
"""Clips, frames of each, stride, and whether the only one is from the middle."""


class Measurement(NamedTuple):
    """What each side is asked.

    Attributes:
        name: What stands in the table.
        file: Name of the file that is read.
        clips: The fields of `sampler_side.Clips`.
        readers: Files that are read at once.
        copies: How often the file is read.
        stay: True if the readers stay from round to round, with their memory, as an evaluation's.
    """

    name: str
    file: str
    clips: tuple[int, int, int, bool]
    readers: int = 1
    copies: int = 1
    stay: bool = False


MEASUREMENTS = (
    Measurement("5 minutes of 720p, 10 clips of 16x4", "five_minutes.mp4", SPARSE),
    *(
        Measurement(
            f"10 s, a key frame every {group}, 1 clip of 16x4 from the middle",
            f"ten_seconds_{group}.mp4",
            MIDDLE,
        )
        for group in (12, 50, 250)
    ),
    *(
        Measurement(
            f"10 s, a key frame every {group}, 10 clips of 32x2",
            f"ten_seconds_{group}.mp4",
            DENSE,
        )
        for group in (50, 250)
    ),
    *(
        Measurement(
            f"8 files of 10 s, 10 clips of 32x2, {CORES} {kind} readers",
            "ten_seconds_250.mp4",
            DENSE,
            readers=CORES,
            copies=8,
            stay=stay,
        )
        for kind, stay in (("new", False), ("staying", True))
    ),
)


class Measured(NamedTuple):
    """What a side took for a measurement.

    Attributes:
        taken_s: Seconds of each round.
        cpu_s: Seconds of processors of each round.
        frames: Frames of its clips.
        failure: Why it can't do it; None if it can.
    """

    taken_s: list[float]
    cpu_s: list[float]
    frames: int
    failure: str | None


def main() -> None:
    """Make the files, measure in turns, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="The most rounds of a measurement.")
    parser.add_argument("--budget", type=float, default=30.0, help="Seconds for a measurement.")
    parser.add_argument("--files", type=Path, help="Folder that keeps the files that are made.")
    parser.add_argument("--only", default="", help="A part of the measurements' names.")
    parser.add_argument("--page", type=Path, help="Page whose section is replaced.")
    asked = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        files = asked.files or scratch / "files"
        files.mkdir(parents=True, exist_ok=True)
        chosen = [each for each in MEASUREMENTS if asked.only in each.name]
        for name in sorted({each.file for each in chosen}):
            if not (files / name).exists():
                make(files / name)
        sides = {
            side: stack.enter_context(
                start_side("sampler_side.py", REPOSITORY, scratch / side, side)
            )
            for side in SIDES
        }
        lines = []
        for each in chosen:
            found = _measured(sides, each, files, asked.rounds, asked.budget)
            lines += lines_of(each, found)
            print(*lines_of(each, found), sep="\n", file=sys.stderr)
        for process in sides.values():
            assert process.stdin is not None
            process.stdin.close()
    section = section_of(lines)
    if asked.page:
        put(asked.page, section)
    else:
        print("\n".join(section))


def _measured(
    sides: "dict[str, subprocess.Popen[str]]",
    measurement: Measurement,
    files: Path,
    rounds: int,
    budget_s: float,
) -> dict[str, Measured]:
    """Measure in rounds, in which the sides take turns: two at least; the first warms up."""
    answers: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    begin = time.monotonic()
    for number in range(rounds + 1):
        for side, process in sides.items():
            if number and "failure" in answers[side][-1]:
                continue
            answers[side].append(_ask(process, measurement, files))
        if number and time.monotonic() - begin > budget_s:
            break
    found = {}
    for side, given in answers.items():
        kept = given[1:]
        found[side] = Measured(
            [each["taken_s"] for each in kept if "taken_s" in each],
            [each["cpu_s"] for each in kept if "cpu_s" in each],
            given[-1].get("frames", 0),
            given[-1].get("failure"),
        )
    return found


def _ask(process: "subprocess.Popen[str]", measurement: Measurement, files: Path) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    asked = {
        "files": [str(files / measurement.file)] * measurement.copies,
        "clips": measurement.clips,
        "readers": measurement.readers,
        "stay": measurement.stay,
    }
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    answered = process.stdout.readline()
    if not answered:
        return {"failure": f"its process ended with {process.wait()}"}
    found: dict[str, Any] = json.loads(answered)
    return found


def lines_of(measurement: Measurement, found: dict[str, Measured]) -> list[str]:
    """Return a line of the table for each side; ratios are medians of those of the rounds."""
    own = found["kinobench"]
    count, frames, *_ = measurement.clips
    expected = count * frames * measurement.copies
    lines = []
    for side, each in found.items():
        name = measurement.name if side == "kinobench" else ""
        if each.failure is not None or own.failure is not None:
            lines.append(f"| {name} | {side} | {each.failure or ''} | | | |")
            continue
        pairs = list(zip(each.taken_s, own.taken_s, strict=False))
        ratio = statistics.median(other / now for other, now in pairs)
        frames_text = str(each.frames) + ("" if each.frames == expected else f" of {expected}")
        lines.append(
            f"| {name} | {side} | {1000 * statistics.median(each.taken_s):,.1f} "
            f"| {1000 * statistics.median(each.cpu_s):,.1f} | {ratio:.2f} | {frames_text} |"
        )
    return lines


def section_of(lines: list[str]) -> list[str]:
    """Return the section of the page."""
    return [
        "## Samplers of clips, side by side",
        "",
        "Medians of the rounds, in which the sides take turns, one thread a file, on "
        f"{CORES} cores. The clips have as many frames on each side, at nearly the same places: "
        "kinobench's protocols and bare PyAV take the same; torchcodec's "
        "`clips_at_regular_indices` and pytorchvideo's `ConstantClipsPerVideoSampler` spread clips "
        "from the first place to the last by their own rules, and for one clip they are given the "
        "middle. kinobench and PyAV convert every wanted frame once; torchcodec gives each clip a "
        "copy, in the order of channels, rows, columns; pytorchvideo decodes all frames of a "
        "clip's time to floats and takes every other or fourth. Bare PyAV decodes up to the last "
        "wanted frame, and is told which; the others find that out. Written by "
        "`tests/benchmarks/sampler_speed.py`.",
        "",
        "| | | ms | of processors, ms | times kinobench's time | frames |",
        "|---|---|---|---|---|---|",
        *lines,
    ]


if __name__ == "__main__":
    main()
