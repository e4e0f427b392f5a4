"""The values of a row in CSV and JSON: base units (seconds, bytes, fractions), not rounded."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ...datasets.errors import KinobenchError
from ..measure import registry, stored
from ..records import reading
from ..records.reading import Reader
from ..records.record import Record
from ..text.json_text import json_text
from ..text.markup import csv_text
from .fields import Field
from .leaderboard import Board, Row

if TYPE_CHECKING:
    import pandas as pd

Value = Callable[[Row], Any]


def _of(read: Reader) -> Value:
    return lambda row: stored.read_or_none(read, row.record)


def _at(path: str) -> Value:
    """Return what reads a field of the record, which is always of its type."""
    return reading.reader(path, of="record.")


def _knee_throughput(record: Record) -> float | None:
    sweep = record.sweep
    points = sweep.points if sweep is not None else ()
    at_knee = (point for point in points if sweep is not None and point.batch == sweep.knee)
    return next((point.throughput_per_s for point in at_knee), None)


def _processes(record: Record) -> int | None:
    """Return the number of processes of a latency; older records had one."""
    if record.latency is None:
        return None
    return len(record.latency.blocks_of_processes) or 1


def _codecs(record: Record) -> tuple[str, ...]:
    """Return the codecs of the files, each with the number of its videos."""
    copy = None if record.evaluated is None else record.evaluated.copy
    return () if copy is None else tuple(f"{name} ({n})" for name, n in copy.codecs.items())


def _of_task(name: str, task: str) -> dict[str, Value]:
    """Return the columns of a mAP of localization or detection, and of the ends of its interval."""
    ends = {f"{name}_{end}": _at(f"{task}.interval.{at}") for at, end in enumerate(("low", "high"))}
    return {name: _at(f"{task}.map")} | ends


def _with_interval(name: str) -> dict[str, Value]:
    """Return the columns of a figure of the accuracy and of the ends of its interval."""
    ends = {
        f"{name}_{end}": _at(f"accuracy.interval_{name}.{at}")
        for at, end in enumerate(("low", "high"))
    }
    return {name: _at(f"accuracy.{name}")} | ends


def _record(row: Row) -> Any:
    """Return the name of the row's record; those of a mean are with its splits."""
    return "; ".join(each.record for each in row.splits) if row.splits else row.record.id


VALUES: dict[str, Value] = {
    "model": _at("case.model"),
    "weights": lambda row: row.weights,
    "runtime": _at("case.runtime"),
    "provider": _at("case.provider"),
    "hint": _at("case.hint"),
    "precision": _at("case.precision"),
    "calibration": _at("case.calibration"),
    "mode": _at("case.mode"),
    "batch": _at("case.batch"),
    "threads": _at("case.threads"),
    "classes": _at("case.classes"),
    "eval_batch": _at("case.eval_batch"),
    "decoder": _at("case.decoder"),
    "exported_bytes": _at("export.size_bytes"),
    "export_s": _at("export.export_s"),
    "load_s": _at("export.load_s"),
    "params": _at("params"),
    "macs": _at("cost.macs"),
    "flops": _at("cost.flops"),
    "uncounted": lambda row: row.uncounted,
    "latency_s": _at("latency.median_s"),
    "latency_low_s": _at("latency.interval_s.0"),
    "latency_high_s": _at("latency.interval_s.1"),
    "wall_median_s": _at("latency.wall_median_s"),
    "wall_low_s": _at("latency.wall_interval_s.0"),
    "wall_high_s": _at("latency.wall_interval_s.1"),
    "launch_bound": _at("latency.launch_bound"),
    "reached_s": _at("latency.reached_s"),
    "flow": lambda row: row.flow,
    "flow_s": _at("flow_s"),
    "converged": _at("latency.converged"),
    "rough": _at("latency.is_rough"),
    "disturbed": _at("latency.disturbed"),
    "processes": _of(_processes),
    "weights_bytes": _at("memory.weights_bytes"),
    "peak_activation_bytes": _at("memory.peak_activation_bytes"),
    "peak_process_bytes": _at("memory.peak_process_bytes"),
    "joules_per_clip": _at("energy.j_per_clip"),
    "throughput_per_s": _at("throughput_per_s"),
    "video_s": _at("video_s"),
    "joules_per_video": _at("j_per_video"),
    "drift": _at("drift.largest_logit_difference"),
    "logit_spread": _at("drift.logit_spread"),
    "flips": _at("drift.top1_flips"),
    "drift_clips": _at("drift.clips"),
    "cold_l2": _at("case.cold_l2"),
    "probe": _at("case.probe"),
    "mfu": _of(reading.mfu),
    "limit": _at("roofline.operators.limit"),
    "knee": _at("sweep.knee"),
    "knee_throughput_per_s": _of(_knee_throughput),
    **_with_interval("top1"),
    **_with_interval("top5"),
    "scored": _at("evaluated.scored"),
    "expected": _at("evaluated.expected"),
    "found": _at("evaluated.copy.found"),
    "layout": _at("evaluated.copy.layout"),
    "copy_digest": _at("evaluated.copy.digest"),
    "copy_bytes": _at("evaluated.copy.bytes"),
    "short_side_least": _at("evaluated.copy.short_side.least"),
    "short_side_median": _at("evaluated.copy.short_side.median"),
    "short_side_most": _at("evaluated.copy.short_side.most"),
    "codecs": _of(_codecs),
    "top1_of_expected": _at("accuracy.top1_of_expected"),
    "top5_of_expected": _at("accuracy.top5_of_expected"),
    "scoring": _at("accuracy.scoring"),
    **_with_interval("hit1"),
    **_with_interval("hit5"),
    "hit1_of_expected": _at("accuracy.hit1_of_expected"),
    "hit5_of_expected": _at("accuracy.hit5_of_expected"),
    **_with_interval("map"),
    "map_of_expected": _at("accuracy.map_of_expected"),
    "map_classes": _at("accuracy.map_classes"),
    "predictions": _at("evaluated.predictions"),
    "rank": lambda row: row.rank,
    "unranked": lambda row: row.unranked,
    "error": lambda row: row.error,
    "later_failure": lambda row: row.later_failure,
    "notes": lambda row: row.notes,
    "split_scores": lambda row: tuple(f"{each.split}: {each.score}" for each in row.splits),
    "split_among_five": lambda row: tuple(
        f"{each.split}: {each.among_five}" for each in row.splits
    ),
    "no_mean": lambda row: row.no_mean,
    "run": _at("run"),
    "record": _record,
    "started": _at("started"),
    "since": lambda row: row.since,
    "commit": _at("environment.kinobench_commit"),
    "torch": lambda row: row.record.environment.versions.get("torch"),
    "python": lambda row: row.record.environment.versions.get("python"),
    "task": _at("case.task"),
    "step": _at("case.step"),
    "boxes": _at("case.boxes"),
    "proposals": _at("case.proposals"),
    **_of_task("segment_map", "localization"),
    **_of_task("box_map", "detection"),
    "rule": lambda row: getattr(row.record.evaluated, "rule", None),
    "end_to_end_s": lambda row: getattr(row.record.evaluated, "end_to_end_s", None),
}
"""The columns of CSV and the keys of JSON, in their order; those of plug-ins come after them.

`flow_s` is of a batch's clips. `throughput_per_s` and `video_s` include optical flow;
`joules_per_video` and what the sweep gives (`knee`, `knee_throughput_per_s`) are of the forwards
alone. `drift` is that of the sweep where there is no latency; `since` is when the oldest record was
begun that a part of the row comes from.
"""

