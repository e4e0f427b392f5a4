"""Times of seconds to hours, as people say them."""

from datetime import datetime, timedelta

_SIX_DAYS_S = 6 * 86400.0
"""After so long the name of a day may be that of today."""


def duration(seconds: float) -> str:
    """Return a time in six characters or less, as `1.3 s`, `12 s`, `6 min` or `2.1 h`."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{seconds / 3600:.1f} h"


def end_of(left_s: float, now: datetime) -> str:
    """Return when something will end, and in what time, as `about 14:32, 6 min left`.

    The time of day has the day of the week before it if that isn't today; for what takes six days
    or more, their number is all.

    Args:
        left_s: The seconds that are left.
        now: The present time, in the time zone of the reader.
    """
    left_s = max(left_s, 0.0)
    if left_s >= _SIX_DAYS_S:
        return f"about {round(left_s / 86400)} days left"
    end = now + timedelta(seconds=left_s)
    day = "" if end.date() == now.date() else f"{end:%a} "
    rest = "under 1 min" if left_s < 60 else duration(60 * round(left_s / 60))
    if 60 <= left_s < 99.5:
        rest = f"{round(left_s / 60)} min"
    return f"about {day}{end:%H:%M}, {rest} left"
