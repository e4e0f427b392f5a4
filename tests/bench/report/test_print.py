"""The page on paper, as Chromium prints it."""

from pathlib import Path

from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.report.page import render_report

from ...fakes.browser import browser, opened
from ...fakes.made_records import made_accuracy, made_record
from ...fakes.pdf_text import page_texts

HEADS = ("model", "top-1", "parameters", "arithmetic", "latency")


def test_each_printed_page_of_the_table_has_its_head(tmp_path: Path) -> None:
    records = [
        made_record(f"net_{n:03d}", {"weights": "mine"}, accuracy=made_accuracy(0.3 + n / 300))
        for n in range(90)
    ]
    file, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    file.write_text(render_report(boards(records)))
    with browser() as chromium, opened(chromium, file) as page:
        page.page.pdf(path=str(paper), format="A4", prefer_css_page_size=True)
    texts = page_texts(paper)
    (begin,) = (at for at, text in enumerate(texts) if text.startswith("All numbers"))
    of_table = [text for text in texts[begin:] if text.count("net_") > 5 and "[18.8" in text]
    assert len(of_table) >= 3
    for text in of_table:
        assert [name for name in HEADS if name not in text] == []


def test_a_head_has_its_buttons_on_the_screen_alone(tmp_path: Path) -> None:
    """A browser repeats no head with a button in it, so on paper there is none."""
    file = tmp_path / "report.html"
    file.write_text(render_report(boards([made_record("net", {"weights": "mine"})])))
    display = "getComputedStyle(document.querySelector('thead button')).display"
    with browser() as chromium, opened(chromium, file) as page:
        assert page.page.evaluate(display) != "contents"
        page.page.emulate_media(media="print")
        assert page.page.evaluate(display) == "contents"
