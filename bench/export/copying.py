"""The predictions of a record are added to another folder of results, whole or not at all."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ...datasets.errors import KinobenchError, program, reason_of
from ...datasets.files import sync_folder
from ...datasets.unfinished import remove_left_folders, unfinished_name
from ..evaluation.recording import is_owned
from ..evaluation.resume import LOCK
from ..records.inside import inside
from .contents import DERIVED, MARK, prediction_files, sha256_of


class MissingError(Exception):
    """A record's predictions are in neither folder."""


class ClashError(Exception):
    """The target has other predictions under the same name, or they can't be taken over."""


def add_predictions(source: Path, named: str | None, target: Path, *, is_there: bool) -> int:
    """Add the predictions of a record, if it names any; return how many folders were added.

    A folder in which a run of the source went on, and finished since, replaces its earlier copy.
    Files are hard links where the disk has them: a run replaces files whole and never changes one,
    so no folder can change the files of another.

    Args:
        source: Folder of results of the record.
        named: Its predictions, as the record names them.
        target: Folder of results that gets them.
        is_there: The target has the record.

    Raises:
        MissingError: They are in neither folder.
        ClashError: Those in the target are others, or they are outside of a folder.
        KinobenchError: The target can't be written.
    """
    if named is None:
        return 0
    try:
        files, theirs = prediction_files(source, named), prediction_files(target, named)
        place = inside(target, named)
    except KinobenchError as error:
        raise ClashError(str(error)) from error
    if not files:
        if not theirs:
            raise MissingError(f"its predictions, {source / named}, are not there; it has no rank")
        return 0
    differs = _difference(files, theirs) if theirs else None
    if theirs and (differs is None or (is_there and MARK in theirs and MARK not in files)):
        return 0
    if not place.exists():
        _copy(files, place)
    elif MARK in files and MARK not in theirs and not _is_foreign(place):
        _replace(files, place, target)
    else:
        raise ClashError(_why_not(place, differs))
    return 1


def _difference(files: dict[str, Path], theirs: dict[str, Path]) -> str | None:
    """Return the first shard that two folders of predictions don't share, byte for byte."""
    if DERIVED in files:
        return None
    if DERIVED in theirs:
        return DERIVED
    shards, other = (
        {name: path for name, path in each.items() if name.endswith(".parquet") or not name}
        for each in (files, theirs)
    )
    differ = sorted(shards.keys() ^ other.keys()) or [
        name
        for name, path in shards.items()
        if not path.samefile(other[name]) and sha256_of(path) != sha256_of(other[name])
    ]
    return differ[0] if differ else None


def _why_not(place: Path, differs: str | None) -> str:
    if differs == DERIVED:
        return f"{place} has {DERIVED} alone, and no shards; remove that folder, and merge again"
    if differs is None:
        return f"{place} has something else than predictions; move it away, and merge again"
    return (
        f"{place} has other predictions, first {differs!r}: one of the two is damaged, or a run "
        f"went on there after the other was copied; `{program()} results validate` shows damage; "
        "merge into a folder of its own"
    )


def _is_foreign(place: Path) -> bool:
    """Return whether a place has what no run writes there: it is no folder, or has folders."""
    return not place.is_dir() or any(path.is_dir() for path in place.iterdir())


def _replace(files: dict[str, Path], place: Path, target: Path) -> None:
    """Replace what a run left unfinished; if it is stopped in between, merging again adds it."""
    try:
        if is_owned(target, place, ""):
            raise Timeout(str(place / LOCK))
        with FileLock(place / LOCK, blocking=False):
            left = place.with_name(unfinished_name(place.name))
            _copy(files, place, left)
        shutil.rmtree(left, ignore_errors=True)
    except Timeout as error:
        raise ClashError(f"a run writes to {place}; merge again once it has ended") from error
    except OSError as error:
        raise unwritable(place, error) from error


def _copy(files: dict[str, Path], place: Path, left: Path | None = None) -> None:
    """Make a folder of predictions, or a single file, whole or not at all.

    What was there before is moved to `left` first.
    """
    unfinished = place.with_name(unfinished_name(place.name))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_left_folders(place.parent)
        if "" in files:
            _link(files[""], unfinished)
        else:
            unfinished.mkdir()
            for name, path in files.items():
                _link(path, unfinished / name)
            sync_folder(unfinished)
        if left is not None:
            place.rename(left)
        unfinished.rename(place)
        sync_folder(place.parent)
    except OSError as error:
        raise unwritable(place, error) from error
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        else:
            unfinished.unlink(missing_ok=True)


def _link(path: Path, to: Path) -> None:
    """Link a file, or copy it to another disk and wait until that has it."""
    real = os.path.realpath(path)  # Linux would link a link itself, which leads elsewhere from `to`
    with suppress(OSError):
        os.link(real, to)
        return
    shutil.copyfile(real, to)
    with to.open("rb+") as file:
        os.fsync(file.fileno())


def unwritable(path: Path, error: OSError) -> KinobenchError:
    """Return the error of a target that can't be written."""
    return KinobenchError(
        f"{path} can't be written: {reason_of(error)}; free some space, or give another --to, and "
        "merge again: what is there stays"
    )
