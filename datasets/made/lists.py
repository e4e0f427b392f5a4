"""The lists of a copy: an official dataset's as they are, one's own with the places of the copy."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath

from ..files import replacing
from ..lists.own_classes import CLASSES_FILE
from ..lists.scan import VIDEO_EXTENSIONS
from ..split import Split
from .stamp import ROWS, STAMP

LIST_EXTENSIONS = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".list")
_DEPTH = 2
"""Levels of folders below the data root in which a reader looks for lists."""


def copy_lists(root: Path, to: Path) -> tuple[list[str], list[str]]:
    """Copy the lists of a dataset to the same places in a copy of it.

    A list is a file with a list's extension in the data root or in one of its folders, two levels
    deep. A text next to a video of the same name is none.

    Args:
        root: The data root.
        to: The copy's folder.

    Returns:
        The names of the lists, and the names of those left out, because a link leads out of the
        root.

    Raises:
        OSError: One can't be read or written.
    """
    real_root = os.path.realpath(root)
    copied, outside = [], []
    for folder, folders, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        folders[:] = [] if len(inside.parts) >= _DEPTH else _visible(folders)
        stems = {_stem(name) for name in files if _extension(name) in VIDEO_EXTENSIONS}
        for name in sorted(_visible(files)):
            if _extension(name) not in LIST_EXTENSIONS or name in (STAMP, ROWS):
                continue
            if _stem(name) in stems:
                continue
            file = Path(folder, name)
            if not os.path.realpath(file).startswith(real_root.rstrip(os.sep) + os.sep):
                outside.append(str(inside / name))
                continue
            if not file.is_file():
                continue
            target = to / inside / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target, own=True, durable=False) as unfinished:
                unfinished.write_bytes(file.read_bytes())
            copied.append(str(inside / name))
    return copied, outside


def _visible(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith(".")]


def _extension(name: str) -> str:
    return PurePath(name).suffix.lower()


def _stem(name: str) -> str:
    return name[: len(name) - len(PurePath(name).suffix)]


def write_classes(to: Path, classes: Sequence[str]) -> None:
    """Write the class names of a copy, a line each, in the order of the labels.

    Raises:
        OSError: The file can't be written.
    """
    with replacing(to / CLASSES_FILE, own=True, durable=False) as unfinished:
        unfinished.write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")


def write_list(to: Path, name: str, split: Split, place_of: Mapping[str, PurePath]) -> Path:
    """Write a list of one's own videos in a copy: file name and class of each.

    Args:
        to: The copy's folder.
        name: The list's name.
        split: Its videos.
        place_of: The place of each in the copy, by its id; a video without one is missing, and
            stays so under its id.

    Returns:
        The list.

    Raises:
        OSError: The file can't be written.
    """
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(["file_name", "label"])
    for video in split.videos:
        place = place_of.get(video.id, PurePath(video.id)).as_posix()
        writer.writerow([place, split.classes[video.label]])
    target = to / name
    with replacing(target, own=True, durable=False) as unfinished:
        unfinished.write_bytes(page.getvalue().encode("utf-8", "surrogateescape"))
    return target
