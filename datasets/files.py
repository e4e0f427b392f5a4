"""Files that are replaced as a whole: a reader finds the old file or the new one, never a part."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .unfinished import unfinished_name


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give the path of a new file in the same folder, which takes the place of `path` afterwards.

    Several writers may replace the same file: the last one wins. After an error, or if the process
    ends, `path` is as it was. A link stays a link. A pipe or a device is given as it is.

    Args:
        path: The file to replace; its folder exists.
        durable: True to wait until the disk has the file and its name. A file that can be computed
            again needn't wait.

    Raises:
        OSError: The file can't be moved.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    unfinished = target.with_name(unfinished_name(target.name))
    try:
        yield unfinished
        if durable:
            with unfinished.open("rb+") as file:
                os.fsync(file.fileno())
        unfinished.replace(target)
        if durable:
            sync_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of a folder's files."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
