"""The frame that all pages of HTML have: one head, one palette, and a style that fits a phone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ...datasets.visible import one_line
from .html_page import content_policy, unclosed

ASSETS = Path(__file__).resolve().parent / "assets"
STYLES = ("palette.css", "frame.css")
"""The parts of the style that all pages have."""


def framed_page(
    folder: Path,
    template: str,
    title: str,
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    has_pictures_of_matplotlib: bool = False,
    **values: Any,
) -> str:
    """Return a page that works from disk and may load nothing.

    Args:
        folder: Folder with the page's own assets; those of every page are found too.
        template: Name of its template, which extends `page_frame.html`, or a page that does.
        title: Title of the page.
        styles: Names of the parts of its own style.
        scripts: Its programs, as they are in the page.
        has_pictures_of_matplotlib: It has such pictures as `svg` elements, which have `style`
            attributes, so that the policy has to allow these.
        values: What the template shows besides.
    """
    style = "".join(asset(folder, name) for name in (*STYLES, *styles))

    def found(name: str) -> str:
        return asset(folder, name)

    pages = Environment(autoescape=True, undefined=StrictUndefined, loader=FunctionLoader(found))
    return pages.get_template(template).render(
        policy=Markup(content_policy(scripts, None if has_pictures_of_matplotlib else style)),
        title=one_line(title),
        style=Markup(unclosed(style, "style")),
        **values,
    )


def asset(folder: Path, name: str) -> str:
    """Return a file of a page's own assets, or of those of every page."""
    path = folder / name
    return (path if path.exists() else ASSETS / name).read_text(encoding="utf-8")
