"""Copies of datasets with faults of every kind, and an examination of them in few processes."""

from collections.abc import Generator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av

from kinobench.bench.records.job import worker_command
from kinobench.datasets import catalog
from kinobench.datasets.doctor.examine import Examination, examine
from kinobench.datasets.doctor.report import Report
from kinobench.datasets.doctor.seen import Look, Seen
from kinobench.datasets.doctor.session import look_at
from kinobench.datasets.doctor.workers import Workers
from kinobench.datasets.protocol import preset

from .media import numbered_frames, write_sound, write_video

VAL = "label,youtube_id,time_start,time_end,split\n"
"""The columns of the CVDF's lists."""
WORKERS = Workers(command=(*worker_command(), "--look-at"), count=2, timeout_s=60.0)
"""Processes that look at files."""


class Here:
    """Looks at files in this process: for files that don't end it."""

    def each_seen(
        self, paths: Sequence[str], look: Look
    ) -> Generator[tuple[int, Seen], None, None]:
        """Look at each file, and yield its place and what is seen."""
        for place, path in enumerate(paths):
            yield place, look_at(path, look)


HERE = Here()


@cache
def video(frames: int, seed: int = 0, fps: int = 25) -> bytes:
    """Return an MP4 file of 64x48 with so many frames; another seed has other bytes."""
    with TemporaryDirectory() as folder:
        pictures = numbered_frames(frames)
        pictures[:, :8] = seed * 37 % 256
        path = write_video(Path(folder) / "video.mp4", pictures, fps=fps)
        return path.read_bytes()


@cache
def sound() -> bytes:
    """Return a file without a video stream."""
    with TemporaryDirectory() as folder:
        return write_sound(Path(folder) / "sound.mp4").read_bytes()


def spoil(path: Path, packet: int) -> None:
    """Write zeros over a packet of an MP4 file."""
    with av.open(str(path)) as container:
        entry = container.streams.video[0].index_entries[packet]
        at, size = entry.pos, entry.size
    content = bytearray(path.read_bytes())
    content[at : at + size] = b"\0" * size
    path.write_bytes(content)


def put(path: Path, content: bytes) -> Path:
    """Write a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def report_of(name: str, root: Path, workers: Any = HERE, **wanted: Any) -> Report:
    """Examine the copy of a dataset in `root`."""
    dataset = catalog.get(name)
    examination = Examination(
        **{
            "dataset": dataset,
            "root": root,
            "protocol": preset("pointlight"),
            "again": f"kinobench data doctor {name}",
        }
        | wanted
    )
    return examine(examination, workers)[1]


def said(report: Report) -> dict[str, tuple[str, ...]]:
    """Return what a report says, with the names that it says it of."""
    return {f"{each.count} {each.what}": each.names for each in report.complaints}


def ill_folder(root: Path) -> Path:
    """Write two classes, of whose files each has another fault."""
    put(root / "train/fall/good.mp4", video(40))
    put(root / "train/fall/one.mp4", video(1))
    put(root / "train/fall/empty.mp4", b"")
    put(root / "train/walk/text.mp4", b"hello")
    put(root / "train/walk/cut.mp4", video(40)[:400])
    put(root / "train/walk/same.mp4", video(40, seed=1))
    put(root / "test/fall/same.mp4", video(40, seed=1))
    put(root / "test/fall/twice.mp4", video(40, seed=2))
    put(root / "test/fall/thrice.mp4", video(40, seed=2))
    put(root / "test/walk/sound.mp4", sound())
    return root


def kinetics_val(root: Path, rows: dict[str, bytes | None], text: str = "") -> Path:
    """Write a validation split of three seconds a video: file -> content."""
    ids = [name.rpartition("/")[2][:11] for name in rows]
    lines = [f"abseiling,{name},5,8,val\n" for name in ids]
    put(root / "annotations/val.csv", (VAL + "".join(lines) + text).encode())
    for name, content in rows.items():
        if content is not None:
            put(root / "val" / name, content)
    return root
