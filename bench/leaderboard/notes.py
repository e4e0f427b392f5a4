"""A line under a board, and how much a reader must know it."""

from collections.abc import Collection, Iterable
from enum import IntEnum

import msgspec

from ...datasets.plurals import some
from ...datasets.visible import one_line

MOST_LEFT_OUT = 3
"""Rows that are named instead of all the others that have a remark."""


class Weight(IntEnum):
    """How much a reader must know a line: what may mislead comes first."""

    COMPARISON = 0
    """Rows of the table can't be compared, or not all of them in every column."""
    LATER_FAILURE = 1
    """The row's numbers are of an older run: a later one failed."""
    REMARK = 2
    """A number of the row is not what it seems, such as a lower bound."""
    MARK = 3
    """A mark or a word of the table stands for a reservation."""
    NOTE = 4
    """A note of a record."""
    FAILURE = 5
    """The whole reason of a failure; the row itself has it in few words."""
    EXPLANATION = 6
    """What a column is, how ranks are found, where the numbers come from."""
    SETTINGS = 7
    """The settings that all rows share."""


class Note(msgspec.Struct, frozen=True):
    """A line under a board.

    Attributes:
        rest: The line, or what comes after the names of its rows.
        weight: How much a reader must know it.
        names: The names of the rows that it is about; empty: of none, or of the whole table.
    """

    rest: str
    weight: Weight = Weight.EXPLANATION
    names: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole line."""
        return self._after(", ".join(self.names))

    @property
    def short(self) -> str:
        """The line with a few of the names."""
        return self._after(some(self.names))

    def _after(self, names: str) -> str:
        return one_line(" ".join(f"{names}{self.rest}".split()))


def names_among(names: Iterable[str], every: Collection[str]) -> tuple[str, ...]:
    """Return the names of rows: `All rows` if there are no others, or all but a few.

    Args:
        names: Names of the rows; one may come twice.
        every: The names of all rows of the table, each once.
    """
    found = dict.fromkeys(names)
    left_out = len(every) - len(found)
    if len(every) < 2 or left_out > MOST_LEFT_OUT or len(found) <= left_out:
        return tuple(found)
    if not left_out:
        return ("All rows",)
    if len(found) <= MOST_LEFT_OUT:
        return tuple(found)
    return (f"All rows but {', '.join(name for name in every if name not in found)}",)
