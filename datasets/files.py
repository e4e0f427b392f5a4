"""Files that are replaced as a whole: a reader finds the old file or the new one, never a part."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path, *, durable: bool = True, through_link: bool = True) -> Iterator[Path]:
    """Give the path of a new file in the same folder, which takes the place of `path` afterwards.

    Several writers may replace the same file: the last one wins. After an error, or if the process
    ends, `path` is as it was. A pipe or a device is given as it is.

    Args:
        path: The file to replace; its folder exists.
        durable: True to wait until the disk has the file and its name. A file that can be computed
            again needn't wait.
        through_link: True if the file that a link leads to is replaced, as one expects of a path
            that one gives. False if the link itself is: in a folder that may come from somebody
            else, a link could lead to any file of the user's.

    Raises:
        OSError: The file can't be moved.
    """
    target = path.resolve() if through_link else path.parent.resolve() / path.name
    if target.exists() and not target.is_file() and not target.is_symlink():
        yield target
        return
    unfinished = target.with_name(f".{target.name}.{uuid4().hex}.unfinished")
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
