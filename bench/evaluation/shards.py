"""The per-view logits of a split, in Parquet: one file a shard, whole or not there at all."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...datasets.errors import KinobenchError
from ...datasets.split import Split, Video
from ..records.case import LogitsType
from ..records.files import FREE_SPACE, writing
from ..records.results import Unreadable

VIEWS_IN_A_SHARD = 512
VIDEOS_IN_A_SHARD = 64
"""A shard ends before it exceeds either: a killed run loses less than one shard."""
SHARDS_OF_A_SMALL_SPLIT = 10
"""A small split has at least so many shards, for as many cores or nodes, if each shard still has
`VIDEOS_IN_A_FORWARD`."""
VIDEOS_IN_A_FORWARD = 8
"""The shards of a small split have a multiple of this: by default a forward has so many views."""

_KEY = b"kinobench"


class Shard(NamedTuple):
    """Consecutive videos of a split.

    Attributes:
        number: Its index among the split's shards.
        videos: One video at least.
    """

    number: int
    videos: tuple[Video, ...]

    def path(self, folder: Path) -> Path:
        """Return the file of its logits in a folder."""
        return folder / f"shard-{self.number:05d}.parquet"

    @property
    def files_digest(self) -> str:
        """Digest of the sizes of the videos' files and of when they last changed."""
        digest = hashlib.sha256()
        for video in self.videos:
            digest.update(f"{video.id}\t{file_state(video)}\n".encode())
        return digest.hexdigest()[:16]


def file_state(video: Video) -> str:
    """Return the size of a video's file and when it last changed, as text."""
    try:
        found = video.path.stat()
    except (OSError, ValueError):  # the second for a NUL in its name
        return "not there"
    return f"{found.st_size}\t{found.st_mtime_ns}"


class ShardLogits(NamedTuple):
    """The logits of a shard's videos.

    Attributes:
        scored: The videos that could be read.
        logits: `[scored, views, classes]`, float32.
        unreadable: The videos that could not be read.
        batch: Views in the last forward: fewer than at first, if memory ran out.
        remarks: What is unusual about a file, and the video's id; one pair for each remark.
    """

    scored: tuple[Video, ...]
    logits: np.ndarray
    unreadable: tuple[Unreadable, ...]
    batch: int
    remarks: tuple[tuple[str, str], ...] = ()


