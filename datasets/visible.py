r"""Text from data, in which whatever a terminal would obey or hide is written out.

A name of a file, a class or a network may contain an escape sequence that clears the screen, links
to a page or answers for the user; a carriage return that overwrites the line; or a character that
turns the direction of the text. Printed by these functions, each is an escape as in Python's
strings: `\x1b`, `\r`, `\u202e`.
"""

import unicodedata

from .names import readable

_WRITTEN_OUT = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories: controls, formats (directions, invisible marks), surrogates, line ends."""
_JOINERS = "\u200c\u200d"
"""Formats without which some words and emoji are others; they hide and turn nothing."""


class _Table(dict[int, str]):
    """What stands for a character, by its number; made when it is first asked for."""

    def __init__(self, kept: str) -> None:
        super().__init__({ord(each): each for each in kept + _JOINERS})

    def __missing__(self, number: int) -> str:
        shown = character = chr(number)
        if unicodedata.category(character) in _WRITTEN_OUT:
            shown = character.encode("unicode_escape").decode("ascii")
        self[number] = shown
        return shown


_LINE, _LINES = _Table(kept=""), _Table(kept="\n\t")


def one_line(text: str) -> str:
    """Return a text on one line without control characters: each is written out, line ends too."""
    return text if text.isprintable() else readable(text).translate(_LINE)


def visible(text: str) -> str:
    """Return a text without control characters but line ends and tabs: each is written out."""
    return text if text.isprintable() else readable(text).translate(_LINES)
