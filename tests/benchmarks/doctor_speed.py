"""Time `data doctor`: the headers of many files, and every frame next to bare PyAV.

    python tests/benchmarks/doctor_speed.py [--page results/benchmarks.md]

The files are small videos, whose bytes all differ. For every frame, the command and a pool of
processes that only decode take turns. It takes about three minutes on two cores. Without `--page`
the section is printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import av

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sections import put
from seek_speed import CORES, REPOSITORY, make

CLASSES = 10


def main() -> None:
    """Make the files, time the command, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--headers", type=int, default=20_000, help="Files of the quick check.")
    parser.add_argument("--decoded", type=int, default=300, help="Files that are decoded.")
    parser.add_argument("--rounds", type=int, default=5, help="Rounds of decoding.")
    parser.add_argument("--page", type=Path, help="Page whose section is replaced.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        once = scratch / "ten_seconds_250.mp4"
        make(once)
        small = scratch / "small.mp4"
        _first_second(once, small)
        many = _copies(small, scratch / "many", asked.headers)
        first_s, again_s = (_taken(lambda: _doctor(scratch, many)) for _ in range(2))
        some = _copies(once, scratch / "some", asked.decoded)
        files = sorted(map(str, some.rglob("*.mp4")))
        decoding: list[tuple[float, float]] = []
        for _ in range(asked.rounds):
            bare_s = _taken(lambda: _decode_all(files))
            decoding.append((bare_s, _taken(lambda: _doctor(scratch, some, "--decode", "--fresh"))))
    section = section_of(asked.headers, first_s, again_s, asked.decoded, decoding)
    if asked.page:
        put(asked.page, section)
    else:
        print("\n".join(section))


def section_of(
    headers: int,
    first_s: float,
    again_s: float,
    decoded: int,
    decoding: list[tuple[float, float]],
) -> list[str]:
    """Return the section of the page.

    Args:
        headers: Files of the quick check.
        first_s: Seconds of the quick check.
        again_s: Seconds of the same command once more.
        decoded: Files that were decoded.
        decoding: Seconds of each round: bare decoding, and the command.
    """
    bare_s, doctor_s = (statistics.median(each) for each in zip(*decoding, strict=True))
    ratio = statistics.median(doctor / bare for bare, doctor in decoding)
    return [
        "## Data doctor",
        "",
        f"The whole command, with its start, on {CORES} cores. Bare PyAV decodes the same files "
        f"in as many processes; medians of {len(decoding)} rounds in turns. "
        "Written by `tests/benchmarks/doctor_speed.py`.",
        "",
        "| | s |",
        "|---|---|",
        f"| headers of {headers:,} files | {first_s:.1f} |",
        f"| the same again | {again_s:.1f} |",
        f"| every frame of {decoded:,} files of 300 frames, 340x256 | {doctor_s:.1f} |",
        f"| bare PyAV, the same frames | {bare_s:.1f} |",
        f"| times the time of bare PyAV | {ratio:.2f} |",
    ]


def _first_second(source: Path, target: Path) -> None:
    """Keep the packets of the first 30 frames."""
    with av.open(str(source)) as given, av.open(str(target), "w") as kept:
        stream = kept.add_stream_from_template(given.streams.video[0])
        packets = [packet for packet in given.demux(video=0) if packet.dts is not None]
        for packet in packets[:30]:
            packet.stream = stream
            kept.mux(packet)


def _copies(source: Path, root: Path, count: int) -> Path:
    """Write copies of a file in folders of classes; an empty box at its end tells them apart."""
    content = source.read_bytes()
    for number in range(count):
        folder = root / f"class{number % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        box = b"\0\0\0\x10free" + number.to_bytes(8, "big")
        (folder / f"video{number:05}.mp4").write_bytes(content + box)
    return root


def _taken(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _doctor(scratch: Path, root: Path, *options: str) -> None:
    command = [sys.executable, str(REPOSITORY / "bench.py"), "data", "doctor", "folder"]
    done = subprocess.run(
        [*command, "--data-root", str(root), "--json", *options],
        env=os.environ | {"KINOBENCH_CACHE": str(scratch / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]


def _decode_all(files: list[str]) -> None:
    with ProcessPoolExecutor(CORES) as pool:
        frames = sum(pool.map(_decoded, files, chunksize=8))
    assert frames == 300 * len(files), frames


def _decoded(file: str) -> int:
    with av.open(file) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream))


if __name__ == "__main__":
    main()
