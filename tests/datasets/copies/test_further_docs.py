"""The page on datasets lists what the descriptions say."""

import re

from kinobench.datasets.copies.known import DESCRIBED

from ...fakes.media import REPOSITORY

SCORED = {"top-k": "top-k", "hit-k": "hit@k", "map": "mAP"}


def test_the_table_of_datasets_has_their_layouts_splits_and_scoring() -> None:
    page = (REPOSITORY / "docs/data.md").read_text()
    rows = re.findall(r"^\| ([^|(]+) \(`(\w+)`\) \| (.+) \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert len(rows) == 7
    for title, name, layouts, splits, scored in rows:
        described = DESCRIBED[name]
        assert described.layout.title == title
        assert re.findall(r"`(.+?)`", layouts) == [form.name for form in described.formats]
        assert re.findall(r"`(.+?)`", splits) == [part.asked for part in described.parts]
        assert SCORED[described.scoring] == scored
