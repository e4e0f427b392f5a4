"""What a measurement declares. The command line, the worker and the tables read it; no torch."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..records.case import Case
from ..records.reading import Reader
from ..records.record import Record

if TYPE_CHECKING:
    from .context import Context

Need = Literal["device", "dataset", "reference", "digest"]
"""What must be there: `device`: the network is on the case's device, in its precision and mode.
`dataset`: the case has a dataset. `reference`: the outputs of eager fp32, for drift. `digest`: the
network's digest, which is taken before the network is placed."""

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
        name: What the column shows, such as `latency`.
        unit: Unit of its cells, such as `ms`; empty for a number without one.
        cell: Gives a record's cell; `(units.ABSENT, "")` for what was not measured.
        shown: Takes the records of a table; the column is left out where it returns False.
        footnote: What a reader must know of the column, or what gives it for a table's records.
    """

    name: str
    unit: str = ""
    cell: Callable[[Record], Cell]
    shown: Callable[[Sequence[Record]], bool] = always
    footnote: str | Callable[[Sequence[Record]], str] = ""

    @property
    def head(self) -> str:
        """The column's name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: what it is called, what it needs, what it gives, how tables show it.

    Attributes:
        name: Name after `--measure`: lower case letters, digits and `_`.
        summary: One line for `--help` and `list measurements`.
        run: What measures, called with a `Context`: a function, or its place as
            `package.module:function`, which is imported when it is wanted.
        results: Names of the results, each with its type (a msgspec.Struct, or anything else that
            msgspec converts).
        needs: What must be there; what needs no device runs before the network is placed on it.
        order: Measurements run by rising order, which may depend on the case.
        default: Whether it is measured where nobody says what to measure; a default that needs a
            dataset is one only where there is a dataset.
        stage: What the progress bar calls it; empty: its name.
        about: What its notes begin with; empty: its name.
        follows: Measurements from whose results it follows. It can't be asked for: it runs where
            all of them gave a result.
        applies: Whether a case has it at all.
        check: Called before the network is built, as `run` is; refuses what can't be measured.
        on_cluster: Whether a cluster may measure it.
        carried_over: Whether a leaderboard takes its result from an older record of the case, if
            the newest one was not asked for it.
        carried_with: The measurement together with which it is taken over; empty: alone.
        absence: The note on a record that was not asked for it; empty: none.
        columns: Its columns in the tables.
        values: Its columns in CSV and JSON, in base units.
        sorts: What `leaderboard --sort` knows by it; the smallest value comes first.
        footnotes: Each gives a line for a table's records, or an empty one.
        remarks: Gives what a table says of a single record, each after the model's name.
        shown_in_cells: Beginnings of notes that a cell or a setting shows already.
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
    applies: Callable[[Case], bool] = lambda case: True
    check: str | Run | None = None
    on_cluster: bool = False
    carried_over: bool = True
    carried_with: str = ""
    absence: str = ""
    columns: tuple[Column, ...] = ()
    values: Mapping[str, Reader] = {}
    sorts: Mapping[str, Reader] = {}
    footnotes: tuple[Callable[[Sequence[Record]], str], ...] = ()
    remarks: Callable[[Record], Iterable[str]] = lambda record: ()
    shown_in_cells: tuple[str, ...] = ()

    def place_in(self, case: Case) -> int:
        """Return where it comes in the order of a case's measurements."""
        return self.order if isinstance(self.order, int) else self.order(case)

    def given_by(self, record: Record) -> bool:
        """Return whether a record has a result of it."""
        return any(record.has(name) for name in self.results)
