"""Numbers of things in messages and tables: `1 video`, `2 videos`."""


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
