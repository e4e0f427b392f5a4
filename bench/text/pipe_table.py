"""Tables of Markdown, whose source is a table too."""

from collections.abc import Sequence

LEFT = 2
"""Columns whose source is aligned to the left; the others, numbers, are to the right."""


def pipe_table(head: Sequence[str], lines: Sequence[Sequence[str]], left: int = LEFT) -> str:
    """Return a table whose cells have no mark of Markdown in them; see `escaped`.

    It is that of `tabulate`, which takes ten times as long where a board has many rows.

    Args:
        head: The names of the columns.
        lines: The cells of each row.
        left: Columns whose source is aligned to the left.
    """
    columns = list(zip(*lines, strict=True)) or [()] * len(head)
    widths = [
        max((len(name) + 2, *map(len, column))) for name, column in zip(head, columns, strict=True)
    ]
    sides = [str.ljust] * left + [str.rjust] * (len(widths) - left)
    rules = "|".join("-" * (width + 2) for width in widths)

    def row(cells: Sequence[str]) -> str:
        padded = (side(cell, width) for side, cell, width in zip(sides, cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    return "\n".join([row(head), f"|{rules}|", *map(row, lines)])
