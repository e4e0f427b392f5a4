"""Times as people say them."""

from datetime import datetime

import pytest

from kinobench.bench.text.durations import duration, end_of

NOON = datetime(2026, 1, 1, 12, 0)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        *((-1, "0.0 s"), (0, "0.0 s"), (1.26, "1.3 s"), (9.94, "9.9 s"), (9.96, "10 s")),
        *((99.4, "99 s"), (99.6, "2 min"), (3600, "60 min"), (5940, "99 min"), (7560, "2.1 h")),
    ],
)
def test_a_duration_has_six_characters_or_less(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
    assert len(shown) <= 6


@pytest.mark.parametrize(
    ("left_s", "shown"),
    [
        (-5, "about 12:00, under 1 min left"),
        (59, "about 12:00, under 1 min left"),
        (61, "about 12:01, 1 min left"),
        (89, "about 12:01, 1 min left"),
        (364, "about 12:06, 6 min left"),
        (7200, "about 14:00, 2.0 h left"),
        (13 * 3600, "about Fri 01:00, 13.0 h left"),
        (5.5 * 86400, "about Wed 00:00, 132.0 h left"),
        (7 * 86400, "about 7 days left"),
        (1e15, "about 11574074074 days left"),  # no date is so late
    ],
)
def test_an_end_is_a_time_of_day_and_what_is_left_until_then(left_s: float, shown: str) -> None:
    assert end_of(left_s, NOON) == shown