class StoredShard(NamedTuple):
    """The contents of a shard's file.

    Attributes:
        labels: `[scored]`, int64.
        logits: `[scored, views, classes]`, float32.
        unreadable: The other videos, which could not be read.
        videos: Ids of the scored videos, an array of strings.
        groups: Their source groups, an array of strings, or nulls.
        remarks: See `ShardLogits`.
    """

    labels: np.ndarray
    logits: np.ndarray
    unreadable: tuple[Unreadable, ...]
    videos: pa.Array
    groups: pa.Array
    remarks: tuple[tuple[str, str], ...] = ()


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of a shard's table.

    Attributes:
        views, classes: Numbers that can't be read off an empty table.
        batch: See `ShardLogits`.
        files: The shard's `files_digest` when it was measured.
        unreadable, remarks: See `ShardLogits`.
    """

    views: int
    classes: int
    batch: int
    files: str
    unreadable: tuple[Unreadable, ...]
    remarks: tuple[tuple[str, str], ...] = ()


def videos_in_a_shard(videos: int, views: int) -> int:
    """Return how many videos a shard has, in a split of so many videos of so many views each."""
    share = videos // SHARDS_OF_A_SMALL_SPLIT // VIDEOS_IN_A_FORWARD * VIDEOS_IN_A_FORWARD
    share = max(share, VIDEOS_IN_A_FORWARD)
    return max(1, min(VIDEOS_IN_A_SHARD, VIEWS_IN_A_SHARD // views, share))


def shards_of(split: Split, views: int) -> tuple[Shard, ...]:
    """Cut a split into shards; they depend on its videos and on the views of each alone."""
    length = videos_in_a_shard(len(split.videos), views)
    return tuple(
        Shard(number, split.videos[begin : begin + length])
        for number, begin in enumerate(range(0, len(split.videos), length))
    )


def write_shard(
    folder: Path, shard: Shard, measured: ShardLogits, files: str, kept: LogitsType = "float32"
) -> None:
    """Write a shard's file and wait until the disk has it: a row a view, in order.

    The columns are `video`, `view`, `label`, `group` (null where none is known), and `logits`, a
    list of one number a class. Unreadable videos have no rows; they are named in the metadata.

    Args:
        folder: Folder of the file.
        shard: Shard that was measured.
        measured: The logits of its videos.
        files: The shard's `files_digest` before it was read.
        kept: Precision in which logits are stored.

    Raises:
        KinobenchError: The file can't be written (a full disk, a folder that is gone).
    """
    count, views, classes = measured.logits.shape
    rows = [(video.id, video.label, video.group) for video in measured.scored]
    metadata = _Metadata(
        views=views,
        classes=classes,
        batch=measured.batch,
        files=files,
        unreadable=measured.unreadable,
        remarks=measured.remarks,
    )
    with np.errstate(over="ignore"):  # above 65504 a half is infinite
        values = measured.logits.astype(kept).ravel()
    table = pa.table(
        {
            "video": pa.array([row[0] for row in rows for _ in range(views)], pa.string()),
            "view": pa.array(np.tile(np.arange(views, dtype=np.int32), count)),
            "label": pa.array([row[1] for row in rows for _ in range(views)], pa.int32()),
            "group": pa.array([row[2] for row in rows for _ in range(views)], pa.string()),
            "logits": pa.FixedSizeListArray.from_arrays(pa.array(values), classes),
        }
    ).replace_schema_metadata({_KEY: msgspec.json.encode(metadata)})
    path = shard.path(folder)
    with writing(path, cure=FREE_SPACE, make_folder=False, through_link=False) as unfinished:
        pq.write_table(table, unfinished, use_dictionary=["video", "group"])


def read_shard(path: Path) -> StoredShard:
    """Read a shard's file.

    Raises:
        KinobenchError: There is no such file, or it is no shard.
    """
    try:
        table = pq.read_table(path, columns=["video", "label", "group", "logits"])
    except (OSError, pa.ArrowException) as error:
        raise KinobenchError(
            f"{path} can't be read: {error}; measure this case again with --fresh"
        ) from error
    metadata = _metadata(path, table.schema)
    shape = (-1, metadata.views, metadata.classes)
    logits = table["logits"].combine_chunks().flatten().to_numpy().astype(np.float32)
    labels = table["label"].to_numpy()[:: metadata.views].astype(np.int64)
    videos, groups = (
        table[name].combine_chunks().cast(pa.string())[:: metadata.views]
        for name in ("video", "group")
    )
    views = logits.reshape(shape)
    return StoredShard(labels, views, metadata.unreadable, videos, groups, metadata.remarks)


def read_shards(folder: Path, shards: Sequence[Shard]) -> Iterator[StoredShard]:
    """Read one shard after the other, so that memory doesn't grow with the split.

    Raises:
        KinobenchError: A file is not there, or not readable.
    """
    for shard in shards:
        yield read_shard(shard.path(folder))


def kept_batch(folder: Path, shard: Shard) -> int | None:
    """Return the views in a forward that a shard was measured with; None: it must be measured.

    That is so if its file is not there or broken, or if a video's file was changed since.
    """
    path = shard.path(folder)
    try:
        metadata = _metadata(path, pq.read_schema(path))
    except (OSError, pa.ArrowException, KinobenchError):
        return None
    return metadata.batch if metadata.files == shard.files_digest else None


def _metadata(path: Path, schema: pa.Schema) -> _Metadata:
    try:
        return msgspec.json.decode((schema.metadata or {}).get(_KEY, b""), type=_Metadata)
    except msgspec.DecodeError as error:
        raise KinobenchError(
            f"{path} is no shard of per-view logits: {error}; measure this case again with --fresh"
        ) from error
