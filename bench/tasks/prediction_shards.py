"""The files of predictions of localization and detection: one for each shard, in Parquet.

A row is a segment or a box with a class and a score. The metadata names the shard's videos, those
that could not be read, and what the file is of; see `evaluation/shard_files.py`, whose digests it
shares.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...datasets.copy_digest import StoredVideo
from ..evaluation.damage import DamagedError, reading
from ..evaluation.digests import Digests, digest_of, keep_digest, kept_digests, refuse_damaged
from ..evaluation.origin import UNKNOWN, Origin
from ..evaluation.shards import Shard
from ..records.files import FREE_SPACE, UNDECODABLE, writing
from ..records.results import Unreadable

_KEY = b"kinobench-task"

Columns = Mapping[str, np.ndarray]
"""Name -> values, one a prediction; `video` has the ids, as an array of objects."""


class ShardPredictions(NamedTuple):
    """The predictions for a shard's videos.

    Attributes:
        scored: Ids of the videos that could be read, in order.
        columns: The predictions.
        unreadable: The other videos.
        facts: Sums over the scored videos, such as their windows.
        remarks: What is unusual about a file, and the video's id; one pair for each remark.
        stored: How each of the shard's videos is stored; None for one that is missing.
    """

    scored: tuple[str, ...]
    columns: Columns
    unreadable: tuple[Unreadable, ...]
    facts: dict[str, float]
    remarks: tuple[tuple[str, str], ...] = ()
    stored: tuple[StoredVideo | None, ...] | None = None


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    videos: tuple[str, ...]
    scored: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    facts: dict[str, float]
    files: str
    remarks: tuple[tuple[str, str], ...]
    stored: tuple[StoredVideo | None, ...] | None
    case: str | None
    manifest: str | None
    weights: str | None

    @property
    def origin(self) -> Origin:
        return Origin(self.case, self.manifest, self.weights)


def write_predictions(
    folder: Path, shard: Shard, found: ShardPredictions, files: str, origin: Origin
) -> None:
    """Write a shard's digest and its file, and wait until the disk has both.

    Args:
        folder: Folder of the case.
        shard: Its videos.
        found: The predictions.
        files: The shard's `files_digest` from before it was read.
        origin: What they are of.

    Raises:
        KinobenchError: The file can't be written.
    """
    metadata = _Metadata(
        videos=tuple(video.id for video in shard.videos),
        scored=found.scored,
        unreadable=found.unreadable,
        facts=found.facts,
        files=files,
        remarks=found.remarks,
        stored=found.stored,
        **origin._asdict(),
    )
    table = pa.table({name: pa.array(values) for name, values in found.columns.items()})
    table = table.replace_schema_metadata({_KEY: msgspec.json.encode(metadata)})
    encoded = pa.BufferOutputStream()
    pq.write_table(table, encoded, use_dictionary=["video"], write_page_checksum=True)
    content, path = encoded.getvalue().to_pybytes(), shard.path(folder)
    keep_digest(folder, path.name, digest_of(content))
    with writing(path, cure=FREE_SPACE, make_folder=False, own=True) as unfinished:
        unfinished.write_bytes(content)


def is_kept(folder: Path, shard: Shard, origin: Origin) -> bool:
    """Return whether a shard's predictions are there, of the same files, whole.

    Raises:
        DamagedError: The file is not as it was written, or of another case.
    """
    path = shard.path(folder)
    if not path.exists():
        return False
    refuse_damaged(path, kept_digests(folder) or {})
    with reading(path):
        metadata = _metadata(path, pq.read_schema(path))
    if metadata.origin != origin:
        raise DamagedError(path, f"is of {metadata.origin}, not of {origin}")
    return metadata.files == shard.files_digest


def read_predictions(
    folder: Path, origin: Origin = UNKNOWN, names: Sequence[str] | None = None
) -> Iterator[ShardPredictions]:
    """Read the predictions of a folder, one shard after the other.

    Args:
        folder: Folder of a case's predictions.
        origin: What they must be of, as far as both are known.
        names: Names of the files; None: all that are there.

    Raises:
        DamagedError: A file is not there, or not as it was written, or of something else.
    """
    digests: Digests | None = kept_digests(folder)
    found = sorted(path.name for path in folder.glob("shard-*.parquet"))
    for name in found if names is None else names:
        path = folder / name
        refuse_damaged(path, digests)
        with reading(path):
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                metadata = _metadata(path, file.schema_arrow)
                table = file.read()
            columns = {
                each: table[each].to_numpy(zero_copy_only=False) for each in table.schema.names
            }
        if not metadata.origin.agrees(origin):
            raise DamagedError(path, f"is of {metadata.origin}, not of {origin}")
        yield ShardPredictions(
            metadata.scored,
            columns,
            metadata.unreadable,
            metadata.facts,
            metadata.remarks,
            metadata.stored,
        )


def missing_shards(
    folder: Path,
    shards: Sequence[Shard],
    origin: Origin,
    on_damaged: Callable[[DamagedError], object],
) -> list[Shard]:
    """Return the shards that have to be measured; damaged ones are reported, and among them."""
    missing = []
    for shard in shards:
        try:
            kept = is_kept(folder, shard, origin)
        except DamagedError as error:
            on_damaged(error)
            kept = False
        if not kept:
            missing.append(shard)
    return missing


def joined_columns(parts: Sequence[Columns]) -> dict[str, np.ndarray]:
    """Return the columns of several parts below each other."""
    names = list(parts[0]) if parts else []
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _metadata(path: Path, schema: pa.Schema) -> _Metadata:
    try:
        return msgspec.json.decode((schema.metadata or {}).get(_KEY, b""), type=_Metadata)
    except UNDECODABLE as error:
        raise DamagedError(
            path, f"has no predictions of localization or detection: {error}"
        ) from error
