"""Lines and tables on a terminal, where no name or number is ever cut.

rich's own tables shorten or fold a name for which there is no room. Here it gets a line of its own,
so that you can always copy it.
"""

import textwrap
from collections.abc import Sequence

from rich.console import Console

from ...datasets.visible import one_line
from ..text.terminal import line as plain_line

GAP = 2
"""Blanks between two columns."""


def print_line(line: str, console: Console, style: str = "") -> None:
    """Print one line; if it is longer than the console is wide, the terminal folds it."""
    console.print(plain_line(line, style), soft_wrap=True)


def print_folded(
    text: str,
    console: Console,
    style: str = "",
    *,
    indent: str | None = None,
    hanging: str | None = None,
) -> None:
    """Print a text folded between its words, and never within one.

    Args:
        text: The text.
        console: Console to print to.
        style: Its style, of rich.
        indent: Put before the first line; None keeps the text's own indent.
        hanging: Put before all other lines; None for the same indent as the first line's.
    """
    text = one_line(text)
    own = " " * (len(text) - len(text.lstrip()))
    lines = textwrap.wrap(
        text,
        console.width,
        initial_indent=indent or "",
        subsequent_indent=own if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines or [""]:
        print_line(line, console, style)


def print_table(rows: Sequence[Sequence[str]], console: Console) -> None:
    """Print a column of names and columns of numbers, which are aligned to the right.

    If there is no room for a name next to its numbers, they are on the line below it.

    Args:
        rows: The headings and the rows, as long as each other; a name may be indented.
        console: Console to print to.
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = console.width - sum(widths[1:]) - GAP * len(widths[1:])
    room = min(widths[0], max(0, room))
    for name, *cells in rows:
        if len(name) > room:
            print_line(name if len(name) <= console.width else name.lstrip(), console)
            name = ""
        numbers = [f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True)]
        print_line((" " * GAP).join((f"{name:<{room}}", *numbers)).rstrip(), console)
