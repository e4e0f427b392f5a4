"""The lists of a copy: an official dataset's as they are, one's own with the places of the copy."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from ..files import replacing
from ..lists.own_classes import CLASSES_FILE
from ..sources.listing import is_video_name, walk
from ..sources.paths import path_of
from ..split import Split
from .stamp import ROWS, STAMP

LIST_EXTENSIONS = (
    *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".list", ".pkl", ".pickle", ".pbtxt"),
)
_DEPTH = 2
"""Levels of folders below the data root in which a reader looks for lists."""


def copy_lists(root: Path, to: Path) -> tuple[list[str], list[str]]:
    """Copy the lists of a dataset to the same places in a copy of it.

    A list is a file with a list's extension in the data root or in one of its folders, two levels
    deep. A text next to a video of the same name is none.

    Args:
        root: The data root: a folder, here or elsewhere, or an archive.
        to: The copy's folder.

    Returns:
        The names of the lists, and the names of those left out, because a link leads out of the
        root.

    Raises:
        OSError: One can't be read or written.
        DatasetError: A folder can't be listed.
    """
    start = len(str(root).rstrip("/")) + 1
    entries = [each for each in walk(root, _DEPTH) if not _is_hidden(each.path[start:])]
    videos = {_stem(each.path) for each in entries if is_video_name(each.name)}
    copied, outside = [], []
    for each in sorted(entries, key=lambda entry: entry.path):
        inside = each.path[start:]
        if each.is_folder or each.dangling or not each.name.lower().endswith(LIST_EXTENSIONS):
            continue
        if each.name in (STAMP, ROWS) or _stem(each.path) in videos:
            continue
        if each.leads_out:
            outside.append(inside)
            continue
        file, target = path_of(each.path), to / inside
        if not file.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target, own=True, durable=False) as unfinished:
            unfinished.write_bytes(file.read_bytes())
        copied.append(inside)
    return copied, outside


def _is_hidden(inside: str) -> bool:
    return any(part.startswith(".") for part in inside.split("/"))


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
