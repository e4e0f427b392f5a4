"""What a reader of a result should know of a copy, in one line."""

from collections.abc import Sequence

SHOWN = 3


def counted(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the note `<count> <what>: <the first few names>`, or no note if there are no names."""
    if not names:
        return ()
    more = ", ..." if len(names) > SHOWN else ""
    return (f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}",)
