"""A row for each case of a run as it ends, in columns that keep their width."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..measure import columns
from ..measure.measurement import Column
from ..records.case_names import names_of
from ..records.record import Record
from ..text.durations import duration
from ..text.units import milliseconds, percent, scaled
from .planned import Planned

NUMBER = 8
"""Columns of a number: `304.372`, `~1234.56`, `1234.567`."""
SHARE = 6
"""Columns of a percentage: `100.0`, under its name."""
TOOK = 6
"""Columns of a time: `12 s`, `99 min`, `stored`."""
SHORTEST_NAME = 12
GAP = 2


_SCORED = {"accuracy", "localization", "detection"}
"""The measurements that score a dataset."""


class Row(NamedTuple):
    """A case that is done.

    Attributes:
        number: How many cases are done with it.
        name: Its name.
        record: Its record.
        took_s: Seconds that it took; None for one from a stored record.
    """

    number: int
    name: str
    record: Record
    took_s: float | None


def _params(record: Record) -> str:
    return scaled(record.params, 1e6, 3)


def _of(column: Column) -> Callable[[Record], str]:
    return lambda record: column.cell(record)[0]


def _score(record: Record) -> str:
    return percent(None if record.evaluated is None else record.evaluated.score)


class CaseRows:
    """The heads and the rows of a run's cases.

    Attributes:
        names: A name for each case, which no other case of the run has.
    """

    def __init__(self, planned: Sequence[Planned], score: str) -> None:
        """Choose the columns.

        Args:
            planned: The cases.
            score: Name of the accuracy, such as `top-1`.
        """
        self.names = names_of([each.case for each in planned])
        self._count, self._score = len(planned), score
        measured = {name for each in planned for name in each.measures}
        with_dataset = any(each.case.dataset is not None for each in planned)
        chosen: list[tuple[str, str, Callable[[Record], str], bool]] = [
            ("params", "(M)", _params, True),
            ("GMACs", "", _of(columns.COST[0]), "flops" in measured),
            ("latency", "(ms)", _of(columns.LATENCY[0]), "latency" in measured),
            (score, "(%)", _score, bool(_SCORED & measured) and with_dataset),
        ]
        self._columns = [(name, unit, read) for name, unit, read, is_shown in chosen if is_shown]

    def heads(self, width: int) -> tuple[str, str]:
        """Return the heads and their units, for a terminal of so many columns."""
        names = [_right(name, self._width_of(name)) for name, _, _ in self._columns]
        units = [_right(unit, self._width_of(name)) for name, unit, _ in self._columns]
        return (
            self._line("", "model", [*names, _right("time", TOOK)], width),
            self._line("", "", units, width).rstrip(),
        )

    def row(self, row: Row, width: int) -> str:
        """Return the row of a case, for a terminal of so many columns."""
        number = f"{row.number}/{self._count}"
        if row.record.error is not None:
            begin = self._line(number, row.name, [""], width)
            return begin + _cut(_failure(row.record), max(width - 1 - len(begin), SHORTEST_NAME))
        cells = [_right(read(row.record), self._width_of(name)) for name, _, read in self._columns]
        return self._line(number, row.name, [*cells, _right(_took(row), TOOK)], width)

    def plain(self, row: Row) -> str:
        """Return a line on a case for a log: `3/32 c3d_tiny: 12.34 ms, top-1 98.8 %, 12 s`."""
        begin = f"{row.number}/{self._count} {row.name}: "
        record = row.record
        if record.error is not None:
            return f"{begin}{_failure(record)}; {_took(row)}"
        parts = []
        if record.latency is not None:
            parts.append(
                f"{columns.rough_mark(record)}{milliseconds(record.latency.median_s)[0]} ms"
            )
        accuracy = record.evaluated
        if accuracy is not None and accuracy.score is not None:
            parts.append(f"{accuracy.score_name} {_score(record)} %")
        if not parts and record.cost is not None:
            parts.append(f"{columns.COST[0].cell(record)[0]} GMACs")
        if not parts and record.params is not None:
            parts.append(f"{_params(record)} M parameters")
        return begin + ", ".join([*parts, source_of(record) if row.took_s is None else _took(row)])

    @property
    def _number_width(self) -> int:
        return 2 * len(str(self._count)) + 1

    def _width_of(self, head: str) -> int:
        return max(len(head), SHARE if head == self._score else NUMBER)

    def _name_width(self, width: int) -> int:
        others = sum(GAP + self._width_of(name) for name, _, _ in self._columns) + GAP + TOOK
        room = width - 1 - self._number_width - GAP - others  # a full line may wrap
        return max(SHORTEST_NAME, min(room, max(map(len, self.names))))

    def _line(self, number: str, name: str, cells: Sequence[str], width: int) -> str:
        first = [_right(number, self._number_width), _left(name, self._name_width(width))]
        return (" " * GAP).join([*first, *cells])


def source_of(record: Record) -> str:
    """Return where a stored record comes from."""
    return f"from {record.run}, {record.started}"


def _failure(record: Record) -> str:
    return "" if record.error is None else f"failed: {record.error.line}"


def _took(row: Row) -> str:
    return "stored" if row.took_s is None else duration(row.took_s)


def _right(text: str, width: int) -> str:
    return text.rjust(width)


def _left(text: str, width: int) -> str:
    return _cut(text, width).ljust(width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
