"""Small dataset folders for tests."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from kinobench.datasets.lists.class_names import class_names

from .media import write_video

UCF101 = class_names("ucf101")


def code_frames(label: int, count: int, height: int = 60, width: int = 80) -> np.ndarray:
    """`[count, height, width, 3]`, uint8: every frame shows `label` in binary, in 8 even rows."""
    frame = np.full((height, width, 3), 30, dtype=np.uint8)
    for bit, rows in enumerate(np.array_split(np.arange(height), 8)):
        if label >> bit & 1:
            frame[rows] = 220
    return np.repeat(frame[None], count, axis=0)


@cache
def _encoded(label: int) -> bytes:
    """Return the MPEG-4 file that shows `label`; one file is encoded for all that show it."""
    with TemporaryDirectory() as folder:
        path = write_video(Path(folder) / "video.avi", code_frames(label, 40), codec="mpeg4")
        return path.read_bytes()


def make_ucf101(root: Path, labels: list[int], shown: list[int] | None = None) -> list[Path]:
    """Write a UCF101 tree of MPEG-4 files, one for each label, in which `shown` is painted."""
    paths, lines = [], []
    for number, label in enumerate(labels, 1):
        name = UCF101[label]
        relative = f"{name}/v_{name}_g01_c{number:02d}.avi"
        code = label if shown is None else shown[number - 1]
        path = root / "UCF-101" / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_encoded(code))
        paths.append(path)
        lines.append(relative)
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "classInd.txt").write_text(
        "".join(f"{number} {name}\n" for number, name in enumerate(UCF101, 1))
    )
    for number in (1, 2, 3):
        (lists / f"testlist0{number}.txt").write_text("".join(f"{line}\n" for line in lines))
        (lists / f"trainlist0{number}.txt").write_text("")
    return paths


def make_several_labels(root: Path, labels: list[list[int]], groups: bool = True) -> list[Path]:
    """Write the tree of `several_labels.py`, a file for each list of labels, two a source group."""
    root.mkdir(parents=True, exist_ok=True)
    paths, rows = [], []
    for number, each in enumerate(labels):
        path = root / f"v{number:02d}.avi"
        path.write_bytes(_encoded(1 + (37 * number) % 251))
        paths.append(path)
        rows.append([path.name, each, f"g{number // 2:02d}" if groups else None])
    (root / "videos.json").write_text(json.dumps(rows))
    return paths
