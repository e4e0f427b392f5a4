"""Timelines and key frames in Chromium: where the bars are, what is read out, and how it fits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.report.page import render_report

from ...fakes.browser import Opened, browser, opened
from ...fakes.media import numbered_frames, write_video
from ...fakes.task_results import (
    box_split,
    boxes,
    event_split,
    many_boxes,
    many_events,
    segments,
    store_task,
)
from .test_tasks import videos_in

HOSTILE = "</script><img src=x onerror=document.title='broken'>"
CLASSES = ("jump", HOSTILE, "swim")
LEFT, ELSEWHERE = (0.1, 0.2, 0.5, 0.9), (0.6, 0.2, 0.9, 0.6)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Boards of localization and detection, of which one has the video of a key frame."""
    results = tmp_path_factory.mktemp("results")
    split = event_split(
        {"a": [(0, 2.0, 4.0), (1, 10.0, 12.0)], "b": [(2, 1.0, 2.0)]}, CLASSES, 20.0
    )
    found = [("a", 0, 2.0, 4.0, 0.75), ("a", 0, 5.0, 6.0, 0.8), ("b", 2, 1.0, 2.0, 0.7)]
    store_task(results, "few_events", split, segments(found))
    store_task(results, "many_events", *many_events(30, CLASSES))
    frames = box_split({"a": {"1": [(LEFT, (0, 1))]}, "b": {"1": [(LEFT, (2,))]}}, CLASSES)
    found = [("a", "1", *LEFT, 0, 0.9), ("a", "1", *ELSEWHERE, 0, 0.8), ("b", "1", *LEFT, 2, 0.7)]
    store_task(results, "few_boxes", frames, boxes(found))
    store_task(results, "many_boxes", *many_boxes(30, CLASSES))
    store_task(results, "not_kept", *many_boxes(30, CLASSES), keeps=False)
    write_video(results / "a.mp4", numbered_frames(30), fps=10)
    page = render_report(
        read_boards(results, print), results, videos=videos_in(results, ("a",)), title="Tasks"
    )
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page)
    return path


@pytest.fixture
def page(chromium: Any, file: Path) -> Iterator[Opened]:
    with opened(chromium, file) as page:
        yield page
        assert page.said == []
        assert all(url.startswith(("file:", "data:")) for url in page.asked), page.asked
        assert page.page.title() == "Tasks · kinobench"


def pick(page: Opened, model: str) -> None:
    """Go to the network, on whatever board it is."""
    boards = page.page.locator("#board-choice option").count()
    for number in range(boards):
        page.page.select_option("#board-choice", str(number))
        names = page.page.locator("#network-choice option").all_inner_texts()
        if model in names:
            page.page.select_option("#network-choice", label=model)
            page.page.wait_for_timeout(200)
            return
    raise AssertionError(model)


def test_bars_are_where_the_axis_has_their_seconds(page: Opened) -> None:
    pick(page, "few_events")
    timeline = page.page.locator(".timeline").first
    assert (
        timeline.locator("figcaption").inner_text() == "a 1 of 2 events found, 1 false prediction"
    )
    bars = timeline.locator("svg .bar")
    told = [
        [bars.nth(at).get_attribute(name) for name in ("class", "x", "width", "fill-opacity")]
        for at in range(bars.count())
    ]
    assert told == [
        ["bar event missed reached", "50%", "10%", None],
        ["bar event reached", "10%", "10%", None],
        ["bar hit reached", "10%", "10%", "0.75"],
        ["bar false reached", "25%", "5%", "0.8"],
    ]
    assert timeline.locator(".sign").all_text_contents() == ["✗", "✓", "✓", "✗"]
    assert timeline.locator(".tick").all_text_contents() == ["0 s", "5 s", "10 s", "15 s", "20 s"]
    labels = [bars.nth(at).get_attribute("aria-label") for at in range(bars.count())]
    assert labels[1] == "jump: true event, found, 2.00 to 4.00 s"
    assert labels[3] == "jump: prediction, false, score 0.800, 5.00 to 6.00 s"
    box, whole = bars.nth(0).bounding_box(), timeline.locator("svg").bounding_box()
    assert box is not None and whole is not None
    assert box["x"] - whole["x"] == pytest.approx(whole["width"] / 2, abs=2)


