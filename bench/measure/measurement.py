"""The declaration of a measurement: the command line, the worker and the tables read it.

Nothing here imports torch.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ...datasets.names import TASKS, Task
from ..records.case import Case
from ..records.reading import Reader
from ..records.record import Record

if TYPE_CHECKING:
    from .context import Context

Need = Literal["device", "classify", "dataset", "reference", "digest", "own process"]
"""A need of a measurement. `device`: the network is placed, in its precision and mode. `classify`:
of the placed network it calls nothing but `classify`. `dataset`: the case has a dataset.
`reference`: the outputs of eager fp32, for drift. `digest`: the network's identity, its digest and
what it computes, which is taken before the network is placed on its device. `own process`: nothing
else runs in its process; an instance measured from Python has none."""

Cell = tuple[str, str]
"""A value as text, and what qualifies it, such as its interval; the second may be empty."""

Run = Callable[["Context"], None]

PLUGIN_ORDER = 700
"""After everything that is timed, before what slows a CPU's allocations (`memory`)."""


def always(records: Sequence[Record]) -> bool:
    """Return True: the column is shown wherever one of its cells has a value."""
    return True


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the tables. A column without any value is left out.

    Attributes:
        name: Name of the value, such as `latency`.
        unit: Unit of its cells, such as `ms`; empty for a number without one.
        cell: Returns a record's cell; `(units.ABSENT, "")` if it was not measured.
        shown: Takes the records of a table; the column is left out if it returns False.
        footnote: A line that explains the column, or a function that returns it for the records.
        marks: Returns marks that cells have after their value among the records of a table, by the
            digests of the cases; the measurement's footnotes explain them.
        derived: It follows from other columns: a table has it where all columns, or it, are asked
            for.
    """

    name: str
    unit: str = ""
    cell: Callable[[Record], Cell]
    shown: Callable[[Sequence[Record]], bool] = always
    footnote: str | Callable[[Sequence[Record]], str] = ""
    marks: Callable[[Sequence[Record]], Mapping[str, str]] | None = None
    derived: bool = False

    @property
    def head(self) -> str:
        """The column's name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number that people sort, filter, plot and choose by, in the unit of the tables.

    Attributes:
        name: Its name on the command line, with its unit: `latency_ms`.
        short: A shorter name that is taken too: `latency`; empty: none.
        label: Its name on the axis of a figure, without the unit.
        unit: Its unit; empty for a number without one.
        scale: Base units in one unit, such as 1e-3 for milliseconds.
        read: Reads it from a record, in base units; None if it was not measured.
        interval: Reads the ends of its 95 % interval, in base units; None if it has none.
        better: Whether less or more of it is better; None if neither is.
        column: Name of the column that shows it; empty if none does.
        cell: Returns a record's cell, where the column's is not of this number; None: the column's,
            or without a column the number to three digits.
    """

    name: str
    short: str = ""
    label: str
    unit: str = ""
    scale: float = 1.0
    read: Reader
    interval: Reader | None = None
    better: Literal["less", "more"] | None = None
    column: str = ""
    cell: Callable[[Record], Cell] | None = None

    def value(self, record: Record) -> float | None:
        """Return it in its unit; None if it was not measured, or is not finite."""
        found = self.read(record)
        return _finite(found, self.scale)

    def ends(self, record: Record) -> tuple[float, float] | None:
        """Return the ends of its interval in its unit; None if it has none."""
        found = None if self.interval is None else self.interval(record)
        if found is None:
            return None
        low, high = (_finite(end, self.scale) for end in found)
        return None if low is None or high is None else (low, high)


def _finite(value: Any, scale: float) -> float | None:
    return float(value) / scale if value is not None and math.isfinite(value) else None


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement: its name, its needs, its results, and its place in the tables.

    Attributes:
        name: Name after `--measure`: lower case letters, digits and `_`.
        summary: One line for `--help` and `list measurements`.
        run: Function that measures; it gets a `Context`. Name it as `package.module:function`, and
            it is imported when a case needs it.
        results: Names of the results, each with its type (a msgspec.Struct, or anything else that
            msgspec converts).
        needs: See `Need`. Without `device` it runs before the network is placed on its device.
        order: Measurements run by rising order, which may depend on the case.
        default: It is measured if nobody says what to measure (and, if it needs a dataset, only
            for a case that has one).
        stage: Its name in the progress bar; empty: `name`.
        about: The beginning of its notes; empty: `name`.
        follows: Measurements whose results it needs. `--measure` can't name it: it runs wherever
            all of them gave a result.
        always: It runs with every other measurement that runs the network, where it applies;
            `--measure` can't name it.
        tasks: Tasks whose networks it can be measured of.
        applies: Returns whether it can be measured for a case at all.
        keeps_predictions: It keeps predictions in the folder of results, which its record names.
        check: Function like `run`, called before the network is built; it refuses a case that
            can't be measured.
        on_cluster: A cluster may measure it.
        carried_over: A leaderboard takes its result from an older record of the case, if the
            newest record doesn't have it.
        carried_with: The measurement with which its result is carried over; empty: alone.
        absence: Note on a record for which it was not asked; empty: none.
        columns: Its columns in the tables.
        values: Its columns in CSV and JSON, in base units.
        figures: Its numbers that people sort, filter, plot and choose by.
        footnotes: Functions that return a line for a table's records, or an empty one.
        remarks: Returns lines on a single record; each comes after the model's name.
        shown_in_cells: Beginnings of notes that a table leaves out, since a cell shows them.
    """

    name: str
    summary: str
    run: str | Run
    results: Mapping[str, Any]
    needs: tuple[Need, ...] = ("device",)
    order: int | Callable[[Case], int] = PLUGIN_ORDER
    default: bool = False
    stage: str = ""
    about: str = ""
    follows: tuple[str, ...] = ()
    always: bool = False
    tasks: tuple[Task, ...] = TASKS
    applies: Callable[[Case], bool] = lambda case: True
    keeps_predictions: bool = False
    check: str | Run | None = None
    on_cluster: bool = False
    carried_over: bool = True
    carried_with: str = ""
    absence: str = ""
    columns: tuple[Column, ...] = ()
    values: Mapping[str, Reader] = {}
    figures: tuple[Figure, ...] = ()
    footnotes: tuple[Callable[[Sequence[Record]], str], ...] = ()
    remarks: Callable[[Record], Iterable[str]] = lambda record: ()
    shown_in_cells: tuple[str, ...] = ()

    def place_in(self, case: Case) -> int:
        """Return where it comes in the order of a case's measurements."""
        return self.order if isinstance(self.order, int) else self.order(case)

    def given_by(self, record: Record) -> bool:
        """Return whether a record has a result of it."""
        return any(record.has(name) for name in self.results)
