"""Tables of Markdown, whose source is a table too."""

from collections.abc import Callable, Collection, Sequence

LEFT = (0, 1)
"""Columns whose source is aligned to the left; the others, numbers, are to the right."""


def pipe_table(
    head: Sequence[str], lines: Sequence[Sequence[str]], left: Collection[int] = LEFT
) -> str:
    """Return a table whose cells have no mark of Markdown in them; see `escaped`.

    It is that of `tabulate`, which takes ten times as long where a board has many rows.

    Args:
        head: The names of the columns.
        lines: The cells of each row.
        left: Places of the columns whose source is aligned to the left.
    """
    columns = list(zip(*lines, strict=True)) or [()] * len(head)
    widths = [
        max((_width(name) + 2, *map(_width, column)))
        for name, column in zip(head, columns, strict=True)
    ]
    sides: list[Callable[[str, int], str]] = [
        str.ljust if place in left else str.rjust for place in range(len(widths))
    ]
    rules = "|".join("-" * (width + 2) for width in widths)

    def row(cells: Sequence[str]) -> str:
        padded = (
            side(cell, width - _width(cell) + len(cell))
            for side, cell, width in zip(sides, cells, widths, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    return "\n".join([row(head), f"|{rules}|", *map(row, lines)])


def _width(text: str) -> int:
    """Return the columns that a text takes: a letter of East Asia takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