_BOARD: dict[str, Callable[[Board], Any]] = {
    **{
        name: attrgetter(name)
        for name in (
            *("dataset", "split", "manifest", "protocol", "protocol_digest", "views", "device"),
            "common_videos",
        )
    },
    "fingerprint": attrgetter("environment.fingerprint"),
}
"""The columns that all rows of a board have in common, before those of its rows."""


def columns() -> dict[str, Value]:
    """Return every column of CSV, those of plug-ins too."""
    found = dict(VALUES)
    for measurement in registry.every():
        for name, read in measurement.values.items():
            if name in found:
                raise KinobenchError(
                    f"measurement {measurement.name!r}: value {name!r} is taken; choose another"
                )
            found[name] = _of(read)
    return found


def frame(boards: Sequence[Board], chosen: Sequence[Field] | None = None) -> "pd.DataFrame":
    """Return all rows, each with what its board has in common; lists are texts with semicolons.

    No text is a formula in a spreadsheet; see `csv_text`.

    Args:
        boards: The boards.
        chosen: Fields that are the columns, each in its unit; by default all values in base units.
    """
    import pandas as pd

    head, lines = _table(boards, chosen)
    # The columns are objects: one None in a column of integers would make them all floats.
    return pd.DataFrame(lines, columns=head, dtype=object)


def to_csv(boards: Sequence[Board], chosen: Sequence[Field] | None = None) -> str:
    """Return the table of `frame` as CSV; what is not known is empty."""
    head, lines = _table(boards, chosen)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return text.getvalue()


def _table(
    boards: Sequence[Board], chosen: Sequence[Field] | None
) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Return the names of the columns and the rows of all boards."""
    if chosen is not None:
        of_fields = [
            _cells([each.read(board, row) for board in boards for row in board.rows])
            for each in chosen
        ]
        return [each.name for each in chosen], zip(*of_fields, strict=True)
    known = columns()
    rows = [row for board in boards for row in board.rows]
    of_boards = [
        _cells([value for board in boards for value in [read(board)] * len(board.rows)])
        for read in _BOARD.values()
    ]
    of_rows = [_cells(list(map(read, rows))) for read in known.values()]
    return [*_BOARD, *known], zip(*of_boards, *of_rows, strict=True)


def _cells(values: list[Any]) -> list[Any]:
    """Return the cells of a column; most columns are of one type, and of None."""
    kinds = set(map(type, values))
    if kinds <= {int, bool, type(None)}:
        return values
    if kinds == {str}:
        return list(map(_text, values))
    return list(map(_cell, values))


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return _text("; ".join(value))
    if isinstance(value, str):
        return _text(value)
    return None if value != value else value  # NaN


_text = lru_cache(maxsize=2**12)(csv_text)
"""Most texts of a table are those of the row before."""


def to_json(boards: Sequence[Board], chosen: Sequence[Field] | None = None) -> str:
    """Return the boards with their rows as JSON, indented.

    Args:
        boards: The boards.
        chosen: Fields that a row has, each in its unit; by default all values in base units.
    """
    known = {} if chosen is not None else columns()
    plain = []
    for board in boards:
        if chosen is None:
            rows = [_row(row, known) for row in board.rows]
        else:
            rows = [{each.name: each.read(board, row) for each in chosen} for row in board.rows]
        about = {name: getattr(board, name) for name in Board.__struct_fields__}
        plain.append(about | {"rows": rows})
    return json_text(plain) + "\n"


def _row(row: Row, known: dict[str, Value]) -> dict[str, Any]:
    plain = {name: value(row) for name, value in known.items()}
    results = row.record.measurements
    return plain | ({"measurements": results} if results else {})
