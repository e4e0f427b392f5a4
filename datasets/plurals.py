"""Numbers of things in messages and tables: `1 video`, `2 videos`."""

from collections.abc import Sequence

SHOWN = 4
"""Names in a message; of more only the number is given."""


def quantity(number: float, noun: str, plural: str = "", spec: str = "") -> str:
    """Return a number with its noun, which is singular only where a plain `1` is shown.

    Args:
        number: How many there are.
        noun: The noun in the singular.
        plural: Its plural; empty: with an `s` at its end.
        spec: Format of the number, such as `,`.
    """
    shown = format(number, spec)
    return f"{shown} {noun if shown == '1' else plural or f'{noun}s'}"


def some(names: Sequence[str]) -> str:
    """Return names for a message: `a, b, c, d and 3 others`."""
    more = f" and {quantity(len(names) - SHOWN, 'other')}" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
