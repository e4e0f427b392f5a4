"""The tables of docs/tasks.md are those of the stored measurements, with the limits among them."""

import sys

from ..fakes.media import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs"))
import tasks_tables


def test_the_page_has_the_tables_of_what_is_stored() -> None:
    page = tasks_tables.PAGE.read_text(encoding="utf-8")
    assert page == tasks_tables.page_with(page, tasks_tables.whole())


def test_the_limits_stand_among_the_networks_by_their_score() -> None:
    for kind in ("localization", "detection"):
        rows = tasks_tables.scores(kind)[2:]
        assert sum("limit:" in row for row in rows) == len(list(tasks_tables.limits(kind)))
        shares = [float(row.split("|")[2].strip(" *")) for row in rows]
        assert shares == sorted(shares, reverse=True)
