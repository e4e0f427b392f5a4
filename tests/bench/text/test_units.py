"""Numbers are rounded as they are shown, and the parts of a whole add up there too."""

from fractions import Fraction

import numpy as np
import pytest

from kinobench.bench.text.units import (
    ABSENT,
    file_size,
    percent,
    percent_interval,
    percent_with_interval,
    percentages,
    significant,
)


@pytest.mark.parametrize(
    ("hits", "videos", "shown"),
    [
        # Halfway between two tenths: the even one.
        (65, 80, "81.2"),  # 81.25
        (49, 80, "61.2"),  # 61.25, and 100 * (49 / 80) is 61.25000000000001
        (67, 80, "83.8"),  # 83.75
        (1627, 2000, "81.4"),  # 81.35
        (1, 2000, "0.0"),  # 0.05
        (3, 2000, "0.2"),  # 0.15
        (1999, 2000, "100.0"),  # 99.95
        # Next to halfway.
        (813_499, 1_000_000, "81.3"),
        (813_501, 1_000_000, "81.4"),
        (2, 3, "66.7"),
        (0, 7, "0.0"),
        (7, 7, "100.0"),
    ],
)
def test_a_share_of_videos_is_rounded_half_to_even(hits: int, videos: int, shown: str) -> None:
    assert percent(hits / videos) == percent(np.float64(hits / videos)) == shown


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_every_share_is_rounded_as_its_exact_fraction_is(digits: int) -> None:
    for videos in (8, 80, 320, 400, 2000):
        for hits in range(videos + 1):
            steps = round(Fraction(hits, videos) * 100 * 10**digits)  # half to even, exactly
            whole, rest = divmod(steps, 10**digits)
            shown = f"{whole}.{rest:0{digits}d}" if digits else str(whole)
            assert percent(hits / videos, digits) == shown, (hits, videos)


def test_a_difference_and_an_interval_are_shown_to_the_same_digits() -> None:
    assert percent(-0.6125) == "-61.2" and percent(0.011, 2, signed=True) == "+1.10"
    assert percent(-0.0004) == percent(0.0) == "0.0"  # never -0.0
    assert percent_interval((0.6125, 0.8135)) == "[61.2, 81.4]" and percent_interval(None) == ""
    assert percent_with_interval(0.6125, (0.5, 0.7375), 2) == ("61.25", "[50.00, 73.75]")
    assert percent_with_interval(0.6125, None) == ("61.2", "")
    assert percent_with_interval(None, (0.5, 0.7)) == (ABSENT, "")


@pytest.mark.parametrize(
    ("shares", "shown"),
    [
        ([], []),
        ([1.0], ["100.0"]),
        ([1 / 3, 1 / 3, 1 / 3], ["33.4", "33.3", "33.3"]),  # rounded alone: 99.9
        ([0.2858, 0.2858, 0.4284], ["28.6", "28.6", "42.8"]),
        ([0.29, 0.71], ["29.0", "71.0"]),
        ([0.0004, 0.9996], ["0.0", "100.0"]),
        ([0.0, 0.0], ["0.0", "0.0"]),  # no whole that they could add up to
    ],
)
def test_the_parts_of_a_whole_add_up_as_they_are_shown(
    shares: list[float], shown: list[str]
) -> None:
    assert percentages(shares) == shown


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (44_518, "44.5 kB"),
        (137_000, "137 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (41_234_567_890, "41.2 GB"),
        (2 * 10**12, "2.00 TB"),
    ],
)
def test_the_size_of_files_has_three_digits(count: int, text: str) -> None:
    assert file_size(count) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((0.0001234, "0.000123"), (0.5, "0.500"), (12.345, "12.3"), (99.96, "100")),
        *((1234.5, "1234"), (99999.0, "99999"), (1e7, "1.00e+07"), (0.0, "0.00"), (-1.5, "-1.50")),
        (None, ABSENT),
    ],
)
def test_a_number_to_three_digits_has_no_exponent_where_people_need_none(
    value: float | None, shown: str
) -> None:
    assert significant(value) == shown
