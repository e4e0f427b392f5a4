"""Which of many files are not there."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from .listing import walk
from .paths import SourcePath, path_of


def absent(paths: Iterable[Path]) -> Iterator[Path]:
    """Give the paths of files that aren't there.

    Elsewhere their folders are listed, each once: asking for each file would take a request a
    video.

    Raises:
        DatasetError: A folder elsewhere can't be listed.
    """
    listed: dict[str, set[str]] = {}
    for path in paths:
        if not isinstance(path, SourcePath) or not path.is_remote or path.archive() is not None:
            if not path.exists():
                yield path
            continue
        parent, _, name = str(path).rpartition("/")
        if parent not in listed:
            folder = path_of(parent)
            listed[parent] = {each.name for each in walk(folder, 0)} if folder.is_dir() else set()
        if name not in listed[parent]:
            yield path
