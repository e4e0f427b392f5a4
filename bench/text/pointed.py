"""Errors that quote a line that a user typed, and point at the wrong part of it."""

from ...datasets.errors import KinobenchError
from ...datasets.visible import one_line

_SHOWN = 72
"""Characters of a line that are shown; of a longer one the part around the mistake."""


class PointedError(KinobenchError):
    """A part of a typed line is wrong; the message says why, quotes the line and points at it."""

    has_lines = True

    def __init__(self, why: str, line: str, start: int, end: int) -> None:
        """Take the reason, the line, and where the wrong part begins and ends in it."""
        super().__init__(f"{one_line(why)}\n{pointed(line, start, end)}")


def pointed(line: str, start: int, end: int) -> str:
    """Return a line, and under it carets at the characters from `start` to `end`.

    Control characters are written out. Of a long line the part around the place is shown.
    """
    start = min(max(start, 0), len(line))
    end = min(max(end, start + 1), len(line) + 1)
    first = max(0, min(start - _SHOWN // 2, len(line) - _SHOWN))
    last = min(len(line), first + _SHOWN)
    before = ("…" if first else "") + one_line(line[first:start])
    wrong = one_line(line[start : min(end, last)])
    after = one_line(line[min(end, last) : last]) + ("…" if last < len(line) else "")
    return f"{before}{wrong}{after}\n{' ' * _columns(before)}{'^' * max(1, _columns(wrong))}"


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: those of East Asia take two each."""
    from rich.cells import cell_len

    return cell_len(text)
