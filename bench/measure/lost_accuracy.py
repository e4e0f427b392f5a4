"""Top-1 that a case loses against eager fp32: by a quantisation, a precision or a runtime."""

from collections.abc import Sequence
from typing import Any

from ..records.record import Record

POINTS = 1.0
"""A case that loses more points of top-1 than this is marked."""
MARK = "†"


def lossy(records: Sequence[Record]) -> dict[str, float]:
    """Return the points of top-1 that cases lose, by their digests, where they are over `POINTS`.

    Each is compared with the record among these of eager fp32 of the same weights on the same
    videos and views; where there is none, nothing is known.
    """
    eager = {
        _alike(record): record.accuracy.top1
        for record in records
        if record.case.is_reference and record.accuracy is not None
    }
    found = {}
    for record in records:
        before = None if record.case.is_reference else eager.get(_alike(record))
        if before is None or record.accuracy is None or record.accuracy.top1 is None:
            continue
        lost = 100 * (before - record.accuracy.top1)
        if lost > POINTS + 1e-9:
            found[record.case.digest] = lost
    return found


def marks(records: Sequence[Record]) -> dict[str, str]:
    """Return the marks of cases that lose top-1, by their digests."""
    return dict.fromkeys(lossy(records), MARK)


def line(records: Sequence[Record]) -> str:
    """Return the line that explains the mark; empty if no case has it."""
    found = lossy(records)
    if not found:
        return ""
    lost = [
        f"{record.case.model} {record.case.runtime} {record.case.precision} by "
        f"{found[record.case.digest]:.1f}"
        for record in records
        if record.case.digest in found
    ]
    return (
        f"{MARK}: top-1 is more than {POINTS:.0f} point below that of eager fp32: "
        f"{', '.join(dict.fromkeys(lost))}."
    )


def _alike(record: Record) -> tuple[Any, ...]:
    """Return what two records have in common whose accuracies are of the same task."""
    case, accuracy = record.case, record.accuracy
    manifest = None if accuracy is None else (accuracy.manifest, accuracy.scored)
    return (
        *(case.model, case.weights, case.dataset, case.split, case.protocol.digest),
        *(case.probe, case.flow, manifest, record.weights_digest),
    )
