"""The cells of a table in LaTeX: rounded numbers, their intervals, the best and the second."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from ..measure import registry
from ..text.units import ABSENT, rounded
from .fields import Field
from .leaderboard import Board, Row
from .pareto import is_comparable

ABOUT, AT_LEAST, AT_MOST = r"$\sim$", r"\ensuremath{\geq}", r"\ensuremath{\leq}"
"""Marks of a latency that is rough, of a cost that is a lower bound, and of the accuracy for it."""


class Cell(NamedTuple):
    """A cell.

    Attributes:
        text: The text, or the number as it is shown, without a mark.
        mark: What comes before a number: about, or at least.
        above, below: Distances of the interval's ends, as they are shown; empty without one.
        standing: 0 for the best of its column, 1 for the second, None for all others.
    """

    text: str
    mark: str = ""
    above: str = ""
    below: str = ""
    standing: int | None = None


def column_of(board: Board, of: Field) -> list[Cell]:
    """Return the cells of a column, with the best and the second."""
    values = [of.read(board, row) for row in board.rows]
    if not of.is_number:
        return [
            Cell(_setting(of, value, row)) for value, row in zip(values, board.rows, strict=True)
        ]
    digits = _digits(of, values)
    cells = []
    for value, row in zip(values, board.rows, strict=True):
        if value is None:
            cells.append(Cell(ABSENT))
            continue
        ends = of.ends(board, row)
        below, above = ("", "")
        if ends is not None:
            below, above = rounded(value - ends[0], digits), rounded(ends[1] - value, digits)
        cells.append(Cell(rounded(value, digits), _mark(of, row), above, below))
    return _with_standing(of, board, cells)


def _setting(of: Field, value: object, row: Row) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _digits(of: Field, values: Sequence[float | None]) -> int:
    """Return how many digits give the middle value of a column three in all, at most three."""
    known = [abs(value) for value in values if value]
    if of.unit == "%":
        return 1
    if not known or all(isinstance(value, int) for value in known):
        return 0
    return min(3, max(0, 2 - math.floor(math.log10(statistics.median(known)))))


def _mark(of: Field, row: Row) -> str:
    latency = row.record.latency
    timed = {each.name for each in registry.get("latency").figures} - {"mfu_percent"}
    timed.add("score_per_ms")
    if of.name in timed and latency is not None and latency.is_rough:
        return ABOUT
    if row.uncounted and of.name in {each.name for each in registry.get("flops").figures}:
        return AT_LEAST
    if row.uncounted and of.name == "score_per_gmac":
        return AT_MOST
    return ""


def _with_standing(of: Field, board: Board, cells: Sequence[Cell]) -> list[Cell]:
    """Mark the best and the second as they are shown; equals share their place.

    An accuracy of an untrained network and a lower bound of a cost have none. Neither has a rank,
    which says itself what is best.
    """
    able = [
        cell.text != ABSENT and is_comparable(of, row)
        for cell, row in zip(cells, board.rows, strict=True)
    ]
    texts = {cell.text for cell, is_able in zip(cells, able, strict=True) if is_able}
    if of.better is None or of.name == "rank" or len(texts) < 2:
        return list(cells)
    ordered = sorted(texts, key=float, reverse=of.better == "more")
    places = {text: place for place, text in enumerate(ordered[:2])}
    return [
        cell._replace(standing=places.get(cell.text) if is_able else None)
        for cell, is_able in zip(cells, able, strict=True)
    ]
