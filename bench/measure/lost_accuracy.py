"""Accuracy that a case loses against eager fp32: by a quantisation, a precision or a runtime."""

from collections.abc import Sequence
from typing import Any

from ..records.record import Record
from ..text.units import rounded

POINTS = 1.0
"""A case that loses more points of top-1 (hit@1, mAP) than this is marked."""
MARK = "†"


def points_lost(eager: float | None, score: float | None) -> float | None:
    """Return the points that a score loses, if they are over `POINTS`; else None.

    Args:
        eager: The score of eager fp32, as a fraction; None: not known.
        score: The score, as a fraction; None: not known.
    """
    if eager is None or score is None:
        return None
    lost = 100 * (eager - score)
    return lost if lost > POINTS + 1e-9 else None


def lossy(records: Sequence[Record]) -> dict[str, float]:
    """Return the points that cases lose, by their digests, where they are over `POINTS`.

    Each is compared with the record among these of eager fp32 of the same weights on the same
    videos and views; where there is none, nothing is known.
    """
    eager = {
        _alike(record): record.accuracy.score
        for record in records
        if record.case.is_reference and record.accuracy is not None
    }
    found = {}
    for record in records:
        if record.case.is_reference or record.accuracy is None:
            continue
        lost = points_lost(eager.get(_alike(record)), record.accuracy.score)
        if lost is not None:
            found[record.case.digest] = lost
    return found


def marks(records: Sequence[Record]) -> dict[str, str]:
    """Return the marks of cases that lose accuracy, by their digests."""
    return dict.fromkeys(lossy(records), MARK)


def line(records: Sequence[Record]) -> str:
    """Return the line that explains the mark; empty if no case has it."""
    found = lossy(records)
    if not found:
        return ""
    marked = [record for record in records if record.case.digest in found]
    lost = [
        f"{record.case.model} {record.case.runtime} {record.case.precision} by "
        f"{rounded(found[record.case.digest], 1)}"
        for record in marked
    ]
    names = {record.accuracy.score_name for record in marked if record.accuracy is not None}
    return legend(" or ".join(sorted(names)), list(dict.fromkeys(lost)))


def legend(score_name: str, lost: Sequence[str]) -> str:
    """Return the line that explains the mark, with the names of what has it; twelve are listed."""
    more = f"; {len(lost) - 12} more" if len(lost) > 12 else ""
    return (
        f"{MARK}: {score_name} is more than {POINTS:.0f} point below that of eager fp32: "
        f"{'; '.join(lost[:12])}{more}."
    )


def _alike(record: Record) -> tuple[Any, ...]:
    """Return what two records have in common whose accuracies are of the same task."""
    case, accuracy = record.case, record.accuracy
    manifest = None if accuracy is None else (accuracy.manifest, accuracy.scored)
    return (
        *(case.model, case.weights, case.dataset, case.split, case.protocol.digest),
        *(case.probe, case.flow, manifest, record.weights_digest),
    )
