"""`--help` of every command, as it is read at 80 columns."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.cli.options import LATE_HELP

PANELS = ("What", "How", "Data", "Results", "Help")
BOXES = "│╭╰─╮╯"


def commands(command: Any, name: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield name, command
    for own, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from commands(inner, (*name, own))


COMMANDS = dict(commands(typer.main.get_command(app)))


def page(*name: str) -> str:
    done = CliRunner().invoke(app, [*name, "--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert done.exit_code == 0
    return done.stdout


def prose(text: str) -> str:
    """Return a page without its boxes and line breaks."""
    return " ".join(re.sub(f"[{BOXES}]", " ", text).split())


def own_parameters(command: Any) -> list[Any]:
    return [each for each in command.params if not {"--help", "--version"} & set(each.opts)]


def test_every_command_is_looked_at() -> None:
    assert {("run",), ("check",), ("data", "make"), ("list",)} <= set(COMMANDS)
    assert len(COMMANDS) >= 15


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_help_fits_80_columns_and_shows_no_python_type(name: tuple[str, ...]) -> None:
    text = page(*name)
    assert max(map(len, text.splitlines())) <= 80
    found = re.findall(r"\b(?:TEXT|INTEGER|FLOAT|PATH|BOOLEAN)\b|<\w+(?:\[\w+\])?>", text)
    assert not found


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_every_option_has_help_a_panel_and_its_default(name: tuple[str, ...]) -> None:
    text, command = prose(page(*name)), COMMANDS[name]
    assert command.help
    for each in own_parameters(command):
        if each.opts[0] in ("--install-completion", "--show-completion"):
            continue
        help_text = LATE_HELP[each.name]() if each.name in LATE_HELP else each.help
        shown = re.sub(r"\\(\[)", r"\1", help_text)
        assert shown and shown in re.sub(r" +", " ", text), each.opts
        is_option = each.param_type_name == "option"
        if is_option:
            assert each.rich_help_panel in PANELS
        if not ((is_option and each.is_flag) or each.required):
            assert re.search(r"\(default: [^()]+\)$", each.help), each.opts
        if each.default not in (None, False):
            assert each.help.endswith(f"(default: {each.default})")


def test_panels_come_in_one_order() -> None:
    for name, command in COMMANDS.items():
        panels = re.findall(r"^╭─ (\w+) ─", page(*name), re.MULTILINE)
        shown = [panel for panel in panels if panel in PANELS]
        if not hasattr(command, "commands"):
            assert shown == [panel for panel in PANELS if panel in shown], name
            assert "Options" not in panels


def test_text_in_brackets_is_no_markup() -> None:
    assert "pip install -e '.[cluster]' in a checkout" in prose(page("run"))
    assert "[NAME=]DIR" in page("run")


def test_commands_are_listed_in_panels() -> None:
    text = page()
    for panel in ("Measure", "Models", "Results", "Training and motion", "Datasets"):
        assert f"╭─ {panel} ─" in text
    assert "╭─ Commands ─" not in text
    for name, *inner in filter(None, COMMANDS):
        assert inner or re.search(rf"^│ {name} ", text, re.MULTILINE)


def test_a_hidden_command_is_for_processes_alone() -> None:
    assert "worker" not in page()
    assert CliRunner().invoke(app, ["worker", "--help"]).exit_code == 0
