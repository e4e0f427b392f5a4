"""A score on a terminal, and as a page in Markdown."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from ..text.markup import escaped
from ..text.pipe_table import pipe_table
from ..text.terminal import line, print_line
from .result import Score
from .sheets import Sheet, sheets, summary


def markdown(score: Score, *, per_class: bool = False) -> str:
    """Return a score as a page in Markdown."""
    parts = [f"# {escaped(score.predictions.path)}", "  \n".join(map(escaped, summary(score)))]
    for sheet in sheets(score, per_class=per_class):
        cells = [[escaped(cell) for cell in row] for row in sheet.rows]
        parts += [f"## {escaped(sheet.title)}", pipe_table(sheet.head, cells, sheet.left)]
        if sheet.below:
            parts.append("\n".join(f"- {escaped(each)}" for each in sheet.below))
    if notes := _notes(score):
        parts += ["## Notes", "\n".join(f"- {escaped(each)}" for each in notes)]
    return "\n\n".join(parts) + "\n"


def show(score: Score, console: Console, *, per_class: bool = False) -> None:
    """Print a score for a person, as wide as the console is."""
    first, *further = summary(score)
    print_line(score.predictions.path, console, "dim")
    print_line(first, console, "bold")
    for each in further:
        print_line(each, console)
    for sheet in sheets(score, per_class=per_class):
        console.print()
        print_line(sheet.title, console, "bold")
        _print_table(sheet, console)
        for each in sheet.below:
            print_line(each, console, "dim")
    if notes := _notes(score):
        console.print()
        print_line("Notes", console, "bold")
        for each in notes:
            print_line(f"- {each}", console)


def _print_table(sheet: Sheet, console: Console) -> None:
    """Print a table; where it doesn't fit, columns that say least are left out."""
    unbounded = console.options.update(max_width=10_000)
    kept = list(range(len(sheet.head)))
    for spare in sheet.spare:
        width = console.measure(_table(sheet, kept), options=unbounded).maximum
        if width <= console.width:
            break
        kept.remove(spare)
    console.print(_table(sheet, kept))
    if len(kept) < len(sheet.head):
        names = [name for place, name in enumerate(sheet.head) if place not in kept]
        print_line(f"left out, as there is no room: {', '.join(names)}", console, "dim")


def _table(sheet: Sheet, kept: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for place in kept:
        left = place in sheet.left
        table.add_column(
            line(sheet.head[place]),
            justify="left" if left else "right",
            overflow="fold",
            no_wrap=place != 0,
        )
    for row in sheet.rows:
        style = "bold" if row[0].endswith(" *") else ""
        table.add_row(*(line(row[place], style) for place in kept))
    return table


def _notes(score: Score) -> list[str]:
    other = () if score.compared is None else score.compared.notes
    return [*score.notes, *(f"the other file: {each}" for each in other)]
