"""Numbers of a row in sentences: with their unit and interval."""

from ..text.units import rounded
from .fields import Field
from .leaderboard import Board, Row
from .recommendation import Figure


def text_of(field: Field, board: Board, row: Row, *, interval: bool = True) -> str:
    """Return a number of a row as `3.93 ms [3.43, 4.58]`; `unknown` if it has none.

    Args:
        field: The number.
        board: The board.
        row: One of its rows.
        interval: Add the interval, where there is one.
    """
    ends = field.ends(board, row) if interval else None
    return of_figure(field, Figure(value=field.read(board, row), interval=ends))


def of_figure(field: Field, figure: Figure) -> str:
    """Return a number and its interval as text; `unknown` if there is none."""
    if figure.value is None:
        return "unknown"
    ends = figure.interval or ()
    texts = [_number(each, field.unit) for each in (figure.value, *ends)]
    unit = f" {field.unit}" if field.unit else ""
    shown = f" [{texts[1]}, {texts[2]}]" if ends else ""
    return f"{texts[0]}{unit}{shown}"


def _number(value: float, unit: str) -> str:
    if unit == "%":
        return rounded(value, 1)
    digits = 3 if value < 1 else 2 if value < 100 else 1 if value < 1000 else 0
    return f"{value:.{digits}f}"
