"""The documentation of the datasets of localization and detection."""

import re
from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.located.known import LOCATED

from ...fakes.located_copies import FILES, WRITERS, put
from ...fakes.media import REPOSITORY

ROWS = [
    line.split("|")[1:-1]
    for line in (REPOSITORY / "docs" / "data.md").read_text().splitlines()
    if line.startswith("|") and ("| localization |" in line or "| detection |" in line)
]


def _code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_a_row_says_what_the_catalog_and_a_copy_say(row: list[str], tmp_path: Path) -> None:
    for name in _code(row[1]):
        dataset = catalog.get(name)
        assert dataset.title in row[0]
        assert row[2].strip() == dataset.task
        assert tuple(_code(row[3])) == dataset.splits
        assert tuple(_code(row[4])) == dataset.layouts
        root = tmp_path / name
        WRITERS[name](root)
        put(root / FILES[name])
        truth = catalog.load_split(dataset, root, None).truth
        assert truth is not None and _code(row[5]) == [truth.rule]


def test_every_dataset_has_a_row() -> None:
    assert sorted(name for row in ROWS for name in _code(row[1])) == sorted(LOCATED)
