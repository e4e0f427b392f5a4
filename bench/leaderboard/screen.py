"""Boards on the screen, as wide as it is."""

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, JustifyMethod
from rich.table import Table

from ..measure.measurement import Cell
from ..text.terminal import line, lines
from .columns import table_of
from .footnotes import footnotes
from .leaderboard import Board
from .means import shown


def show(boards: Sequence[Board], console: Console) -> None:
    """Print the boards for a person, as wide as the console is; no number is ever cut."""
    for board in shown(boards):
        head, rows, _ = table_of(board)
        console.print(line(board.title, "bold"))
        for layout in (_in_one_line, _under, _under_short):
            table = layout(head, rows)
            if console.measure(table, options=_unbounded(console)).maximum <= console.width:
                console.print(table)
                break
        else:
            _print_blocks(head, rows, console)
        for note in footnotes(board):
            console.print(line(note))
        console.print()


def _unbounded(console: Console) -> ConsoleOptions:
    return console.options.update(max_width=10_000)


def _in_one_line(head: list[str], rows: list[list[Cell]]) -> Table:
    """Intervals after their values: one line a row."""
    table = _table()
    for number, name in enumerate(head):
        side: JustifyMethod = "left" if number < 2 else "right"
        table.add_column(line(name), justify=side, overflow="fold", max_width=40)
    for cells in rows:
        table.add_row(*(line(" ".join(part for part in cell if part)) for cell in cells))
    return table


def _under(head: list[str], rows: list[list[Cell]], longest_name: int | None = None) -> Table:
    """Intervals under their values, weights under the model."""
    table = _table()
    table.add_column(f"{head[0]}\n{head[1]}", overflow="fold", max_width=longest_name)
    for name in head[2:]:
        table.add_column(lines(name.replace(" ", "\n")), justify="right", no_wrap=True)
    for (model, _), (weights, _), *cells in rows:
        stacked = ("\n".join((value, *rest.split())).strip() for value, rest in cells)
        table.add_row(lines(f"{model}\n{weights}"), *map(lines, stacked))
    return table


def _under_short(head: list[str], rows: list[list[Cell]]) -> Table:
    """The same with long names folded."""
    return _under(head, rows, longest_name=12)


def _table() -> Table:
    # Room on the right of a column alone, to save a column of the console for each.
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _print_blocks(head: list[str], rows: list[list[Cell]], console: Console) -> None:
    """Print a block of lines for each row, where no table fits."""
    for (model, _), (weights, _), *cells in rows:
        console.print(lines(f"\n{model}, {weights}"))
        for name, cell in zip(head[2:], cells, strict=True):
            value = " ".join(part for part in cell if part)
            console.print(line(f"  {name}: {value}"))
    console.print()
