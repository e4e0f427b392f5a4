"""What the origins of published weights say of their licence."""

from functools import cache

import msgspec

from .csv_table import FOLDER, read_rows

TABLE = FOLDER / "licences.csv"


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `licences.csv`.

    Attributes:
        begins: How the addresses of the weights begin.
        licence: Their licence, and what to heed.
        source: Where that is said.
    """

    begins: str
    licence: str
    source: str


def licence_of(url: str) -> Licence | None:
    """Return the licence of the weights at an address; None if it isn't known here."""
    return next((each for each in _table() if url.startswith(each.begins)), None)


@cache
def _table() -> tuple[Licence, ...]:
    return tuple(row for _, row in read_rows(TABLE, Licence))
