"""Where the shards of a case lie, and whether what a killed run left there may be continued.

`predictions/MODEL-CASE-MANIFEST/` holds a folder for each time that the case was begun, named for
the run that began it. In it stand the conditions, the shards, and, once a record that names it is
on disk, a file `finished`. A folder without that file is continued by the next run of the case
under the same conditions; a folder with it is never touched again.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from ..datasets.errors import KinobenchError
from ..zoo.spec import Builder
from .record import LogitsType
from .store import sync_folder

CONDITIONS = "conditions.json"
FINISHED = "finished"
PATIENCE_S = 3.0
"""A worker ends within a second after the command that started it was killed."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What must agree before the shards of two runs may stand side by side.

    Attributes:
        case: The case's digest.
        manifest: That of the split.
        weights: That of the checkpoint file; None for an untrained network.
        source: Digest of kinobench's own code and of the file that builds the network.
        versions: Of the libraries.
        machine: Fingerprint of the processor, the GPU, its driver and torch.
        data_root: Where the dataset lies: another copy may be of another size.
        logits: How precisely they are kept.
        videos_in_a_shard: Where shards end.
    """

    case: str
    manifest: str
    weights: str | None
    source: str
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
        continued: Whether another run began it.
        notes: What a reader of the record should know.
    """

    folder: Path
    continued: bool
    notes: tuple[str, ...]


@contextmanager
def claim(
    parent: Path, name: str, conditions: Conditions, *, fresh: bool = False
) -> Iterator[Claim]:
    """Find the folder that a killed run left, or begin one; no other process claims it meanwhile.

    Args:
        parent: The folder of the case.
        name: What a new folder is called.
        conditions: Those of this run.
        fresh: Whether what unfinished runs left is removed, and the case starts over.

    Raises:
        KinobenchError: A folder can't be made or read.
    """
    with ExitStack() as locks:
        try:
            claimed = _claimed(parent, name, conditions, fresh, locks)
        except OSError as error:
            raise KinobenchError(
                f"{parent} can't be used for predictions: {error.strerror or error}; give another "
                "--results"
            ) from error
        yield claimed


def _claimed(
    parent: Path, name: str, conditions: Conditions, fresh: bool, locks: ExitStack
) -> Claim:
    notes = []
    for folder in sorted(parent.glob(f"*/{CONDITIONS}"), reverse=True):
        left = folder.parent
        if (left / FINISHED).exists():
            continue
        found = _read(folder)
        if not fresh and found != conditions:
            differ = "conditions" if found is None else ", ".join(found.differences(conditions))
            notes.append(f"not continued: unfinished {left.name}, of another {differ}")
            continue
        lock = _locked(folder)
        if lock is None:
            notes.append(f"not continued: {left.name}, which another process is measuring")
        elif fresh:
            with lock:
                shutil.rmtree(left)
            notes.append(f"started over: unfinished {left.name} is removed")
        else:
            locks.enter_context(lock)
            for torn in left.glob("*.unfinished"):
                torn.unlink()
            return Claim(left, True, tuple(notes))
    folder = parent / name
    folder.mkdir(parents=True)
    sync_folder(parent)
    unfinished = folder / f"{CONDITIONS}.unfinished"
    with unfinished.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(conditions)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / CONDITIONS)
    sync_folder(folder)
    lock = _locked(folder / CONDITIONS)
    assert lock is not None
    locks.enter_context(lock)
    return Claim(folder, False, tuple(notes))


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
    root = Path(__file__).resolve().parent.parent
    own = [path for part in ("bench", "datasets", "zoo") for path in (root / part).glob("*.py")]
    module = getattr(sys.modules.get(build.__module__), "__file__", None)
    for path in [*sorted(own), *([Path(module)] if module else []), *files]:
        digest.update(f"{path.name}\t".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _read(path: Path) -> Conditions | None:
    with suppress(msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Conditions)
    return None


def _locked(path: Path) -> IO[bytes] | None:
    """Return the open file once no other process has it locked; None if one goes on having it."""
    file = path.open("rb")
    try:
        import fcntl
    except ImportError:  # not on Windows: there nobody else is looked for
        return file
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > until:
                file.close()
                return None
            time.sleep(0.05)
