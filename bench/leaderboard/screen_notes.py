"""The footnotes on the screen: the few that a reader must know, or all of them."""

from collections.abc import Sequence

from rich.console import Console

from ...datasets.plurals import quantity
from ..text.terminal import line, print_line
from .notes import Note, Weight

MOST_LINES = 4
"""Lines of the screen for footnotes, unless all are asked for."""
MOST_OF_ONE = 2
"""Lines of the screen for one of them; what is longer is cut."""


def print_notes(
    under: Sequence[Note],
    console: Console,
    *,
    below: Weight = Weight.EXPLANATION,
    explain: bool,
    command: str,
) -> None:
    """Print the lines under a table.

    Args:
        under: The lines.
        console: The console; a file or a pipe has each of them in one line.
        below: What is not printed unless all lines are asked for: this, and what matters less.
        explain: Print all of them, in their order.
        command: What comes before `--explain` where it is named.
    """
    wanted = [note for note in under if note.weight != Weight.SETTINGS]
    if explain:
        for note in wanted:
            print_line(note.text, console)
        return
    left = MOST_LINES
    printed = 0
    for note in sorted(wanted, key=lambda each: each.weight):
        if note.weight >= below:
            break
        text = line(note.short)
        folded = list(text.wrap(console, console.width)) if console.is_terminal else []
        if min(max(1, len(folded)), MOST_OF_ONE) > left:
            continue
        if len(folded) > MOST_OF_ONE:
            last = line(note.short[len(folded[0].plain) :].strip())
            last.truncate(console.width, overflow="ellipsis")
            folded = [folded[0], last]
        for each in folded:
            console.print(each)
        if not folded:
            print_line(note.short, console)
        left -= max(1, len(folded))
        printed += note.short == note.text
    rest = len(wanted) - printed
    if rest:
        told = f"{quantity(rest, 'more footnote')} ({command}--explain)"
        print_line(told, console, "dim")
