"""Per-view logits that no network gave, written as a run writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


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
