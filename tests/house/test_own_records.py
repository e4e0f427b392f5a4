"""The page of the repository's own records shows the records that the repository has."""

import json
import re
from typing import Any

from kinobench.bench.export.validate import validate
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.fields import numbers
from kinobench.bench.records.stores import results_in

from ..fakes.media import REPOSITORY

RESULTS = REPOSITORY / "results"
FOLDERS = ("quick", "zoo", "h200")


def refuse(problem: str) -> None:
    raise AssertionError(problem)


def tables() -> list[dict[str, Any]]:
    """The tables of the page."""
    page = (RESULTS / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    read: list[dict[str, Any]] = json.loads(found[1])["tables"]
    return read


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
    page = {line["record"]: line["values"] for table in tables() for line in table["lines"]}
    assert page.keys() == rows.keys() and len(rows) == 99
    for record, values in rows.items():
        assert {name: page[record].get(name) for name in values} == values, record


def test_the_predictions_of_the_quick_suite_are_as_they_were_written() -> None:
    found = validate(RESULTS / "quick")
    assert found.findings == () and found.computed == 32


def test_the_page_has_what_the_logits_of_the_quick_suite_say() -> None:
    (table,) = (each for each in tables() if each["lines"][0]["answers"] is not None)
    answers = [line["answers"] for line in table["lines"]]
    assert len(answers) == 32 and not any(each["without_logits"] for each in answers)
    for line in table["lines"]:
        wrong = round(80 * (1 - line["values"]["top1_percent"] / 100))
        assert sum(each["count"] for each in line["answers"]["confusions"]) == wrong
        assert line["answers"]["missed_of"] == wrong
