"""The files of shards, in Parquet: each is whole or not there at all, and read only as written."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...datasets.copy_digest import StoredVideo
from ...datasets.split import Scoring
from ..records.case import LogitsType
from ..records.files import FREE_SPACE, UNDECODABLE, writing
from ..records.results import Unreadable
from .damage import DamagedError, reading
from .digests import Digests, digest_of, keep_digest, kept_digests, refuse_damaged
from .labels import LabelSets, first_labels, sets_in
from .origin import UNKNOWN, Origin
from .shards import Shard, ShardLogits

_KEY = b"kinobench"


class StoredShard(NamedTuple):
    """The contents of a shard's file.

    Attributes:
        labels: `[scored]`, int64; the first where a video has several, -1 where it has none.
        logits: `[scored, views, classes]`, float32.
        unreadable: The other videos, which could not be read.
        videos: Ids of the scored videos, an array of strings.
        groups: Their source groups, an array of strings, or nulls.
        remarks: See `ShardLogits`.
        origin: What the file says that it is of.
        label_sets: The labels of the scored videos, if they may have several.
        stored: See `ShardLogits`.
    """

    labels: np.ndarray
    logits: np.ndarray
    unreadable: tuple[Unreadable, ...]
    videos: pa.Array
    groups: pa.Array
    remarks: tuple[tuple[str, str], ...] = ()
    origin: Origin = UNKNOWN
    label_sets: LabelSets | None = None
    stored: tuple[StoredVideo | None, ...] | None = None


_Count = Annotated[int, msgspec.Meta(ge=1)]


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of a shard's table.

    Attributes:
        views, classes: Numbers that can't be read off an empty table.
        batch: See `ShardLogits`.
        files: The shard's `files_digest` when it was measured.
        unreadable, remarks, stored: See `ShardLogits`.
        scoring: How the split is scored; unless it is `top-k`, a video may have several labels.
        case, manifest, weights: See `Origin`.
    """

    views: _Count
    classes: _Count
    batch: int
    files: str
    unreadable: tuple[Unreadable, ...]
    remarks: tuple[tuple[str, str], ...] = ()
    stored: tuple[StoredVideo | None, ...] | None = None
    scoring: Scoring = "top-k"
    case: str | None = None
    manifest: str | None = None
    weights: str | None = None

    @property
    def origin(self) -> Origin:
        return Origin(self.case, self.manifest, self.weights)


def write_shard(
    folder: Path,
    shard: Shard,
    measured: ShardLogits,
    files: str,
    kept: LogitsType = "float32",
    origin: Origin = UNKNOWN,
    synced: bool = True,
    scoring: Scoring = "top-k",
) -> None:
    """Write a shard's digest and file, a row a view, in order; wait until the disk has the file.

    The columns are `video`, `view`, `label`, `group` (null where none is known), and `logits`, a
    list of one number a class; where a video may have several labels, `labels`, a list of them,
    stands in the place of `label`. Unreadable videos have no rows; they are named in the metadata.
    Each page of the file has a checksum.

    Args:
        folder: Folder of the file.
        shard: Shard that was measured.
        measured: The logits of its videos.
        files: The shard's `files_digest` before it was read.
        kept: Precision in which logits are stored.
        origin: What the shard is of.
        synced: Wait for the digest, too; without that see `sync_digests`.
        scoring: How the split is scored.

    Raises:
        KinobenchError: The file can't be written (a full disk, a folder that is gone).
    """
    count, views, classes = measured.logits.shape
    rows = [(video.id, video.group) for video in measured.scored]
    metadata = _Metadata(
        views=views,
        classes=classes,
        batch=measured.batch,
        files=files,
        unreadable=measured.unreadable,
        remarks=measured.remarks,
        stored=measured.stored,
        scoring=scoring,
        **origin._asdict(),
    )
    with np.errstate(over="ignore"):  # above 65504 a half is infinite
        values = measured.logits.astype(kept).ravel()
    table = pa.table(
        {
            "video": pa.array([row[0] for row in rows for _ in range(views)], pa.string()),
            "view": pa.array(np.tile(np.arange(views, dtype=np.int32), count)),
            **_label_column(measured, views, scoring),
            "group": pa.array([row[1] for row in rows for _ in range(views)], pa.string()),
            "logits": pa.FixedSizeListArray.from_arrays(pa.array(values), classes),
        }
    ).replace_schema_metadata({_KEY: msgspec.json.encode(metadata)})
    encoded = pa.BufferOutputStream()
    pq.write_table(table, encoded, use_dictionary=["video", "group"], write_page_checksum=True)
    content, path = encoded.getvalue().to_pybytes(), shard.path(folder)
    keep_digest(folder, path.name, digest_of(content), synced)
    with writing(path, cure=FREE_SPACE, make_folder=False, own=True) as unfinished:
        unfinished.write_bytes(content)


def _label_column(measured: ShardLogits, views: int, scoring: Scoring) -> dict[str, pa.Array]:
    """Return the column of labels, a row a view: one each, or a list of them."""
    rows = [video for video in measured.scored for _ in range(views)]
    if scoring == "top-k":
        return {"label": pa.array([video.label for video in rows], pa.int32())}
    return {"labels": pa.array([video.labels for video in rows], pa.list_(pa.int32()))}


def read_shard(path: Path) -> StoredShard:
    """Read a shard's file, if it is as the digest in its folder says.

    Raises:
        DamagedError: There is no such file, or it is not as it was written, or no shard.
        KinobenchError: It is no file, but a folder or a pipe; the digests can't be read.
    """
    return _read(path, kept_digests(path.parent))


