"""Lines that are appended to a file whole: by several processes at once, and after one was killed.

Whoever appends holds a lock of the folder, so no two lines mix. A line is written by one call, and
cut off again if the disk takes only a part of it. A process that is killed in between leaves half a
line; whoever appends next ends that line first, so that it spoils no other.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from .files import sync_folder

LOCK = ".appending"
"""The file in a folder of runs that whoever appends has locked. It stays: a lock file that is
removed while another process waits for it is two locks."""

_WAIT_S = 60.0
"""The longest that an append waits for others, which take milliseconds each."""


def append_lines(path: Path, lines: bytes) -> None:
    """Append whole lines to a file, and wait until the disk has them; the file is made if need be.

    Args:
        path: The file; its folder exists.
        lines: The lines, each with its end.

    Raises:
        OSError: They can't be written; then none of them is in the file.
    """
    is_new = not path.exists()
    with _locked(path.parent):
        descriptor = os.open(
            path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666
        )
        try:
            size = os.fstat(descriptor).st_size
            is_cut = size > 0 and _last_byte(descriptor, size) != b"\n"
            try:
                _write_all(descriptor, b"\n" + lines if is_cut else lines)
                os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
    if is_new:
        sync_folder(path.parent)


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; a file system without locks has none."""
    lock = FileLock(folder / LOCK, timeout=_WAIT_S)
    with suppress(OSError, NotImplementedError):  # a line is still written by one call
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
