"""Pages of a network: what is on them, and that nothing in a name is markup."""

import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from kinobench.bench.cards import html, markdown
from kinobench.bench.cards.content import CardPage, card_page, task_in_print
from kinobench.bench.cards.model import ModelCard, make_card
from kinobench.bench.cards.module_bars import MOST_BARS, amount, bars_of
from kinobench.bench.figures.modules import modules_svg
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.records.store import RunFile
from kinobench.zoo import registry
from kinobench.zoo.tables.licences import licence_of
from kinobench.zoo.tables.sources import url_of

from ...fakes.command import call
from ...fakes.hostile import NAMES, controls
from ...fakes.made_records import made_record

MACS = {"": 100, "a": 60, "a.x": 40, "a.x.deep": 40, "a.y": 15, "b": 30, "c": 0}


@pytest.fixture(scope="module")
def x3d() -> ModelCard:
    return make_card("x3d_m")


@pytest.fixture(scope="module")
def page(x3d: ModelCard) -> CardPage:
    case = {"weights": "kinetics400", "classes": 400, "dataset": "kinetics400", "split": "val"}
    records = [made_record("x3d_m", case), made_record("c3d_tiny")]
    return card_page(x3d, boards(records))


def test_the_bars_are_the_whole_cost_each_part_of_it_once() -> None:
    assert bars_of(MACS, 1) == [("a", 60), ("b", 30), ("(outside any module)", 10)]
    # Of `a`, 40 are of `a.x` and 15 of `a.y`; 5 are its own.
    assert dict(bars_of(MACS, 2)) == {
        **{"a": 5, "a.x": 40, "a.y": 15},
        **{"b": 30, "(outside any module)": 10},
    }
    assert sum(macs for _, macs in bars_of(MACS, 3)) == 100
    many = {"": 5050, **{f"m{number}": number for number in range(1, 101)}}
    found = bars_of(many, 1)
    assert len(found) == MOST_BARS + 1 and sum(macs for _, macs in found) == 5050
    assert found[-1] == ("(60 more)", 60 * 61 // 2)
    assert bars_of({"": 0}, 2) == []


def test_an_amount_has_three_digits() -> None:
    assert [amount(each) for each in (6_185_725_184, 42_467_328, 999_600_000, 3_200, 17)] == [
        *("6.19 G", "42.5 M", "1000 M", "3.20 k", "17")
    ]


def test_the_picture_has_the_colours_of_the_page(x3d: ModelCard) -> None:
    svg = modules_svg(x3d.macs_by_module, 2)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img" and "blocks.3" in (root.get("aria-label") or "")
    texts = ["".join(each.itertext()).strip() for each in root.iter() if each.tag.endswith("text")]
    assert any("36.1 %, 2.24 G" in text for text in texts)
    assert svg.count("var(--bar") == 6 and "currentColor" in svg
    assert "#1b1f24" not in svg and "<script" not in svg and "url(http" not in svg
    assert svg == modules_svg(x3d.macs_by_module, 2)


def test_a_page_has_who_what_results_print_weights_and_commands(page: CardPage) -> None:
    picture = modules_svg(page.card.macs_by_module, 2)
    for text in (markdown.render(page), html.render(page, picture)):
        assert "https://arxiv.org/abs/2004.04730" in text
        assert "https://github.com/facebookresearch/SlowFast" in text
        assert "clip [B, 3, 16, 256, 256]" in text and "3,794,274" in text
        assert "differs, known reason" in text and "reproduced" in text
        assert "Apache-2.0, of the repository" in text
        assert "--weights kinetics400 --dataset kinetics400 --data-root DIR" in text
        assert "25.0 [18.8, 32.8]" in text  # the stored top-1
        assert "c3d_tiny" not in text
    assert re.search(r"^blocks\.3 +2\.24 G +36\.1 %  █{30}$", markdown.render(page), re.MULTILINE)


def test_a_page_of_html_asks_for_nothing_and_has_whole_elements(page: CardPage) -> None:
    text = html.render(page, modules_svg(page.card.macs_by_module, 2))
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|link|img|iframe)\b|\bsrc=|@import|url\((?!#)", text)
    for element in ("table", "tbody", "tr", "td", "th", "a", "pre", "p", "h2", "svg", "div"):
        opened = len(re.findall(rf"<{element}[ >]", text))
        assert opened == text.count(f"</{element}>"), element


def test_nothing_in_a_name_is_markup(x3d: ModelCard) -> None:
    for name in NAMES.values():
        card = msgspec.structs.replace(
            x3d, name=name, family=name, paper=name, notes=(name,), macs_by_module={"": 1, name: 1}
        )
        found = card_page(card, [])
        assert found.paper_url == ""
        for text in (
            re.sub(r"^```.*?^```$", "", markdown.render(found), flags=re.DOTALL | re.MULTILINE),
            html.render(found, modules_svg(card.macs_by_module, 1)),
        ):
            assert not controls(text.replace("\n", "")), name
            assert "<script" not in text and "<img" not in text and "<b>" not in text, name


def test_each_paper_of_the_zoo_has_an_address() -> None:
    for name in registry.listed():
        assert url_of(registry.get(name).paper).startswith("https://"), name


def test_a_licence_is_that_of_the_origin_or_unknown() -> None:
    licence = licence_of("https://download.pytorch.org/models/r3d_18-b3b3357e.pth")
    assert licence is not None and licence.licence.startswith("BSD-3-Clause")
    assert licence_of("https://example.org/x.pth") is None


def test_show_writes_a_page_with_stored_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunFile(tmp_path / "results", "20260101T000000Z-000000").append(made_record("c3d_tiny"))
    arguments = ("show", "c3d_tiny", "--frames", "16", "--size", "16", "--classes", "8")
    done = call(monkeypatch, tmp_path, *arguments, "--format", "md")
    assert done.exit_code == 0 and "## Results here\n\n### pointlight test" in done.stdout
    done = call(monkeypatch, tmp_path, *arguments, "--output", "card.html")
    assert done.exit_code == 0 and done.stdout == ""
    assert "pointlight test" in (tmp_path / "card.html").read_text()
    for more, message in (
        (("--format", "pdf"), "no format of a card is named 'pdf'"),
        (("--format", "md", "--json"), "--json: a page has no place for it"),
        (("--results", "results"), "--results: only a page has stored results"),
        (("--format", "md", "--profile"), "--profile: a page has no place for it"),
    ):
        done = call(monkeypatch, tmp_path, *arguments, *more)
        assert done.exit_code == 2 and message in done.stderr, more


def test_a_head_and_a_detector_have_their_printed_scores_with_rule_and_source() -> None:
    actionformer = task_in_print("actionformer_on_slow_r50")
    assert "mAP@0.3:0.1:0.7 68.44 % (thumos14, rule opentad)" in {
        each.accuracy for each in actionformer
    }
    assert all(each.url.startswith("https://github.com/") for each in actionformer)
    (slow,) = task_in_print("slow_r50_detection")
    assert slow.accuracy == "frame mAP@0.5 19.5 % (ava-2.2, rule pyslowfast)"
    assert task_in_print("c3d_tiny") == ()
