"""Columns of text, padded with blanks to one width each."""

from collections.abc import Collection, Iterator, Sequence


def aligned(columns: Sequence[Sequence[str]], left: Collection[int]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of columns whose cells are as wide as the widest of their column.

    Args:
        columns: The cells of each column; all have as many.
        left: Places of the columns that are aligned to the left; the others are to the right.
    """
    return zip(
        *(_padded(cells, is_left=place in left) for place, cells in enumerate(columns)),
        strict=True,
    )


def _padded(cells: Sequence[str], *, is_left: bool) -> list[str]:
    side = str.ljust if is_left else str.rjust
    if all(map(str.isascii, cells)):  # the quick way of nearly every column
        widest = max(map(len, cells), default=0)
        return [side(cell, widest) for cell in cells]
    widths = [width(cell) for cell in cells]
    widest = max(widths)
    return [side(cell, widest - own + len(cell)) for cell, own in zip(cells, widths, strict=True)]


def width(text: str) -> int:
    """Return the columns that a text takes: a letter of East Asia takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
