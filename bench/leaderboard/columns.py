"""The table of a board: which columns it has, and the text of each cell."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ...datasets.errors import KinobenchError
from ...datasets.visible import one_line
from ..measure import registry
from ..measure.columns import NOTHING
from ..measure.measurement import Cell, Column, Measurement
from ..records.record import Record
from ..text.units import ABSENT, scaled
from .leaderboard import Board, Row


def mode_text(row: Row) -> str:
    """Return a row's mode; eager is one of torch, and other runtimes have no such thing."""
    case = row.record.case
    return ABSENT if case.runtime != "torch" and case.mode == "eager" else case.mode


SETTINGS: dict[str, Callable[[Row], str]] = {
    "runtime": lambda row: row.record.case.runtime,
    "provider": lambda row: row.record.case.provider or ABSENT,
    "hint": lambda row: row.record.case.hint or ABSENT,
    "precision": lambda row: row.record.case.precision,
    "calibration": lambda row: str(row.record.case.calibration or ABSENT),
    "mode": mode_text,
    "flow": lambda row: row.flow or ABSENT,
    "batch": lambda row: str(row.record.case.batch),
    "threads": lambda row: str(row.record.case.threads or "default"),
    "classes": lambda row: str(row.record.case.classes),
    "eval batch": lambda row: str(row.record.case.eval_batch),
    "step": lambda row: str(row.record.case.step or ABSENT),
    "boxes": lambda row: str(row.record.case.boxes or ABSENT),
    "proposals": lambda row: row.record.case.proposals or ABSENT,
    "decoder": lambda row: row.record.case.decoder,
    "probe": lambda row: row.record.case.probe or ABSENT,
    "L2": lambda row: "cold" if row.record.case.cold_l2 else "warm",
}
"""Settings in which the rows of a board may differ: columns if they do, else a footnote."""

PARAMS = Column(
    name="params",
    unit="M",
    cell=lambda record: (scaled(record.params, 1e6, 3), ""),
)


class Table(NamedTuple):
    """A table of texts.

    Attributes:
        head: The names of its columns.
        lines: The cells of each row.
        left: Places of the columns that are names: the others are right-justified.
    """

    head: list[str]
    lines: list[list[Cell]]
    left: frozenset[int] = frozenset({0, 1})


def table_of(board: Board, *, derived: bool = False) -> Table:
    """Return the whole table of a board: the model, its weights, settings that differ, numbers.

    Settings that all rows share are left to a footnote. Control characters in names are written
    out.

    Args:
        board: The board.
        derived: With the columns that follow from others.
    """
    settings = differing_settings(board)
    shown = _shown(board, derived)
    lines = [
        [
            shown_cell(cell)
            for cell in (
                (row.record.case.model, ""),
                (row.weights, ""),
                *((read(row), "") for read in settings.values()),
                *(cells[number] for _, cells in shown),
            )
        ]
        for number, row in enumerate(board.rows)
    ]
    return Table(["model", "weights", *settings, *(head for head, _ in shown)], lines)


def shown_cell(cell: Cell) -> Cell:
    """Return a cell in which control characters are written out."""
    value, rest = cell
    return one_line(value), one_line(rest)


def differing_settings(board: Board) -> dict[str, Callable[[Row], str]]:
    """Return the settings in which the rows of a board differ, each with its reader."""
    found = {name: SETTINGS[name] for name, values in settings_of(board) if len(values) > 1}
    if flow_is_in_a_cell(board):
        found.pop("flow", None)
    return found


def _shown(board: Board, derived: bool) -> list[tuple[str, list[Cell]]]:
    """Return the head and the cells of each column in which any row has a value."""
    ranks: list[Cell] = [(ABSENT if row.rank is None else str(row.rank), "") for row in board.rows]
    records = records_of(board)
    found: list[tuple[str, list[Cell]]] = [(PARAMS.head, _cells(PARAMS, records))]
    for measurement in registry.every():
        if measurement.name == "accuracy":
            found.append(("rank", ranks))
        found += [
            (column.head, _cells(column, records))
            for column in shown_columns(measurement, records, derived=derived)
        ]
    return [(head, cells) for head, cells in found if _has_a_value(cells)]


def shown_columns(
    measurement: Measurement, records: Sequence[Record], *, derived: bool = False
) -> list[Column]:
    """Return the columns of a measurement that a table of some records has."""
    return [
        column
        for column in measurement.columns
        if (derived or not column.derived)
        and column.shown(records)
        and _has_a_value(cell_of(column, record) for record in records)  # the first one has it
    ]


def records_of(board: Board) -> list[Record]:
    """Return the records of a board's rows."""
    return [row.record for row in board.rows]


def _cells(column: Column, records: Sequence[Record]) -> list[Cell]:
    cells = [cell_of(column, record) for record in records]
    if column.marks is None:
        return cells
    marks = column.marks(records)
    return [
        (f"{value}{marks.get(record.case.digest, '')}", rest)
        for record, (value, rest) in zip(records, cells, strict=True)
    ]


def cell_of(column: Column, record: Record) -> Cell:
    """Return a cell of a column; a result that can't be read has none."""
    try:
        return column.cell(record)
    except KinobenchError:  # a result that can't be read; the row's notes have the reason
        return NOTHING


def _has_a_value(cells: Iterable[Cell]) -> bool:
    return any(value != ABSENT for value, _ in cells)


def settings_of(board: Board) -> list[tuple[str, set[str]]]:
    """Return the different values that each setting has in a board.

    A runtime that has no modes differs in none from torch, whose rows may share one. Nor does a
    row in a precision that takes no calibration differ in it from the quantised ones.
    """
    found = [(name, {read(row) for row in board.rows}) for name, read in SETTINGS.items()]
    for name, values in found:
        if len(values) > 1 and (name == "mode" or (name == "calibration" and _follows(board))):
            values.discard(ABSENT)
    return found


def _follows(board: Board) -> bool:
    """Return whether the precision says which rows have a calibration."""
    cases = [row.record.case for row in board.rows]
    with_it = {case.precision for case in cases if case.calibration is not None}
    return not any(case.calibration is None and case.precision in with_it for case in cases)


def flow_is_in_a_cell(board: Board) -> bool:
    """Return whether each row with optical flow has its method next to its time."""
    return all(row.record.flow_time is not None for row in board.rows if row.flow is not None)
