"""Numbers are rounded as they are shown, and the parts of a whole add up there too."""

import pytest

from kinobench.bench.text.units import percentages


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
