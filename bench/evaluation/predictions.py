"""The per-view logits of a record: one Parquet file or a folder of shards, read in chunks."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...datasets.errors import KinobenchError, program
from ...datasets.split import Scoring
from .classes import kept_classes
from .damage import AGAIN, DamagedError, reading
from .digests import Digests, kept_digests, refuse_damaged
from .label_columns import WrongLabelError, label_set_each, one_label_each
from .labels import LabelSets, first_labels
from .origin import UNKNOWN, Origin
from .shard_files import origin_in, scoring_in

CHUNK_BYTES = 2**23
"""Size of a chunk's logits: small enough for a processor's cache, large enough for numpy to be
fast."""

_REQUIRED = ("video", "view", "label", "logits")
_WITH_SETS = ("video", "view", "labels", "logits")
"""The columns where a video may have several labels."""
_SHARD = re.compile(r"shard-(\d+)\.parquet")
_BUFFER_BYTES = 2**20


class Chunk(NamedTuple):
    """Some videos with all of their views.

    Attributes:
        videos: Ids of the videos.
        labels: `[videos]`, int64; the first where a video has several, -1 where it has none.
        groups: The source of footage that each belongs to, or None.
        logits: `[videos, views, classes]`, as they are stored: float16, float32 or float64.
        label_sets: The labels of each video, if it may have several.
    """

    videos: list[str]
    labels: np.ndarray
    groups: list[str | None]
    logits: np.ndarray
    label_sets: LabelSets | None = None


class Predictions(msgspec.Struct, frozen=True, kw_only=True):
    """Stored logits; all that can be checked without reading them is checked.

    Attributes:
        path: The file, or the folder of shards.
        files: The Parquet files, in order.
        videos, views, classes: Number of each.
        grouped: There is a column of groups.
        names: Names of the classes, if they are kept next to the shards.
        checked: Every file was as its digest says; False where no digests are kept.
        scoring: How they are scored; unless it is `top-k`, a video may have several labels.
    """

    path: Path
    files: tuple[Path, ...]
    videos: int
    views: int
    classes: int
    grouped: bool
    names: tuple[str, ...] | None = None
    checked: bool = False
    scoring: Scoring = "top-k"

    def chunks(self, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
        """Yield all videos in their order, a few at a time; memory doesn't grow with the table.

        Raises:
            KinobenchError: A video lacks views, is there twice, or has two labels or one that is no
                class; a file can't be read.
        """
        per_video = self.views * self.classes * 4
        rows = max(1, chunk_bytes // per_video) * self.views
        seen: set[str] = set()
        with reading(self.path):
            for table in _aligned(self._batches(rows), rows):
                chunk = self._chunk(table)
                for video in chunk.videos:
                    if video in seen:
                        raise self._wrong(f"video {video!r} is there twice")
                    seen.add(video)
                yield chunk

    def _batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        required = _REQUIRED if self.scoring == "top-k" else _WITH_SETS
        columns = [*required, *(["group"] if self.grouped else [])]
        for file in self.files:
            with reading(file), _opened(file) as shard:
                yield from shard.iter_batches(rows, columns=columns)

    def _chunk(self, table: pa.Table) -> Chunk:
        views, rows = self.views, len(table)
        count = -(-rows // views)
        row = np.arange(rows)
        first = pa.array(np.arange(count) * views)
        video, view = _column(table, "video"), _column(table, "view").to_numpy()
        same = pc.equal(video, video.take(pa.array(row - row % views)))
        wrong = ~same.to_numpy(zero_copy_only=False) | (view != row % views)
        if wrong.any() or rows % views:
            at = int(np.argmax(wrong)) if wrong.any() else rows - 1
            raise self._wrong(
                f"video {video[at].as_py()!r} has not the views 0 to {views - 1} in this order, "
                "one row each, as the first video has"
            )
        ids = video.take(first).to_pylist()
        labels, sets = self._labels(table, ids)
        groups: list[str | None] = [None] * count
        if self.grouped:
            groups = _column(table, "group", nulls=True).take(first).to_pylist()
        logits = _column(table, "logits").flatten().to_numpy(zero_copy_only=False)
        if len(logits) != rows * self.classes:
            raise self._wrong("some logits are missing")
        return Chunk(
            videos=ids,
            labels=labels,
            groups=groups,
            logits=logits.reshape(count, views, self.classes),
            label_sets=sets,
        )

    def _labels(self, table: pa.Table, ids: list[str]) -> tuple[np.ndarray, LabelSets | None]:
        """Return the label of each video, and its labels where it may have several."""
        column = _column(table, "label" if self.scoring == "top-k" else "labels")
        try:
            if self.scoring == "top-k":
                return one_label_each(column.to_numpy(), ids, self.views, self.classes), None
            sets = label_set_each(column, ids, self.views, self.classes)
        except WrongLabelError as error:
            raise self._wrong(str(error)) from error
        return first_labels(sets), sets

    def _wrong(self, what: str) -> KinobenchError:
        return KinobenchError(f"{self.path}: {what}; {AGAIN}")


def open_predictions(path: Path, origin: Origin = UNKNOWN) -> Predictions:
    """Open per-view logits: rows `video`, `view`, `label`, `logits` and, if known, `group`.

    Those of a split in which a video may have several labels have `labels`, a list of them, in the
    place of `label`, and say in their metadata how they are scored.

    The rows of a video follow each other, its views in their order from 0. Shards are named
    `shard-00000.parquet` and so on. Where their digests are kept, each file must be as its digest
    says; where their pages have checksums, these are checked as they are read.

    Args:
        path: Parquet file, or folder of its shards.
        origin: What they must be of, if it is known.

    Raises:
        KinobenchError: There is no such file; a shard is missing, not as it was written, or of
            another case or split; a file is no Parquet or has other columns; it has no video; the
            names of the classes can't be read.
    """
    files = _files_of(path)
    digests = _digests_of(path, files)
    for file in files:
        refuse_damaged(file, digests)
    schema, rows = _schema_and_rows(files, origin)
    scoring = scoring_in(files[0], schema) or "top-k"
    required = _REQUIRED if scoring == "top-k" else _WITH_SETS
    missing = [name for name in required if name not in schema.names]
    logits = None if missing else schema.field("logits").type
    if logits is None or not _are_logits(logits):
        raise KinobenchError(
            f"{path}: these are no predictions: they need the columns {', '.join(required)}, "
            "the last a list of fixed size, of floating-point numbers; "
            f"`{program()} run` writes them"
        )
    if not rows:
        raise KinobenchError(f"{path}: it has no video; nothing can be computed")
    views = _views_of(files)
    return Predictions(
        path=path,
        files=files,
        videos=rows // views,
        views=views,
        classes=logits.list_size,
        grouped="group" in schema.names,
        names=kept_classes(path),
        checked=digests is not None,
        scoring=scoring,
    )


def _are_logits(kind: pa.DataType) -> bool:
    return (
        pa.types.is_fixed_size_list(kind)
        and kind.list_size > 0
        and pa.types.is_floating(kind.value_type)
    )


def _files_of(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        if not path.exists():
            raise KinobenchError(f"{path}: there is no such file; give a Parquet file, or a folder")
        return (path,)
    files = tuple(sorted(f for f in path.glob("*.parquet") if not f.name.startswith((".", "_"))))
    if not files:
        raise KinobenchError(f"{path}: there is no Parquet file in this folder; {AGAIN}")
    numbers = {int(found[1]) for file in files if (found := _SHARD.fullmatch(file.name))}
    absent = sorted(set(range(max(numbers, default=-1) + 1)) - numbers)
    if absent:
        raise _missing(path, f"shard-{absent[0]:05d}.parquet", len(absent), max(numbers) + 1)
    return files


def _digests_of(path: Path, files: Sequence[Path]) -> Digests | None:
    """Return the digests of a folder's shards, or of one shard; None where none are kept.

    Raises:
        KinobenchError: A shard that has one is missing; they can't be read.
    """
    if not path.is_dir():
        kept = kept_digests(path.parent) if _SHARD.fullmatch(path.name) else None
        return kept if kept is not None and path.name in kept else None
    kept = kept_digests(path)
    absent = sorted(set(kept or ()) - {file.name for file in files})
    if kept is not None and absent:
        raise _missing(path, absent[0], len(absent), len(kept))
    return kept


def _missing(path: Path, first: str, count: int, total: int) -> KinobenchError:
    return KinobenchError(
        f"{path}: {first} is missing, {count} of {total} in all; {AGAIN}, it goes on where it "
        "stopped"
    )


def _schema_and_rows(files: Sequence[Path], origin: Origin) -> tuple[pa.Schema, int]:
    """Return the schema that all files have, and the number of their rows together.

    Raises:
        KinobenchError: They are of two runs, or not of `origin`; one can't be read.
    """
    schema: pa.Schema | None = None
    rows, first = 0, UNKNOWN
    for file in files:
        with reading(file), _opened(file) as shard:
            own, its = shard.schema_arrow, origin_in(file, shard.schema_arrow)
            rows += shard.metadata.num_rows
        if schema is None:
            schema, first = own, its
        if not own.equals(schema):
            raise KinobenchError(
                f"{file}: its columns are not those of {files[0].name}; these are "
                f"shards of two runs: {AGAIN}"
            )
        if its != first:
            raise DamagedError(
                file, f"is of {its}, and {files[0].name} of {first}: these are shards of two runs"
            )
        if not its.agrees(origin):
            raise DamagedError(file, f"is of {its}, and not of {origin}, as its record is")
    return schema, rows


def _opened(file: Path) -> pq.ParquetFile:
    # A buffer, and not pyarrow.dataset, which reads a whole row group at once: a file of one group
    # of 600,000 views takes 0.2 GB this way, and 2.2 GB that way.
    return pq.ParquetFile(
        file, buffer_size=_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True
    )


def _views_of(files: Sequence[Path]) -> int:
    """Return the number of the first video's rows."""
    views, first = 0, None
    for file in files:
        with reading(file), _opened(file) as shard:
            for batch in shard.iter_batches(columns=["video"]):
                videos = _column(batch, "video")
                if not len(videos):
                    continue
                first = videos[0] if first is None else first
                other = pc.index(pc.not_equal(videos, first), True).as_py()
                if other >= 0:
                    return views + int(other)
                views += len(videos)
    return views


def _aligned(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Cut and join batches into tables of `rows` rows; the last may be shorter."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += len(batch)
        if count < rows:
            continue
        table = pa.Table.from_batches(waiting)
        whole = count - count % rows
        for start in range(0, whole, rows):
            yield table.slice(start, rows)
        waiting = table.slice(whole).to_batches()
        count -= whole
    if count:
        yield pa.Table.from_batches(waiting)


def _column(rows: pa.Table | pa.RecordBatch, name: str, nulls: bool = False) -> pa.Array:
    column = rows.column(name)
    if column.null_count and not nulls:
        raise pa.ArrowInvalid(f"column {name} has empty cells")
    if isinstance(column, pa.Array):
        return column
    # Joining copies, even if there is only one piece.
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
