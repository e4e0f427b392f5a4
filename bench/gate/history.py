"""The report of a check -> the verdicts that a folder of results keeps."""

import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from ..records.gate_verdicts import GateVerdict, Slowdown
from .looks import Estimate
from .page import Report, shortened
from .progress import UNJUDGED
from .stored import StoredCheck
from .verdict import Checked

_WRITTEN = "%Y-%m-%dT%H:%M:%SZ"


def verdicts_of(report: Report) -> tuple[GateVerdict, ...]:
    """Return the verdicts of a check.

    There is none of a case that an interrupt left without one, of times that `--update` accepted,
    nor of `--aa`, which compares equal sides.
    """
    if report.updated is not None:
        return ()
    started = datetime.now(UTC)
    if report.started is not None:
        started = datetime.strptime(report.started, _WRITTEN).replace(tzinfo=UTC)
    check = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    judged: list[Checked | StoredCheck] = [
        *(each for each in report.checked if each.reason != UNJUDGED),
        *report.stored,
    ]
    return tuple(
        GateVerdict(
            check=check,
            started=f"{started:{_WRITTEN}}",
            against=_against(report, each),
            case=each.case,
            verdict=each.verdict,
            reason=None if each.reason is None else shortened(each.reason),
            budget=report.budget,
            inject=report.inject,
            candidate=report.candidate,
            baseline=report.baseline,
            environment=report.environment,
            **_measured(each),
        )
        for each in judged
    )


def _against(report: Report, found: Checked | StoredCheck) -> Literal["commit", "file", "itself"]:
    if isinstance(found, StoredCheck):
        return "file"
    return "commit" if report.inject is None else "itself"


def _measured(found: Checked | StoredCheck) -> dict[str, Any]:
    """Return the fields that come from the clocks and the counts."""
    if isinstance(found, StoredCheck):
        if found.slowdown is None:
            return {}
        wall = Slowdown(estimate=found.slowdown, low=found.low, high=found.high)
        return {"wall": wall}
    shown = found.shown
    batches = [batch for batch in (found.first, found.second) if batch]
    return {
        "wall": None if shown is None else _slowdown(shown.wall),
        "cpu": None if shown is None else _slowdown(shown.cpu),
        "pairs": tuple(len(batch.pairs) for batch in batches),
        "differences": tuple(map(str, found.exact)),
        "seconds": found.seconds,
    }


def _slowdown(seen: Estimate | None) -> Slowdown | None:
    if seen is None:
        return None
    return Slowdown(estimate=seen.slowdown, low=seen.low, high=seen.high)
