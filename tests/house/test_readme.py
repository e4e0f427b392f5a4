"""The README is short, and what it shows comes from stored records."""

import importlib
import re
import sys

import pytest

from kinobench.bench.run.suite import load
from kinobench.datasets.pointlight import QUICK_VIDEOS

from .pages import ROOT

README = (ROOT / "README.md").read_text()


def test_it_has_at_most_150_lines() -> None:
    assert len(README.splitlines()) <= 150


def test_the_two_commands_stand_there_once() -> None:
    commands = re.findall(r"^pip install -e .*$", README, flags=re.MULTILINE)
    assert commands == [
        "pip install -e . && python bench.py run",
        'pip install -e ".[test]" && pytest',
    ]


def test_the_table_has_ten_rows_of_the_stored_quick_suite(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    tool = importlib.import_module("readme_table")
    try:
        whole = tool.whole_table()
        assert tool.readme_table(whole) in README, "run: python docs/readme_table.py"
        stored = (ROOT / "results" / "quick" / "leaderboard.md").read_text()
        assert stored == whole, "run: python docs/readme_table.py"
        rows = tool.cells_of(whole)
        assert [row["model"] for row in rows if row["model"] in tool.MODELS] == list(tool.MODELS)
        assert len(tool.MODELS) == 10
        assert {row["model"] for row in rows} == set(load("quick").models)
        assert all(row["weights"] == "pointlight" for row in rows)
    finally:
        for name in ("readme_table", "pictures"):
            sys.modules.pop(name, None)
    assert f"{QUICK_VIDEOS} test videos of pointlight" in " ".join(README.split())
    assert f"ten of the {len(rows)} rows" in README


def test_it_shows_four_pictures_and_ten_commands() -> None:
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert pictures == ["docs/pictures/quick-dark.svg", "docs/pictures/quick.svg"]
    pictures += re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) == 4
    assert all((ROOT / picture).is_file() for picture in pictures)
    section = README.partition("## Ten commands")[2].partition("\n## ")[0]
    assert len(re.findall(r"^kinobench ", section, flags=re.MULTILINE)) == 10
