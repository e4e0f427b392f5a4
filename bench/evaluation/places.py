"""The number of classes that come before each video's true one: a small file next to the shards.

A table of 20,000 videos x 30 views x 400 classes takes a gigabyte; the part that ranking needs is
less than a thousandth of it.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...datasets.protocol import Aggregation
from ..records.files import replacing
from ..statistics.scores import mean_score, places, view_scores
from .predictions import Predictions, open_predictions

FILE = "_places.parquet"
"""Its name is not like that of a shard, so nobody takes it for one."""

_AGGREGATION = b"aggregation"


class VideoPlaces(NamedTuple):
    """The place of each scored video.

    Attributes:
        videos: Ids, an array of strings.
        labels: `[videos]`, int64, their true classes.
        groups: The source that each shares footage with, an array of strings, or nulls.
        places: `[videos]`, int32: classes that come before the true one; see `scores.places`.
    """

    videos: pa.Array
    labels: np.ndarray
    groups: pa.Array
    places: np.ndarray

    @property
    def hits(self) -> np.ndarray:
        """`[videos]`, bool: the true class is the first."""
        hits: np.ndarray = self.places == 0
        return hits


def compute_places(predictions: Predictions, aggregation: Aggregation) -> VideoPlaces:
    """Compute places from per-view logits, in memory that doesn't grow with these.

    Raises:
        KinobenchError: The logits can't be read.
    """
    videos: list[str] = []
    groups: list[str | None] = []
    labels, place = [], []
    for chunk in predictions.chunks():
        place.append(places(mean_score(view_scores(chunk.logits, aggregation)), chunk.labels))
        labels.append(chunk.labels)
        videos += chunk.videos
        groups += chunk.groups
    return VideoPlaces(
        pa.array(videos, pa.string()),
        np.concatenate(labels),
        pa.array(groups, pa.string()),
        np.concatenate(place),
    )


def keep_places(folder: Path, aggregation: Aggregation, found: VideoPlaces) -> None:
    """Write the file, whole or not at all.

    If it can't be written, only time is lost: the places are computed again.
    """
    table = pa.table(
        {
            "video": found.videos,
            "label": pa.array(found.labels, pa.int64()),
            "group": found.groups,
            "place": pa.array(found.places, pa.int32()),
        }
    )
    table = table.replace_schema_metadata({_AGGREGATION: aggregation.encode()})
    replaced = replacing(folder / FILE, durable=False, through_link=False)
    with suppress(OSError), replaced as unfinished:
        pq.write_table(table, unfinished)


def read_places(path: Path, aggregation: Aggregation, *, scored: int, hits: int) -> VideoPlaces:
    """Return the places of a record's videos: from the file, or else from the logits themselves.

    The file is made again if it is not there, is broken, or doesn't agree with the record.

    Args:
        path: Folder of the shards, or one Parquet file of logits, which gets no file of places.
        aggregation: Rule that averages the views.
        scored: Number of scored videos in the record.
        hits: Number of videos whose first class is right in the record.

    Raises:
        KinobenchError: The logits can't be read.
    """
    kept = _kept(path / FILE, aggregation)
    if kept is not None and (len(kept.places), int(np.count_nonzero(kept.hits))) == (scored, hits):
        return kept
    found = compute_places(open_predictions(path), aggregation)
    if path.is_dir():
        keep_places(path, aggregation, found)
    return found


def joined(parts: Sequence[VideoPlaces]) -> VideoPlaces:
    """Join the places of consecutive videos."""
    nothing = pa.array([], pa.string())
    return VideoPlaces(
        pa.concat_arrays([part.videos for part in parts] or [nothing]),
        np.concatenate([part.labels for part in parts] or [np.zeros(0, np.int64)]),
        pa.concat_arrays([part.groups for part in parts] or [nothing]),
        np.concatenate([part.places for part in parts] or [np.zeros(0, np.int32)]),
    )


def _kept(path: Path, aggregation: Aggregation) -> VideoPlaces | None:
    try:
        table = pq.read_table(path).combine_chunks()
    except (OSError, pa.ArrowException):
        return None
    if (table.schema.metadata or {}).get(_AGGREGATION) != aggregation.encode():
        return None
    if table.column_names != ["video", "label", "group", "place"] or not len(table):
        return None
    video, label, group, place = (column.chunk(0) for column in table.columns)
    return VideoPlaces(video, label.to_numpy(), group, place.to_numpy())
