"""The page in Chromium, opened from disk: what a reader does with it by mouse and by keys."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from kinobench.bench.analysis.thumbnails import Thumbnail
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.fields import field
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.pareto import front
from kinobench.bench.report import pictures
from kinobench.bench.report.page import render_report
from kinobench.bench.text.units import percent

from ...fakes.browser import Opened, browser, opened
from ...fakes.made_records import MACHINE, made_accuracy, made_record
from ...fakes.shown_results import made_results
from .test_pictures import videos_in

HOSTILE = "</script><img src=x onerror=document.title='broken'>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Board]]:
    """A board with everything, and one of another machine with a name that would break out."""
    results = made_results(tmp_path_factory.mktemp("results"))
    elsewhere = msgspec.structs.replace(MACHINE, fingerprint="1" * 16)
    other = boards([made_record(name, environment=elsewhere) for name in (HOSTILE, "fine")])
    return results, [*read_boards(results, print), *other]


def gate_file(path: Path) -> Path:
    """Twenty checks, of which every fourth failed."""
    lines = [
        {
            "model": "net_0",
            "verdict": "pass" if n % 4 else "fail",
            "began": 1.7e9 + 3600 * n,
            "budget": 0.03,
            "slowdown": 0.001 * n if n % 4 else 0.05,
        }
        for n in range(20)
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def file(found: tuple[Path, list[Board]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    results, its = found
    picture = cv2.imencode(".jpg", np.full((90, 160, 3), 99, np.uint8))[1].tobytes()
    made = pytest.MonkeyPatch()
    made.setattr(
        pictures,
        "thumbnails",
        lambda videos, *_: {
            key: Thumbnail(jpeg=picture if int(key[-1]) % 2 else None) for key in videos
        },
    )
    page = render_report(
        its,
        results,
        videos=videos_in(Path("x")),
        gate=gate_file(tmp_path_factory.mktemp("gate") / "checks.jsonl"),
    )
    made.undo()
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page)
    return path


@pytest.fixture
def page(chromium: Any, file: Path) -> Iterator[Opened]:
    with opened(chromium, file) as page:
        yield page
        assert page.said == []
        assert all(url.startswith(("file:", "data:")) for url in page.asked), page.asked
        assert sum(url.startswith("file:") for url in page.asked) == 1


def column(page: Opened, number: int) -> list[str]:
    cells = page.page.locator(f"#numbers tbody tr > :nth-child({number})")
    return [str(text) for text in cells.all_inner_texts()]


def place_of(page: Opened, name: str) -> int:
    heads = page.page.locator("#numbers thead button")
    names = [heads.nth(at).get_attribute("data-sort") for at in range(heads.count())]
    return names.index(name) + 1


def numbers(page: Opened, name: str) -> list[float]:
    texts = column(page, place_of(page, name))
    return [float(text.split()[0].replace(",", "")) for text in texts if text.strip() != "–"]


def test_a_click_on_a_head_sorts_the_best_first_and_the_next_the_other_way(page: Opened) -> None:
    for name, best_first in (("latency_ms", sorted), ("top1_percent", lambda v: sorted(v)[::-1])):
        head = page.page.locator(f'#numbers button[data-sort="{name}"]')
        head.click()
        assert numbers(page, name) == best_first(numbers(page, name))
        order = "ascending" if name == "latency_ms" else "descending"
        assert page.page.locator(f"#numbers th[aria-sort={order}]").count() == 1
        assert column(page, 1)[-1].startswith("broken_net"), "what was not measured comes last"
        head.click()
        assert numbers(page, name) == best_first(numbers(page, name))[::-1]
        assert column(page, 1)[-1].startswith("broken_net")


def test_keys_sort_too_and_the_focus_stays(page: Opened) -> None:
    head = page.page.locator('#numbers button[data-sort="params_m"]')
    head.focus()
    page.page.keyboard.press("Enter")
    page.page.keyboard.press("Space")
    assert numbers(page, "params_m") == sorted(numbers(page, "params_m"))[::-1]
    assert page.page.evaluate("document.activeElement.dataset.sort") == "params_m"


def test_a_text_and_limits_filter_the_rows_and_the_chart(page: Opened) -> None:
    page.page.fill("#filter", "net_0 REVERSED")
    assert column(page, 1) == ["net_0"]
    page.page.fill("#filter", "")
    assert page.page.inner_text("#count") == "11 of 11 rows"
    page.page.click("#add-filter")
    page.page.select_option(".filters select", "latency_ms")
    page.page.fill(".filters .high", "2.3")
    page.page.wait_for_timeout(300)
    assert page.page.locator("#scatter .reached").count() == 5
    assert page.page.inner_text("#count") == "5 of 11 rows"
    assert max(numbers(page, "latency_ms")) < 2.3
    page.page.click(".filters button")
    assert page.page.inner_text("#count") == "11 of 11 rows"
    assert page.page.evaluate("document.activeElement.id") == "add-filter"


def test_columns_are_chosen(page: Opened) -> None:
    before = page.page.locator("#numbers thead th").count()
    page.page.click(".chooser summary")
    page.page.check('input[data-column="gflops"]')
    assert page.page.locator("#numbers thead th").count() == before + 1
    assert numbers(page, "gflops")[0] == pytest.approx(2 * numbers(page, "gmacs")[0], rel=0.01)
    page.page.uncheck('input[data-column="gflops"]')
    assert page.page.locator("#numbers thead th").count() == before


def test_what_the_table_shows_is_saved_unrounded(page: Opened) -> None:
    page.page.fill("#filter", "net_3")
    with page.page.expect_download() as saved:
        page.page.click("#save")
    assert saved.value.suggested_filename == "benchmark.csv"
    heads, row = csv.reader(saved.value.path().read_text().splitlines())
    assert heads[: place_of(page, "rank")] == ["model", "weights", "probe", "rank"]
    found = dict(zip(heads, row, strict=True))
    assert found["model"] == "net_3"
    latency_ms = 2 * 1.09**3
    assert float(found["latency_ms"]) == pytest.approx(latency_ms, rel=1e-12)
    assert float(found["latency_ms_low"]) == pytest.approx(0.96 * latency_ms, rel=1e-12)


def test_intervals_are_left_out(page: Opened) -> None:
    assert "[" in column(page, place_of(page, "latency_ms"))[0]
    page.page.uncheck("#with-ends")
    assert not any("[" in text for text in column(page, place_of(page, "latency_ms")))


def test_a_failed_row_says_why(page: Opened) -> None:
    row = page.page.locator("#numbers tbody tr", has_text="broken_net")
    assert "exception: it broke" in row.inner_text()
    assert "13 rows (1 failed)" in page.page.inner_text(".when")


@pytest.mark.parametrize("cost", ["latency_ms", "gmacs", "params_m", "video_ms"])
def test_the_reader_chooses_the_cost_and_the_front_follows(
    cost: str, page: Opened, found: tuple[Path, list[Board]]
) -> None:
    page.page.select_option("#axis-x", cost)
    board = found[1][0]
    numbers = front(board, field(cost), field("score"))
    expected = {board.rows[number].record.case.model for number in numbers}
    assert 1 <= len(expected) < 6
    marked = page.page.locator("#numbers tr.front button.name").all_inner_texts()
    assert set(marked) == expected and len(marked) == len(expected)
    said = page.page.locator("#scatter svg").get_attribute("aria-label")
    assert f"{len(expected)} on the front" in said
    assert field(cost).label in page.page.inner_text("#trade-h")


def test_an_axis_becomes_logarithmic(page: Opened) -> None:
    def places() -> list[float]:
        boxes = page.page.locator("#scatter .reached")
        return [boxes.nth(at).bounding_box()["x"] for at in range(boxes.count())]

    before = places()
    page.page.click("#log-x")
    page.page.wait_for_timeout(300)
    assert len(places()) == len(before) and places() != before


def test_points_are_named_on_hover_and_on_focus_and_open_their_network(page: Opened) -> None:
    marks = page.page.locator("#scatter .reached")
    marks.first.hover()
    assert page.page.inner_text("#tip") == marks.first.get_attribute("aria-label")
    page.page.keyboard.press("Escape")
    assert page.page.locator("#tip").is_hidden()
    assert page.page.locator("#scatter .reached[tabindex='0']").count() == 1

    page.page.focus("#log-y")
    page.page.keyboard.press("Tab")
    first = page.page.inner_text("#tip")
    page.page.keyboard.press("ArrowRight")
    second = page.page.inner_text("#tip")
    assert first != second and "latency" in second and "[" in second
    page.page.keyboard.press("End")
    assert page.page.inner_text("#tip").startswith("untrained_net")
    page.page.keyboard.press("Enter")
    chosen = page.page.locator("#network-choice option:checked")
    assert chosen.inner_text() == "untrained_net"
    assert page.page.evaluate("document.activeElement.id") == "network-choice"


def test_the_details_are_those_of_the_chosen_network(page: Opened) -> None:
    page.page.click("#numbers button.name >> text=net_3")
    heads = page.page.locator("#details h3").all_inner_texts()
    assert heads == [
        "Accuracy by number of views",
        "Confusions",
        "top-1 of each class",
        "Misclassified videos",
        "Samples of the latency",
    ]
    picture = page.page.locator(".videos img").first
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 160
    assert "no picture" in page.page.locator(".videos .none").all_inner_texts()
    page.page.select_option("#network-choice", label="net_0 (no probe)")
    more = page.page.locator("#details h3").all_inner_texts()
    assert {"Does it see motion?", "Batch sweep"} <= set(more)
    page.page.select_option("#network-choice", label="broken_net")
    assert page.page.inner_text("#details .bad") == "Failed: exception: it broke"


def test_each_chart_has_its_table(page: Opened) -> None:
    for place in ("#scatter", "#latency-chart", "#gate-chart", "#details .part >> nth=0"):
        part = page.page.locator(place)
        part.locator(".as-table summary").first.click()
        part.locator("table tbody tr").nth(2).wait_for()


def test_boards_are_chosen_and_a_name_does_nothing(page: Opened) -> None:
    assert page.page.locator("#board-choice option").count() == 2
    page.page.select_option("#board-choice", "1")
    assert sorted(column(page, 1)) == sorted([HOSTILE, "fine"])
    page.page.click("#numbers button.name >> nth=0")
    page.page.wait_for_timeout(200)
    assert page.page.title() == "Benchmark report · kinobench"
    assert page.page.locator("img[onerror]").count() == 0


def test_the_theme_is_switched(page: Opened) -> None:
    def ground() -> str:
        return str(page.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = ground()
    page.page.select_option("#theme", "dark")
    dark = ground()
    assert light != dark
    fill = "getComputedStyle(document.querySelector('#scatter .role-axis-label text')).fill"
    in_dark = page.page.evaluate(fill)
    page.page.emulate_media(media="print")
    assert ground() == light and page.page.evaluate(fill) != in_dark
    assert page.page.locator("#axes").is_hidden() and page.page.locator("#numbers").is_visible()


def test_nothing_sticks_out_of_a_phone(chromium: Any, file: Path) -> None:
    with opened(chromium, file, viewport={"width": 390, "height": 844}) as page:
        wide = "document.documentElement.scrollWidth"
        assert page.page.evaluate(wide) == 390
        page.page.select_option("#network-choice", label="net_0 (no probe)")
        page.page.wait_for_timeout(300)
        assert page.page.evaluate(wide) == 390
        assert page.said == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Any, file: Path, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    with opened(chromium, file, color_scheme=theme, reduced_motion="reduce") as page:
        page.page.select_option("#network-choice", label="net_0 (no probe)")
        page.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        page.page.wait_for_timeout(300)
        page.page.evaluate(axe.AXE_FILE_PATH.read_text())
        found = page.page.evaluate("axe.run()")
        said = [
            (each["impact"], each["id"], each["nodes"][0]["html"]) for each in found["violations"]
        ]
        assert [each for each in said if each[0] in ("serious", "critical")] == []
        assert len(found["passes"]) > 25


def test_percentages_are_rounded_as_in_the_terminal(chromium: Any, tmp_path: Path) -> None:
    shares = {
        f"{part}_of_{whole}": part / whole for whole in (80, 101, 2000) for part in range(0, 80, 3)
    }
    records = [
        made_record(name, case={"weights": "mine"}, accuracy=made_accuracy(share))
        for name, share in shares.items()
    ]
    file = tmp_path / "report.html"
    file.write_text(render_report(boards(records)))
    with opened(chromium, file) as page:
        seen = dict(zip(column(page, 1), column(page, place_of(page, "top1_percent")), strict=True))
    texts = {name.strip("◆ \n"): text.split()[0] for name, text in seen.items()}
    assert texts == {name: percent(share) for name, share in shares.items()}
