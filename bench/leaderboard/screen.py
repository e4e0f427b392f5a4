"""Boards on the screen: as many columns as fit, a line a row, and the lines that matter most."""

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.text import Text

from ...datasets.errors import program
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..measure import registry
from ..measure.measurement import Column
from ..text.terminal import line, print_line
from . import fitted_table, whole_screen
from .chosen import chosen_table, lines_under, of_latency
from .columns import Table, records_of, shown_columns, table_of
from .fields import Field
from .fitted_table import BEST, BEST_MARK, FRONT, FRONT_MARK
from .fitting import fitted
from .footnotes import notes
from .highlights import Front, best, front_of
from .leaderboard import Board
from .means import shown
from .notes import Note, Weight
from .screen_notes import print_notes

MOST_OF_REASON = 60
"""Characters of the reason of a failure in a table; a footnote has all of it."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader asks to see of boards.

    Attributes:
        wide: All columns, whatever the width.
        chosen: The columns to show; None: as many as fit.
        explain: All footnotes.
        command: What comes before `--wide` where it is named: a command that has the option.
    """

    wide: bool = False
    chosen: Sequence[Field] | None = None
    explain: bool = False
    command: str = ""


def show(boards: Sequence[Board], console: Console, view: View | None = None) -> None:
    """Print the boards for a person; no number is ever cut.

    A terminal has the columns that fit and a few footnotes, a file or a pipe has all columns.
    """
    view = view or View()
    if not boards:
        console.print(line(f"No records yet. Measure networks first: {program()} run"))
    for board in shown(boards):
        print_line(board.title, console, "bold")
        if view.chosen is not None:
            _show_chosen(board, view.chosen, console, view)
        elif view.wide or not console.is_terminal:
            _show_whole(board, console, view)
        else:
            _show_fitted(board, console, view)
        console.print()


def _show_whole(board: Board, console: Console, view: View) -> None:
    table = table_of(board, derived=view.wide)
    under = notes(board, _every_column(board) if view.wide else None)
    console.print()
    whole_screen.show(table if console.is_terminal else _with_reasons(table, board), console)
    console.print()
    _print_lines(_settings(under), console)
    print_notes(under, console, explain=view.explain, command=view.command)


def _show_chosen(board: Board, chosen: Sequence[Field], console: Console, view: View) -> None:
    table = chosen_table(board, chosen)
    found = front_of(board) if chosen[0].name == "model" else Front()
    texts = ([cells[place] for cells in table.lines] for place in range(len(chosen)))
    best_of = {place: best(board, chosen[place], cells) for place, cells in enumerate(texts)}
    marks = whole_screen.Marks(
        found.rows, {place: rows for place, rows in best_of.items() if rows}, _mark(console)
    )
    under = lines_under(board, chosen)
    _print_lines(_settings(under), console, "dim")
    console.print()
    whole_screen.show(table, console, marks, intervals=False)
    console.print()
    if console.is_terminal:
        _print_legend(found, bool(marks.best), console)
    print_notes(under, console, explain=view.explain, command=view.command)


def _with_reasons(table: Table, board: Board) -> Table:
    """Return a table with a last column for the reasons of failures, if there are any."""
    if all(row.error is None for row in board.rows):
        return table
    reasons = [one_line(" ".join((row.error or "").split())) for row in board.rows]
    rows = [[*cells, (_cut(each), "")] for cells, each in zip(table.lines, reasons, strict=True)]
    return Table([*table.head, "failed"], rows, table.left | {len(table.head)})


def _cut(text: str) -> str:
    return text if len(text) <= MOST_OF_REASON else text[: MOST_OF_REASON - 1] + "…"


def _every_column(board: Board) -> list[Column]:
    records = records_of(board)
    return [
        column for each in registry.every() for column in shown_columns(each, records, derived=True)
    ]


def _show_fitted(board: Board, console: Console, view: View) -> None:
    found = front_of(board)
    mark = _mark(console)
    fit = fitted(board, console.width, len(mark) + 1 if found.rows else 0)
    under = notes(board, [each.column for each in fit.shown if each.column is not None])
    if any(each.name == "latency" for each in fit.shown):
        under += of_latency(board)
    others = any(weights for _, weights in fit.names)
    told = _settings(under, fit.weights and f"{fit.weights}{' unless named' if others else ''}")
    _print_lines(told, console, "dim")
    console.print()
    fitted_table.show(board, fit, found.rows, mark, console)
    console.print()
    _print_legend(found, any(each.best for each in fit.shown), console)
    print_notes(under, console, below=Weight.FAILURE, explain=view.explain, command=view.command)
    if fit.hidden:
        names = ", ".join(fit.hidden)
        how = f"{view.command}--wide, --columns"
        more = f"{quantity(len(fit.hidden), 'more column')} ({how}): {names}"
        console.print(line(more, "dim"), no_wrap=True, overflow="ellipsis")


def _settings(under: Sequence[Note], weights: str | None = None) -> list[str]:
    """Return the line of the settings that all rows share, with the usual weights."""
    found = [note.text for note in under if note.weight == Weight.SETTINGS]
    if weights is None or not found:
        return found
    who, colon, rest = found[0].partition(": ")
    return [f"{who}{colon}weights {weights}, {rest}"]


def _print_lines(texts: Sequence[str], console: Console, style: str = "") -> None:
    for text in texts:
        print_line(text, console, style)


def _print_legend(found: Front, has_best: bool, console: Console) -> None:
    """Print the line that explains the marks, each as it is in the table."""
    parts = []
    if found.rows:
        parts.append(Text.assemble((_mark(console), FRONT), f" Pareto front of {found.text}"))
    if has_best:
        parts.append(Text.assemble((BEST_MARK, BEST), " best of its column"))
    if parts:
        console.print(Text("   ").join(parts))


def _mark(console: Console) -> str:
    """Return the mark of the front, which the encoding of the terminal has."""
    return FRONT_MARK if console.encoding.lower().startswith("utf") else ">"
