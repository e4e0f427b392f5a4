"""The number of classes that come before each video's true one: a small file next to the shards.

A table of 20,000 videos x 30 views x 400 classes takes a gigabyte; the part that ranking needs is
less than a thousandth of it. The file has a digest of all that it contains, and is made again from
the shards if it is not as it was written.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...datasets.errors import KinobenchError
from ...datasets.files import check_regular
from ...datasets.protocol import Aggregation
from ..records.files import replacing
from ..statistics.scores import mean_score, view_scores
from .damage import DamagedError, reading
from .labels import LabelSets, sets_in, true_places
from .origin import UNKNOWN, Origin
from .predictions import Predictions, open_predictions

FILE = "_places.parquet"
"""Its name is not like that of a shard, so nobody takes it for one."""

_AGGREGATION = b"aggregation"
_KEY = b"kinobench"
_SCHEMA = pa.schema(
    {"video": pa.string(), "label": pa.int64(), "group": pa.string(), "place": pa.int32()}
)
_SETS = pa.field("labels", pa.list_(pa.int32()))
"""The column that is there too where a video may have several labels."""


class VideoPlaces(NamedTuple):
    """The place of each scored video.

    Attributes:
        videos: Ids, an array of strings.
        labels: `[videos]`, int64, their true classes; the first where a video has several.
        groups: The source that each shares footage with, an array of strings, or nulls.
        places: `[videos]`, int32: classes that come before the true one; see `scores.places`.
        checked: The logits were as their digests say; False where none are kept.
        label_sets: All their labels, if a video may have several; see `scores.places_of_any`.
    """

    videos: pa.Array
    labels: np.ndarray
    groups: pa.Array
    places: np.ndarray
    checked: bool = True
    label_sets: LabelSets | None = None

    @property
    def hits(self) -> np.ndarray:
        """`[videos]`, bool: the true class is the first."""
        hits: np.ndarray = self.places == 0
        return hits

    def of(self, videos: tuple[str, ...]) -> "VideoPlaces":
        """Return those of some of the videos."""
        chosen = pa.array(videos, pa.string())
        at = pc.index_in(chosen, value_set=self.videos).to_numpy()
        sets = self.label_sets
        return VideoPlaces(
            chosen,
            self.labels[at],
            self.groups.take(pa.array(at)),
            self.places[at],
            self.checked,
            None if sets is None else tuple(sets[number] for number in at.tolist()),
        )


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says of itself; those of earlier versions don't.

    Attributes:
        case, manifest, weights: See `Origin`.
        checked: See `VideoPlaces`.
        digest: See `_digest`.
    """

    case: str | None
    manifest: str | None
    weights: str | None = None
    checked: bool
    digest: str


def compute_places(predictions: Predictions, aggregation: Aggregation) -> VideoPlaces:
    """Compute places from per-view logits, in memory that doesn't grow with these.

    Raises:
        KinobenchError: The logits can't be read.
    """
    videos: list[str] = []
    groups: list[str | None] = []
    labels, place = [], []
    sets: list[tuple[int, ...]] = []
    for chunk in predictions.chunks():
        scored = mean_score(view_scores(chunk.logits, aggregation))
        place.append(true_places(scored, chunk.labels, chunk.label_sets))
        labels.append(chunk.labels)
        sets += chunk.label_sets or ()
        videos += chunk.videos
        groups += chunk.groups
    return VideoPlaces(
        pa.array(videos, pa.string()),
        np.concatenate(labels),
        pa.array(groups, pa.string()),
        np.concatenate(place),
        predictions.checked,
        None if predictions.scoring == "top-k" else tuple(sets),
    )


def keep_places(
    folder: Path, aggregation: Aggregation, found: VideoPlaces, origin: Origin = UNKNOWN
) -> None:
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
    if found.label_sets is not None:
        table = table.append_column(_SETS, pa.array(found.label_sets, _SETS.type))
    about = _Metadata(
        **origin._asdict(),
        checked=found.checked,
        digest=_digest(aggregation, found, origin),
    )
    metadata = {_AGGREGATION: aggregation.encode(), _KEY: msgspec.json.encode(about)}
    table = table.replace_schema_metadata(metadata)
    with suppress(OSError), replacing(folder / FILE, durable=False, own=True) as unfinished:
        pq.write_table(table, unfinished, write_page_checksum=True)


