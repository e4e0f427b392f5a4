"""What is copied and to where, and the folder of a copy before anything is written to it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from ..errors import DatasetError
from ..names import readable
from ..sources.paths import is_url
from ..split import Split
from ..unfinished import SUFFIX
from .form import Form, encoder_version
from .stamp import ROWS, STAMP, Made, read_made, read_rows

Kind = Literal["official", "folder", "list"]
_LOCK = "kinobench-made.lock"
WORK = "kinobench-made"
"""The folder for files until they are whole is named after it."""
PARTS = ".kinobench-parts"
"""The folder, in a copy, for files until they are in a tar."""


class Copy(NamedTuple):
    """What is copied, and to where.

    Attributes:
        dataset: The catalog's name of the dataset.
        kind: `official` if its lists are copied; else people's own videos, which get new ones.
        splits: The splits.
        roots: The folders that its videos are in, the data root first.
        to: The folder of the copy.
        form: What its files are like.
        are_parts: True if the splits are parts of videos that nobody parted: then each gets a
            folder.
    """

    dataset: str
    kind: Kind
    splits: tuple[Split, ...]
    roots: tuple[Path, ...]
    to: Path
    form: Form
    are_parts: bool = False


def refuse_source(copy: Copy) -> None:
    """Raise DatasetError if a copy would be elsewhere, or in the folder of its videos or around."""
    if is_url(copy.to):
        raise DatasetError(
            f"--to {copy.to}: a copy is written to a folder of this machine; give one, and put it "
            "there afterwards"
        )
    to = os.path.realpath(copy.to)
    for root in copy.roots:
        source = os.path.realpath(root)
        if os.path.commonpath([to, source]) in (to, source):
            raise DatasetError(
                f"--to {copy.to}: it is the folder of the videos, in it or around it; give another"
            )


@contextmanager
def alone(to: Path) -> Iterator[None]:
    """Keep other processes from writing to the copy, and remove what killed ones left in it."""
    from filelock import FileLock, Timeout

    lock = FileLock(to / _LOCK)
    try:
        with suppress(NotImplementedError):  # a file system without locks
            lock.acquire(blocking=False)
    except Timeout as error:
        raise DatasetError(
            f"--to {to}: another process makes a copy there; wait for it, or give another folder"
        ) from error
    try:
        for left in to.glob(f".{WORK}.*{SUFFIX}"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()
        with suppress(OSError):
            (to / _LOCK).unlink(missing_ok=True)


def begun(copy: Copy, overwrite: bool) -> Made:
    """Return the stamp of the copy, with what an earlier run has written of it.

    Raises:
        DatasetError: The folder has something else in it, or a copy of another form.
    """
    try:
        kinobench = version("kinobench")
    except PackageNotFoundError:
        kinobench = "a checkout"
    encoder = "" if copy.form.keeps_bytes else encoder_version(copy.form.codec)
    new = Made(dataset=copy.dataset, form=copy.form, encoder=encoder, kinobench=kinobench)
    old = read_made(copy.to)
    if old is None:
        others = [each.name for each in copy.to.iterdir() if WORK not in each.name]
        if others:
            raise DatasetError(
                f"--to {copy.to}: there is something else in it, such as {readable(others[0])}; "
                "give a new or an empty folder"
            )
        return new
    said = _difference(old, new)
    if not said:
        return msgspec.structs.replace(new, splits=old.splits)
    if not overwrite:
        raise DatasetError(
            f"--to {copy.to}: it has a copy that was made otherwise ({said}); give another folder, "
            "the same options, or --overwrite, which removes that copy"
        )
    shards = [shard.name for split in old.splits.values() for shard in split.shards]
    _remove(copy.to, {*read_rows(copy.to), *shards})
    (copy.to / ROWS).unlink(missing_ok=True)
    (copy.to / STAMP).unlink()
    return new


def _remove(to: Path, places: set[str]) -> None:
    """Remove the files, and folders of frames, of a copy.

    They are looked for in its folder, and not by their names: somebody else may have written these.

    Args:
        to: The folder.
        places: What is to be removed, `readable`.
    """
    for folder, folders, files in os.walk(to):
        inside = Path(folder).relative_to(to)
        for name in [each for each in folders if readable(str(inside / each)) in places]:
            path = Path(folder, name)
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path)
                folders.remove(name)
        for name in files:
            if readable(str(inside / name)) in places:
                Path(folder, name).unlink()


def _difference(old: Made, new: Made) -> str:
    if old.dataset != new.dataset:
        return f"of {old.dataset}"
    if old.form != new.form:
        in_tars = ("in files", "in tars")[old.form.shard_bytes is not None]
        return f"{old.form.text}, {in_tars}"
    return f"by {old.encoder}" if old.encoder != new.encoder else ""
