"""A text is shown as it is on a terminal, in Markdown, HTML, LaTeX, CSV and JSON."""

import csv
import io
import json
import re

import pytest
from rich.console import Console
from rich.table import Table

from kinobench.bench.text.json_text import json_text
from kinobench.bench.text.markup import csv_text, escaped, fenced, html_escaped, latex_escaped
from kinobench.bench.text.progress import open_bar
from kinobench.bench.text.terminal import PlainConsole, line
from kinobench.datasets.visible import one_line, visible

from ...fakes.hostile import ESCAPES, NAMES, controls, read_html, read_markdown

ORDINARY = (
    "x3d_tiny",
    "slow_r50 (batch 8, weights kinetics400)",
    "~12.34 [11.98, 12.40]",
    "-1.25 % [-3.50, +1.00]",
    "rank = 1 + number of better models (5 % for all of them)",
    "~: the latency was disturbed",
    "/weights/a_b.pt",
    "begun 2026-11-30T18:51:32Z, aten::add, evil::odd (1)",
    "Пример 名前 می\u200cخواهم 👩\u200d🔬",
)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_line_has_no_control_character_and_no_line_end(name: str) -> None:
    shown = one_line(name)
    assert not controls(shown) and "\n" not in shown
    assert (shown == name) == (name not in ESCAPES.values())
    assert one_line(shown) == shown  # an escape is ordinary text


def test_a_control_character_is_written_as_python_writes_it() -> None:
    assert one_line("a\x1b[2J\r\n\t\x9b\u202e\U000e0041") == (
        r"a\x1b[2J\r\n\t\x9b\u202e" + r"\U000e0041"
    )
    assert visible("a\n\tb\x1b") == "a\n\tb\\x1b"
    assert one_line("of no Unicode: \udcff") == r"of no Unicode: \xff"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert one_line(text) == visible(text) == escaped(text) == csv_text(text).removeprefix("'")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_markdown_shows_a_name_and_takes_nothing_in_it_for_its_own(name: str) -> None:
    shown = escaped(name)
    places = {
        f"{shown}\n": ["p"],
        f"## {shown}\n": ["h2"],
        f"- {shown}\n": ["ul", "li"],
        f"before\n{shown}\n": ["p"],
        f"**{shown}**\n": ["p", "strong"],
        f"| a | b |\n|---|---|\n| {shown} | c |\n": [
            *("table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"),
        ],
    }
    for page, expected in places.items():
        tags, text = read_markdown(page)
        assert tags == expected, page
        assert one_line(name) in text.replace("\u200b", ""), page
    # GitHub makes links of addresses, too.
    assert not re.search(r"(?<!\\)://|\bwww\.|\w@\w", shown)


@pytest.mark.parametrize("name", ["see #1", "#12", "a/b#3", "GH-4", "gh-5 :x:"])
def test_markdown_has_no_reference_to_an_issue(name: str) -> None:
    tags, text = read_markdown(f"- {escaped(name)}\n")
    assert tags == ["ul", "li"] and name in text.replace("\u200b", "")
    assert not re.search(r"#\d|GH-\d", text, re.IGNORECASE)


@pytest.mark.parametrize("name", [":white_check_mark:", "PASS :x:", "a:+1:b", ":100:", "::eyes::"])
def test_markdown_has_no_picture_of_a_name_between_colons(name: str) -> None:
    tags, text = read_markdown(f"- {escaped(name)}\n")
    assert tags == ["ul", "li"] and name in text.replace("\u200b", "")
    assert not re.search(r":[a-z0-9_+-]+:", text)


def test_an_interval_before_a_parenthesis_or_a_colon_is_no_link() -> None:
    for name in ("[1, 2](http://e)", "[1, 2]: http://e", "[1, 2][3]", "[^1]", "![1](http://e)"):
        page = f"- {escaped(name)}\n- {escaped('[1, 2]')} {escaped('[3]')}\n"
        assert read_markdown(page)[0] == ["ul", "li", "li"], page


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_block_of_code_ends_where_it_should(name: str) -> None:
    tags, text = read_markdown(f"{fenced(name + chr(10) + '```')}\n\nend\n")
    assert tags == ["pre", "code", "p"] and visible(name) in text
    assert not controls(text)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_html_has_no_tag_of_a_name(name: str) -> None:
    assert read_html(f"<p>{html_escaped(name)}</p>") == (["p"], one_line(name))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_latex_has_no_command_of_a_name(name: str) -> None:
    commands = r"\\ensuremath\{[<>|]\}|\\text\w+\{\}|\\[&%$#_{}]"
    bare = re.sub(commands, "", latex_escaped(name))
    assert not controls(bare) and not set(bare) & set("\\$%&#_^~<>|")


@pytest.mark.parametrize(
    "name", [*NAMES.values(), "+1", "-x", "@x", "\t=1", "\n=1", " =1", "\r=1"], ids=repr
)
def test_a_cell_of_csv_is_no_formula(name: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([csv_text(name)])
    ((cell,),) = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert not controls(cell) and visible(name).replace("\t", "\\t") in (cell, cell[1:])


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_json_is_exact_and_has_no_control_character(name: str) -> None:
    text = json_text({name: [name, "x3d_tiny", "名"]})
    assert json.loads(text) == {name: [name, "x3d_tiny", "名"]}
    assert not controls(text) and "名" in text


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_console_prints_a_name_and_obeys_nothing_in_it(name: str) -> None:
    out = io.StringIO()
    console = PlainConsole(file=out, width=200)
    table = Table()
    table.add_column(name)
    table.add_row(name)
    console.print(name)
    console.print(line(name))
    console.print(table)
    text = out.getvalue()
    assert not controls(text) and one_line(name) in text
    assert text.count("⚠") == 0


@pytest.mark.parametrize("name", ["[link=http://e.example]x[/link]", "[red]x", "[/]"])
def test_a_bar_takes_no_name_for_markup(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with open_bar(console) as bar:
        bar.add_task(f"{name}: accuracy", total=None)
    assert name in out.getvalue() and "\x1b]8;" not in out.getvalue()
