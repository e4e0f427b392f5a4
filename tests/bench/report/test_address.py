"""What a reader chose on the page stands in its address, which others open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.report.page import render_report

from ...fakes.browser import Opened, browser, opened
from ...fakes.made_records import MACHINE, made_record
from ...fakes.shown_results import made_results

ODD = "odd & name #1 = ü+%"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = made_results(tmp_path_factory.mktemp("results"))
    elsewhere = msgspec.structs.replace(MACHINE, fingerprint="1" * 16)
    other = boards([made_record(name, environment=elsewhere) for name in (ODD, "fine")])
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_report([*read_boards(results, print), *other], results))
    return path


@pytest.fixture
def page(chromium: Any, file: Path) -> Iterator[Opened]:
    with opened(chromium, file) as page:
        yield page
        assert page.said == []


def fragment_of(page: Opened) -> dict[str, list[str]]:
    """What the address says, once it is written."""
    page.page.wait_for_timeout(250)
    return parse_qs(str(page.page.evaluate("location.hash.slice(1)")))


STATE = """() => ({
  across: byIdValue("axis-x"), up: byIdValue("axis-y"),
  logAcross: checked("#log-x"), logUp: checked("#log-y"), intervals: checked("#with-ends"),
  filter: byIdValue("filter"), theme: byIdValue("theme"), network: byIdValue("network-choice"),
  board: byIdValue("board-choice"),
  limits: [...document.querySelectorAll(".filters li")].map((item) =>
    [...item.querySelectorAll("select, input")].map((each) => each.value)),
  heads: [...document.querySelectorAll("#numbers thead button")].map((each) => each.dataset.sort),
  order: [...document.querySelectorAll("#numbers thead th[aria-sort]")]
    .map((each) => each.getAttribute("aria-sort")),
  rows: [...document.querySelectorAll("#numbers tbody tr")].map((each) => each.innerText),
  heading: document.getElementById("trade-h").textContent,
})""".replace("byIdValue(", "(id => document.getElementById(id).value)(").replace(
    "checked(", "(at => document.querySelector(at).checked)("
)


def test_a_page_that_nobody_changed_has_a_plain_address(page: Opened, file: Path) -> None:
    assert fragment_of(page) == {}
    assert page.page.url == file.resolve().as_uri()


def test_all_that_was_chosen_is_in_the_address_and_opens_again(
    page: Opened, chromium: Any, file: Path
) -> None:
    page.page.select_option("#axis-x", "params_m")
    page.page.select_option("#axis-y", "top5_percent")
    page.page.click("#log-x")
    page.page.click("#log-y")
    page.page.click('#numbers button[data-sort="latency_ms"]')
    page.page.click('#numbers button[data-sort="latency_ms"]')
    page.page.fill("#filter", "net_")
    page.page.click("#add-filter")
    page.page.select_option(".filters select", "latency_ms")
    page.page.fill(".filters .high", "2.3")
    page.page.uncheck("#with-ends")
    page.page.click(".chooser summary")
    page.page.check('input[data-column="gflops"]')
    page.page.uncheck('input[data-column="rank"]')
    page.page.select_option("#network-choice", label="net_3")
    page.page.select_option("#theme", "dark")
    said = fragment_of(page)
    assert {
        name: value for name, value in said.items() if name not in ("columns", "log-across")
    } == {
        "theme": ["dark"],
        "across": ["params_m"],
        "up": ["top5_percent"],
        "log-up": ["yes"],
        "sort": ["-latency_ms"],
        "filter": ["net_"],
        "limit": ["latency_ms::2.3"],
        "intervals": ["no"],
        "network": ["net_3"],
    }
    seen = page.page.evaluate(STATE)
    assert seen["order"].count("descending") == 1 and 0 < len(seen["rows"]) < 8
    assert "gflops" in seen["heads"] and "rank" not in seen["heads"]
    address = page.page.url
    assert address.startswith(f"{file.resolve().as_uri()}#")
    with opened(chromium, file) as other:
        assert other.page.evaluate(STATE) != seen
        other.page.goto(address)  # the same file, so the page itself stays: as a link pasted in
        other.page.wait_for_timeout(100)
        assert other.page.evaluate(STATE) == seen
        other.page.reload()
        other.page.wait_for_selector("#scatter .reached", state="attached")
        assert other.page.evaluate(STATE) == seen
        dark = "document.documentElement.getAttribute('data-theme')"
        assert other.page.evaluate(dark) == "dark"
        assert other.said == []


def test_another_board_and_a_name_with_signs_are_kept(
    page: Opened, chromium: Any, file: Path
) -> None:
    page.page.select_option("#axis-x", "params_m")
    page.page.select_option("#board-choice", "1")
    page.page.select_option("#network-choice", label="fine")
    page.page.select_option("#network-choice", label=ODD)
    page.page.fill("#filter", "50 % & more #")
    said = fragment_of(page)
    assert said["board"] == ["2"] and said["filter"] == ["50 % & more #"]
    assert "across" not in said  # of the board before
    first = page.page.evaluate("document.querySelector('#network-choice option').textContent")
    assert said.get("network", [first]) == [ODD]
    seen = page.page.evaluate(STATE)
    page.page.reload()
    page.page.wait_for_selector("#numbers tbody tr", state="attached")
    assert page.page.evaluate(STATE) == seen


def test_a_link_on_the_page_goes_to_its_section_and_keeps_what_was_chosen(page: Opened) -> None:
    page.page.fill("#filter", "net_2")
    page.page.click("#contents a >> text=All numbers")
    assert fragment_of(page) == {"at": ["rows"], "filter": ["net_2"]}
    assert page.page.input_value("#filter") == "net_2"
    page.page.reload()
    page.page.wait_for_selector("#scatter .reached", state="attached")
    assert page.page.evaluate("scrollY") > 300
    assert page.page.input_value("#filter") == "net_2"


@pytest.mark.parametrize(
    "fragment",
    [
        "%E0%A4%A",
        "across=__proto__&up=constructor&sort=-toString&columns=&theme=x&board=99",
        "board=-1&limit=latency_ms:x:&limit=::&limit=a:b:c:d&limit=model:1:2&network=nobody",
        "columns=latency_ms&log-across=maybe&intervals=&at=%3Cimg%20src=x%20onerror=alert(1)%3E",
        "theme=dark%00&board=1e9&limit=latency_ms:Infinity:NaN",
        "&&&===#?%%%",
    ],
)
def test_a_damaged_address_opens_the_page_as_it_is(fragment: str, page: Opened, file: Path) -> None:
    usual = page.page.evaluate(STATE)
    page.page.goto("about:blank")
    page.page.goto(f"{file.resolve().as_uri()}#{fragment}")
    page.page.wait_for_selector("#scatter .reached", state="attached")
    assert page.page.evaluate(STATE) == usual
    assert fragment_of(page) == {}


def test_what_is_whole_in_a_damaged_address_is_kept(page: Opened, file: Path) -> None:
    page.page.goto("about:blank")
    page.page.goto(f"{file.resolve().as_uri()}#sort=nothing&filter=net_1&up=%E0%A4%A&across=gmacs")
    page.page.wait_for_selector("#scatter .reached", state="attached")
    assert fragment_of(page) == {"filter": ["net_1"], "across": ["gmacs"]}
    assert page.page.input_value("#axis-x") == "gmacs"


def test_a_text_that_is_typed_is_written_once_the_reader_pauses(page: Opened) -> None:
    page.page.evaluate(
        "() => { const old = history.replaceState; window.calls = 0;"
        " history.replaceState = function (...all) { window.calls += 1; old.apply(this, all); }; }"
    )
    page.page.type("#filter", "net_4 and a long text that nothing has")
    assert fragment_of(page)["filter"] == ["net_4 and a long text that nothing has"]
    assert page.page.evaluate("window.calls") < 10
