"""Stored records that stand for a case, so that it need not be scored again."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.split import Split
from ..records.case import Case
from ..records.inside import inside
from ..records.record import Record
from .conditions import Conditions
from .origin import Origin
from .resume import conditions_in
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
        and record.accuracy.top1 is not None
        and record.accuracy.predictions is not None
        and (skip_unreadable or all(each.is_missing for each in record.accuracy.unreadable))
    ]
    return sorted(found, key=lambda record: record.started, reverse=True)


def is_as_now(record: Record, results: Path, split: Split, conditions: Conditions) -> bool:
    """Return whether scoring a record's case now would give the logits that it has.

    That is so if they were measured under the conditions of now, no video's file has changed since,
    and the logits are as they were written. The network's own digest is not compared: it follows
    from its source, its weights and the versions of the libraries, which are compared.

    Args:
        record: One of `candidates`.
        results: Folder of the results that the record is in.
        split: Videos of the record's case.
        conditions: Conditions of now.

    Raises:
        KinobenchError: The record's predictions are not in the folder of the results.
    """
    assert record.accuracy is not None and record.accuracy.predictions is not None
    folder = inside(results, record.accuracy.predictions)
    kept = conditions_in(folder)
    if kept is None or msgspec.structs.replace(kept, network=conditions.network) != conditions:
        return False
    shards = shards_of(split, record.case.protocol.views)
    origin = Origin(record.case.digest, split.manifest, record.weights_digest)
    try:
        return None not in kept_batches(folder, shards, origin)
    except KinobenchError:
        return False
