"""Boards on the screen, as wide as it is."""

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, JustifyMethod
from rich.markup import escape
from rich.table import Table

from ..measure.measurement import Cell
from .columns import table_of
from .footnotes import footnotes
from .leaderboard import Board


def show(boards: Sequence[Board], console: Console) -> None:
    """Print the boards for a person, as wide as the console is; no number is ever cut."""
    for board in boards:
        head, lines = table_of(board)
        console.print(escape(board.title), style="bold", highlight=False)
        for layout in (_in_one_line, _under, _under_short):
            table = layout(head, lines)
            if console.measure(table, options=_unbounded(console)).maximum <= console.width:
                console.print(table)
                break
        else:
            _print_blocks(head, lines, console)
        for note in footnotes(board):
            console.print(escape(note), highlight=False)
        console.print()


def _unbounded(console: Console) -> ConsoleOptions:
    return console.options.update(max_width=10_000)


def _in_one_line(head: list[str], lines: list[list[Cell]]) -> Table:
    """Intervals after their values: one line a row."""
    table = _table()
    for number, name in enumerate(head):
        side: JustifyMethod = "left" if number < 2 else "right"
        table.add_column(escape(name), justify=side, overflow="fold", max_width=40)
    for line in lines:
        table.add_row(*(escape(" ".join(part for part in cell if part)) for cell in line))
    return table


def _under(head: list[str], lines: list[list[Cell]], longest_name: int | None = None) -> Table:
    """Intervals under their values, weights under the model."""
    table = _table()
    table.add_column(f"{head[0]}\n{head[1]}", overflow="fold", max_width=longest_name)
    for name in head[2:]:
        table.add_column(escape(name.replace(" ", "\n")), justify="right", no_wrap=True)
    for (model, _), (weights, _), *cells in lines:
        stacked = ("\n".join((value, *rest.split())).strip() for value, rest in cells)
        table.add_row(escape(f"{model}\n{weights}"), *map(escape, stacked))
    return table


def _under_short(head: list[str], lines: list[list[Cell]]) -> Table:
    """The same with long names folded."""
    return _under(head, lines, longest_name=12)


def _table() -> Table:
    # Room on the right of a column alone, to save a column of the console for each.
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _print_blocks(head: list[str], lines: list[list[Cell]], console: Console) -> None:
    """Print a block of lines for each row, where no table fits."""
    for (model, _), (weights, _), *cells in lines:
        console.print(escape(f"\n{model}, {weights}"), highlight=False)
        for name, cell in zip(head[2:], cells, strict=True):
            value = " ".join(part for part in cell if part)
            console.print(escape(f"  {name}: {value}"), highlight=False)
    console.print()
