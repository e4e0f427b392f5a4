"""The rows that a figure shows: their board, their names, and the few that are highlighted."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..leaderboard.leaderboard import Board, Row
from ..leaderboard.means import shown
from ..records.case_names import names_of
from .style import MOST_LINES, Style

LETTER = 0.62
"""Mean width of a letter, in heights of the text."""


def chosen_board(
    boards: Sequence[Board],
    has: Callable[[Board, Row], bool],
    missing: str,
    number: int | None = None,
) -> Board:
    """Return the board with the most rows that can be drawn.

    Args:
        boards: The boards.
        has: Returns whether a row of a board can be drawn.
        missing: What to measure if there is no such row, as the end of the message.
        number: Number of the board to take, counted from 1; None: the one with the most rows.

    Raises:
        KinobenchError: No row can be drawn, or there is no board of that number.
    """
    found = list(shown(boards))
    if number is not None and not 1 <= number <= len(found):
        raise KinobenchError(
            f"--board {number}: there {'is' if len(found) == 1 else 'are'} "
            f"{quantity(len(found), 'board')}: {titles(found) or 'none'}"
        )
    if number is not None:
        found = [found[number - 1]]
    counts = [sum(has(board, row) for row in board.rows) for board in found]
    if not any(counts):
        raise KinobenchError(f"nothing to plot: {missing}")
    return found[counts.index(max(counts))]


def others(boards: Sequence[Board], drawn: Board) -> str:
    """Return a line on the boards that are not drawn; empty if there is none."""
    rest = [
        f"{number}: {each.title}"
        for number, each in enumerate(shown(boards), 1)
        if each is not drawn
    ]
    return f"not drawn, see --board: {'; '.join(rest)}" if rest else ""


def titles(boards: Sequence[Board]) -> str:
    """Return the boards with their numbers in a line."""
    return "; ".join(f"{number}: {each.title}" for number, each in enumerate(boards, 1))


def names(rows: Sequence[Row]) -> list[str]:
    """Return a name for each row, in which control characters are written out."""
    return [one_line(name) for name in names_of([row.record.case for row in rows])]


def shortened(name: str, letters: float) -> str:
    """Return a name that is at most so many letters wide, without its middle if it is longer.

    A letter of Chinese, Japanese or Korean is as wide as two. The end stays, since it often tells
    a name from the others.
    """
    if cell_len(name) <= letters:
        return name
    begin = end = ""
    for head, tail in zip(name, reversed(name), strict=True):
        if cell_len(begin + head + end) + 1 > letters:
            break
        begin += head
        if cell_len(begin + tail + end) + 1 > letters:
            break
        end = tail + end
    return f"{begin}…{end}"


def letters_in(inches: float, style: Style) -> float:
    """Return how many letters of the small text fit into a width."""
    return max(8.0, inches / (LETTER * style.small_pt / 72))


def without_shared_end(found: Sequence[str]) -> tuple[list[str], str]:
    """Return names without the last part that all of three or more share, such as `_tiny`."""
    end = f"_{found[0].rpartition('_')[2]}" if found and "_" in found[0] else ""
    if len(found) < 3 or not end or not all(n.endswith(end) and n != end for n in found):
        return list(found), ""
    short = [name.removesuffix(end) for name in found]
    return (short, end) if len(set(short)) == len(short) else (list(found), "")


def wanted(models: Sequence[str], rows: Sequence[Row]) -> set[int]:
    """Return the numbers of the rows of some models.

    Raises:
        UnknownNameError: There is no row of a model.
    """
    known = {row.record.case.model for row in rows}
    for model in models:
        if model not in known:
            raise UnknownNameError("drawn network", model, known)
    return {place for place, row in enumerate(rows) if row.record.case.model in set(models)}


def highlighted(models: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """Return the numbers of the rows whose lines have colours; all others are grey.

    Without models they are the first `MOST_LINES`, which are the best of an ordered board.

    Raises:
        UnknownNameError: There is no row of a model.
        KinobenchError: More lines than `MOST_LINES` were asked for.
    """
    found = sorted(wanted(models, rows))
    if len(found) > MOST_LINES:
        raise KinobenchError(
            f"--model: {quantity(len(found), 'line')} can't be told apart; choose at most "
            f"{MOST_LINES}, and the others are drawn in grey"
        )
    return found or list(range(min(MOST_LINES, len(rows))))
