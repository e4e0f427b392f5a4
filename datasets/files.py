"""Files that are read only if they are files, and that are replaced as a whole.

A reader finds the old file or the new one, never a part; and no pipe or device, which may have no
end.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from .unfinished import unfinished_name

_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Without O_NONBLOCK, opening a named pipe waits until another process writes to it."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotRegularError(OSError):
    """There is a folder, a pipe, a socket or a device in the place of a file."""


def check_regular(path: str | Path) -> None:
    """Check that a path names a file with an end, before a library opens it.

    Raises:
        NotRegularError: It names something else; `reason_of` says what.
        OSError: There is no such file, or it can't be looked at.
    """
    file = path if isinstance(path, Path) else Path(path)
    _refuse_other_kinds(path, file.stat().st_mode)


def open_regular(path: str | Path) -> BufferedReader:
    """Open a file to read its bytes, at once; the caller closes it.

    Raises:
        NotRegularError: It is no file; `reason_of` says what it is.
        OSError: It can't be opened.
    """
    check_regular(path)  # opening a socket fails without saying why
    if isinstance(path, Path) and type(path) is not type(Path()):
        return path.open("rb")  # of an archive, or elsewhere
    descriptor = os.open(path, _READING)
    try:
        _refuse_other_kinds(path, os.fstat(descriptor).st_mode)  # it may be another one by now
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        NotRegularError: It is no file; `reason_of` says what it is.
        OSError: It can't be read.
    """
    with open_regular(path) as file:
        return file.read()


def _refuse_other_kinds(path: str | Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    kind = _KINDS.get(stat.S_IFMT(mode), "of another kind")
    raise NotRegularError(number, f"it is {kind}, not a file", str(path))


@contextmanager
def replacing(path: Path, *, durable: bool = True, own: bool = False) -> Iterator[Path]:
    """Give the path of a new file in the same folder, which takes the place of `path` afterwards.

    Several writers may replace the same file: the last one wins. After an error, or if the process
    ends, `path` is as it was.

    Args:
        path: The file to replace; its folder exists.
        durable: True to wait until the disk has the file and its name. A file that can be computed
            again needn't wait.
        own: True for a file that kinobench names, and not the user: whatever else has its name, a
            link or a pipe, is replaced. Else a link stays a link, and a pipe or a device is given
            as it is.

    Raises:
        OSError: The file can't be moved.
    """
    target = path if own else path.resolve()
    if not own and target.exists() and not target.is_file():
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
