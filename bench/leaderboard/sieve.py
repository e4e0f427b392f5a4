"""The rows of a board parted into candidates and those that are left out, each with a reason."""

from collections.abc import Sequence
from typing import NamedTuple

from .conditions import Condition
from .fields import field
from .leaderboard import Board, Row
from .limits import Limit
from .recommendation import LeftOut, Why
from .shown_values import text_of


class Sieved(NamedTuple):
    """The numbers of the rows that are candidates, those over a limit, and what is left out."""

    candidates: list[int]
    over: list[int]
    left_out: list[LeftOut]


def sieve(
    board: Board, names: Sequence[str], limits: Sequence[Limit], condition: Condition | None
) -> Sieved:
    """Part the rows of a board.

    Args:
        board: The board.
        names: The name of each row.
        limits: What a candidate must keep for sure.
        condition: What must be true of it.
    """
    candidates, over, left_out = [], [], []
    for number, (row, name) in enumerate(zip(board.rows, names, strict=True)):
        found = _unfit(board, row, condition) or _against(board, row, limits)
        if found is None:
            candidates.append(number)
            continue
        if found[0] == "beyond the limit":
            over.append(number)
        left_out.append(LeftOut(name=name, why=found[0], reason=found[1]))
    return Sieved(candidates, over, left_out)


def _unfit(board: Board, row: Row, condition: Condition | None) -> tuple[Why, str] | None:
    """Return why a row is no candidate whatever its limits are."""
    if row.error is not None:
        return "failed", row.error
    if row.record.case.weights is None:
        return "untrained", "its accuracy ranks nothing"
    if row.record.case.probe is not None:
        return "probe", f"it was scored under the probe {row.record.case.probe}"
    if not row.is_trained:
        return "not measured", f"no accuracy: {row.no_mean}" if row.no_mean else "no accuracy"
    if condition is None:
        return None
    holds = condition.holds(board, row)
    if holds is None:
        unknown = (field(name).label for name in condition.unknown(board, row))
        return "not measured", f"no {', '.join(unknown)}"
    return None if holds else ("not chosen", "the condition isn't true of it")


def _against(board: Board, row: Row, limits: Sequence[Limit]) -> tuple[Why, str] | None:
    """Return the limit that a row misses, or that it isn't known to keep."""
    states = [(limit, limit.state(board, row)) for limit in limits]
    for limit, state in states:
        if state == "missed":
            return "beyond the limit", f"{limit.field.label} {text_of(limit.field, board, row)}"
    unknown = [limit.field.label for limit, state in states if state == "unknown"]
    if unknown:
        return "not measured", f"no {', '.join(unknown)}"
    maybe = [limit.why_maybe(board, row) for limit, state in states if state == "maybe"]
    return ("maybe", "; ".join(maybe)) if maybe else None
