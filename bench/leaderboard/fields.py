"""What is known of a row by name: `--sort`, `--where`, `--columns`, plots and reports read it."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from ...datasets.errors import KinobenchError, UnknownNameError
from ..measure import figures, registry
from ..measure.measurement import Cell, Column, Figure
from ..text.units import ABSENT, significant
from . import columns
from .leaderboard import Board, Row

Read = Callable[[Board, Row], Any]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """Something known of a row: a setting or a number.

    Attributes:
        name: Its name; a number's ends with its unit.
        short: A shorter name that is taken too; empty: none.
        label: Its name on an axis or over a column.
        unit: Unit of a number; empty if it has none.
        is_number: It is a number and no setting.
        better: Whether less or more of it is better; None if neither is.
        title: Its name over a column, where that is not its label with its unit.
        shown: The column of the tables that shows it, if any does.
        cell: Returns its text in a table, and what qualifies it, such as its interval.
        read: Returns it of a row of a board; None if it is unknown.
        ends: Returns the ends of its 95 % interval; None if it has none.
    """

    name: str
    short: str = ""
    label: str
    unit: str = ""
    is_number: bool = False
    better: Literal["less", "more"] | None = None
    title: str = ""
    shown: Column | None = None
    read: Read
    cell: Callable[[Board, Row], Cell]
    ends: Callable[[Board, Row], tuple[float, float] | None] = lambda board, row: None

    @property
    def head(self) -> str:
        """The label with the unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def rising(self, board: Board, row: Row) -> Any:
        """Return a value that is least for the best row; None if it is unknown."""
        value = self.read(board, row)
        return -value if self.better == "more" and value is not None else value


def _setting(name: str, read: Read, label: str = "") -> Field:
    """Return a setting; where tables have it, it is written as there."""
    label = label or name
    text_of = columns.SETTINGS.get(label)

    def cell(board: Board, row: Row) -> Cell:
        if text_of is not None:
            return text_of(row), ""
        found = read(board, row)
        if isinstance(found, bool):
            return "yes" if found else "no", ""
        return ABSENT if found is None else str(found), ""

    return Field(name=name, label=label, read=read, cell=cell)


def _of_case(name: str, label: str = "") -> Field:
    return _setting(name, lambda board, row: getattr(row.record.case, name), label)


def _of_board(name: str) -> Field:
    return _setting(name, lambda board, row: getattr(board, name))


def _machine(board: Board, row: Row) -> str:
    return row.record.environment.name_of(board.device)


def _of_row(name: str, read: Callable[[Row], Any]) -> Field:
    return _setting(name, lambda board, row: read(row))


SETTINGS = (
    _of_case("model"),
    _of_row("weights", lambda row: row.weights),
    _of_board("dataset"),
    _of_board("split"),
    _of_board("manifest"),
    _of_board("protocol"),
    _of_board("views"),
    _of_board("device"),
    _setting("machine", _machine),
    _of_row("fingerprint", lambda row: row.record.environment.fingerprint),
    _of_case("runtime"),
    _of_case("provider"),
    _of_case("hint"),
    _of_case("precision"),
    _of_case("calibration"),
    _of_case("mode"),
    _of_row("flow", lambda row: row.flow),
    _of_case("batch"),
    _of_case("threads"),
    _of_case("classes"),
    _of_case("eval_batch", "eval batch"),
    _of_case("step"),
    _of_case("boxes"),
    _of_case("proposals"),
    _of_case("decoder"),
    _of_case("probe"),
    _of_case("cold_l2", "cold L2"),
    _of_row("torch", lambda row: row.record.environment.versions.get("torch")),
    _of_row("commit", lambda row: row.record.environment.kinobench_commit),
    _of_row("run", lambda row: row.record.run),
    _of_row("started", lambda row: row.record.started),
    _of_row("trained", lambda row: row.is_trained),
    _of_row("failed", lambda row: row.error is not None),
)
"""Settings of a row: texts, counts, and whether something is so."""

RANK = Field(
    name="rank",
    label="rank",
    is_number=True,
    better="less",
    read=lambda board, row: row.rank,
    cell=lambda board, row: (ABSENT if row.rank is None else str(row.rank), ""),
)


def _of_figure(figure: Figure, of_measurement: Iterable[Column]) -> Field:
    column = next((each for each in of_measurement if each.name == figure.column), None)

    def read(board: Board, row: Row) -> float | None:
        try:
            return figure.value(row.record)
        except KinobenchError:  # a result that can't be read; the row's notes have the reason
            return None

    def ends(board: Board, row: Row) -> tuple[float, float] | None:
        try:
            return figure.ends(row.record)
        except KinobenchError:
            return None

    def cell(board: Board, row: Row) -> Cell:
        if figure.cell is not None:
            return figure.cell(row.record)
        if column is not None:
            return columns.cell_of(column, row.record)
        low_high = ends(board, row)
        shown = "" if low_high is None else f"[{', '.join(map(significant, low_high))}]"
        return significant(read(board, row)), shown

    return Field(
        name=figure.name,
        short=figure.short,
        label=figure.label,
        unit=figure.unit,
        is_number=True,
        better=figure.better,
        title="" if column is None else column.head,
        shown=column,
        read=read,
        ends=ends,
        cell=cell,
    )


def fields() -> dict[str, Field]:
    """Return everything that is known of a row, by its name: settings, then numbers."""
    found = [*SETTINGS, _of_figure(figures.PARAMS, [columns.PARAMS])]
    for each in registry.every():
        found += [_of_figure(figure, each.columns) for figure in each.figures]
    return {each.name: each for each in (*found, RANK)}


def field(name: str) -> Field:
    """Return what is known by a name, or by a short name.

    Raises:
        UnknownNameError: Nothing is named so; the message has the nearest name.
    """
    known = fields()
    short = {each.short: each for each in known.values() if each.short}
    found = known.get(name) or short.get(name)
    if found is None:
        raise UnknownNameError("column", name, [*known, *short])
    return found


def numbers() -> dict[str, Field]:
    """Return the numbers, by their names."""
    return {name: each for name, each in fields().items() if each.is_number}


def names() -> list[str]:
    """Return the names that help texts list: the short one of each, where it has one."""
    return [each.short or each.name for each in fields().values()]
