"""Run files that are added to a folder many at a time, with one wait for the disk.

Waiting for each file takes milliseconds, and a folder of years has ten thousand.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ...datasets.files import sync_folder
from ...datasets.unfinished import unfinished_folder
from ..records.appending import append_lines
from .copying import unwritable

MOST_FILES, MOST_BYTES = 1000, 64 * 2**20
"""What is kept in memory before it is written."""


class NewRuns:
    """Run files of one folder that are not there yet.

    A file gets its name when the disk has all of its batch. So a name never stands for half a file,
    whenever this is stopped, and also after a power failure.
    """

    def __init__(self) -> None:
        self._content: dict[Path, bytearray] = {}

    def add(self, path: Path, lines: bytes) -> None:
        """Add whole lines to a run file, which is written with the next batch if it is new.

        Raises:
            KinobenchError: The folder can't be written.
        """
        if path not in self._content and path.exists():
            try:
                append_lines(path, lines)
            except OSError as error:
                raise unwritable(path, error) from error
            return
        self._content.setdefault(path, bytearray()).extend(lines)
        size = sum(map(len, self._content.values())) if len(lines) > 2**20 else 0
        if len(self._content) >= MOST_FILES or size >= MOST_BYTES:
            self.write()

    def write(self) -> None:
        """Write what was added; afterwards the disk has it.

        Raises:
            KinobenchError: The folder can't be written; then none of the batch has its name.
        """
        content, self._content = self._content, {}
        if not content:
            return
        runs = next(iter(content)).parent
        try:
            with unfinished_folder(runs / "added") as unfinished:
                for path, lines in content.items():
                    (unfinished / path.name).write_bytes(lines)
                _await_disk([unfinished / path.name for path in content])
                late = [path for path in content if not _named(unfinished / path.name, path)]
            sync_folder(runs)
            for path in late:
                append_lines(path, bytes(content[path]))
        except OSError as error:
            raise unwritable(runs, error) from error


def _named(unfinished: Path, path: Path) -> bool:
    """Give a file its name; False if another process began this run meanwhile."""
    try:
        os.link(unfinished, path)  # unlike a rename, it replaces nothing
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        unfinished.rename(path)
    return True


def _await_disk(files: Sequence[Path]) -> None:
    """Wait until the disk has some files of one folder: Linux can wait for its whole disk."""
    if sys.platform == "linux" and len(files) > 1:
        folder = os.open(files[0].parent, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(folder) == 0:
                return
        except AttributeError:  # an older libc
            pass
        finally:
            os.close(folder)
    for path in files:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
