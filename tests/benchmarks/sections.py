"""Sections of results/benchmarks.md that scripts write by themselves."""

import re
from collections.abc import Sequence
from pathlib import Path


def put(page: Path, section: Sequence[str]) -> None:
    """Put a section into a page: in the place of that of the same heading, or at its end.

    Args:
        page: The page, in Markdown.
        section: Its lines, the first of which is a heading `## ...`.
    """
    text = page.read_text(encoding="utf-8")
    own = re.compile(rf"^{re.escape(section[0])}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    written = "\n".join(section) + "\n"
    if own.search(text):
        text = own.sub(lambda found: written + "\n", text, count=1)
    else:
        text = f"{text.rstrip()}\n\n{written}"
    page.write_text(text.rstrip() + "\n", encoding="utf-8")
