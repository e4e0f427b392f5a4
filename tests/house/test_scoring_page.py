"""The tables of docs/scoring.md are those of its files, scored anew."""

import sys
from pathlib import Path

from ..fakes.media import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs"))
import scoring_files
import scoring_tables


def test_the_page_has_the_tables_of_its_files() -> None:
    page = scoring_tables.PAGE.read_text(encoding="utf-8")
    assert page == scoring_tables.page_with(page, scoring_tables.whole())


def test_the_files_are_always_the_same(tmp_path: Path) -> None:
    for _, make, _ in scoring_tables.KINDS:
        folders = tmp_path / f"{make.__name__}_1", tmp_path / f"{make.__name__}_2"
        for folder in folders:
            folder.mkdir()
        first, second = map(make, folders)
        assert first.results.read_bytes() == second.results.read_bytes()
        assert first.annotations.read_bytes() == second.annotations.read_bytes()
    assert len(scoring_files.CLASSES) == 4
