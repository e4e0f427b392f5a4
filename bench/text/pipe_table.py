"""Tables of Markdown, whose source is a table too."""

from collections.abc import Collection, Sequence

from .aligned import aligned, width

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
    # Room of two more than a name, as tabulate leaves it.
    room = [
        (name, " " * (width(name) + 2), *cells) for name, cells in zip(head, columns, strict=True)
    ]
    names, blanks, *rows = aligned(room, left)
    rules = "|".join("-" * (len(blank) + 2) for blank in blanks)
    return "\n".join([_row(names), f"|{rules}|", *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
