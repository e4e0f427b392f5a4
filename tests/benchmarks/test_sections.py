"""Sections that scripts write into results/benchmarks.md."""

from pathlib import Path

from .sections import put


def test_a_section_is_put_in_the_place_of_that_of_its_heading_and_others_stay(
    tmp_path: Path,
) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n## One\n\nold\n\n### Below\n\nold\n\n## One and a half\n\nkept\n")
    put(page, ["## One", "", r"new \1"])
    assert page.read_text() == "# Page\n\n## One\n\nnew \\1\n\n## One and a half\n\nkept\n"
    put(page, ["## Last", "", "end"])
    put(page, ["## Last", "", "other end"])
    assert page.read_text().endswith("\n\nkept\n\n## Last\n\nother end\n")
    assert page.read_text().count("## ") == 3
