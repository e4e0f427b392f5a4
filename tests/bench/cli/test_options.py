"""Groups of options: typer sees one flat list, the command its groups."""

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from kinobench.bench.cli.options import Group, argument, flag, grouped, option, plain, values
from kinobench.bench.text.ranges import Range


class What(Group, panel="What"):
    model: Annotated[str, argument("The model.", "MODEL")]
    batch: Annotated[list[int] | None, option("Views.", "N", default="1")] = None


class How(Group, panel="How"):
    seed: Annotated[int, option("Seed [of all].", "N", within=Range(0, 99))] = 7
    fresh: Annotated[bool, flag("Start again.", "--fresh")] = False


seen: list[tuple[What, How]] = []


def command(what: What, how: How) -> None:
    """Do it."""
    seen.append((what, how))


def invoke(*words: str) -> tuple[int, str]:
    seen.clear()
    app = typer.Typer()
    app.command()(grouped(command))
    done = CliRunner().invoke(app, words, env={"COLUMNS": "80"})
    return done.exit_code, done.output


def test_a_command_gets_its_groups_with_defaults() -> None:
    assert invoke("c3d")[0] == 0
    assert seen == [(What(model="c3d"), How())]


def test_options_come_in_any_order_and_fill_the_group_they_belong_to() -> None:
    assert invoke("--seed", "0", "--batch", "2", "c3d", "--fresh", "--batch", "3")[0] == 0
    assert seen == [(What(model="c3d", batch=[2, 3]), How(seed=0, fresh=True))]


def test_the_help_has_a_panel_for_each_group_and_escapes_brackets() -> None:
    code, text = invoke("--help")
    assert code == 0
    for line in ("─ What ─", "─ How ─", "Views. (default: 1)", "Seed [of all]. (default: 7)"):
        assert line in text


@pytest.mark.parametrize("number", ["-1", "100", "9" * 12])
def test_limits_are_held(number: str) -> None:
    code, text = invoke("c3d", "--seed", number)
    assert code == 2 and f"{number}: it must be from 0 to 99" in text and not seen


def test_two_groups_with_one_option_are_refused() -> None:
    class Again(Group, panel="Again"):
        seed: Annotated[int, option("Seed.", "N")] = 1

    def both(how: How, again: Again) -> None:
        raise AssertionError

    both.__annotations__ = {"how": How, "again": Again, "return": None}
    with pytest.raises(ValueError, match="seed"):
        grouped(both)


def test_a_parameter_that_is_no_group_is_refused() -> None:
    def bare(seed: int) -> None:
        raise AssertionError

    with pytest.raises(TypeError, match="bare: seed is no group of options"):
        grouped(bare)


def test_values_are_those_of_all_groups() -> None:
    assert values(What(model="c3d"), How(seed=1)) == {
        "model": "c3d",
        "batch": None,
        "seed": 1,
        "fresh": False,
    }


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a[cluster]", r"a\[cluster]"), ("[/b]", r"\[/b]"), ("[1, 2]", "[1, 2]")],
)
def test_brackets_that_rich_would_read_are_escaped(text: str, escaped: str) -> None:
    assert plain(text) == escaped


def test_a_group_is_frozen_and_complete() -> None:
    group = How(seed=3)
    assert group == How(seed=3, fresh=False) != How()
    assert group.changed(fresh=True) == How(seed=3, fresh=True)
    with pytest.raises(AttributeError, match=r"How\.seed can't be changed"):
        group.seed = 4  # type: ignore[misc]
    with pytest.raises(TypeError, match="What: model is missing"):
        What()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="How: sead is missing, or is no option"):
        How(sead=3)  # type: ignore[call-arg]
