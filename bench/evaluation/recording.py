"""The lock of a case that is being measured, until its record is stored.

A folder of shards is locked by the process that writes to it, which ends before the command stores
the record that names the folder. In between nobody else may continue the folder, or remove it: so
the command itself holds a lock, from before the process begins until the record is on disk. The
folder's file `owner` names it. If the command is killed, the system frees the lock.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import NotRegularError, read_regular
from ..records.files import replacing
from ..records.inside import inside

OWNER = "owner"
_SUFFIX = ".lock"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""An owner's name; what else a file may have is no name of a file."""
_LEFT_AFTER_S = 24 * 3600.0
"""The lock file of a killed command is removed after a day, if nobody did it before."""


@contextmanager
def recording(results: Path, name: str) -> Iterator[None]:
    """Keep others from the folder of a case until its record is stored, or the case is given up.

    Args:
        results: Folder of the results.
        name: Name of the case's measurement, which no other has; see `Job.predictions`.

    Raises:
        KinobenchError: The lock can't be made.
    """
    path = _lock_of(results, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(path.parent)
        lock = FileLock(path)
        lock.acquire(blocking=False)
    except OSError as error:  # Timeout is one
        raise KinobenchError(
            f"{path} can't be locked: {reason_of(error)}; give another --results"
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        lock.release()


def name_owner(folder: Path, name: str) -> None:
    """Name the measurement whose record will name a folder, which this process has locked."""
    with replacing(folder / OWNER, durable=False, own=True) as unfinished:
        unfinished.write_text(name, encoding="utf-8")


def is_owned(results: Path, folder: Path, name: str) -> bool:
    """Return whether a living command other than one's own may store a record of a folder.

    Args:
        results: Folder of the results.
        folder: Folder of shards.
        name: Name of one's own measurement.

    Raises:
        OSError: Its file can't be read.
    """
    try:
        owner = read_regular(folder / OWNER).decode(errors="replace")
    except (FileNotFoundError, NotRegularError):
        return False
    if owner == name or not _NAME.fullmatch(owner):
        return False
    path = _lock_of(results, owner)
    return path.exists() and _is_held(path)


def _lock_of(results: Path, name: str) -> Path:
    return inside(results, "runs") / f"{name}{_SUFFIX}"


def _is_held(path: Path) -> bool:
    """Return whether a process holds a lock; the file of one that nobody holds is removed."""
    try:
        with FileLock(path, blocking=False), suppress(OSError):
            path.unlink(missing_ok=True)
    except Timeout:
        return True
    return False


def _remove_left(folder: Path) -> None:
    """Remove the lock files of commands that were killed."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_AFTER_S:
                _is_held(path)