def test_keys_go_from_bar_to_bar_and_there_is_a_table(page: Opened) -> None:
    pick(page, "few_events")
    timeline = page.page.locator(".timeline").first
    timeline.locator("[tabindex='0'].reached").focus()
    assert "2.00 to 4.00 s" in page.page.inner_text("#tip")
    page.page.keyboard.press("End")
    assert page.page.inner_text("#tip") == f"{HOSTILE}: true event, missed, 10.00 to 12.00 s"
    timeline.locator(".as-table summary").click()
    timeline.locator("tbody tr").nth(3).wait_for()
    rows = timeline.locator("tbody tr").all_inner_texts()
    assert len(rows) == 4 and rows[0].split() == [
        "true",
        "event",
        "jump",
        "2.00",
        "4.00",
        "–",
        "yes",
    ]
    assert page.page.locator("img[onerror]").count() == 0


def test_the_page_says_how_many_of_how_many_videos(page: Opened) -> None:
    pick(page, "many_events")
    assert page.page.locator(".timeline").count() == 8
    assert (
        page.page.locator("#details .part .hint").first.inner_text().startswith("8 of 30 videos: ")
    )
    rows = page.page.locator("#details .plain tbody tr").all_inner_texts()
    assert rows[0].startswith("mean over overlaps from 0.5 to 0.95") and "[" in rows[0]
    assert rows[10].startswith("0.95") and rows[1].startswith("0.5") and "[" in rows[1]
    pick(page, "many_boxes")
    assert page.page.locator(".key-frame").count() == 8
    text = page.page.locator("#details .part .hint").first.inner_text()
    assert text.startswith("8 of 60 key frames: ")


def test_boxes_are_on_the_frame_or_on_an_empty_one(page: Opened) -> None:
    pick(page, "few_boxes")
    frames = page.page.locator(".key-frame")
    assert (
        frames.nth(0).locator("image").count() == 1 and frames.nth(1).locator("image").count() == 0
    )
    assert page.page.locator("#details .note").all_inner_texts() == [
        "1 of 2 pictures is not at hand: boxes are on an empty frame of the video's shape."
    ]
    drawn = frames.nth(0).locator(".frame-box:not(.under)")
    place = [float(drawn.nth(0).get_attribute(name) or 0) for name in ("x", "y", "width", "height")]
    high = 220 * 240 / 320
    assert place == pytest.approx([22, 0.2 * high, 88, 0.7 * high])
    assert drawn.nth(1).get_attribute("class") == "frame-box found"
    assert [" ".join(text.split()) for text in frames.nth(0).locator("li").all_inner_texts()] == [
        f"1 ✓ jump 0.90; ○ missed: {HOSTILE}",
        "2 predicted box: ✗ jump 0.80",
    ]


def test_a_network_without_its_predictions_has_a_note(page: Opened) -> None:
    pick(page, "not_kept")
    assert "not in the folder of results" in page.page.inner_text("#details .note")
    assert page.page.locator(".key-frame").count() == 0
    assert page.page.locator("#details .plain tbody tr").first.inner_text().startswith("0.5")
    assert "Box mAP by threshold" in page.page.locator("#details h3").all_inner_texts()


@pytest.mark.parametrize(("model", "theme"), [("few_events", "light"), ("few_boxes", "dark")])
def test_nothing_sticks_out_of_a_phone_and_axe_finds_nothing(
    chromium: Any, file: Path, model: str, theme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    size = {"width": 390, "height": 844}
    with opened(chromium, file, viewport=size, color_scheme=theme, reduced_motion="reduce") as page:
        pick(page, model)
        assert page.page.evaluate("document.documentElement.scrollWidth") == 390
        page.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        page.page.wait_for_timeout(200)
        page.page.evaluate(axe.AXE_FILE_PATH.read_text())
        found = page.page.evaluate("axe.run(document.getElementById('network'))")
        said = [(e["impact"], e["id"], e["nodes"][0]["html"]) for e in found["violations"]]
        assert [each for each in said if each[0] in ("serious", "critical")] == []
