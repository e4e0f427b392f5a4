"""Where the shards of a case lie, and whether what a killed run left there may be continued.

`predictions/MODEL-CASE-MANIFEST/` holds a folder for each time that the case was begun, named for
the run that began it. In it stand the conditions, the shards, and, once a record that names it is
on disk, a file `finished`; not if that record failed since videos could not be read: these may be
replaced, or forgiven. A folder without that file is continued by the next run of the case
under the same conditions; a folder with it is never touched again. While a process writes there, a
file `holder.json` tells which.
"""

import glob
import hashlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import psutil

from ...datasets.errors import KinobenchError
from ...zoo.spec import Builder
from ..records.files import CHECKOUT, sync_folder
from ..records.record import Case, LogitsType

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

CONDITIONS = "conditions.json"
FINISHED = "finished"
HOLDER = "holder.json"
PATIENCE_S = 3.0
"""How long a folder is waited for that a living run writes to: it may be about to end."""
ENDING_S = 60.0
"""How long one is waited for whose process ends, since the command that started it is gone: it
notices within a second, and CUDA may take longer to give back what it holds."""
_BEGINNING_S = 60.0
"""A folder without conditions that is older than this was left by a run killed in between."""

_PARTS = ("bench", "datasets", "zoo")
_INSTALLED = {"site-packages", "dist-packages"}

Waiting = Callable[[str], None]
"""Called once with what is waited for."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What must agree before the shards of two runs may stand side by side.

    Attributes:
        case: The case's digest.
        manifest: That of the split.
        weights: That of the checkpoint file; None for an untrained network.
        network: Digest of the network itself; see `network_digest`.
        source: Digest of kinobench's own code and of the file that builds the network.
        imported: Digest of what these import of the user's own; see `imported_digest`.
        versions: Of the libraries.
        machine: Fingerprint of the processor, the GPU, its driver and torch.
        data_root: Where the dataset lies: another copy may be of another size.
        logits: How precisely they are kept.
        videos_in_a_shard: Where shards end.
    """

    case: str
    manifest: str
    weights: str | None
    network: str
    source: str
    imported: str
    versions: dict[str, str]
    machine: str
    data_root: str | None
    logits: LogitsType
    videos_in_a_shard: int

    def differences(self, other: "Conditions") -> list[str]:
        """Return the names of the fields that differ."""
        fields = self.__struct_fields__
        return [field for field in fields if getattr(self, field) != getattr(other, field)]


