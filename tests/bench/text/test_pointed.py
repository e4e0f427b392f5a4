"""Errors that point at a place of a line."""

import pytest

from kinobench.bench.text.pointed import PointedError, pointed


def test_the_carets_stand_under_the_wrong_part() -> None:
    assert pointed("a < 'b' or c", 4, 7) == "a < 'b' or c\n    ^^^"
    assert pointed("a <", 3, 4) == "a <\n   ^"
    assert pointed("", 0, 0) == "\n^"


def test_a_wide_or_hidden_character_before_the_place_is_counted_as_it_is_shown() -> None:
    assert pointed("漢字 x", 3, 4) == "漢字 x\n     ^"
    assert pointed("\x1b[2Jx", 4, 5) == "\\x1b[2Jx\n       ^"


@pytest.mark.parametrize("at", [0, 40, 500, 960, 999])
def test_of_a_long_line_the_part_around_the_place_is_shown(at: int) -> None:
    line = "." * at + "X" + "." * (999 - at)
    shown, carets = pointed(line, at, at + 1).split("\n")
    assert shown[len(carets) - 1] == "X" and len(shown) <= 74
    assert shown.startswith("…") == (at > 36) and shown.endswith("…") == (at < 963)


def test_the_message_has_the_reason_first() -> None:
    error = PointedError("why\x1b", "a b", 2, 3)
    assert str(error) == "why\\x1b\na b\n  ^"
