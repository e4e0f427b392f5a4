"""The page in Chromium: names that are long or hostile, many rows, and the numbers at axes."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.records.store import RunFile
from kinobench.bench.report.page import render_report

from ...fakes.browser import browser, opened
from ...fakes.made_records import made_cost, made_record
from ...fakes.shown_results import RUN, scored_record


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


def test_a_saved_name_is_no_formula(chromium: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render_report(boards([made_record('=1+"2",3'), made_record("fine")])))
    with opened(chromium, file) as page:
        with page.page.expect_download() as saved:
            page.page.click("#save")
        _, *rows = csv.reader(saved.value.path().read_text().splitlines())
    assert sorted(row[0] for row in rows) == ['\'=1+"2",3', "fine"]


@pytest.mark.parametrize("width", [390, 1280])
def test_long_names_leave_the_chart_its_width(chromium: Any, tmp_path: Path, width: int) -> None:
    """Names are shortened, and none covers a point or another name, or leaves the chart."""
    long = ["x" * 120, "a_rather_long_name_of_a_network_finetuned_16x4", "net", "動画認識" * 9]
    results = tmp_path / "results"
    file = RunFile(results, RUN)
    for number, name in enumerate(long):
        file.append(scored_record(results, name, skill=2.0 + number, seed=number))
    path = tmp_path / "report.html"
    path.write_text(render_report(read_boards(results, print), results))
    with opened(chromium, path, viewport={"width": width, "height": 900}) as page:
        marks = page.page.locator("#scatter .reached")
        points = [marks.nth(at).bounding_box() for at in range(marks.count())]
        assert len(points) == 4
        across = [box["x"] for box in points]
        assert max(across) - min(across) > 0.5 * width
        names = page.page.locator("#scatter .mark-text text")
        boxes = [names.nth(at).bounding_box() for at in range(names.count())]
        assert len(boxes) >= 2 and any("…" in each for each in names.all_text_contents())
        middles = [(p["x"] + p["width"] / 2, p["y"] + p["height"] / 2) for p in points]
        for at, box in enumerate(boxes):
            assert box["x"] >= 0 and box["x"] + box["width"] <= width
            assert not any(_holds(box, *middle) for middle in middles)
            assert not any(_meets(box, other) for other in boxes[at + 1 :])
        assert page.page.evaluate("document.documentElement.scrollWidth") == width
        assert page.said == []


def _holds(box: Any, x: float, y: float) -> bool:
    return bool(box["x"] < x < box["x"] + box["width"] and box["y"] < y < box["y"] + box["height"])


def _meets(box: Any, other: Any) -> bool:
    return bool(
        box["x"] < other["x"] + other["width"]
        and other["x"] < box["x"] + box["width"]
        and box["y"] < other["y"] + other["height"]
        and other["y"] < box["y"] + box["height"]
    )


def test_every_tick_of_a_logarithmic_axis_has_its_number(chromium: Any, tmp_path: Path) -> None:
    costs = (4_730_000_000, 25_000_000_000, 163_000_000_000)
    made = [made_record(f"net_{n}", cost=made_cost(n), accuracy=None) for n in costs]
    file = tmp_path / "report.html"
    file.write_text(render_report(boards(made)))
    with opened(chromium, file) as page:
        assert page.page.is_checked("#log-x")
        labels = page.page.locator("#scatter .role-axis-label").first
        texts = labels.locator("text").all_text_contents()
        assert texts == ["5", "10", "20", "50", "100"]


def test_five_hundred_rows_are_sorted_and_filtered(chromium: Any, tmp_path: Path) -> None:
    many = boards([made_record(f"net_{n}", params=1_000_000 + n * 1000) for n in range(500)])
    file = tmp_path / "report.html"
    file.write_text(render_report(many))
    with opened(chromium, file) as page:
        page.page.click('#numbers button[data-sort="params_m"]')
        rows = page.page.locator("#numbers tbody tr")
        assert rows.count() == 500 and rows.first.inner_text().startswith("net_0")
        page.page.fill("#filter", "net_49")
        assert rows.count() == 11
        assert page.said == []