class Claim(NamedTuple):
    """A folder that this process alone writes shards to.

    Attributes:
        folder: Where they go.
        notes: What a reader of the record should know.
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
        """Whether it is known to be gone, or about to go since its command is."""
        if self.host != platform.node():
            return False
        try:
            return psutil.Process(self.pid).ppid() != self.command
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
    fresh: bool = False,
    waiting: Waiting = lambda text: None,
) -> Iterator[Claim]:
    """Find the folder that a killed run left, or begin one; no other process claims it meanwhile.

    Args:
        parent: The folder of the case.
        name: What a new folder is called.
        conditions: Those of this run.
        fresh: Whether what unfinished runs left is removed, and the case starts over.
        waiting: Called if a process that ends must be waited for.

    Raises:
        KinobenchError: A folder can't be made or read.
    """
    with ExitStack() as locks:
        try:
            claimed = _claimed(parent, name, conditions, fresh, waiting, locks)
        except OSError as error:
            raise KinobenchError(
                f"{parent} can't be used for predictions: {error.strerror or error}; give another "
                "--results"
            ) from error
        yield claimed


def _claimed(
    parent: Path,
    name: str,
    conditions: Conditions,
    fresh: bool,
    waiting: Waiting,
    locks: ExitStack,
) -> Claim:
    _sweep(parent)
    notes = []
    for left in _unfinished(parent):
        found = _read(left / CONDITIONS)
        if not fresh and found != conditions:
            differ = "conditions" if found is None else ", ".join(found.differences(conditions))
            notes.append(f"not continued: unfinished {left.name}, of another {differ}")
            continue
        lock = _locked(left / CONDITIONS, waiting)
        if lock is None:
            notes.append(f"not continued: {left.name}, which another process is measuring")
        elif (left / FINISHED).exists() or not (left / CONDITIONS).exists():
            lock.close()  # meanwhile its run has ended, or another has started over
        elif fresh:
            with lock:
                shutil.rmtree(left)
            notes.append(f"started over: unfinished {left.name} is removed")
        else:
            locks.enter_context(lock)
            for torn in left.glob("*.unfinished"):
                torn.unlink()
            _hold(left, locks)
            return Claim(left, tuple(notes))
    folder = parent / name
    folder.mkdir(parents=True)
    sync_folder(parent)
    # The lock is on the file, whatever its name: nobody can find it unlocked.
    unfinished = folder / f"{CONDITIONS}.unfinished"
    with ExitStack() as written:
        file = written.enter_context(unfinished.open("wb"))
        file.write(msgspec.json.format(msgspec.json.encode(conditions)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locks.push(written.pop_all())
    unfinished.replace(folder / CONDITIONS)
    sync_folder(folder)
    _hold(folder, locks)
    return Claim(folder, tuple(notes))


def _unfinished(parent: Path) -> list[Path]:
    """Return what may be continued: that with the most shards first, then the newest."""
    left = [
        path.parent
        for path in parent.glob(f"*/{CONDITIONS}")
        if not (path.parent / FINISHED).exists()
    ]
    return sorted(left, key=lambda path: (_shards_in(path), path.name), reverse=True)


def _shards_in(folder: Path) -> int:
    return sum(1 for _ in folder.glob("shard-*.parquet"))


def _sweep(parent: Path) -> None:
    """Remove folders that were begun and never got their conditions: no run can continue them."""
    for left in parent.glob("*/"):
        with suppress(OSError):
            begun = {path.name for path in left.iterdir()} <= {f"{CONDITIONS}.unfinished"}
            if begun and time.time() - left.stat().st_mtime > _BEGINNING_S:
                shutil.rmtree(left)


def _hold(folder: Path, locks: ExitStack) -> None:
    """Tell others which process writes to a folder that is locked, for as long as it does."""
    path = folder / HOLDER
    path.write_bytes(msgspec.json.encode(Holder.here()) + b"\n")
    locks.callback(path.unlink, missing_ok=True)


def conditions_in(folder: Path) -> Conditions | None:
    """Return the conditions that a folder's shards were measured under; None if it doesn't say."""
    with suppress(OSError):
        return _read(folder / CONDITIONS)
    return None


def is_begun(predictions: Path, case: Case) -> bool:
    """Tell whether shards of a case lie in the folder of predictions that no record names."""
    folders = predictions.glob(f"{glob.escape(case.model)}-{case.digest}-*")
    return any(_shards_in(left) for folder in folders for left in _unfinished(folder))


def mark_finished(folder: Path) -> None:
    """Let no run continue a folder any more: a record on disk names it.

    Raises:
        KinobenchError: The folder can't be written.
    """
    try:
        (folder / FINISHED).touch()
        sync_folder(folder)
    except OSError as error:
        raise KinobenchError(f"{folder} can't be written: {error.strerror or error}") from error


def source_digest(build: Builder, *files: Path) -> str:
    """Return the digest of kinobench's own modules, of the builder's, and of other files."""
    digest = hashlib.sha256()
    own = [path for part in _PARTS for path in (CHECKOUT / part).rglob("*.py")]
    module = getattr(sys.modules.get(build.__module__), "__file__", None)
    named = [(path.relative_to(CHECKOUT).as_posix(), path) for path in sorted(own)]
    named += [(path.name, path) for path in (*([Path(module)] if module else []), *files)]
    for name, path in named:
        digest.update(f"{name}\t".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def imported_digest(build: Builder, *plugins: Path) -> str:
    """Return the digest of the user's own modules that are loaded.

    These are the files below the folders of the plugins and of the package that the builder is in.
    Libraries that are installed there too, and kinobench itself, are told by other conditions.
    """
    own = [CHECKOUT / part for part in _PARTS]
    folders = [path.resolve().parent for path in plugins]
    package = build.__module__.partition(".")[0]
    if package != __name__.partition(".")[0]:
        inside = getattr(sys.modules.get(package), "__path__", ())
        folders += [Path(path).resolve() for path in inside]
    found: dict[str, Path] = {}
    modules = (
        list(sys.modules.values()) if folders else []
    )  # resolving thousands takes half a second
    for module in modules:
        file = getattr(module, "__dict__", {}).get("__file__")  # of a lazy module nothing is loaded
        path = Path(file).resolve() if isinstance(file, str) else None
        if path is None or not path.is_file() or any(path.is_relative_to(part) for part in own):
            continue
        for folder in filter(path.is_relative_to, folders):
            within = path.relative_to(folder)
            if not _INSTALLED.intersection(within.parts):
                found[within.as_posix()] = path
    digest = hashlib.sha256()
    for name, path in sorted(found.items()):
        digest.update(f"{name}\t".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _read(path: Path) -> Conditions | None:
    with suppress(msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Conditions)
    return None


def _locked(path: Path, waiting: Waiting) -> IO[bytes] | None:
    """Return the open file once no other process has it locked; None if one goes on having it."""
    file = path.open("rb")
    if fcntl is None:  # there nobody else is looked for
        return file
    begin, told = time.monotonic(), False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            holder = _holder(path.parent)
            ending = holder is not None and holder.is_ending
            if time.monotonic() - begin > (ENDING_S if ending else PATIENCE_S):
                file.close()
                return None
            if holder is not None and ending and not told:
                told = True
                waiting(f"waiting for the end of process {holder.pid}, whose run was killed")
            time.sleep(0.05)


def _holder(folder: Path) -> Holder | None:
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((folder / HOLDER).read_bytes(), type=Holder)
    return None
