"""Which of many files are not there."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .listing import walk
from .paths import SourcePath, path_of


def absent(paths: Iterable[str]) -> Iterator[int]:
    """Give the places, among some paths, of those of files that aren't there.

    Elsewhere their folders are listed, each once: asking for each file would take a request a
    video.

    Args:
        paths: Paths as texts, as `path_of` takes them.

    Raises:
        DatasetError: A folder elsewhere can't be listed.
    """
    listed: dict[str, set[str]] = {}
    for place, text in enumerate(paths):
        if "://" not in text and ".tar" not in text.lower():  # a million paths would take seconds
            if not os.path.exists(text):  # noqa: PTH110
                yield place
            continue
        path = path_of(text)
        if isinstance(path, SourcePath) and path.is_remote and path.archive() is None:
            parent, _, name = str(path).rpartition("/")
            if parent not in listed:
                folder = path_of(parent)
                is_there = folder.is_dir()
                listed[parent] = {each.name for each in walk(folder, 0)} if is_there else set()
            if name not in listed[parent]:
                yield place
        elif not _is_there(path):
            yield place


def _is_there(path: Path) -> bool:
    if isinstance(path, SourcePath):
        return path.exists()
    return os.path.exists(path)  # noqa: PTH110 - a Path's own fails at a name that is too long
