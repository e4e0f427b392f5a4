"""The report of a check on a terminal: at any width, no name, verdict or number is cut."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ..text.terminal import line, lines
from . import page as gate_page
from .page import NOTHING, Report

LEFT_OUT = ("processor time", "s", "pairs", "in units of", "spread", "now (ms)")
"""Columns that a narrow terminal shows in lines below the table; the first one leaves first."""


def show(report: Report, console: Console) -> None:
    """Print the whole report, in the width of the console."""
    heads, rows = gate_page.table(report)
    _print(report.title, console)
    left_out = _left_out(heads, rows, console)
    if left_out is None:
        _print_blocks(heads, rows, console)
    else:
        console.print(_without(heads, rows, left_out))
        for rest in _rest(heads, rows, left_out):
            _print(rest, console)
    for text in (*gate_page.remarks(report), *gate_page.origin(report), report.summary):
        _print(text, console)


def _left_out(
    heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console
) -> tuple[str, ...] | None:
    """Return the columns to leave out so that the others fit; None if no table fits."""
    known = tuple(head for head in LEFT_OUT if head in heads)
    unbounded = console.options.update(max_width=10_000)
    for count in range(len(known) + 1):
        table = _without(heads, rows, known[:count])
        if console.measure(table, options=unbounded).maximum <= console.width:
            return known[:count]
    return None


def _without(heads: Sequence[str], rows: Sequence[Sequence[str]], left_out: Sequence[str]) -> Table:
    kept = [number for number, head in enumerate(heads) if head not in left_out]
    grid = Table(box=None, pad_edge=False)
    for number in kept:
        grid.add_column(
            line(heads[number]), justify="left" if number < 2 else "right", no_wrap=True
        )
    for row in rows:
        grid.add_row(*(line(row[number]) for number in kept))
    return grid


def _rest(
    heads: Sequence[str], rows: Sequence[Sequence[str]], left_out: Sequence[str]
) -> list[str]:
    """Return the cells that the table has no room for, one line for each row."""
    found = []
    for name, *cells in rows:
        pairs = zip(heads[1:], cells, strict=True)
        rest = [f"{head} {cell}" for head, cell in pairs if head in left_out and cell != NOTHING]
        if rest:
            found.append(f"{name}: {', '.join(rest)}")
    return found


def _print_blocks(heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    """Print a block of lines for each row, for a console in which no table fits."""
    for name, *cells in rows:
        _print(f"\n{name}", console)
        for head, cell in zip(heads[1:], cells, strict=True):
            _print(f"  {head}: {cell}", console)
    _print("", console)


def _print(text: str, console: Console) -> None:
    # A word longer than the line continues on the next one.
    console.print(lines(text), overflow="fold")
