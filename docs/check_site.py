"""Refuse a built site that loads anything from elsewhere: `python docs/check_site.py FOLDER`.

A link that a reader may click is no such thing; a script, style, font, picture or frame is.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADS = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
"""Tag -> attributes by which a browser loads something without being asked."""

_ELSEWHERE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(
    r"""(?:url\(\s*['"]?|@import\s+['"])\s*((?:https?:)?//[^'")\s]+)""", re.IGNORECASE
)
_NO_RESOURCE = {"canonical", "alternate", "author", "license", "prev", "next", "help"}
"""Relations of a `link` that nothing is loaded for."""


class _Loads(HTMLParser):
    """Collects what a page loads from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.found += _IN_STYLE.findall(given.get("style", ""))
        if tag == "link" and set(given.get("rel", "").split()) <= _NO_RESOURCE:
            return
        for attribute in LOADS.get(tag, ()):
            value = given.get(attribute, "")
            parts = value.split(",") if attribute == "srcset" else [value]
            self.found += [part.strip() for part in parts if _ELSEWHERE.match(part)]

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += _IN_STYLE.findall(data)


def loads_from_elsewhere(site: Path) -> list[str]:
    """Return `FILE: ADDRESS` for all that a page or a style of the site loads from elsewhere.

    Raises:
        FileNotFoundError: There is no page in the folder.
    """
    pages = sorted(site.rglob("*.html"))
    if not pages:
        raise FileNotFoundError(f"{site}: no page in this folder; build the site first")
    found = []
    for page in pages:
        parser = _Loads()
        parser.feed(page.read_text(encoding="utf-8"))
        found += [f"{page.relative_to(site)}: {address}" for address in parser.found]
    for style in sorted(site.rglob("*.css")):
        text = style.read_text(encoding="utf-8")
        found += [f"{style.relative_to(site)}: {address}" for address in _IN_STYLE.findall(text)]
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python docs/check_site.py FOLDER")
    loaded = loads_from_elsewhere(Path(sys.argv[1]))
    if loaded:
        raise SystemExit("the site loads from elsewhere:\n" + "\n".join(loaded))
