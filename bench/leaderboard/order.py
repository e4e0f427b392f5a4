"""The order of a board's rows."""

from collections.abc import Callable
from typing import Any

import msgspec

from .fields import field
from .leaderboard import Board, Row


def ordered(board: Board, by: str | None = None) -> Board:
    """Sort a board's rows, best first; what was not measured comes last.

    Without a column, trained networks come first by top-1, hit@1 or mAP, then the untrained by
    latency: the accuracy of an untrained network ranks nothing.

    Args:
        board: The board.
        by: Name of a field: the best comes first, or where neither end is better, the least.

    Raises:
        UnknownNameError: No column is named so.
    """
    chosen = None if by is None else field(by)
    latency, score = field("latency"), field("score")

    def key(row: Row) -> tuple[Any, ...]:
        failed, model = row.record.error is not None, row.record.case.model
        if chosen is not None:
            value = chosen.rising(board, row)
            return (failed, value is None, value, model)
        value = (score if row.is_trained else latency).rising(board, row)
        return (failed, not row.is_trained, value is None, value, model)

    return msgspec.structs.replace(board, rows=tuple(sorted(board.rows, key=_none_safe(key))))


def _none_safe(key: Callable[[Row], tuple[Any, ...]]) -> Callable[[Row], tuple[Any, ...]]:
    """Put 0 for None, whose place the flag before it has decided already."""
    return lambda row: tuple(0 if part is None else part for part in key(row))
