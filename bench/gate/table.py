"""The table of a check on a terminal: whatever its width, no name, verdict or number is cut."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import page as gate_page
from .page import NOTHING, Report

LEFT_OUT = ("processor time", "s", "pairs", "in units of", "spread", "now (ms)")
"""Columns that a narrow terminal tells in lines below the table, the first ones first."""


def show(report: Report, console: Console) -> None:
    """Print the whole report, as wide as the console is."""
    heads, rows = gate_page.table(report)
    _print(report.title, console)
    left_out = _left_out(heads, rows, console)
    if left_out is None:
        _print_blocks(heads, rows, console)
    else:
        console.print(_without(heads, rows, left_out))
        for line in _lines(heads, rows, left_out):
            _print(line, console)
    for line in (*gate_page.remarks(report), *gate_page.origin(report), report.says):
        _print(line, console)


def _left_out(
    heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console
) -> tuple[str, ...] | None:
    """Return the columns without which the rest fits; None where no table fits."""
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
            Text(heads[number]), justify="left" if number < 2 else "right", no_wrap=True
        )
    for row in rows:
        grid.add_row(*(Text(row[number]) for number in kept))
    return grid


def _lines(
    heads: Sequence[str], rows: Sequence[Sequence[str]], left_out: Sequence[str]
) -> list[str]:
    """Return what the table has no room for, a line a row."""
    lines = []
    for name, *cells in rows:
        pairs = zip(heads[1:], cells, strict=True)
        told = [f"{head} {cell}" for head, cell in pairs if head in left_out and cell != NOTHING]
        if told:
            lines.append(f"{name}: {', '.join(told)}")
    return lines


def _print_blocks(heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    """Print a block of lines for each row, where no table fits."""
    for name, *cells in rows:
        _print(f"\n{name}", console)
        for head, cell in zip(heads[1:], cells, strict=True):
            _print(f"  {head}: {cell}", console)
    _print("", console)


def _print(line: str, console: Console) -> None:
    # A word that is longer than a line goes on in the next one.
    console.print(Text(line, overflow="fold"), highlight=False)