def read_places(
    path: Path,
    aggregation: Aggregation,
    *,
    scored: int,
    hits: int,
    origin: Origin = UNKNOWN,
) -> VideoPlaces:
    """Return the places of a record's videos: from the file, or else from the logits themselves.

    The file is made again if it is not there, is not as it was written, or doesn't agree with the
    record.

    Args:
        path: Folder of the shards, or one Parquet file of logits, which gets no file of places.
        aggregation: Rule that averages the views.
        scored: Number of scored videos in the record.
        hits: Number of videos whose first class is right in the record.
        origin: What the record is of.

    Raises:
        KinobenchError: The logits can't be read, or are of another case or split.
    """
    try:
        kept = kept_places(path / FILE, aggregation, origin)
        if (len(kept.places), int(np.count_nonzero(kept.hits))) == (scored, hits):
            return kept
        fault = "doesn't agree with the record"
    except DamagedError as error:
        fault = error.what
    try:
        found = compute_places(open_predictions(path, origin), aggregation)
    except KinobenchError as error:
        if (path / FILE).exists():
            raise KinobenchError(f"{path / FILE} {fault}, and {error}") from error
        raise
    if path.is_dir():
        keep_places(path, aggregation, found, origin)
    return found


def joined(parts: Sequence[VideoPlaces]) -> VideoPlaces:
    """Join the places of consecutive videos."""
    nothing = pa.array([], pa.string())
    several = any(part.label_sets is not None for part in parts)
    return VideoPlaces(
        pa.concat_arrays([part.videos for part in parts] or [nothing]),
        np.concatenate([part.labels for part in parts] or [np.zeros(0, np.int64)]),
        pa.concat_arrays([part.groups for part in parts] or [nothing]),
        np.concatenate([part.places for part in parts] or [np.zeros(0, np.int32)]),
        all(part.checked for part in parts),
        tuple(each for part in parts for each in part.label_sets or ()) if several else None,
    )


def kept_places(path: Path, aggregation: Aggregation, origin: Origin) -> VideoPlaces:
    """Return the places of a file; one of an earlier version has no digest, and isn't checked.

    Raises:
        DamagedError: It is not as it was written, or of other logits.
    """
    with reading(path):
        check_regular(path)
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read().combine_chunks()
        table.validate(full=True)  # that texts are texts, too
        metadata = table.schema.metadata or {}
        if table.schema not in (_SCHEMA, _SCHEMA.append(_SETS)) or not len(table):
            raise DamagedError(path, "has other columns, or no video")
        if metadata.get(_AGGREGATION) != aggregation.encode():
            raise DamagedError(path, "is of views that are averaged otherwise")
        if any(table[name].null_count for name in ("video", "label", "place")):
            raise DamagedError(path, "has empty cells")
        sets = sets_in(table["labels"]) if "labels" in table.column_names else None
        video, label, group, place = (column.chunk(0) for column in table.columns[:4])
        about = None
        if _KEY in metadata:
            about = msgspec.json.decode(metadata[_KEY], type=_Metadata)
        is_checked = about is not None and about.checked
        found = VideoPlaces(video, label.to_numpy(), group, place.to_numpy(), is_checked, sets)
        own = UNKNOWN if about is None else Origin(about.case, about.manifest, about.weights)
        if about is not None and about.digest != _digest(aggregation, found, own):
            raise DamagedError(path, "is not as it was written")
    if not own.agrees(origin):
        raise DamagedError(path, f"is of {own}, not of {origin}")
    return found


def _digest(aggregation: Aggregation, found: VideoPlaces, origin: Origin) -> str:
    """Return the digest of the columns and of what they are of."""
    texts = (
        aggregation,
        *origin,
        found.checked,
        found.videos.to_pylist(),
        found.groups.to_pylist(),
        *(() if found.label_sets is None else (found.label_sets,)),
    )
    digest = hashlib.sha256(msgspec.json.encode(texts))
    for numbers in (found.labels, found.places):
        digest.update(numbers.astype("<i8").tobytes())
    return digest.hexdigest()
