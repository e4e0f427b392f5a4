"""Where the videos of a record are on this machine: records keep their ids, and not their paths."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ...datasets.clock import Clock
from ...datasets.errors import KinobenchError
from ...datasets.split import Split
from .source import Source

SplitOf = Callable[[str, str | None], Split]
"""Loads a dataset's split, by their names, from where it is said to be."""


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """The paths of a record's videos.

    Attributes:
        paths: The path of each by its id, whether there is a file or not; empty if unknown.
        classes: Names of the classes, if the split is the one that was scored.
        why: Reason why they are unknown; None if they are known.
        note: What a reader must know of them; None if nothing.
        clocks: How the files of some videos count time, by id; of the others from their beginning.
    """

    paths: Mapping[str, Path]
    classes: tuple[str, ...] | None = None
    why: str | None = None
    note: str | None = None
    clocks: Mapping[str, Clock] = {}


def locate(source: Source, split_of: SplitOf, *, is_asked: bool = False) -> Located:
    """Find the videos that predictions are of, in a dataset as it is on this machine.

    A video is found by its id. If nobody says where they are, what can't be found is no error: only
    paths and pictures are missing then.

    Args:
        source: The predictions and their record.
        split_of: Loads a split.
        is_asked: Somebody says where they are, and so they must be there.

    Raises:
        KinobenchError: They aren't, with `is_asked`.
    """
    record = source.record
    if record is None or record.case.dataset is None:
        why = "no record says of which dataset the videos are"
        if is_asked:
            raise KinobenchError(f"{source.path}: {why}; leave out where they are")
        return Located(paths={}, why=why)
    case = record.case
    try:
        split = split_of(record.case.dataset, case.split)
    except KinobenchError as error:
        if is_asked:
            raise
        return Located(paths={}, why=str(error).partition("\n")[0].rstrip("."))
    manifest = record.evaluated.manifest if record.evaluated else None
    note = None
    if manifest != split.manifest:
        note = (
            f"{split.dataset} {split.name} isn't the same here as when it was scored (manifest "
            f"{split.manifest}, and the record's is {manifest}): the videos are found by their ids."
        )
    return Located(
        paths={video.id: video.path for video in split.videos},
        classes=split.classes if note is None else None,
        note=note,
        clocks=split.clocks,
    )
