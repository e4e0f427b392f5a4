"""The times and rates that papers and repositories printed of networks, with their source."""

from decimal import Decimal
from functools import cache
from typing import Literal

import msgspec

from .csv_table import FOLDER, read_rows

TABLE = FOLDER / "published_speeds.csv"


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `published_speeds.csv`.

    Attributes:
        model: The registry's name.
        variant: Its name in the source.
        frames, size, views: The clip and the views that were timed; None if that isn't printed.
        value: The printed number, with all printed digits.
        unit: `ms` of a view, `clips/s` or `videos/s`.
        device: Its name in the source; None if it isn't printed.
        precision: `fp32`, `fp16` or `bf16`; None if it isn't printed, or mixed.
        batch: Views or videos in a forward; None if it isn't printed.
        source: Repository and file, or paper and table.
        evidence: See `Published`.
        note: A caution.
    """

    model: str
    variant: str
    frames: int | None
    size: int | None
    views: str | None
    value: Decimal
    unit: Literal["ms", "clips/s", "videos/s"]
    device: str | None
    precision: Literal["fp32", "fp16", "bf16"] | None
    batch: int | None
    source: str
    evidence: Literal["primary-repo", "primary-paper-text", "abstract", "secondary"]
    note: str | None


def published_speeds(model: str | None = None) -> list[Speed]:
    """Return the printed speeds of an architecture, or of all, in the table's order."""
    return [row for row in _table() if model is None or row.model == model]


@cache
def _table() -> tuple[Speed, ...]:
    return tuple(row for _, row in read_rows(TABLE, Speed))
