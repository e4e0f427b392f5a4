"""Which cases need not be scored again: those that a stored record tells the accuracy of."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from ...datasets.split import Split
from ..records.record import Case, Record
from .resume import Conditions, conditions_in
from .shards import kept_batch, shards_of


def candidates(case: Case, records: Iterable[Record], *, skip_unreadable: bool) -> list[Record]:
    """Return the records that may stand for a case, the newest first.

    Args:
        case: What is to be scored.
        records: All that are stored.
        skip_unreadable: Whether one that lacks videos that couldn't be read will do.
    """
    found = [
        record
        for record in records
        if record.case.digest == case.digest
        and record.error is None
        and record.accuracy is not None
        and record.accuracy.top1 is not None
        and record.accuracy.predictions is not None
        and (skip_unreadable or not record.accuracy.unreadable)
    ]
    return sorted(found, key=lambda record: record.started, reverse=True)


def is_as_now(record: Record, results: Path, split: Split, conditions: Conditions) -> bool:
    """Tell whether scoring a record's case now would give the logits that it keeps.

    That is where they were kept under the conditions that hold now, and no video's file has changed
    since. The network's own digest is not compared: it follows from its source, its weights and the
    versions of the libraries, which are.

    Args:
        record: One of `candidates`.
        results: Where it lies.
        split: The videos.
        conditions: Those of now.
    """
    assert record.accuracy is not None and record.accuracy.predictions is not None
    folder = results / record.accuracy.predictions
    kept = conditions_in(folder)
    if kept is None or msgspec.structs.replace(kept, network=conditions.network) != conditions:
        return False
    shards = shards_of(split, record.case.protocol.views)
    return all(kept_batch(folder, shard) is not None for shard in shards)
