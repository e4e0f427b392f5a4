"""The columns that a table on the screen may have, and how much each of them matters."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from ..measure import registry
from ..measure.measurement import Cell, Column
from ..text.units import ABSENT
from .columns import cell_of, records_of, shown_cell, shown_columns
from .fields import RANK, Field, fields
from .highlights import best
from .leaderboard import Board

IMPORTANCE = (
    *("top-1", "hit@1", "mAP", "latency", "GMACs", "params", "rank", "clips/s"),
    *("interval of the accuracy", "peak memory", "energy", "interval of the latency"),
    *("top-5", "hit@5", "GMACs/video", "time/video", "energy/video", "drift", "MFU"),
    *("columns of plug-ins", "points/GMAC", "points/ms", "points/J", "GFLOPs"),
    *("with flow", "wall", "other intervals"),
)
"""What a terminal shows besides the model and the settings that differ: as much as fits, in this
order. `clips/s` is there where a batch has several clips; it then says more than the latency."""

CORE = 7
"""What is shown if long names have to be folded for it."""

_INTERVALS = {
    **dict.fromkeys(("top-1", "hit@1", "mAP"), "interval of the accuracy"),
    "latency": "interval of the latency",
}


class Candidate(NamedTuple):
    """A column that a table may have.

    Attributes:
        name: Its name, without the unit.
        asked: Its name in `--columns`, or where that takes none, the same.
        head: Its name with the unit.
        cells: The cell of each row.
        rests: What qualifies the values, a list of a row each: as the tables have it, then shorter
            ones; none if nothing qualifies them.
        best: The numbers of the rows whose value is the best.
        column: The column of the tables that it is.
    """

    name: str
    asked: str
    head: str
    cells: list[Cell]
    rests: list[list[str]]
    best: frozenset[int]
    column: Column | None

    @property
    def order(self) -> int:
        """Its place in the order of importance."""
        known = self.name if self.name in IMPORTANCE else "columns of plug-ins"
        return IMPORTANCE.index(known)

    @property
    def order_of_rest(self) -> int:
        """The place of what qualifies its values, such as their intervals."""
        return IMPORTANCE.index(_INTERVALS.get(self.name, "other intervals"))

    def value_width(self) -> int:
        """Return the columns of the terminal for its widest value, with the mark of the best."""
        return max((cell_len(value) for value, _ in self.cells), default=0) + bool(self.best)

    def title(self, width: int) -> str:
        """Return its head in as few lines as it has at a width, or in the three narrowest."""
        parts = re.split(r" |(?<=/)(?=video)", self.head.removeprefix("peak "))
        broken = [_in_lines(parts, count) for count in range(1, min(3, len(parts)) + 1)]
        fitting = [each for each in broken if widest(each) <= width]
        return "\n".join(fitting[0] if fitting else min(broken, key=widest))


def candidates(board: Board) -> list[Candidate]:
    """Return the columns that a table of a board may have, in the order of the tables.

    The latency is that which a user can reach: with the optical flow, and by the host's clock where
    the GPU waits for the host. So the order and the Pareto front are those of what is shown.
    """
    records = records_of(board)
    by_column = {id(each.shown): each for each in fields().values() if each.shown is not None}
    params = fields()["params_m"]
    found = [_of_field("params", board, params)]
    for measurement in registry.every():
        if measurement.name == "accuracy":
            found.append(_of_field("rank", board, RANK))
        for column in shown_columns(measurement, records, derived=True):
            field = by_column.get(id(column))
            if field is not None:
                found.append(_of_field(column.name, board, field))
            else:
                cells = [shown_cell(cell_of(column, record)) for record in records]
                found.append(
                    Candidate(
                        name=column.name,
                        asked=column.name,
                        head=column.head,
                        cells=cells,
                        rests=_rests(cells),
                        best=frozenset(),
                        column=column,
                    )
                )
    return [each for each in found if any(value != ABSENT for value, _ in each.cells)]


def _of_field(name: str, board: Board, field: Field) -> Candidate:
    cells = [shown_cell(field.cell(board, row)) for row in board.rows]
    rests = _rests(cells)
    if rests and field.unit == "%":
        rests.append([_outward(field.ends(board, row)) for row in board.rows])
    return Candidate(
        name=name,
        asked=field.short or field.name,
        head=field.title or field.head,
        cells=cells,
        rests=rests,
        best=best(board, field, cells),
        column=field.shown,
    )


def _rests(cells: Sequence[Cell]) -> list[list[str]]:
    rests = [rest for _, rest in cells]
    return [rests] if any(rests) else []


def _outward(ends: tuple[float, float] | None) -> str:
    """Return an interval in whole percent that is nowhere narrower."""
    return "" if ends is None else f"[{math.floor(ends[0])}, {math.ceil(ends[1])}]"


def _in_lines(parts: list[str], count: int) -> list[str]:
    """Return parts of a head in some lines, the widest as narrow as possible."""
    if count == 1:
        return ["".join(part if part.endswith("/") else f"{part} " for part in parts).strip()]
    first = (
        _in_lines(parts[:cut], 1) + _in_lines(parts[cut:], count - 1)
        for cut in range(1, len(parts) - count + 2)
    )
    return min(first, key=widest)


def widest(texts: Iterable[str]) -> int:
    """Return the columns of the terminal that the widest text takes."""
    return max(map(cell_len, texts), default=0)
