"""Stored records that stand for a case, so that it need not be scored again."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ...datasets.errors import KinobenchError
from ...datasets.split import Split
from ..records.case import Case
from ..records.inside import inside
from ..records.job import FileLimits
from ..records.record import Record
from .given_up import kept_in
from .origin import Origin
from .shard_files import kept_batches
from .shards import shards_of


def candidates(case: Case, records: Iterable[Record], *, skip_unreadable: bool) -> list[Record]:
    """Return the records that may stand for a case, the newest first.

    Args:
        case: Case to score.
        records: All stored records.
        skip_unreadable: Accept a record that lacks videos because they couldn't be read.
    """
    found = [
        record
        for record in records
        if record.case.digest == case.digest
        and record.error is None
        and record.accuracy is not None
        and record.accuracy.score is not None
        and record.accuracy.predictions is not None
        and (skip_unreadable or all(each.is_missing for each in record.accuracy.unreadable))
    ]
    return sorted(found, key=lambda record: record.started, reverse=True)


def folder_of(record: Record, results: Path) -> Path:
    """Return the folder of the logits of one of `candidates`.

    Raises:
        KinobenchError: It is not in the folder of the results.
    """
    assert record.accuracy is not None and record.accuracy.predictions is not None
    return inside(results, record.accuracy.predictions)


def why_unusable(record: Record, folder: Path, split: Split) -> str | None:
    """Return why the logits of one of `candidates` can't stand for a new scoring, or None.

    They can if no video's file has changed since, and they are as they were written. Their
    conditions are to be compared as well.

    Args:
        record: The record.
        folder: What `folder_of` returns for it.
        split: Videos of the record's case.
    """
    shards = shards_of(split, record.case.protocol.views)
    origin = Origin(record.case.digest, split.manifest, record.weights_digest)
    with suppress(KinobenchError):
        if None not in kept_batches(folder, shards, origin):
            return None
    return "videos have changed since, or shards are damaged or missing"


def is_left_out_otherwise(
    record: Record, split: Split, predictions: Path, limits: FileLimits
) -> bool:
    """Return whether a record lacks a video at which a process died, or hung, under other limits.

    Args:
        record: One of `candidates`.
        split: Videos of the record's case.
        predictions: Folder of the predictions of the results, with the videos that were given up.
        limits: The limits of now.
    """
    assert record.accuracy is not None
    left_out = {each.id for each in record.accuracy.unreadable if not each.is_missing}
    if not left_out:
        return False
    from .alone import LoneReader  # loads the libraries of videos

    reading = LoneReader(record.case.protocol, record.case.decoder, limits).digest
    videos = [video for video in split.videos if video.id in left_out]
    return bool(kept_in(predictions, videos, reading).suspects)
