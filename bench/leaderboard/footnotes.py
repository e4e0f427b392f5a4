"""The lines under a board: what a reader must know to read it right."""

from collections.abc import Callable, Iterable

from ...datasets.names import DEFAULT_DECODER
from ..measure import registry
from ..measure.columns import has_batches
from ..measure.measurement import Measurement
from ..text.units import ABSENT
from .columns import SETTINGS, flow_is_in_a_cell, records_of, settings_of, shown_columns
from .leaderboard import Board, Row


def footnotes(board: Board) -> list[str]:
    """Return the lines under a board."""
    records = records_of(board)
    explained: list[str] = []
    lines: list[str] = []
    for column in shown_columns(board):
        text = column.footnote if isinstance(column.footnote, str) else column.footnote(records)
        (lines if text.endswith(".") else explained).append(text)
    explained = [*filter(None, explained)]
    if of_one_frame := _of_one_frame(board):
        explained.append(f"mode stream: {of_one_frame}")
    if explained:
        text = "; ".join(explained)
        lines.insert(0, f"{text[0].upper()}{text[1:]}.")
    of_measurements = [read(records) for each in registry.every() for read in each.footnotes]
    notes = [*_settings(board), *lines]
    notes += [text for text in of_measurements if text.startswith("untrained")]
    notes += _ranks(board)
    notes += [text for text in of_measurements if text.startswith("~")]
    for each in registry.every():
        notes += _once(
            board, ((row, text) for row in board.rows for text in each.remarks(row.record))
        )
    notes += _once(
        board, ((row, f": not ranked: {row.unranked}") for row in board.rows if row.unranked)
    )
    notes += _once(board, ((row, f": {note}") for row in board.rows for note in row.notes))
    notes += _once(board, ((row, f" failed: {row.error}") for row in board.rows if row.error))
    notes += _once(
        board,
        (
            (row, f": a later run failed: {row.later_failure}")
            for row in board.rows
            if row.later_failure
        ),
    )
    notes.append(_origin(board))
    return [" ".join(note.split()) for note in notes]


def _settings(board: Board) -> list[str]:
    """Return the settings that all rows share, but for those that nobody would miss."""
    scored = any(row.record.accuracy is not None for row in board.rows)
    shared = {name: values.pop() for name, values in settings_of(board) if len(values) == 1}
    usual = {"decoder": DEFAULT_DECODER, "probe": ABSENT, "L2": "warm", "flow": ABSENT}
    without = [name for name, value in usual.items() if shared.get(name) == value]
    without += [] if scored else ["eval batch", "decoder"]
    without += ["flow"] if flow_is_in_a_cell(board) else []
    listed = [f"{name} {value}" for name, value in shared.items() if name not in without]
    who = "All rows" if len(board.rows) > 1 else "Setting"
    return [f"{who}: {', '.join(listed)}."] if listed else []


def _ranks(board: Board) -> list[str]:
    if not board.comparisons:
        return []
    pairs = "1 pair" if board.comparisons == 1 else f"{board.comparisons} pairs"
    return [
        "rank: 1 and the number of rows that are significantly better (exact McNemar tests and "
        "bootstraps, which draw whole source groups, on the videos that both scored; "
        f"{pairs}, 5 % for all together by Holm's method)."
    ]


def _of_one_frame(board: Board) -> str:
    """Return which columns of rows in mode `stream` are of frames."""
    streamed = [row.record for row in board.rows if row.record.case.mode == "stream"]
    parts = {
        "cost": any(record.cost is not None for record in streamed),
        "latency": any(record.latency is not None for record in streamed),
        "energy": any(record.energy is not None for record in streamed),
    }
    measured = [part for part, there in parts.items() if there]
    if not measured:
        return ""
    listed = " and ".join(filter(None, (", ".join(measured[:-1]), measured[-1])))
    counted = parts["latency"] and has_batches(records_of(board))
    frames = ", clips/s counts frames" if counted else ""
    return f"{listed} of one frame{frames}"


def _origin(board: Board) -> str:
    """Return what made the numbers, so that boards with one title can be told apart."""
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
        counts = " or ".join(str(count) for count in sorted(expected))
        parts.append(f"{counts} videos of manifest {board.manifest}")
    parts.append(f"machine {board.environment.fingerprint}")
    return f"Measured with {', '.join(parts)}."


def _all_of(values: Iterable[str | None]) -> str:
    return ", ".join(sorted({value or "unknown" for value in values}))


def _remarks() -> list[Callable[[Row], Iterable[str]]]:
    """Return what gives the lines on single rows, in the order of the lines."""

    def of_record(measurement: Measurement) -> Callable[[Row], Iterable[str]]:
        return lambda row: measurement.remarks(row.record)

    return [
        *map(of_record, registry.every()),
        lambda row: [f": not ranked: {row.unranked}"] if row.unranked else [],
        lambda row: [f": {note}" for note in row.notes],
        lambda row: [f" failed: {row.error}"] if row.error else [],
        lambda row: [f": a later run failed: {row.later_failure}"] if row.later_failure else [],
    ]


def _once(board: Board, notes: Iterable[tuple[Row, str]]) -> list[str]:
    """Return what holds for several rows once, behind their names."""
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
