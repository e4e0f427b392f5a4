"""What is known of a row by name: `--sort`, `--where`, `--columns`, plots and reports read it."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ...datasets.errors import KinobenchError, UnknownNameError
from ..measure import figures, registry
from ..measure.measurement import Figure
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
        column: Name of the column of the tables that shows it; empty if none does.
        read: Returns it of a row of a board; None if it is unknown.
        ends: Returns the ends of its 95 % interval; None if it has none.
    """

    name: str
    short: str = ""
    label: str
    unit: str = ""
    is_number: bool = False
    better: Literal["less", "more"] | None = None
    column: str = ""
    read: Read
    ends: Callable[[Board, Row], tuple[float, float] | None] = lambda board, row: None

    @property
    def head(self) -> str:
        """The label with the unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


def _of_case(name: str, label: str = "") -> Field:
    return Field(
        name=name, label=label or name, read=lambda board, row: getattr(row.record.case, name)
    )


def _of_board(name: str, label: str = "") -> Field:
    return Field(name=name, label=label or name, read=lambda board, row: getattr(board, name))


def _machine(board: Board, row: Row) -> str:
    environment = row.record.environment
    return (environment.gpu if board.device == "cuda" else None) or environment.cpu


SETTINGS = (
    _of_case("model"),
    Field(name="weights", label="weights", read=lambda board, row: row.weights),
    _of_board("dataset"),
    _of_board("split"),
    _of_board("manifest"),
    _of_board("protocol"),
    _of_board("views"),
    _of_board("device"),
    Field(name="machine", label="machine", read=_machine),
    Field(
        name="fingerprint",
        label="fingerprint",
        read=lambda board, row: row.record.environment.fingerprint,
    ),
    _of_case("precision"),
    _of_case("mode"),
    Field(name="flow", label="flow", read=lambda board, row: row.flow),
    _of_case("batch"),
    _of_case("threads"),
    _of_case("classes"),
    _of_case("eval_batch", "eval batch"),
    _of_case("decoder"),
    _of_case("probe"),
    _of_case("cold_l2", "cold L2"),
    Field(
        name="torch",
        label="torch",
        read=lambda board, row: row.record.environment.versions.get("torch"),
    ),
    Field(
        name="commit",
        label="commit",
        read=lambda board, row: row.record.environment.kinobench_commit,
    ),
    Field(name="run", label="run", read=lambda board, row: row.record.run),
    Field(name="started", label="started", read=lambda board, row: row.record.started),
    Field(name="trained", label="trained", read=lambda board, row: row.is_trained),
    Field(name="failed", label="failed", read=lambda board, row: row.error is not None),
)
"""Settings of a row: texts, counts, and whether something is so."""

RANK = Field(
    name="rank",
    label="rank",
    is_number=True,
    better="less",
    column="rank",
    read=lambda board, row: row.rank,
)


def _of_figure(figure: Figure) -> Field:
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

    return Field(
        name=figure.name,
        short=figure.short,
        label=figure.label,
        unit=figure.unit,
        is_number=True,
        better=figure.better,
        column=figure.column,
        read=read,
        ends=ends,
    )


def fields() -> dict[str, Field]:
    """Return everything that is known of a row, by its name: settings, then numbers."""
    measured = (figure for each in registry.every() for figure in each.figures)
    found = (*SETTINGS, *map(_of_figure, (figures.PARAMS, *measured)), RANK)
    return {each.name: each for each in found}


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
