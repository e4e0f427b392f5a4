"""The folders of shards, and whether a run may continue what a killed run left there.

`predictions/MODEL-CASE-MANIFEST/` has a folder for each time that the case was begun, named for the
run that began it. The folder contains the conditions, the shards and, once a stored record names
it, a file `finished`. The file is missing if the record failed because videos could not be read:
you may replace these, or accept that they are missing. The next run of the case under the same
conditions continues a folder without that file; a folder with it never changes again. While a
process writes to a folder, it has the file `lock` locked, and `holder.json` names the process.
Until the record is stored, the folder is kept for the command that `owner` names: see recording.py.
"""

import glob
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil
from filelock import FileLock, Timeout

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import NotRegularError, read_regular
from ...datasets.names import file_name
from ...datasets.unfinished import remove_left_folders, unfinished_name
from ..records.case import Case
from ..records.files import UNDECODABLE, replacing, sync_folder
from .conditions import Conditions
from .recording import is_owned, name_owner

CONDITIONS = "conditions.json"
FINISHED = "finished"
HOLDER = "holder.json"
LOCK = "lock"
PATIENCE_S = 3.0
"""A run waits this long for a folder that a living run writes to: that run may be about to end."""
ENDING_S = 60.0
"""A run waits this long for a process that ends because its command is gone: the process notices
within a second, and CUDA may take longer to give back its memory."""
_BEGINNING_S = 60.0
"""A folder without conditions that is older than this was left by a run killed in between."""
_UNFINISHED = ".unfinished"

Waiting = Callable[[str], None]
"""Called once, with what the run waits for."""


class Claim(NamedTuple):
    """A folder that only this process writes shards to.

    Attributes:
        folder: Folder of the shards.
        notes: Remarks that a reader of the record should know.
    """

    folder: Path
    notes: tuple[str, ...]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """The process that writes to a folder, and the command that started it."""

    host: str
    pid: int
    command: int

    @classmethod
    def here(cls) -> "Holder":
        """Return this process."""
        return cls(host=platform.node(), pid=os.getpid(), command=os.getppid())

    @property
    def is_ending(self) -> bool:
        """The process is known to be gone, or is about to end because its command is gone."""
        if self.host != platform.node():
            return False
        try:
            return bool(psutil.Process(self.pid).ppid() != self.command)
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False


@contextmanager
def claim(
    parent: Path,
    name: str,
    conditions: Conditions,
    *,
    results: Path | None = None,
    fresh: bool = False,
    waiting: Waiting = lambda text: None,
) -> Iterator[Claim]:
    """Find the folder that a killed run left, or begin one; no other process can claim it then.

    Args:
        parent: Folder of the case.
        name: Name of a new folder, and of this measurement.
        conditions: Conditions of this run.
        results: Folder of the results, in which commands have their locks; None: none has any.
        fresh: Remove the folders of unfinished runs, and start over.
        waiting: Called if this run must wait for a process that ends.

    Raises:
        KinobenchError: A folder can't be made or read.
    """
    with ExitStack() as locks:
        try:
            _remove_the_empty(parent)
            remove_left_folders(parent)
            keeper = _Keeper(results, name, waiting)
            continued, notes = _continued(parent, conditions, fresh, keeper, locks)
            folder = continued or _begun(parent / name, conditions, locks)
            _name_holder(folder, locks)
            name_owner(folder, name)
        except OSError as error:
            raise KinobenchError(
                f"{parent} can't be used for predictions: {reason_of(error)}; give another "
                "--results"
            ) from error
        yield Claim(folder, tuple(notes))


def _continued(
    parent: Path, conditions: Conditions, fresh: bool, keeper: "_Keeper", locks: ExitStack
) -> tuple[Path | None, list[str]]:
    """Return the folder to continue, locked, and why the others are not; remove all if `fresh`."""
    notes: list[str] = []
    for left in _unfinished(parent):
        try:
            found = _read(left / CONDITIONS)
        except FileNotFoundError:  # another run has started over
            continue
        differs = (
            "whose conditions can't be read" if found is None else found.difference(conditions)
        )
        if differs and not fresh:
            notes.append(f"not continued: unfinished {left.name}, {differs}")
            continue
        lock = keeper.locked(left)
        if lock is None and not left.exists():
            continue
        if lock is None:
            notes.append(f"not continued: {left.name}, which another process is measuring")
            continue
        with ExitStack() as unlocked:
            unlocked.callback(lock.release)
            if (left / FINISHED).exists():
                continue  # its run has ended meanwhile
            if not (left / CONDITIONS).exists():  # another run has started over
                with suppress(OSError):
                    (left / LOCK).unlink()
                    left.rmdir()  # which the lock made again
                continue
            if fresh:
                _remove(left)
                notes.append(f"started over: unfinished {left.name} is removed")
                continue
            locks.push(unlocked.pop_all())
        for torn in left.glob(f"*{_UNFINISHED}"):
            torn.unlink()
        return left, notes
    return None, notes


