"""Lines of lists, which are read a part of the text at a time."""

from pathlib import Path

import pytest

from kinobench.datasets.lists import text
from kinobench.datasets.lists.text import each_line, lines_of

TEXTS = (
    *(
        "",
        "a",
        "a\n",
        "\n",
        "\n\na\n \nbc",
        "abc\r\nde\r\n\r\nf",
        "abc\rde\r\rf",
        "a\r\r\nb\x0b\u2028c\n",
    ),
    "".join(f"{number}\n" * (number % 3) for number in range(40)),
)


def lines_one_by_one(whole: str) -> list[str]:
    end = "\n" if "\n" in whole else "\r"
    lines = [line + end for line in whole.split(end)]
    lines[-1] = lines[-1][:-1]
    return [line for line in lines if line]


@pytest.mark.parametrize("whole", TEXTS)
@pytest.mark.parametrize("at_once", [0, 1, 2, 3, 7, 1000])
def test_lines_and_their_numbers_are_those_of_the_whole_text(
    whole: str, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "_AT_ONCE", at_once)
    expected = lines_one_by_one(whole)
    assert list(each_line(whole)) == expected
    file = tmp_path / "list.txt"
    file.write_bytes(whole.encode())
    numbered = [(place, line.rstrip("\r\n")) for place, line in enumerate(expected, 1)]
    assert list(lines_of(file)) == [(place, line) for place, line in numbered if line.strip()]
