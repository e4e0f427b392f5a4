"""Times and numbers as files write them, or an error that says where they are wrong."""

import math
from typing import Any

from ..errors import DatasetError


def number_of(written: Any, what: str, where: str) -> float:
    """Return a finite number, given as a number or as text.

    Args:
        written: The number.
        what: What it is, as `score`.
        where: The file and the entry.

    Raises:
        DatasetError: It is no number, or NaN or infinite.
    """
    try:
        number = float(written) if not isinstance(written, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        raise DatasetError(f"{where}: {what} {written!r} is no number; correct it") from None
    if not math.isfinite(number):
        raise DatasetError(
            f"{where}: {what} {written!r} is no finite number, and can't be ranked or placed; "
            "correct what wrote the file"
        )
    return number


def span_of(written: Any, where: str) -> tuple[float, float]:
    """Return a start and an end in seconds, whichever is first.

    Raises:
        DatasetError: It is no pair of finite numbers.
    """
    if not isinstance(written, list | tuple) or len(written) != 2:
        raise DatasetError(
            f"{where}: segment {written!r} is no [start, end] in seconds; correct it"
        )
    return number_of(written[0], "start", where), number_of(written[1], "end", where)


def seconds_of(written: str, where: str) -> float:
    """Return the seconds of a time such as `00:01:02.5` or `62.5`.

    Raises:
        DatasetError: It is no time.
    """
    seconds = 0.0
    for part in written.strip().split(":"):
        seconds = 60 * seconds + number_of(part, "time", where)
    return seconds
