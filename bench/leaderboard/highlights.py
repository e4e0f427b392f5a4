"""What a table on the screen points out: the Pareto front, and the best of each column."""

from collections.abc import Sequence

import msgspec

from ..measure.measurement import Cell
from .fields import Field, fields
from .leaderboard import Board
from .pareto import front, is_comparable

MOST_BEST = 3
"""Rows that share the best value of a column; of more, none is pointed out."""


class Front(msgspec.Struct, frozen=True):
    """The Pareto front of a board.

    Attributes:
        rows: The numbers of its rows.
        text: The two numbers, as `top-1 against latency`; empty if there is no front.
    """

    rows: frozenset[int] = frozenset()
    text: str = ""


def front_of(board: Board) -> Front:
    """Return the front of the accuracy against the latency, or where none was timed, the GMACs.

    Of fewer than two rows with both numbers there is no front.
    """
    known = fields()
    score = known["score_percent"]
    for name, label in (("latency_ms", "latency"), ("gmacs", "GMACs")):
        cost = known[name]
        compared = [
            row
            for row in board.rows
            if is_comparable(cost, row)
            and is_comparable(score, row)
            and None not in (cost.read(board, row), score.read(board, row))
        ]
        if len(compared) > 1:
            accuracy = compared[0].record.evaluated
            name_of_score = accuracy.score_name if accuracy is not None else "accuracy"
            return Front(frozenset(front(board, cost, score)), f"{name_of_score} against {label}")
    return Front()


def best(board: Board, field: Field, cells: Sequence[Cell]) -> frozenset[int]:
    """Return the numbers of the rows with the best value of a column, as it is shown.

    None is where all are alike or more than `MOST_BEST` share it; values that can't be compared,
    such as the accuracy of an untrained network, don't count.

    Args:
        board: The board.
        field: The number that the column shows.
        cells: Its cells, a row each.
    """
    if field.better is None or field.name == "rank":
        return frozenset()
    values = {
        number: value
        for number, row in enumerate(board.rows)
        if is_comparable(field, row) and (value := field.read(board, row)) is not None
    }
    if len({cells[number][0] for number in values}) < 2:
        return frozenset()
    choose = min if field.better == "less" else max
    top = cells[choose(values, key=lambda number: values[number])][0].lstrip("~")
    found = frozenset(number for number in values if cells[number][0].lstrip("~") == top)
    return found if len(found) <= MOST_BEST else frozenset()
