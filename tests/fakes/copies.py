"""Copies of datasets as people have them: empty files and lists, laid down in a folder.

A mock video knows all that its names may say; a list is a function of mock videos, and where their
files lie is a pattern, such as `val/{folder}/{stem}.mp4`.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kinobench.datasets.lists.class_names import class_names

List = Callable[[Sequence["Mock"]], str | bytes]


class Mock(NamedTuple):
    """A video of a dataset, and what its names may say.

    Attributes:
        stem: The name of its file, without extension.
        label: Its label.
        name: The name of its class.
        group: The source of its footage.
        id, start, end: Of videos of YouTube.
    """

    stem: str
    label: int
    name: str
    group: int = 0
    id: str = ""
    start: int = 0
    end: int = 0

    def place(self, pattern: str) -> str:
        """Fill in a pattern of a path."""
        return pattern.format(
            **self._asdict(),
            folder=re.sub(r"[^\w ]", "", self.name).replace(" ", "_"),
        )


def _characters(number: int, base: str, width: int) -> str:
    text = ""
    for _ in range(width):
        number, digit = divmod(number, len(base))
        text = base[digit] + text
    return text


def kinetics(count: int, classes: str = "kinetics400", first: int = 0) -> list[Mock]:
    """Return `count` mock videos of all classes in turn, in the order of the official list.

    Ids begin with `-` and contain `_`, as some of YouTube's do; no two are alike without case.
    """
    names = class_names(classes)
    found = []
    for number in range(first, first + count):
        label = number * 7 % len(names)
        video = (
            "-_"[number % 2]
            + _characters(number * 7919, "abc_defg-h", 7)
            + "_Z"
            + "x-_"[number % 3]
        )
        start = number * 13 % 500
        stem = f"{video}_{start:06d}_{start + 10:06d}"
        found.append(Mock(stem, label, names[label], 0, video, start, start + 10))
    return sorted(found, key=lambda mock: (mock.label, mock.stem.upper()))


def ucf101(count: int, groups: Sequence[int] = range(1, 8)) -> list[Mock]:
    """Return `count` mock videos of all classes in turn, in the order of the official lists."""
    names = class_names("ucf101")
    found = []
    for number in range(count):
        label, rest = number % len(names), number // len(names)
        group, clip = groups[rest % len(groups)], rest // len(groups) + 1
        stem = f"v_{names[label]}_g{group:02d}_c{clip:02d}"
        found.append(Mock(stem, label, names[label], group))
    return sorted(found, key=lambda mock: (mock.label, mock.stem.upper()))


def lay(
    root: Path,
    videos: Sequence[Mock],
    media: Iterable[str],
    lists: Mapping[str, List | str],
) -> Path:
    """Lay down a copy.

    Args:
        root: Its folder.
        videos: The videos.
        media: Patterns of where each video's file is; one that ends in `/` is a folder with a
            frame.
        lists: The text of each list, or what writes it; by its path.
    """
    folders: set[str] = set()
    for pattern in media:
        for mock in videos:
            path = str(root / mock.place(pattern)) + ("/img_00001.jpg" * pattern.endswith("/"))
            folder = os.path.dirname(path)  # noqa: PTH120 - thousands of them
            if folder not in folders:
                Path(folder).mkdir(parents=True, exist_ok=True)
                folders.add(folder)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    for path, text in lists.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        content = text if isinstance(text, str) else text(videos)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def lines(pattern: str, *, separator: str = " ", first: int = 0, reverse: bool = True) -> List:
    """Return a list of `path label`, in another order than the official one.

    Args:
        pattern: The path; it may have several columns.
        separator: What is between path and label.
        first: The number of the first class.
        reverse: False for the official order.
    """

    def write(videos: Sequence[Mock]) -> str:
        rows = [f"{mock.place(pattern)}{separator}{mock.label + first}\n" for mock in videos]
        return "".join(reversed(rows) if reverse else rows)

    return write


def paths(pattern: str) -> List:
    """Return a list of paths alone, in the official order."""
    return lambda videos: "".join(f"{mock.place(pattern)}\n" for mock in videos)


def cvdf(split: str = "val", *, columns: str = "split", floats: bool = False) -> List:
    """Return the CVDF's csv; classes of several words are quoted, as theirs are."""

    def write(videos: Sequence[Mock]) -> str:
        rows = [f"label,youtube_id,time_start,time_end{f',{columns}' if columns else ''}\n"]
        tail = {"": "", "split": f",{split}", "split,is_cc": f",{split},0"}[columns]
        for mock in videos:
            name = f'"{mock.name}"' if " " in mock.name else mock.name
            start, end = (
                (mock.start, mock.end) if not floats else (f"{mock.start}.0", f"{mock.end}.0")
            )
            rows.append(f"{name},{mock.id},{start},{end}{tail}\n")
        return "".join(rows)

    return write


def deepmind(subset: str = "validate") -> List:
    """Return DeepMind's json file."""

    def write(videos: Sequence[Mock]) -> str:
        return json.dumps(
            {
                mock.id: {
                    "annotations": {"label": mock.name, "segment": [mock.start, mock.end]},
                    "duration": 10.0,
                    "subset": subset,
                    "url": f"https://www.youtube.com/watch?v={mock.id}",
                }
                for mock in sorted(videos, key=lambda mock: mock.id)
            }
        )

    return write
