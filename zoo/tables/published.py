"""The numbers that papers and repositories printed of the architectures, with their source."""

from functools import cache
from pathlib import Path

from ...datasets.errors import KinobenchError
from .csv_table import FOLDER, read_rows
from .rows import Published

TABLE = FOLDER / "published.csv"
CONVENTIONS = ("matmul", "matmul+5norm", "mmcv", "mmengine")
"""The conventions for a cost; `bench/cost/conventions.py` describes each."""

PARAMS_CONVENTIONS = ("weights",)
"""The conventions that count only some parameters; see `Published`."""

_POSITIVE = (
    *("frames", "stride", "size", "classes", "gmacs", "mparams"),
    *("macs_here", "params_here"),
)


def published(model: str | None = None) -> list[Published]:
    """Return the printed rows of an architecture, or of all, in the table's order.

    The list is empty if nothing was printed.
    """
    return [row for row in _table() if model is None or row.model == model]


def read_published(path: Path) -> list[Published]:
    """Read and check a table in the layout of `published.csv`; an empty cell is None.

    Raises:
        KinobenchError: A column is missing or unknown, or a cell has a wrong value; the message
            names the file and the line.
    """
    rows = []
    for place, row in read_rows(path, Published):
        fault = _fault(row)
        if fault:
            raise KinobenchError(f"{place}: {fault}")
        rows.append(row)
    return rows


def _fault(row: Published) -> str | None:
    """Return a contradiction in a row, or None."""
    for column, known, number in (
        ("convention", CONVENTIONS, "gmacs"),
        ("params_convention", PARAMS_CONVENTIONS, "mparams"),
    ):
        convention = getattr(row, column)
        if convention is not None and convention not in known:
            return f"{column} {convention!r} is unknown; known: {', '.join(known)}, or empty"
        if convention is not None and getattr(row, number) is None:
            return f"{column} is {convention!r}, but {number} is empty"
    for reason, count, number in (
        ("cost_reason", "macs_here", "gmacs"),
        ("params_reason", "params_here", "mparams"),
    ):
        if (getattr(row, reason) is None) != (getattr(row, count) is None):
            return f"{reason} and {count} go together: give both or neither"
        if getattr(row, reason) is not None and getattr(row, number) is None:
            return f"{reason} is given, but {number} is empty"
    if row.gmacs is not None and None in (row.frames, row.size, row.classes):
        return f"gmacs is {row.gmacs}, but its input is unknown; give frames, size and classes"
    for column in _POSITIVE:
        number = getattr(row, column)
        if number is not None and not number > 0:
            return f"{column} is {number}; it must be above 0"
    for column in ("top1", "top5"):
        percent = getattr(row, column)
        if percent is not None and not 0 <= percent <= 100:
            return f"{column} is {percent}; give a percentage from 0 to 100"
    return None


@cache
def _table() -> tuple[Published, ...]:
    return tuple(read_published(TABLE))
