"""The table of a board that fits the terminal: a line a row, marks, and reasons of failures."""

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..text.terminal import at_the_right, line, lines
from ..text.units import ABSENT
from .candidates import Candidate, widest
from .fitting import GAP, HEAD, Fitted, together
from .leaderboard import Board

FRONT, BEST = "bold cyan", "bold magenta"
"""Styles that differ in lightness and hue; next to each is a mark."""
FRONT_MARK, BEST_MARK = "▸", "*"
FAILED = "red"
LEAST_REASON = 20
"""Columns of the terminal for the reason of a failure; what is longer is cut, a footnote has it."""


def show(board: Board, fit: Fitted, front: frozenset[int], mark: str, console: Console) -> None:
    """Print the table; a row that failed has its reason in the place of numbers.

    Args:
        board: The board.
        fit: Its columns.
        front: The numbers of the rows on the Pareto front.
        mark: The mark before the names of these.
        console: A terminal.
    """
    failed = [number for number, row in enumerate(board.rows) if row.error is not None]
    whole = [number for number, row in enumerate(board.rows) if row.error is None]
    names = [
        _name(fit, number, mark if number in front else "", bool(front), console)
        for number in range(len(board.rows))
    ]
    table = _table(fit, header=True)
    shown = fit.shown if whole else []
    columns = []
    for each in shown:
        head = lines(each.title(_width(each, fit)))
        head.justify = "right"
        cells = _cells(each, fit.rests.get(each.name))
        columns.append(at_the_right([cells[number] for number in whole], head))
        table.add_column(head, no_wrap=True)
    for place, number in enumerate(whole):
        row = (cells[place] for cells in columns)
        table.add_row(names[number], *_settings(fit, number), *row)
    console.print(table)
    if failed:
        _show_failed(board, fit, failed, names, console)


def _show_failed(
    board: Board, fit: Fitted, failed: list[int], names: list[Text], console: Console
) -> None:
    """Print the rows that failed, each with its reason: under the name where there is no room."""
    used = fit.name_width + sum(GAP + widest([head, *of]) for head, of in fit.settings)
    room = console.width - used - GAP
    has_room = room >= LEAST_REASON
    under = fit.under or [together(fit.settings, number) for number in range(len(board.rows))]
    narrow = msgspec.structs.replace(
        fit, name_width=console.width, settings=[], under=under if any(under) else []
    )
    table = _table(fit if has_room else narrow, header=False)
    if has_room:
        table.add_column(no_wrap=True, overflow="ellipsis", width=room)
    for number in failed:
        reason = line(f"failed: {' '.join((board.rows[number].error or '').split())}", FAILED)
        if has_room:
            table.add_row(names[number], *_settings(fit, number), reason)
        else:
            table.add_row(_name(narrow, number, "", True, console, reason))
    console.print(table)


def _table(fit: Fitted, *, header: bool) -> Table:
    """Return an empty table with the columns that whole and failed rows have."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_header=header,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),
        header_style="bold",
    )
    table.add_column(HEAD, width=fit.name_width, no_wrap=True)
    for head, values in fit.settings:
        width = widest([head, *values])
        table.add_column(line(head), width=width, no_wrap=True)
    return table


def _settings(fit: Fitted, number: int) -> list[Text]:
    return [line(values[number]) for _, values in fit.settings]


def _name(
    fit: Fitted,
    number: int,
    mark: str,
    indented: bool,
    console: Console,
    reason: Text | None = None,
) -> Text:
    """Return the name of a row, folded where it is long; under it, its settings and a reason."""
    indent = cell_len(FRONT_MARK) + 1 if indented else 0
    model, weights = fit.names[number]
    name = Text.assemble((model, FRONT if mark else ""), (weights, "dim"))
    parts = [line(fit.under[number], "dim")] if fit.under else []
    parts += [] if reason is None else [reason]
    width = max(1, fit.name_width - indent)
    folded = _folded(name, width, console)
    folded += [each for part in parts for each in part.wrap(console, width, overflow="fold")]
    first = Text.assemble((mark.ljust(indent), FRONT))
    return Text("\n").join(
        Text.assemble(first if place == 0 else " " * indent, each)
        for place, each in enumerate(folded)
    )


def _folded(name: Text, width: int, console: Console) -> list[Text]:
    """Return a name in lines, each cut after its last `_` or the like if it has one late enough."""
    folded = []
    while name.cell_len > width and name.plain.isascii():
        cut = 1 + max(name.plain.rfind(sign, 0, width) for sign in "_-/@ ")
        first, name = name.divide([cut if 2 * cut >= width else width])
        folded.append(first)
    return [*folded, *name.wrap(console, width, overflow="fold")]


def _width(each: Candidate, fit: Fitted) -> int:
    """Return the columns of the terminal for the values of a column."""
    rests = fit.rests.get(each.name)
    return each.value_width() + (0 if rests is None else 1 + widest(rests))


def _cells(each: Candidate, rests: list[str] | None) -> list[Text]:
    """Return a column: values, the mark of the best, what qualifies them, each in its place."""
    width = 0 if rests is None else 1 + widest(rests)
    found = []
    for number, (value, _) in enumerate(each.cells):
        is_best = number in each.best
        parts = [(value, BEST if is_best else "dim" if value == ABSENT else "")]
        if each.best:
            parts.append((BEST_MARK if is_best else " ", BEST))
        if rests is not None:
            gap = " " * (width - cell_len(rests[number]))
            parts.append((gap + rests[number], "dim"))
        found.append(Text.assemble(*parts))
    return found
