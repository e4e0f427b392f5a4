"""Stored comparisons as a page: how many files of each verdict, and why the others aren't equal."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
EQUAL = "equal"


def read_rows(path: Path) -> list[Row]:
    """Return the lines that `--json` wrote, compressed or not."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def page(parts: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Return the page in Markdown.

    Args:
        parts: The name of each part of the files, and its rows.
    """
    return "\n".join([*_counts(parts), "", *_others(parts)]) + "\n"


def _counts(parts: Sequence[tuple[str, Sequence[Row]]]) -> Iterator[str]:
    counts = [Counter(str(row["verdict"]) for row in rows) for _, rows in parts]
    total = sum(counts, Counter[str]())
    yield _line("verdict", *(name for name, _ in parts), "all")
    yield _line("---", *("---:" for _ in parts), "---:")
    for verdict, count in total.most_common():
        yield _line(verdict, *(str(each[verdict]) for each in counts), str(count))
    yield _line("files", *(str(each.total()) for each in counts), str(total.total()))


def _others(parts: Sequence[tuple[str, Sequence[Row]]]) -> Iterator[str]:
    yield _line("file", "frames of FFmpeg", "frames here", "verdict", "reason")
    yield _line("---", "---:", "---:", "---", "---")
    for row in sorted((row for _, rows in parts for row in rows), key=lambda row: str(row["file"])):
        if row["verdict"] == EQUAL:
            continue
        frames = (row.get(key) for key in ("frames_of_ffmpeg", "frames_of_kinobench"))
        shown = ["–" if count is None else str(count) for count in frames]
        yield _line(str(row["file"]), *shown, str(row["verdict"]), str(row["reason"]))


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
