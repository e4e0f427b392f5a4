"""The pages of HTML: one palette for all, and nothing in it that a page would miss."""

import re
from pathlib import Path

import pytest

from kinobench.bench.text.html_frame import ASSETS, framed_page

from ...fakes.media import REPOSITORY

STYLES = sorted(REPOSITORY.glob("bench/*/assets/*.css"))
PALETTE = (ASSETS / "palette.css").read_text()
NAMED = re.compile(r"(--[a-z-]+):")


def test_every_page_has_its_colours_from_the_palette() -> None:
    names = {style.name for style in STYLES}
    assert {"palette.css", "frame.css", "page.css", "errors.css", "card.css"} <= names
    for style in STYLES:
        text = style.read_text()
        if style.name != "palette.css":
            assert set(re.findall(r"#[0-9a-f]{3,8}\b", text)) <= {"#000"}, style
        used = set(re.findall(r"var\((--[a-z-]+)\)", text))
        assert used <= set(NAMED.findall(PALETTE + text)), style


def test_light_and_dark_have_the_same_colours() -> None:
    blocks = re.findall(r"color-scheme: (light|dark);([^}]*)", PALETTE)
    names = [(scheme, set(NAMED.findall(block))) for scheme, block in blocks]
    assert [scheme for scheme, _ in names] == ["light", "dark", "dark", "light"]
    assert (
        names[0][1] == names[1][1] == names[2][1] and blocks[1][1].split() == blocks[2][1].split()
    )


def test_a_template_that_names_nothing_known_is_an_error_and_a_title_is_text(
    tmp_path: Path,
) -> None:
    (tmp_path / "own.html").write_text(
        '{% extends "page_frame.html" %}{% block main %}{{ said }}{% endblock %}'
    )
    page = framed_page(tmp_path, "own.html", "<b>\x1b", said="<i>")
    assert "&lt;b&gt;" in page and "&lt;i&gt;" in page and "\x1b" not in page
    assert "script-src 'none'; style-src 'sha256-" in page
    with pytest.raises(Exception, match="said"):
        framed_page(tmp_path, "own.html", "title")
