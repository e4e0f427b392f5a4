"""A drawn figure with what it shows in words, and how it is written to a file."""

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...datasets.errors import KinobenchError
from ...datasets.visible import one_line
from ..records.files import writing
from .style import Style, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".pdf", ".png")
DOTS_PER_INCH = 300


class Picture(NamedTuple):
    """A figure.

    Attributes:
        figure: The figure of matplotlib.
        title: What it is, in a few words.
        description: What it shows, for those who can't see it: the text of `alt`.
    """

    figure: "Figure"
    title: str
    description: str


def check_suffix(path: Path) -> None:
    """Refuse a name that says no known format.

    Raises:
        KinobenchError: The name ends in none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise KinobenchError(
            f"--output {path}: name a file that ends in {', '.join(SUFFIXES[:-1])} or "
            f"{SUFFIXES[-1]}"
        )


def save(
    picture: Picture,
    path: Path,
    style: Style,
    *,
    own: bool = False,
    dots_per_inch: int = DOTS_PER_INCH,
) -> None:
    """Write a figure; the same numbers give the same bytes.

    Args:
        picture: The figure.
        path: The file; its ending decides the format.
        style: The style that it was drawn in.
        own: True for a file that kinobench names; see `writing`.
        dots_per_inch: Those of a PNG file.

    Raises:
        KinobenchError: The name says no known format, or the file can't be written.
    """
    check_suffix(path)
    form = path.suffix[1:].lower()
    title, description = one_line(picture.title), one_line(picture.description)
    metadata: dict[str, dict[str, str | None]] = {
        "svg": {"Title": title, "Date": None, "Creator": "kinobench"},
        "pdf": {
            "Title": title,
            "Subject": description,
            "Creator": "kinobench",
            "Producer": "matplotlib",
            "CreationDate": None,
        },
        "png": {"Title": title, "Description": description, "Software": "kinobench"},
    }
    with writing(path, option="" if own else "--output", own=own) as unfinished:
        with drawing(style):
            picture.figure.savefig(
                unfinished, format=form, dpi=dots_per_inch, metadata=metadata[form]
            )
        if form == "svg":
            text = unfinished.read_text(encoding="utf-8")
            unfinished.write_text(_described(text, description), encoding="utf-8")


def _described(svg: str, description: str) -> str:
    """Return a drawing that says to screen readers what it shows."""
    described = re.sub(
        r"</title>", lambda found: f"{found[0]}\n <desc>{escape(description)}</desc>", svg, count=1
    )
    lines = [line.rstrip() for line in described.splitlines()]
    return "\n".join(lines).replace("<svg ", '<svg role="img" ', 1) + "\n"
