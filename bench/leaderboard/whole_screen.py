"""A table with all its columns on the screen, whatever its width: no number is cut."""

from collections.abc import Mapping

import msgspec
from rich import box
from rich.console import Console, ConsoleOptions, JustifyMethod
from rich.table import Table as Drawn
from rich.text import Text

from ..measure.measurement import Cell
from ..text.terminal import at_the_right, line, lines, print_plain_table
from .columns import Table
from .fitted_table import BEST, BEST_MARK, FRONT, FRONT_MARK

_UNLIMITED = 100_000
_LONGEST = 40
"""Columns of the terminal of a cell; what is longer is folded."""


class Marks(msgspec.Struct, frozen=True):
    """What a table points out.

    Attributes:
        front: The numbers of the rows on the Pareto front.
        best: By the place of a column, the numbers of the rows with its best value.
        before: The mark before the first cell of a row on the front.
    """

    front: frozenset[int] = frozenset()
    best: Mapping[int, frozenset[int]] = {}
    before: str = FRONT_MARK


def show(
    table: Table, console: Console, marks: Marks | None = None, *, intervals: bool = True
) -> None:
    """Print a table: a line a row, else intervals under their values, else a block a row.

    A file or a pipe gets one line a row, however long it is, without marks.

    Args:
        table: The table.
        console: The console.
        marks: What the table points out on a terminal, where a row has one line.
        intervals: They are always shown; if not, they are left out rather than put under values.
    """
    marks = marks or Marks()
    if not console.is_terminal:
        joined = [[" ".join(filter(None, cell)) for cell in cells] for cells in table.lines]
        print_plain_table(table.head, joined, table.left, console)
        return
    bare = table._replace(lines=[[(value, "") for value, _ in cells] for cells in table.lines])
    layouts = [
        _in_one_line(table, marks=marks),
        *([] if intervals else [_in_one_line(bare, marks=marks, heads_in_one=False)]),
        _under(table),
        _under_short(table),
    ]
    for drawn in layouts:
        if console.measure(drawn, options=_unbounded(console)).maximum <= console.width:
            console.print(drawn)
            return
    _print_blocks(table, console)


def _unbounded(console: Console) -> ConsoleOptions:
    return console.options.update(max_width=_UNLIMITED)


def _in_one_line(
    table: Table,
    marks: Marks | None = None,
    *,
    heads_in_one: bool = True,
) -> Drawn:
    """Intervals after their values: one line a row."""
    marks = marks or Marks()
    drawn = _drawn()
    columns = []
    for place, name in enumerate(table.head):
        head = line(name) if heads_in_one else lines(name.replace(" ", "\n"))
        if place == 0 and marks.front:
            head = Text(" " * (len(marks.before) + 1)).append_text(head)
        cells = [
            _marked(row[place], number, place, marks) for number, row in enumerate(table.lines)
        ]
        if place not in table.left:
            head.justify = "right"
            cells = at_the_right(cells, head)
        columns.append(cells)
        drawn.add_column(head, overflow="fold", max_width=_LONGEST)
    for row in zip(*columns, strict=True):
        drawn.add_row(*row)
    return drawn


def _marked(cell: Cell, row: int, place: int, marks: Marks) -> Text:
    """Return a cell with the mark of the best, or in the first column that of the front."""
    value, rest = (line(part) for part in cell)
    is_best = row in marks.best.get(place, ())
    if place in marks.best:
        value.append(BEST_MARK if is_best else " ")
    if is_best:
        value.stylize(BEST)
    if place == 0 and marks.front:
        is_on_it = row in marks.front
        before = f"{marks.before} " if is_on_it else " " * (len(marks.before) + 1)
        value = Text.assemble(before, value)
        if is_on_it:
            value.stylize(FRONT)
    return Text(" ").join(part for part in (value, rest) if part.plain)


def _under(table: Table, longest_name: int | None = None) -> Drawn:
    """Intervals under their values, weights under the model."""
    drawn = _drawn()
    together = _names(table)
    drawn.add_column(
        lines("\n".join(table.head[:together])), overflow="fold", max_width=longest_name
    )
    for number, name in enumerate(table.head[together:], together):
        side = _side(table, number)
        drawn.add_column(lines(name.replace(" ", "\n")), justify=side, no_wrap=True)
    for cells in table.lines:
        names = "\n".join(value for value, _ in cells[:together])
        stacked = ("\n".join((value, *rest.split())).strip() for value, rest in cells[together:])
        drawn.add_row(lines(names), *map(lines, stacked))
    return drawn


def _under_short(table: Table) -> Drawn:
    """The same with long names folded."""
    return _under(table, longest_name=12)


def _names(table: Table) -> int:
    """Return how many columns at the left are names: they are shown under each other."""
    places = range(len(table.head))
    return next((place for place in places if place not in table.left), len(table.head)) or 1


def _side(table: Table, number: int) -> JustifyMethod:
    return "left" if number in table.left else "right"


def _drawn() -> Drawn:
    # Room on the right of a column alone, to save a column of the console for each.
    return Drawn(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def _print_blocks(table: Table, console: Console) -> None:
    """Print a block of lines for each row, where no table fits; a blank line parts them."""
    together = _names(table)
    for number, cells in enumerate(table.lines):
        before = "\n" if number else ""
        console.print(lines(before + ", ".join(value for value, _ in cells[:together])))
        for name, cell in zip(table.head[together:], cells[together:], strict=True):
            value = " ".join(part for part in cell if part)
            console.print(line(f"  {name}: {value}"))
