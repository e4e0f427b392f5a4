"""The lines under a board, which explain its columns and its rows."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ...datasets.names import DEFAULT_DECODER
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ...zoo.tables.published import published
from ..measure import registry
from ..measure.columns import has_batches
from ..measure.measurement import Measurement
from ..text.units import ABSENT, percent
from .columns import SETTINGS, flow_is_in_a_cell, records_of, settings_of, shown_columns
from .copies import copy_lines
from .leaderboard import Board, Row


def footnotes(board: Board) -> list[str]:
    """Return the lines under a board: settings, columns, single rows, origin."""
    lines = [*board.remarks, *_settings(board)]
    for measurement in registry.every():
        if measurement.name == "accuracy":
            lines += _ranks(board)
        lines += _explained(measurement, board)
    lines += _of_common_videos(board)
    lines += copy_lines(board, partial(_row_name, board))
    lines += _of_one_frame(board)
    lines += _of_means(board)
    for remarks_of in _remarks():
        lines += _once(board, ((row, text) for row in board.rows for text in remarks_of(row)))
    lines.append(_origin(board))
    return [one_line(" ".join(line.split())) for line in lines]


def _explained(measurement: Measurement, board: Board) -> list[str]:
    """Return the lines of a measurement: on its columns that are shown, and on the whole table."""
    records = records_of(board)
    shown = shown_columns(measurement, records)
    found = [
        column.footnote if isinstance(column.footnote, str) else column.footnote(records)
        for column in shown
    ]
    found += [read(records) for read in measurement.footnotes]
    return [text for text in found if text]


def _settings(board: Board) -> list[str]:
    """Return the settings that all rows share, but for those that nobody would miss."""
    scored = any(row.record.accuracy is not None for row in board.rows)
    shared = {name: values.pop() for name, values in settings_of(board) if len(values) == 1}
    usual = {"decoder": DEFAULT_DECODER, "probe": ABSENT, "L2": "warm", "flow": ABSENT}
    without = [name for name, value in usual.items() if shared.get(name) == value]
    without += [] if scored else ["eval batch", "decoder"]
    without += ["flow"] if flow_is_in_a_cell(board) else []
    listed = [f"{name} {value}" for name, value in shared.items() if name not in without]
    who = "All rows" if len(board.rows) > 1 else "Settings"
    return [f"{who}: {', '.join(listed)}."] if listed else []


def _ranks(board: Board) -> list[str]:
    if not board.comparisons:
        return []
    pairs = quantity(board.comparisons, "pair")
    test = "exact McNemar test and bootstrap of whole source groups"
    if any(row.splits for row in board.rows):
        test = "bootstrap of whole source groups over all lists"
    if board.scoring == "map":
        test = "bootstrap of the difference in mAP, of whole source groups where they are known"
    return [
        f"rank = 1 + number of significantly better models ({test}, on the videos that both models "
        f"scored; {pairs}, 5 % for all of them together by Holm's method)."
    ]


def _of_common_videos(board: Board) -> list[str]:
    if board.common_videos is None:
        return []
    videos = quantity(board.common_videos, "video")
    return [f"accuracy and rank are of the {videos} that every row scored."]


def _of_one_frame(board: Board) -> list[str]:
    """Return which columns of rows in mode `stream` are for frames."""
    streamed = [row.record for row in board.rows if row.record.case.mode == "stream"]
    parts = {
        "cost": any(record.cost is not None for record in streamed),
        "latency": any(record.latency is not None for record in streamed),
        "energy": any(record.energy is not None for record in streamed),
    }
    measured = [part for part, there in parts.items() if there]
    if not measured:
        return []
    listed = " and ".join(filter(None, (", ".join(measured[:-1]), measured[-1])))
    counted = parts["latency"] and has_batches(records_of(board))
    frames = "; clips/s counts frames" if counted else ""
    verb = "is" if len(measured) == 1 else "are"
    return [f"mode stream: {listed} {verb} for one frame{frames}."]


def _of_means(board: Board) -> list[str]:
    """Return how the means of a board are computed, and their intervals."""
    if not any(row.splits and row.no_mean is None for row in board.rows):
        return []
    return [
        "mean: of the splits, each scored on its own list and each counting alike; its interval is "
        "by a bootstrap of whole source groups over all lists. What else was measured is of the "
        "newest of their records."
    ]


def _splits(row: Row) -> Iterator[str]:
    scores = ", ".join(f"split {each.split} {percent(each.score)} %" for each in row.splits)
    if scores:
        accuracy = row.record.accuracy
        name = f"{accuracy.score_name} of " if accuracy is not None else ""
        yield f": {name}{scores}."


def _published_means(row: Row) -> Iterator[str]:
    """Yield the printed means over three splits of the same network and dataset."""
    if not row.splits or row.no_mean:
        return
    for printed in published(row.record.case.model):
        if printed.dataset == f"{row.record.case.dataset}-3split" and printed.top1 is not None:
            variant = ", ".join(filter(None, (printed.variant, printed.views)))
            yield (
                f": published mean of three splits: top-1 {printed.top1:g} % ({variant}; "
                f"{printed.source})."
            )


def _origin(board: Board) -> str:
    """Return the origin of the numbers, which differs between boards with the same title."""
    records = records_of(board)
    since = min(row.since for row in board.rows)[:10]
    until = max(record.started for record in records)[:10]
    versions = [record.environment.versions for record in records]
    parts = [
        f"torch {_all_of(each.get('torch') for each in versions)}",
        f"Python {_all_of(each.get('python') for each in versions)}",
        f"kinobench commit {_all_of(each.environment.kinobench_commit for each in records)}",
        since if since == until else f"{since} to {until}",
        f"protocol {board.protocol_digest}",
    ]
    if board.manifest is not None:
        expected = {each.accuracy.expected for each in records if each.accuracy is not None}
        *fewer, most = sorted(expected) or (0,)
        counts = " or ".join([*map(str, fewer), quantity(most, "video")])
        parts.append(f"{counts} of manifest {board.manifest}")
    parts.append(f"machine {board.environment.fingerprint}")
    return f"Measured with {', '.join(parts)}."


def _all_of(values: Iterable[str | None]) -> str:
    return ", ".join(sorted({value or "unknown" for value in values}))


def _remarks() -> list[Callable[[Row], Iterable[str]]]:
    """Return the functions that give the lines on single rows, in the order of the lines."""

    def of_record(measurement: Measurement) -> Callable[[Row], Iterable[str]]:
        return lambda row: measurement.remarks(row.record)

    return [
        *map(of_record, registry.every()),
        _splits,
        lambda row: [f": no mean: {row.no_mean}"] if row.no_mean else [],
        _published_means,
        lambda row: [f": not ranked: {row.unranked}"] if row.unranked else [],
        lambda row: [f": {note}" for note in row.notes],
        lambda row: [f" failed: {row.error}"] if row.error else [],
        lambda row: [f": a later run failed: {row.later_failure}"] if row.later_failure else [],
    ]


def _once(board: Board, notes: Iterable[tuple[Row, str]]) -> list[str]:
    """Return each text once, after the names of all rows that have it."""
    rows: dict[str, list[Row]] = {}
    for row, text in notes:
        rows.setdefault(text, []).append(row)
    return [
        f"{', '.join(dict.fromkeys(_row_name(board, row) for row in members))}{text}"
        for text, members in rows.items()
    ]


def _row_name(board: Board, row: Row) -> str:
    """Return the model, and where several rows have it, the settings in which this one differs."""
    alike = [other for other in board.rows if other.record.case.model == row.record.case.model]
    readers: dict[str, Callable[[Row], str]] = {"weights": lambda each: each.weights, **SETTINGS}
    differing = [
        f"{name} {read(row)}"
        for name, read in readers.items()
        if len({read(each) for each in alike}) > 1
    ]
    model = row.record.case.model
    return f"{model} ({', '.join(differing)})" if differing else model


def row_names(board: Board) -> list[str]:
    """Return the name of each row: the model, and if several have it, the settings that differ."""
    return [_row_name(board, row) for row in board.rows]
