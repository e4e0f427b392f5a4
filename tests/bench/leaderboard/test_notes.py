"""The names before a line under a board."""

import pytest

from kinobench.bench.leaderboard.notes import Note, names_among


@pytest.mark.parametrize(
    ("found", "every", "told"),
    [
        ("abcdef", "abcdef", ("All rows",)),
        ("abcdef", "abcdefgh", ("All rows but g, h",)),
        ("abc", "abcd", ("a", "b", "c")),  # as short as it is
        ("abcdef", "abcdefwxyz", tuple("abcdef")),  # too many others
        ("abcd", "abcdwxyz", tuple("abcd")),
        ("a", "a", ("a",)),
        ("", "ab", ()),
    ],
)
def test_names_are_as_short_as_they_can_be(found: str, every: str, told: tuple[str, ...]) -> None:
    assert names_among(found, every) == told


def test_a_short_line_has_a_few_of_the_names_and_their_number() -> None:
    note = Note(": it\nbroke", names=tuple("abcdefg"))
    assert note.text == "a, b, c, d, e, f, g: it broke"
    assert note.short == "a, b, c, d and 3 others: it broke"
