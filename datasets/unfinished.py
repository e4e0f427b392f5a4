"""Files and folders under a name of their own until they are whole, and what is left of them.

A new file or folder is `.NAME.HEX.unfinished`, next to `NAME`. A process that is killed leaves it;
whoever writes there later removes what nobody has changed for `LEFT_AFTER_S`.
"""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

SUFFIX = ".unfinished"
LEFT_AFTER_S = 24 * 3600.0
"""What nobody has changed for a day was left: a download that is so slow is given up long before,
and a folder that is written to is locked besides."""
_LOCK = "lock"
_NAME = re.compile(r"\.(.+)\.[0-9a-f]{32}\.unfinished", re.DOTALL)


def unfinished_name(name: str) -> str:
    """Return a name, which nobody else has, for a file or a folder until it gets its own."""
    return f".{name}.{uuid4().hex}{SUFFIX}"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a new folder among the system's temporary ones, which nobody else can enter.

    It is removed in the end, or by a later process if this one is killed.

    Raises:
        OSError: The folder can't be made.
    """
    import tempfile  # slow

    with unfinished_folder(Path(tempfile.gettempdir(), "kinobench"), mode=0o700) as folder:
        yield folder


@contextmanager
def unfinished_folder(target: Path, *, mode: int = 0o777) -> Iterator[Path]:
    """Give a new folder next to `target`, for its contents until they are whole.

    The folder is removed in the end, with what is left in it. A lock shows that this process lives.
    What killed processes left next to it, of `target` or of any other folder, is removed first.

    Args:
        target: The folder to be; its parent exists.
        mode: Its mode, less the process's mask.

    Raises:
        OSError: The folder can't be made.
    """
    from filelock import FileLock

    remove_left_folders(target.parent)
    folder = target.with_name(unfinished_name(target.name))
    folder.mkdir(mode)
    lock = FileLock(folder / _LOCK)
    try:
        with suppress(OSError):  # a file system without locks: its age alone protects it
            lock.acquire(blocking=False)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)  # if it can't be, it is removed as left, later


def remove_left_folders(parent: Path) -> None:
    """Remove the unfinished folders that killed processes left in a folder."""
    from filelock import FileLock

    for left in _left_in(parent):
        if left.is_symlink() or not left.is_dir():
            continue
        # It may be another user's, or a living process may write to it.
        with suppress(OSError), FileLock(left / _LOCK, blocking=False):  # Timeout is an OSError
            shutil.rmtree(left, ignore_errors=True)


def remove_left_files(target: Path) -> None:
    """Remove the unfinished files that killed processes left of a file."""
    for left in _left_in(target.parent, of=target.name):
        with suppress(OSError):
            left.unlink()


def _left_in(parent: Path, of: str | None = None) -> list[Path]:
    """Return what nobody has changed for long, of that name alone if one is given."""
    found: list[Path] = []
    with suppress(OSError):  # the folder can't be listed
        for path in parent.iterdir():
            named = _NAME.fullmatch(path.name)
            if named is None or of not in (None, named[1]):
                continue
            with suppress(OSError):  # it is gone meanwhile
                if time.time() - path.lstat().st_mtime > LEFT_AFTER_S:
                    found.append(path)
    return found
