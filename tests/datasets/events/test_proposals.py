"""Files of people's boxes."""

from pathlib import Path

import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.events.proposals import proposals_digest, read_proposals


def test_a_box_is_there_once_whatever_actions_it_is_listed_with(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "a,0902,0.1,0.2,0.5,0.9,,0.95\n"
        "a,0902,0.1,0.2,0.5,0.9,12,0.4\n"
        "a,902,0.6,0.2,0.9,0.9,,0.8\n"
        "b,903,0,0,1,1\n".replace("1,1\n", "1,1,,\n")
    )
    found = read_proposals(file)
    assert found.boxes == {
        ("a", "0902"): {(0.1, 0.2, 0.5, 0.9): 0.95, (0.6, 0.2, 0.9, 0.9): 0.8},
        ("b", "0903"): {(0.0, 0.0, 1.0, 1.0): 1.0},
    }
    assert found.digest == proposals_digest(file) and len(found.digest) == 16


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a,902,0.1,0.2,0.1,0.9,,1", "must lie in the frame"),
        ("a,902,-0.1,0.2,0.5,0.9,,1", "must lie in the frame"),
        ("a,902,,,,,,", "without a box"),
        ("a,902,0.1,0.2,0.5,0.9,,many", "many"),
    ],
)
def test_a_line_that_is_no_box_is_quoted_with_its_place(
    tmp_path: Path, line: str, said: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"a,901,0.1,0.2,0.5,0.9,,1\n{line}\n")
    with pytest.raises(DatasetError, match=said) as caught:
        read_proposals(file)
    assert f"{file}:2" in str(caught.value)


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nobody\.csv: can't be read"):
        read_proposals(tmp_path / "nobody.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DatasetError, match=r"empty\.csv"):
        read_proposals(tmp_path / "empty.csv")
