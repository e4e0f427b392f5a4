"""Published numbers next to those of boards on a terminal: a block for each row."""

import textwrap
from collections.abc import Sequence

from rich.console import Console

from ...datasets.errors import program
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..text.terminal import line
from .published import Comparison
from .published_pairs import Pairs, texts_of

STYLES = {
    "reproduced": "green",
    "agrees, other conditions": "",
    "differs, known reason": "yellow",
    "differs": "bold red",
    "not compared": "dim",
}
"""How each verdict is shown on a terminal."""


def show(found: Sequence[Pairs], rows: int, console: Console) -> None:
    """Print the pairs, a block a row; text folds between words, and no number is ever cut.

    Args:
        found: The pairs.
        rows: Number of rows that were looked at.
        console: Console to print to.
    """
    title = None
    for pairs in found:
        if pairs.table != title:
            title = pairs.table
            console.print(line(title, "bold"))
        console.print()
        console.print(line(pairs.name, "bold"), soft_wrap=True)
        show_comparisons(pairs.comparisons, console)
    if not rows:
        console.print(line(f"No records yet. Measure networks first: {program()} run"))
    elif without := rows - len(found):
        more = " more" if found else ""
        if found:
            console.print()
        console.print(line(f"Nothing was printed of {quantity(without, f'{more} row'.strip())}."))


def show_comparisons(comparisons: Sequence[Comparison], console: Console) -> None:
    """Print the comparisons of a row: a line each, its reasons and its source below it."""
    cells = [(each.quantity, *texts_of(each)) for each in comparisons]
    head = ("", "printed", "here", "difference")
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    for texts, each in zip((head, *cells), (None, *comparisons), strict=True):
        numbers = "  ".join(
            f"{text:<{width}}" if place == 0 else f"{text:>{width}}"
            for place, (text, width) in enumerate(zip(texts, widths, strict=True))
        )
        if each is None:
            console.print(line(f"  {numbers}", "dim"), soft_wrap=True)
            continue
        first = line(f"  {numbers}  ")
        if len(numbers) + 4 + len(each.verdict) <= console.width:
            first.append_text(line(each.verdict, STYLES[each.verdict]))
            console.print(first, soft_wrap=True)
        else:
            first.rstrip()
            console.print(first, soft_wrap=True)
            console.print(line(f"      {each.verdict}", STYLES[each.verdict]), soft_wrap=True)
        for text in (*each.reasons, _source_text(each)):
            _print_folded(text, console)


def _source_text(each: Comparison) -> str:
    return ", ".join(filter(None, (each.variant, each.url)))


def _print_folded(text: str, console: Console) -> None:
    folded = textwrap.wrap(
        one_line(text),
        console.width,
        initial_indent="      ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for each in folded:
        console.print(line(each, "dim"), soft_wrap=True)
