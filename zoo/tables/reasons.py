"""Why a number measured here may differ from a printed one, each with evidence in print."""

from functools import cache

import msgspec

from .csv_table import FOLDER, read_rows

TABLE = FOLDER / "reasons.csv"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `reasons.csv`.

    Attributes:
        name: Its short name.
        text: What differs, and how much that did in print.
        source: Where that is printed.
    """

    name: str
    text: str
    source: str


@cache
def reasons() -> dict[str, Reason]:
    """Return the known reasons by their names."""
    return {row.name: row for _, row in read_rows(TABLE, Reason)}
