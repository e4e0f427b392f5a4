"""The lines under a board, which explain its columns and its rows."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from ...datasets.names import DEFAULT_DECODER
from ...datasets.plurals import quantity
from ...zoo.tables.published import published
from ..measure import registry
from ..measure.columns import has_batches
from ..measure.measurement import Column, Measurement
from ..text.units import ABSENT, percent
from .columns import SETTINGS, flow_is_in_a_cell, records_of, settings_of, shown_columns
from .copies import copy_lines
from .leaderboard import UNCHECKED, Board, Row
from .notes import Note, Weight, names_among

_Names = Mapping[int, str]
"""The names of the rows of a board, by `id`."""


def footnotes(board: Board) -> list[str]:
    """Return the lines under a board: settings, columns, single rows, origin."""
    return [note.text for note in notes(board)]


def notes(board: Board, columns: Sequence[Column] | None = None) -> list[Note]:
    """Return the lines under a board in their order: settings, columns, single rows, origin.

    Args:
        board: The board.
        columns: The columns of its table; by default all that a whole table has.
    """
    names = {id(row): name for row, name in zip(board.rows, row_names(board), strict=True)}
    every = dict.fromkeys(names.values())
    found = [Note(remark, Weight.COMPARISON) for remark in board.remarks] + _settings(board)
    for measurement in registry.every():
        if measurement.name == "accuracy":
            found += _ranks(board)
        found += _explained(measurement, board, columns)
    found += _of_common_videos(board)
    found += _copies(board, names)
    found += _of_one_frame(board)
    found += _of_means(board)
    for weight, remarks_of in _remarks():
        remarks = ((row, text) for row in board.rows for text in remarks_of(row))
        found += _once(names, every, weight, remarks)
    found.append(_origin(board))
    return found


def _explained(
    measurement: Measurement, board: Board, columns: Sequence[Column] | None
) -> list[Note]:
    """Return the lines of a measurement: on its columns that are shown, and on the whole table."""
    records = records_of(board)
    if columns is None:
        shown = shown_columns(measurement, records)
    else:
        shown = [column for column in measurement.columns if column in columns]
    found = [
        Note(column.footnote if isinstance(column.footnote, str) else column.footnote(records))
        for column in shown
    ]
    found += [Note(read(records), Weight.MARK) for read in measurement.footnotes]
    return [note for note in found if note.rest]


def _settings(board: Board) -> list[Note]:
    """Return the settings that all rows share, but for those that nobody would miss."""
    scored = any(row.record.evaluated is not None for row in board.rows)
    shared = {name: values.pop() for name, values in settings_of(board) if len(values) == 1}
    usual = {"decoder": DEFAULT_DECODER, "L2": "warm", "runtime": "torch"}
    without = [name for name, value in shared.items() if value in (usual.get(name), ABSENT)]
    without += [] if scored else ["eval batch", "decoder"]
    without += ["flow"] if flow_is_in_a_cell(board) else []
    listed = [f"{name} {value}" for name, value in shared.items() if name not in without]
    who = "All rows" if len(board.rows) > 1 else "Settings"
    return [Note(f"{who}: {', '.join(listed)}.", Weight.SETTINGS)] if listed else []


def _ranks(board: Board) -> list[Note]:
    if not board.comparisons:
        return []
    pairs = quantity(board.comparisons, "pair")
    test = "exact McNemar test and bootstrap of whole source groups"
    if any(row.splits for row in board.rows):
        test = "bootstrap of whole source groups over all lists"
    if board.scoring == "map":
        test = "bootstrap of the difference in mAP, of whole source groups where they are known"
    return [
        Note(
            f"rank = 1 + number of significantly better models ({test}, on the videos that both "
            f"models scored; {pairs}, 5 % for all of them together by Holm's method)."
        )
    ]


def _of_common_videos(board: Board) -> list[Note]:
    if board.common_videos is None:
        return []
    videos = quantity(board.common_videos, "video")
    text = f"accuracy and rank are of the {videos} that every row scored."
    return [Note(text, Weight.COMPARISON)]


def _copies(board: Board, names: _Names) -> list[Note]:
    lines = copy_lines(board, lambda row: names[id(row)])
    weight = Weight.COMPARISON if len(lines) > 1 else Weight.EXPLANATION
    return [Note(line, weight) for line in lines]


def _of_one_frame(board: Board) -> list[Note]:
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
    return [Note(f"mode stream: {listed} {verb} for one frame{frames}.", Weight.COMPARISON)]


def _of_means(board: Board) -> list[Note]:
    """Return how the means of a board are computed, and their intervals."""
    if not any(row.splits and row.no_mean is None for row in board.rows):
        return []
    return [
        Note(
            "mean: of the splits, each scored on its own list and each counting alike; its "
            "interval is by a bootstrap of whole source groups over all lists. What else was "
            "measured is of the newest of their records."
        )
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
                f": published mean of three splits: top-1 {printed.top1} % ({variant}; "
                f"{printed.source})."
            )


def _origin(board: Board) -> Note:
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
        expected = {each.evaluated.expected for each in records if each.evaluated is not None}
        *fewer, most = sorted(expected) or (0,)
        counts = " or ".join([*map(str, fewer), quantity(most, "video")])
        parts.append(f"{counts} of manifest {board.manifest}")
    parts.append(f"machine {board.environment.fingerprint}")
    return Note(f"Measured with {', '.join(parts)}.")


def _all_of(values: Iterable[str | None]) -> str:
    return ", ".join(sorted({value or "unknown" for value in values}))


def _remarks() -> list[tuple[Weight, Callable[[Row], Iterable[str]]]]:
    """Return the functions that give the lines on single rows, in the order of the lines."""

    def of_record(measurement: Measurement) -> Callable[[Row], Iterable[str]]:
        return lambda row: measurement.remarks(row.record)

    return [
        *((Weight.REMARK, of_record(each)) for each in registry.every()),
        (Weight.EXPLANATION, _splits),
        (Weight.COMPARISON, lambda row: [f": no mean: {row.no_mean}"] if row.no_mean else []),
        (Weight.EXPLANATION, _published_means),
        (Weight.COMPARISON, lambda row: [f": not ranked: {row.unranked}"] if row.unranked else []),
        (Weight.REMARK, lambda row: [f": {note}" for note in row.notes if note == UNCHECKED]),
        (Weight.NOTE, lambda row: [f": {note}" for note in row.notes if note != UNCHECKED]),
        (Weight.FAILURE, lambda row: [f" failed: {row.error}"] if row.error else []),
        (Weight.LATER_FAILURE, _later_failure),
    ]


def _later_failure(row: Row) -> list[str]:
    return [f": a later run failed: {row.later_failure}"] if row.later_failure else []


def _once(
    names: _Names, every: Collection[str], weight: Weight, remarks: Iterable[tuple[Row, str]]
) -> list[Note]:
    """Return each text once, after the names of all rows that have it."""
    rows: dict[str, list[Row]] = {}
    for row, text in remarks:
        rows.setdefault(text, []).append(row)
    return [
        Note(text, weight, names_among((names[id(row)] for row in members), every))
        for text, members in rows.items()
    ]


def row_names(board: Board) -> list[str]:
    """Return the name of each row: the model, and if several have it, the settings that differ."""
    alike: dict[str, list[int]] = {}
    for number, row in enumerate(board.rows):
        alike.setdefault(row.record.case.model, []).append(number)
    readers: dict[str, Callable[[Row], str]] = {"weights": lambda each: each.weights, **SETTINGS}
    names = [row.record.case.model for row in board.rows]
    for numbers in alike.values():
        if len(numbers) == 1:
            continue
        values = {
            name: [read(board.rows[number]) for number in numbers] for name, read in readers.items()
        }
        differing = {name: found for name, found in values.items() if len(set(found)) > 1}
        for place, number in enumerate(numbers):
            told = ", ".join(f"{name} {found[place]}" for name, found in differing.items())
            names[number] += f" ({told})" if told else ""
    return names
