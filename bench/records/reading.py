"""Readers of a record's values, by their paths."""

from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any

from .record import Record

Reader = Callable[[Record], Any]
"""Reads a value in base units; None is a value that was not measured."""


def reader(path: str, of: str = "") -> Callable[[Any], Any]:
    """Return what reads a path such as `latency.interval_s.0`; None where a part of it is None.

    Args:
        path: The path from a record on.
        of: The path, and a dot, of the record itself from what is read, if that is no record.
    """
    first, *others = path.split(".")
    steps = [itemgetter(int(part)) if part.isdigit() else attrgetter(part) for part in others]
    begin: Callable[[Any], Any] = attrgetter(of + first)
    if not steps:
        return begin
    if len(steps) == 1:  # most paths, and a table has half a million cells of them
        (step,) = steps

        def read_one(record: Any) -> Any:
            found = begin(record)
            return None if found is None else step(found)

        return read_one

    def read(record: Any) -> Any:
        found = begin(record)
        for step in steps:
            if found is None:
                return None
            found = step(found)
        return found

    return read


def mfu(record: Record) -> float | None:
    """Return the MFU of a record's latency (a fraction); None if it is unknown or impossible.

    Older records may have one above 1, for which the peak was measured too small, or an algorithm
    needs fewer multiplications than the definition has. It compares with no other.
    """
    found = record.latency.mfu if record.latency is not None else None
    return found if found is None or found <= 1 else None
