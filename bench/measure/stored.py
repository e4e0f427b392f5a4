"""Stored records by the table of measurements: what completes one, what can't be read of it."""

from collections.abc import Set
from operator import attrgetter
from typing import Any

import msgspec

from ...datasets.errors import KinobenchError
from ..records.reading import Reader
from ..records.record import RESULT_FIELDS, Record
from . import registry


def missing(newer: Record, older: Record) -> set[str]:
    """Return the measurements that only the older one of two records has, by name.

    Results of measurements that aren't installed are missing under their own names.
    """
    if _has_all(newer, older):
        return set()
    found = {
        each.name
        for each in registry.every()
        if each.carried_over
        and not each.carried_with
        and each.given_by(older)
        and not each.given_by(newer)
    }
    return found | (older.measurements.keys() - newer.measurements.keys() - _declared())


def _has_all(newer: Record, older: Record) -> bool:
    """Return whether the newer record has every result of the older one, as most have."""
    pairs = zip(_results(newer), _results(older), strict=True)
    return older.measurements.keys() <= newer.measurements.keys() and all(
        new is not None or old is None for new, old in pairs
    )


_results = attrgetter(*RESULT_FIELDS)


def completed(newer: Record, older: Record, parts: Set[str]) -> Record:
    """Return the newer record with the results of some measurements of the older one."""
    names = {*parts - {each.name for each in registry.every()}}
    for each in registry.every():
        if (each.carried_with or each.name) in parts:
            names.update(each.results)
    fields = {name: getattr(older, name) for name in names if name in RESULT_FIELDS}
    others = {name: older.measurements[name] for name in names if name in older.measurements}
    return msgspec.structs.replace(newer, measurements=newer.measurements | others, **fields)


def part_of(about: str) -> str:
    """Return the measurement together with which a note is taken over, by what it begins with."""
    for each in registry.every():
        if about in (each.name, each.about, *each.results):
            return each.carried_with or each.name
    return about


def problems(record: Record) -> list[str]:
    """Return a note for each result that no installed measurement can read."""
    found = []
    declared = {name: kind for each in registry.every() for name, kind in each.results.items()}
    for name in record.measurements:
        if name not in declared:
            found.append(f"{name}: no measurement of that name is installed; its result is kept")
            continue
        try:
            record.result(name, declared[name])
        except KinobenchError as error:
            found.append(str(error))
    return found


def read_or_none(read: Reader, record: Record) -> Any:
    """Read a value; None also where a result can't be read, which `problems` reports."""
    try:
        return read(record)
    except KinobenchError:
        return None


def _declared() -> set[str]:
    return {name for each in registry.every() for name in each.results}