def read_shards(
    folder: Path, shards: Sequence[Shard], origin: Origin = UNKNOWN
) -> Iterator[StoredShard]:
    """Read one shard after the other, so that memory doesn't grow with the split.

    Args:
        folder: Folder of their files.
        shards: All shards of the split.
        origin: What they are of.

    Raises:
        DamagedError: A file is not there, not as it was written, or of other videos.
        KinobenchError: It is no file, but a folder or a pipe; the digests can't be read.
    """
    digests = kept_digests(folder)
    for shard in shards:
        path = shard.path(folder)
        stored = _read(path, digests)
        if not stored.origin.agrees(origin):
            raise DamagedError(path, f"is of {stored.origin}, not of {origin}")
        _refuse_other_videos(path, shard, stored)
        yield stored


def kept_batches(
    folder: Path,
    shards: Sequence[Shard],
    origin: Origin = UNKNOWN,
    on_damaged: Callable[[DamagedError], object] = lambda error: None,
) -> list[int | None]:
    """Return the views in a forward that each shard was measured with; None: it must be measured.

    That is so if its file is not there or damaged or of another case, or if a video's file was
    changed since.

    Args:
        folder: Folder of their files.
        shards: All shards of the split.
        origin: What they must be of.
        on_damaged: Called with what is wrong with a file.

    Raises:
        KinobenchError: A folder or a pipe has the name of a file.
    """
    try:
        digests = kept_digests(folder) or {}
    except DamagedError as error:
        on_damaged(error)
        return [None] * len(shards)
    found: list[int | None] = []
    for shard in shards:
        try:
            found.append(_kept_batch(shard.path(folder), shard, digests, origin))
        except DamagedError as error:
            on_damaged(error)
            found.append(None)
    return found


def origin_in(path: Path, schema: pa.Schema) -> Origin:
    """Return what the metadata of a table of logits says that it is of.

    Raises:
        DamagedError: The metadata is not as it was written.
    """
    is_shard = _KEY in (schema.metadata or {})
    return _metadata(path, schema).origin if is_shard else UNKNOWN


def scoring_in(path: Path, schema: pa.Schema) -> Scoring | None:
    """Return how the metadata of a table of logits says that it is scored; None: it has none.

    Raises:
        DamagedError: The metadata is not as it was written.
    """
    is_shard = _KEY in (schema.metadata or {})
    return _metadata(path, schema).scoring if is_shard else None


def _kept_batch(path: Path, shard: Shard, digests: Digests, origin: Origin) -> int | None:
    """Return the batch of one shard, as `kept_batches` does.

    Raises:
        DamagedError: It is not as it was written, or of another case.
    """
    if not path.exists():
        return None
    refuse_damaged(path, digests)
    with reading(path):
        metadata = _metadata(path, pq.read_schema(path))
    if metadata.origin != origin:
        raise DamagedError(path, f"is of {metadata.origin}, not of {origin}")
    return metadata.batch if metadata.files == shard.files_digest else None


def _read(path: Path, digests: Digests | None) -> StoredShard:
    refuse_damaged(path, digests)
    with reading(path):
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = _metadata(path, file.schema_arrow)
            label = "label" if metadata.scoring == "top-k" else "labels"
            table = file.read(columns=["video", label, "group", "logits"])
        views = metadata.views
        logits = table["logits"].combine_chunks().flatten().to_numpy().astype(np.float32)
        videos, groups = (
            table[name].combine_chunks().cast(pa.string())[::views] for name in ("video", "group")
        )
        sets = None if label == "label" else sets_in(table[label].combine_chunks()[::views])
        return StoredShard(
            table[label].to_numpy()[::views].astype(np.int64)
            if sets is None
            else first_labels(sets),
            logits.reshape(-1, views, metadata.classes),
            metadata.unreadable,
            videos,
            groups,
            metadata.remarks,
            metadata.origin,
            sets,
            metadata.stored,
        )


def _refuse_other_videos(path: Path, shard: Shard, stored: StoredShard) -> None:
    """Check that a file has the videos of its shard, each scored or unreadable, with its labels.

    Raises:
        DamagedError: It has others.
    """
    bad = {video.id for video in stored.unreadable}
    expected = [(video.id, video.labels) for video in shard.videos if video.id not in bad]
    labels = stored.label_sets
    if labels is None:
        labels = tuple((label,) for label in stored.labels.tolist())
    found = list(zip(stored.videos.to_pylist(), labels, strict=True))
    other = next((pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]), None)
    if other is not None:
        (one, its), (wanted, true) = (
            (video, ", ".join(map(str, each)) or "none") for video, each in other
        )
        raise DamagedError(
            path, f"is of other videos: {one!r} of class {its}, not {wanted!r} of class {true}"
        )
    if stored.stored is not None and len(stored.stored) != len(shard.videos):
        raise DamagedError(
            path,
            f"is of other videos: {len(stored.stored)} files, and {len(shard.videos)} in the shard",
        )
    if len(found) != len(expected) or len(expected) + len(bad) != len(shard.videos):
        raise DamagedError(
            path, f"is of other videos: {len(found)} scored, and {len(shard.videos)} in the shard"
        )


def _metadata(path: Path, schema: pa.Schema) -> _Metadata:
    try:
        return msgspec.json.decode((schema.metadata or {}).get(_KEY, b""), type=_Metadata)
    except UNDECODABLE as error:
        raise DamagedError(path, f"is no shard of per-view logits: {error}") from error
