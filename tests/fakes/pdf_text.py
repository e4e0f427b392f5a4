"""The text of the pages of a PDF that Chromium printed, without an order of its words."""

import re
import zlib
from pathlib import Path


def page_texts(path: Path) -> list[str]:
    """The text of each page as it is drawn, without blanks."""
    objects = {
        int(number): body
        for number, body in re.findall(
            rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", path.read_bytes(), re.DOTALL
        )
    }
    pages = [body for body in objects.values() if re.search(rb"/Type /Page\b", body)]
    return [_text(body, objects) for body in pages]


def _text(page: bytes, objects: dict[int, bytes]) -> str:
    """Follow the fonts of a page to the characters of its glyphs."""
    letters = {
        name: _characters(objects[int(font)], objects)
        for name, font in re.findall(rb"/(F\d+) (\d+) 0 R", page)
    }
    text, now = [], {}
    (content,) = re.findall(rb"/Contents (\d+) 0 R", page)
    shown = rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)> ?Tj"
    for font, glyphs in re.findall(shown, _stream(objects[int(content)])):
        if font:
            now = letters[font]
        text += [now.get(int(glyphs[at : at + 4], 16), "?") for at in range(0, len(glyphs), 4)]
    return "".join(text)


def _characters(font: bytes, objects: dict[int, bytes]) -> dict[int, str]:
    """The character of each glyph."""
    found = re.search(rb"/ToUnicode (\d+) 0 R", font)
    if found is None:
        return {}
    table = _stream(objects[int(found[1])])
    letters: dict[int, str] = {}
    for lines in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for glyph, to in re.findall(rb"<(\w+)> <(\w+)>", lines):
            letters[int(glyph, 16)] = bytes.fromhex(to.decode()).decode("utf-16-be")
    for lines in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for low, high, to in re.findall(rb"<(\w+)> <(\w+)> <(\w+)>", lines):
            for at in range(int(low, 16), int(high, 16) + 1):
                letters[at] = chr(int(to, 16) + at - int(low, 16))
    return letters


def _stream(body: bytes) -> bytes:
    raw = body.partition(b"stream\n")[2].rpartition(b"\nendstream")[0]
    return zlib.decompress(raw) if b"/FlateDecode" in body else raw
