"""Text on a terminal that is shown as it is, whatever it has in it.

rich takes `[red]` for markup, `[link=...]` for a link and `:x:` for a picture, and passes escape
sequences on. Names from data may have all of them.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import IO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ...datasets.visible import one_line, visible
from .aligned import plain_table


def line(text: str, style: str = "") -> Text:
    """Return a text for rich that has one line: nothing in it is markup or obeyed."""
    return Text(one_line(text), style=style)


def lines(text: str, style: str = "") -> Text:
    """Return a text for rich that may have several lines: nothing in it is markup or obeyed."""
    return Text(visible(text), style=style)


def print_line(text: str, console: Console, style: str = "") -> None:
    """Print a text as one line, which a terminal folds and a file or a pipe has whole."""
    if console.is_terminal:
        console.print(line(text, style))
    else:  # rich takes a hundred times as long
        console.file.write(f"{one_line(text)}\n")


def print_plain_table(
    head: Sequence[str], lines: Sequence[Sequence[str]], left: Collection[int], console: Console
) -> None:
    """Print a table to a file or a pipe, a line a row; see `plain_table`."""
    rule = "─" if console.encoding.lower().startswith("utf") else "-"
    console.file.write(f"{visible(plain_table(head, lines, left, rule))}\n")


def at_the_right(texts: Sequence[Text], head: Text) -> list[Text]:
    """Return texts of a column, with blanks before them so that all end where its head does.

    A column of rich that is right-justified drops the blanks at the end of a text, which stand for
    a mark that other texts have there; these go into a column that is left-justified.
    """
    widest = max(map(cell_len, (*head.plain.split("\n"), *(text.plain for text in texts))))
    return [Text(" " * (widest - text.cell_len)).append_text(text) for text in texts]


class PlainConsole(Console):
    """A console that takes no text for markup, and in which nothing is an order to the terminal."""

    def __init__(
        self,
        *,
        stderr: bool = False,
        width: int | None = None,
        file: IO[str] | None = None,
        force_jupyter: bool | None = None,
    ) -> None:
        """Print to standard output, standard error or a file; see rich's `Console`."""
        super().__init__(
            stderr=stderr,
            width=width,
            file=file,
            force_jupyter=force_jupyter,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does; control characters that text has are written out."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)
