"""Readers of a record's values, by their paths."""

from collections.abc import Callable
from typing import Any

from .record import Record

Reader = Callable[[Record], Any]
"""Reads a value in base units; None is a value that was not measured."""


def reader(path: str) -> Reader:
    """Return what reads a path such as `latency.interval_s.0`; None where a part of it is None."""
    parts = path.split(".")

    def read(record: Record) -> Any:
        found: Any = record
        for part in parts:
            if found is None:
                return None
            found = found[int(part)] if part.isdigit() else getattr(found, part)
        return found

    return read


def mfu(record: Record) -> float | None:
    """Return the MFU of a record's latency (a fraction); None if it is unknown or impossible.

    Older records may have one above 1, for which the peak was measured too small, or an algorithm
    needs fewer multiplications than the definition has. It compares with no other.
    """
    found = record.latency.mfu if record.latency is not None else None
    return found if found is None or found <= 1 else None
