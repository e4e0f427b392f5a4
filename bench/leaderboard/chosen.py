"""The columns that a reader chooses for a table: `--columns model,latency,top1`."""

from collections.abc import Callable, Sequence

from ...datasets.errors import KinobenchError
from .columns import Table, differing_settings, shown_cell
from .fields import Field, field, names
from .footnotes import notes, row_names
from .leaderboard import Board, Row
from .notes import Note, Weight, names_among


def chosen(listed: str | Sequence[str]) -> tuple[Field, ...]:
    """Return the fields that are named in a list, in its order.

    Args:
        listed: Names of fields, full or short; a text has commas between them.

    Raises:
        UnknownNameError: Nothing is named so; the message has the nearest name.
        KinobenchError: No name is given, or one of them twice.
    """
    given = listed.split(",") if isinstance(listed, str) else listed
    wanted = [name.strip() for name in given if name.strip()]
    if not wanted:
        raise KinobenchError(
            f"columns {listed!r}: no column is named; choose some, such as 'model,latency,top1', "
            f"of {', '.join(names())}"
        )
    found: dict[str, Field] = {}
    for name in wanted:
        each = field(name)
        if each.name in found:
            raise KinobenchError(f"columns: {name!r} is named twice; leave out one of them")
        found[each.name] = each
    return tuple(found.values())


def chosen_table(board: Board, fields: Sequence[Field]) -> Table:
    """Return the table of a board with some columns; control characters are written out."""
    lines = [[shown_cell(each.cell(board, row)) for each in fields] for row in board.rows]
    left = frozenset(place for place, each in enumerate(fields) if _is_name(board, each))
    return Table([each.title or each.head for each in fields], lines, left)


def not_told_apart(board: Board, fields: Sequence[Field]) -> list[str]:
    """Return the settings in which rows differ that are alike in the chosen ones.

    Args:
        board: The board.
        fields: The chosen columns.
    """
    readers: dict[str, Callable[[Row], str]] = {
        "model": lambda row: row.record.case.model,
        "weights": lambda row: row.weights,
        **differing_settings(board),
    }
    told = [each for each in fields if not each.is_number]
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(board.rows):
        alike.setdefault(tuple(each.cell(board, row)[0] for each in told), []).append(number)
    groups = [
        [board.rows[number] for number in numbers] for numbers in alike.values() if len(numbers) > 1
    ]
    return [
        name
        for name, read in readers.items()
        if any(len({read(row) for row in rows}) > 1 for rows in groups)
    ]


def lines_under(board: Board, fields: Sequence[Field] | None) -> list[Note]:
    """Return the lines under a table: on its chosen columns, or on all if none were chosen.

    Settings that rows differ in and no column tells are named; so is what the latency, a time that
    a user can reach, is of.
    """
    if fields is None:
        return notes(board)
    found = notes(board, [each.shown for each in fields if each.shown is not None])
    if hidden := not_told_apart(board, fields):
        text = f"rows differ in settings that no column here shows: {', '.join(hidden)}."
        found.insert(0, Note(text, Weight.COMPARISON))
    if any(each.name == "latency_ms" for each in fields):
        found += of_latency(board)
    return found


def of_latency(board: Board) -> list[Note]:
    """Return of which rows the latency is not that of the forward on its device alone."""
    names = row_names(board)
    unknown = ": latency is unknown: the optical flow before the forward was not timed."
    remarks: tuple[tuple[str, Callable[[Row], bool]], ...] = (
        (": latency includes optical flow (CPU).", lambda row: bool(row.record.flow_s)),
        (
            ": latency is by the host's clock, as the GPU waits for the host.",
            lambda row: bool(row.record.latency and row.record.latency.launch_bound),
        ),
        (unknown, lambda row: bool(row.record.latency and row.record.total_s is None)),
    )
    found = []
    for text, holds in remarks:
        of = [name for name, row in zip(names, board.rows, strict=True) if holds(row)]
        if of:
            found.append(Note(text, Weight.MARK, names_among(of, dict.fromkeys(names))))
    return found


def _is_name(board: Board, each: Field) -> bool:
    if each.is_number:
        return False
    values = [each.read(board, row) for row in board.rows]
    return not any(isinstance(value, int) and not isinstance(value, bool) for value in values)
