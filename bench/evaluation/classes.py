"""The names of a split's classes, kept next to the shards: a dataset may be a plug-in's."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import read_regular
from ..records.files import FREE_SPACE, UNDECODABLE, writing

FILE = "classes.json"


def keep_classes(folder: Path, classes: Sequence[str]) -> None:
    """Write the names, in the order of the labels.

    Raises:
        KinobenchError: The file can't be written.
    """
    with writing(folder / FILE, cure=FREE_SPACE, make_folder=False, own=True) as unfinished:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(list(classes))) + b"\n")


def kept_classes(folder: Path) -> tuple[str, ...] | None:
    """Return the names; None for predictions of a version that kept none.

    Raises:
        KinobenchError: The file can't be read.
    """
    path = folder / FILE
    try:
        return msgspec.json.decode(read_regular(path), type=tuple[str, ...])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = reason_of(error)
    except UNDECODABLE as error:
        reason = str(error)
    raise KinobenchError(
        f"{path} can't be read: {reason}; remove it to see the classes by their numbers"
    )
