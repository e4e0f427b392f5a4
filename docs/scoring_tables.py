"""Write the tables of docs/scoring.md: one file of results under each rule.

`python docs/scoring_tables.py` makes the files (see `scoring_files.py`), scores them, and puts the
tables into the page.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import scoring_files
from marked import page_with

PAGE = Path(__file__).resolve().with_name("scoring.md")
KINDS: tuple[tuple[str, Callable[[Path], scoring_files.Made], str], ...] = (
    ("Localization", scoring_files.events, "activitynet"),
    ("Detection on key frames", scoring_files.boxes, "ava"),
    ("Detection in tubes", scoring_files.tubes, "ucf101-24"),
)


def whole() -> str:
    """Return what docs/scoring.md has between its marks."""
    from kinobench.bench.scoring.score import Asked, score
    from kinobench.bench.scoring.sheets import rules_sheet
    from kinobench.bench.text.markup import escaped
    from kinobench.bench.text.pipe_table import pipe_table

    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for title, make, rule in KINDS:
            made = make(Path(folder))
            found = score(made.results, made.annotations, Asked(rule=rule, draws=0))
            sheet = rules_sheet(found)
            cells = [[escaped(cell) for cell in row] for row in sheet.rows]
            counts = found.counts
            parts += [
                f"**{title}**: {counts.instances} instances in {counts.videos} videos, "
                f"{counts.detections} detections, mAP in percent.",
                pipe_table(sheet.head, cells, sheet.left),
                *(f"- {escaped(each)}" for each in sheet.below[1:]),
            ]
    return "\n\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), whole()), encoding="utf-8")
    print(PAGE)
