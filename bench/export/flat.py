"""A record as trackers take it: parameters, metrics and tags, each by a flat name."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.visible import one_line
from ..leaderboard.fields import numbers
from ..leaderboard.selectors import alone
from ..records.record import Record
from ..records.stores import Results, predictions_in

Setting = str | int | float | bool

UNITS = (
    "metrics with dots are fields of the record, in base units (s, bytes, J, shares of 1); the "
    "others are figures in the unit that ends their names, with the ends of their 95 % intervals "
    "in _low and _high"
)
"""What is said of the metrics wherever they are published."""

RECORD = "kinobench.record"
"""The tag that a published record is found by."""

_NOT_RESULTS = ("schema", "run", "started", "case", "environment", "notes", "error", "id")
_OTHER_SIGNS = re.compile(r"[^\w.-]", re.ASCII)


class Flat(msgspec.Struct, frozen=True, kw_only=True):
    """A record, flattened.

    Attributes:
        id: The record's id.
        name: What people call it: the model, and what of the case isn't the default.
        model: Its model.
        began: When the case was begun.
        params: Settings of the case (`protocol.frames`), the machine and versions.
        metrics: The record's numbers in base units by their paths (`latency.median_s`), intervals
            as `.low` and `.high`; and the figures that people choose by (`latency_ms`), with their
            intervals. See `UNITS`.
        figures: The names of those figures.
        tags: Identity: ids, digests of the protocol, the videos and their copy, the version of
            kinobench; and the texts and truths of the results.
        line: The record as a line of JSON.
        predictions: Its predictions, a folder or a file; None if it has none.
        error: Why it failed; None if it did not.
        record: The record.
    """

    id: str
    name: str
    model: str
    began: datetime
    params: dict[str, Setting]
    metrics: dict[str, float]
    figures: tuple[str, ...]
    tags: dict[str, str]
    line: bytes
    predictions: Path | None
    error: str | None
    record: Record


def flattened(record: Record, results: Results) -> Flat:
    """Return a record as trackers take it.

    Args:
        record: The record.
        results: The folder of results that it is in, or the folders that it was read from.

    Raises:
        KinobenchError: The time at which it was begun is no time.
    """
    line = record.to_json()
    plain = msgspec.json.decode(line)
    measured = {name: value for name, value in plain.items() if name not in _NOT_RESULTS}
    figures = dict(_figures(record))
    texts = {name: _text(value) for name, value in _leaves(measured) if not _is_number(value)}
    fields = {name: float(value) for name, value in _leaves(measured) if _is_number(value)}
    return Flat(
        id=record.id,
        name=_name(record),
        model=record.case.model,
        began=_began(record),
        params=dict(_params(plain)),
        metrics=fields | figures,
        figures=tuple(figures),
        tags=texts | _identity(record),
        line=line,
        predictions=_predictions(record, results),
        error=None if record.error is None else record.error.line,
        record=record,
    )


def _name(record: Record) -> str:
    case = record.case
    parts = [case.model, case.dataset, case.device, case.precision, case.mode]
    batch = f"batch {case.batch}" if case.batch != 1 else None
    return one_line(" ".join(part for part in (*parts, batch, case.probe) if part))


def _began(record: Record) -> datetime:
    try:
        found = datetime.fromisoformat(record.started)
    except ValueError as error:
        raise KinobenchError(
            f"record {record.id}: {record.started!r} is no time; `results validate` shows what "
            "else is wrong with the folder"
        ) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _params(plain: Mapping[str, Any]) -> Iterator[tuple[str, Setting]]:
    environment = dict(plain["environment"])
    versions, set_variables = environment.pop("versions"), environment.pop("variables") or {}
    parts = (
        (plain["case"], ""),
        (environment, "machine."),
        (versions, "version."),
        (set_variables, "variable."),
    )
    for values, prefix in parts:
        for name, value in _leaves(values, prefix, none="none"):
            yield name, one_line(value) if isinstance(value, str) else value


def _figures(record: Record) -> Iterator[tuple[str, float]]:
    """Yield the numbers that people choose by, but for the rank, which a table gives."""
    board, row = alone(record)
    for name, each in numbers().items():
        value = None if name == "rank" else each.read(board, row)
        if value is None:
            continue
        yield name, float(value)
        ends = each.ends(board, row)
        if ends is not None:
            yield f"{name}_low", ends[0]
            yield f"{name}_high", ends[1]


def _identity(record: Record) -> dict[str, str]:
    case, accuracy = record.case, record.accuracy
    copy = None if accuracy is None else accuracy.copy
    found = {
        "record": record.id,
        "run": record.run,
        "case": case.digest,
        "version": record.environment.versions.get("kinobench", "unknown"),
        "commit": record.environment.kinobench_commit,
        "fingerprint": record.environment.fingerprint,
        "model": case.model,
        "weights_digest": record.weights_digest,
        "protocol": case.protocol.name,
        "protocol_digest": case.protocol.digest,
        "dataset": case.dataset,
        "split": case.split,
        "manifest": None if accuracy is None else accuracy.manifest,
        "copy": None if copy is None else copy.digest,
        "notes": "; ".join(record.notes),
        "error": None if record.error is None else record.error.line,
        "units": UNITS,
    }
    return {f"kinobench.{name}": one_line(text) for name, text in found.items() if text}


def _leaves(
    values: Mapping[str, Any], prefix: str = "", none: str | None = None
) -> Iterator[tuple[str, Setting]]:
    """Yield the single values below some fields, by their paths, and the ends of intervals.

    Other lists (samples, points of a sweep) stay in the record's line. A None is left out, or is
    `none`, if that is given.
    """
    for key, value in values.items():
        name = prefix + _OTHER_SIGNS.sub("_", key)
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.", none)
        elif value is None:
            if none is not None:
                yield name, none
        elif isinstance(value, list):
            if none is not None:
                yield name, ", ".join(map(str, value))
            elif "interval" in key and len(value) == 2 and all(map(_is_number, value)):
                yield f"{name}.low", value[0]
                yield f"{name}.high", value[1]
        else:
            yield name, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else one_line(str(value))


def _predictions(record: Record, results: Results) -> Path | None:
    found = record.evaluated
    if found is None or found.predictions is None:
        return None
    return predictions_in(found, results)
