"""Boards -> text: Markdown, CSV, LaTeX and JSON. As HTML they are the report: bench/report."""

from collections.abc import Callable, Sequence

from ...datasets.errors import UnknownNameError
from ..measure.measurement import Cell
from ..text.markup import escaped
from ..text.pipe_table import pipe_table
from .chosen import chosen_table, lines_under
from .columns import table_of
from .fields import Field
from .latex import latex
from .leaderboard import Board
from .means import shown
from .notes import Note, Weight
from .values import to_csv, to_json

Chosen = Sequence[Field] | None
"""The fields that are the columns; None: those of `table_of`, in CSV and JSON of `values`."""


def render(boards: Sequence[Board], form: str, chosen: Chosen = None) -> str:
    """Return the boards as text in one of `FORMATS`.

    Args:
        boards: The boards.
        form: Name of the format.
        chosen: The columns, in their order; by default all.

    Raises:
        UnknownNameError: There is no such format.
    """
    if form not in FORMATS:
        raise UnknownNameError("format", form, [*FORMATS, "html"])
    return FORMATS[form](boards, chosen)


def _markdown(boards: Sequence[Board], chosen: Chosen) -> str:
    parts = []
    for board in shown(boards):
        made = table_of(board) if chosen is None else chosen_table(board, chosen)
        head, lines, left = made
        cells = [[escaped(_joined(cell)) for cell in line] for line in lines]
        table = pipe_table(head, cells, left)
        first, rest = _parted(lines_under(board, chosen))
        listed = "".join(f"- {escaped(note.text)}\n" for note in first)
        if rest:
            more = "".join(f"- {escaped(note.text)}\n" for note in rest)
            summary = "What the columns are, and where the numbers come from"
            listed += f"\n<details><summary>{summary}</summary>\n\n{more}\n</details>\n"
        parts.append(f"## {escaped(board.title)}\n\n{table}\n\n{listed.lstrip()}")
    return "# Leaderboard\n\n" + ("\n".join(parts) or "No records yet.\n")


def _parted(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """Return the lines that a reader must know, the heaviest first, and those that explain."""
    settings = [note for note in notes if note.weight == Weight.SETTINGS]
    first = [note for note in notes if note.weight < Weight.EXPLANATION]
    rest = [note for note in notes if note.weight == Weight.EXPLANATION]
    return settings + sorted(first, key=lambda note: note.weight), rest


def _joined(cell: Cell) -> str:
    return " ".join(part for part in cell if part)


FORMATS: dict[str, Callable[[Sequence[Board], Chosen], str]] = {
    "md": _markdown,
    "csv": to_csv,
    "latex": latex,
    "json": to_json,
}
