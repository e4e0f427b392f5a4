"""Per-view logits that no network gave, written as a run writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kinobench.bench.evaluation.origin import UNKNOWN, Origin
from kinobench.bench.evaluation.shard_files import write_shard
from kinobench.bench.evaluation.shards import Shard, ShardLogits
from kinobench.datasets.split import Scoring, Video


def logits_table(
    logits: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    videos: Sequence[str] | None = None,
    groups: Sequence[str | None] | None = None,
) -> pa.Table:
    """A row a view of `logits`, `[videos, views, classes]`; without `groups` no such column."""
    count, views, classes = logits.shape
    names = list(videos) if videos is not None else [f"v{number:06d}" for number in range(count)]
    columns = {
        "video": pa.array([name for name in names for _ in range(views)], pa.string()),
        "view": pa.array(np.tile(np.arange(views, dtype=np.int32), count)),
        "label": pa.array(np.repeat(np.asarray(labels, dtype=np.int32), views)),
    }
    if groups is not None:
        columns["group"] = pa.array([group for group in groups for _ in range(views)], pa.string())
    flat = pa.array(logits.ravel())
    columns["logits"] = pa.FixedSizeListArray.from_arrays(flat, classes)
    return pa.table(columns)


def write_file(path: Path, table: pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def write_shards(folder: Path, table: pa.Table, rows: int) -> Path:
    """The table cut into shards of so many rows."""
    for number, start in enumerate(range(0, len(table), rows)):
        write_file(folder / f"shard-{number:05d}.parquet", table.slice(start, rows))
    return folder


def store_run(
    folder: Path,
    logits: np.ndarray,
    labels: Sequence[Any] | np.ndarray,
    origin: Origin = UNKNOWN,
    groups: Sequence[str | None] | None = None,
    in_a_shard: int = 8,
    scoring: Scoring = "top-k",
) -> Path:
    """The shards of a run, of so many videos each, with their digests.

    With another scoring than top-k, `labels` has a list of labels for each video.
    """
    folder.mkdir(parents=True, exist_ok=True)
    videos = [
        Video(
            id=f"v{number:06d}",
            path=Path(f"{number}.avi"),
            labels=[label] if scoring == "top-k" else label,
            group=None if groups is None else groups[number],
        )
        for number, label in enumerate(labels)
    ]
    for number, start in enumerate(range(0, len(videos), in_a_shard)):
        some = slice(start, start + in_a_shard)
        shard = Shard(number, tuple(videos[some]))
        measured = ShardLogits(shard.videos, logits[some].astype(np.float32), (), logits.shape[1])
        write_shard(folder, shard, measured, shard.files_digest, origin=origin, scoring=scoring)
    return folder


def flip(path: Path, bit: int) -> None:
    """Turn one bit of a file over."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
