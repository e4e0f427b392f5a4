"""A noun is singular only after a plain 1."""

import pytest

from kinobench.datasets.plurals import quantity


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((1, "video"), "1 video"),
        ((0, "video"), "0 videos"),
        ((2, "video"), "2 videos"),
        ((1, "class", "classes"), "1 class"),
        ((8, "class", "classes"), "8 classes"),
        ((1, "group is", "groups are"), "1 group is"),
        ((1234, "byte", "", ","), "1,234 bytes"),
        ((1.0, "core", "", ".2g"), "1 core"),
        ((1.5, "core", "", ".2g"), "1.5 cores"),
        ((1.0, "core", "", ".1f"), "1.0 cores"),
    ],
)
def test_a_number_has_its_noun(given: tuple, text: str) -> None:
    assert quantity(*given) == text
