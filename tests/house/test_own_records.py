"""The page of the repository's own records shows the records that the repository has."""

import json
import re
from typing import Any

from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.fields import numbers
from kinobench.bench.records.stores import results_in

from ..fakes.media import REPOSITORY

RESULTS = REPOSITORY / "results"
FOLDERS = ("quick", "zoo", "h200")


def refuse(problem: str) -> None:
    raise AssertionError(problem)


def shown() -> dict[str, dict[str, Any]]:
    """The numbers of each row of the page, by the id of its record."""
    page = (RESULTS / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    tables = json.loads(found[1])["tables"]
    return {line["record"]: line["values"] for table in tables for line in table["lines"]}


def test_the_page_has_every_row_with_its_numbers() -> None:
    results = results_in([RESULTS / name for name in FOLDERS])
    rows = {
        row.record.id: {
            name: value
            for name, each in numbers().items()
            if (value := each.read(board, row)) is not None
        }
        for board in read_boards(results, refuse)
        for row in board.rows
    }
    page = shown()
    assert page.keys() == rows.keys() and len(rows) == 99
    for record, values in rows.items():
        assert {name: page[record].get(name) for name in values} == values, record