def _remove(folder: Path) -> None:
    """Remove a folder that this process has locked, from the sight of others at once.

    File after file it would be a folder whose lock is gone already, and that others continue. What
    can't be removed now, a later process removes.
    """
    removed = folder.with_name(unfinished_name(folder.name))
    folder.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)


def _begun(folder: Path, conditions: Conditions, locks: ExitStack) -> Path:
    """Make a folder with its conditions, locked: nobody can find it unlocked."""
    folder.mkdir(parents=True)
    sync_folder(folder.parent)
    lock = FileLock(folder / LOCK)
    lock.acquire(blocking=False)
    locks.callback(lock.release)
    # By its conditions others find a folder.
    with replacing(folder / CONDITIONS, own=True) as unfinished:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(conditions)) + b"\n")
    return folder


def _unfinished(parent: Path) -> list[Path]:
    """Return the folders that may be continued: most shards first, then the newest."""
    left = [
        path.parent
        for path in parent.glob(f"[!.]*/{CONDITIONS}")
        if not (path.parent / FINISHED).exists()
    ]
    return sorted(left, key=lambda path: (_shards_in(path), path.name), reverse=True)


def _shards_in(folder: Path) -> int:
    return sum(1 for _ in folder.glob("shard-*.parquet"))


def _remove_the_empty(parent: Path) -> None:
    """Remove folders that were begun and never got their conditions: no run can continue them."""
    for left in parent.glob("*/"):
        with suppress(OSError):
            begun = all(path.name == LOCK or path.suffix == _UNFINISHED for path in left.iterdir())
            if begun and time.time() - left.stat().st_mtime > _BEGINNING_S:
                shutil.rmtree(left)


def _name_holder(folder: Path, locks: ExitStack) -> None:
    """Name the process that writes to a locked folder, for as long as it does."""
    path = folder / HOLDER
    with replacing(path, durable=False, own=True) as unfinished:
        unfinished.write_bytes(msgspec.json.encode(Holder.here()) + b"\n")
    locks.callback(path.unlink, missing_ok=True)


def conditions_in(folder: Path) -> Conditions | None:
    """Return the conditions that a folder's shards were measured under; None if they are lost."""
    with suppress(OSError):
        return _read(folder / CONDITIONS)
    return None


def is_begun(predictions: Path, case: Case) -> bool:
    """Return whether the predictions have shards of a case that no record names."""
    folders = predictions.glob(f"{glob.escape(file_name(case.model))}-{case.digest}-*")
    return any(_shards_in(left) for folder in folders for left in _unfinished(folder))


def mark_finished(folder: Path) -> None:
    """Let no run continue a folder any more: a stored record names it.

    Raises:
        KinobenchError: The folder can't be written.
    """
    try:
        with replacing(folder / FINISHED, own=True) as unfinished:
            unfinished.touch()
    except OSError as error:
        raise KinobenchError(f"{folder} can't be written: {reason_of(error)}") from error


def _read(path: Path) -> Conditions | None:
    with suppress(*UNDECODABLE, NotRegularError):
        return msgspec.json.decode(read_regular(path), type=Conditions)
    return None


class _Keeper(NamedTuple):
    """What is needed to lock a folder that no other process writes to, or stores a record of.

    Attributes:
        results, name, waiting: See `claim`.
    """

    results: Path | None
    name: str
    waiting: Waiting

    def locked(self, folder: Path) -> FileLock | None:
        """Return the folder's lock once nobody else needs it.

        None: somebody goes on to, or the folder is gone.
        """
        lock = FileLock(folder / LOCK)
        begin, reported = time.monotonic(), False
        while folder.exists():  # or else the lock would make it again
            try:
                lock.acquire(blocking=False)
            except Timeout:
                holder = _holder(folder)
            except (FileNotFoundError, FileExistsError):  # it went while the lock was made
                return None
            else:
                if self.results is None or not is_owned(self.results, folder, self.name):
                    return lock
                lock.release()  # at once: the owner may need another process, which locks it
                holder = None
            ending = holder is not None and holder.is_ending
            if time.monotonic() - begin > (ENDING_S if ending else PATIENCE_S):
                return None
            if holder is not None and ending and not reported:
                reported = True
                self.waiting(f"waiting for the end of process {holder.pid}, whose run was killed")
            time.sleep(0.05)
        return None


def _holder(folder: Path) -> Holder | None:
    with suppress(OSError, *UNDECODABLE):
        return msgspec.json.decode(read_regular(folder / HOLDER), type=Holder)
    return None
