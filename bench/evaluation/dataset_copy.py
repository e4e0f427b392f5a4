"""The copy of a dataset that was scored, from how each of its files is stored."""

import statistics
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from stat import S_ISDIR

from ...datasets.copy_digest import StoredVideo, copy_digest
from ...datasets.doctor.headers import header_of
from ...datasets.errors import VideoError
from ...datasets.split import Split, Video
from ..records.dataset_copy import DatasetCopy, ShortSide
from ..records.results import Unreadable

StoredVideos = tuple[StoredVideo | None, ...]
"""How each video of a shard is stored, in order; None for one that is missing."""


def stored_videos(
    videos: Sequence[Video],
    opened: Mapping[str, StoredVideo],
    unreadable: Iterable[Unreadable],
    given_up: Container[str] = (),
) -> StoredVideos:
    """Return how videos are stored.

    The header of a file that couldn't be opened is read by itself; where that fails too, its size
    alone is known.

    Args:
        videos: The videos, in order.
        opened: What the reader said of each that it could open, by its id.
        unreadable: Those that couldn't be read.
        given_up: Ids of those whose files must not be opened.

    Raises:
        MachineError: The machine failed while a header was read.
    """
    missing = {each.id for each in unreadable if each.is_missing}
    return tuple(
        opened.get(video.id)
        or (None if video.id in missing else _unopened(video, may_open=video.id not in given_up))
        for video in videos
    )


def _unopened(video: Video, *, may_open: bool) -> StoredVideo | None:
    if may_open:
        with suppress(VideoError):
            return header_of(video.path).stored
    try:
        status = video.path.stat()
    except (OSError, ValueError):  # the second for a NUL in its name
        return None
    return StoredVideo(0 if S_ISDIR(status.st_mode) else status.st_size)


def copy_of(split: Split, shards: Sequence[StoredVideos | None]) -> DatasetCopy | None:
    """Return the copy of a split that was scored; None if it isn't known, from earlier versions.

    Args:
        split: The videos that are listed.
        shards: How the videos of each shard are stored, in the split's order.
    """
    stored: list[StoredVideo | None] = []
    for shard in shards:
        if shard is None:
            return None
        stored += shard
    found = [each for each in stored if each is not None]
    known = [each for each in found if each.is_known]
    sides = sorted(min(each.width, each.height) for each in known)
    codecs = Counter(each.codec for each in known)
    ids = (video.id for video in split.videos)
    return DatasetCopy(
        digest=copy_digest(dict(zip(ids, stored, strict=True))),
        layout=split.layout,
        listed=len(split.videos),
        found=len(found),
        part_of=split.part_of,
        bytes=sum(each.bytes for each in found),
        short_side=None
        if not sides
        else ShortSide(least=sides[0], median=float(statistics.median(sides)), most=sides[-1]),
        codecs=dict(sorted(codecs.items(), key=lambda pair: (-pair[1], pair[0]))),
        unknown=len(found) - len(known),
    )
