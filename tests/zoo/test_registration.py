"""What a network is registered with is checked before it counts, and quoted where it is wrong."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from kinobench.datasets.errors import LONGEST_NAME_BYTES, KinobenchError
from kinobench.datasets.names import file_name
from kinobench.zoo import registry


def build(num_classes: int, frames: int, size: int) -> nn.Module:
    return nn.Linear(3, num_classes)


class Takes(nn.Module):
    """A class is a builder, too."""

    def __init__(self, num_classes: int, frames: int, size: int, gain: float = 1.0) -> None:
        super().__init__()


def test_a_decorator_without_brackets_is_refused_and_names_what_it_was_given() -> None:
    with pytest.raises(KinobenchError, match=r"given build, and no name: write @register\('build'"):
        registry.register(build)  # type: ignore[arg-type]
    with pytest.raises(KinobenchError, match=r"given Takes, and no name: write @register\('takes'"):
        registry.register(Takes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("resnet", "its builder is 'resnet'; give a function build(num_classes, frames, size)"),
        (None, "its builder is None"),
        (nn.Linear(3, 5), "its builder is a module, Linear; register a function"),
        (
            lambda: None,
            "its builder takes (), and it is called as build(num_classes, frames, size)",
        ),
        (lambda classes, frames: None, "its builder takes (classes, frames), and it is called as"),
        (lambda c, t, z, width: None, "give it these three parameters, and a default to every"),
        (lambda c, t, z, *, width: None, "its builder takes (c, t, z, *, width)"),
        (partial(build, 5), "its builder takes (frames: int, size: int)"),
        (nn.Flatten, "its builder takes (start_dim"),
    ],
)
def test_a_builder_that_cannot_be_called_is_refused_when_it_is_registered(
    given: Any, message: str
) -> None:
    with pytest.raises(KinobenchError, match=re.escape(message)):
        registry.register("mine")(given)
    assert "mine" not in registry.names()


def test_a_builder_that_waits_is_refused() -> None:
    async def later(num_classes: int, frames: int, size: int) -> nn.Module:
        return nn.Linear(3, num_classes)

    with pytest.raises(KinobenchError, match="is async, or has a yield; give a plain function"):
        registry.register("mine")(later)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [build, Takes, partial(build), lambda *given: None])
def test_whatever_takes_three_arguments_is_a_builder(given: Any) -> None:
    registry.register("mine")(given)
    assert registry.get("mine").build is given


@pytest.mark.parametrize(
    ("field", "given", "cure"),
    [
        ("native", (16, 64), "give (frames, stride, size), three whole numbers from 1 on"),
        ("native", (16, 4, 112, 1), "give (frames, stride, size)"),
        ("native", (16, 4.0, 112), "give (frames, stride, size)"),
        ("native", (16, 0, 112), "three whole numbers from 1 on"),
        ("native", (16, True, 112), "three whole numbers from 1 on"),
        ("native", "16x4", "three whole numbers from 1 on"),
        ("native", 16, "or leave it out"),
        ("inputs", "rgb", "give one of ('rgb',), ('flow',), ('rgb', 'flow')"),
        ("inputs", ("flow", "rgb"), "give one of ('rgb',), ('flow',), ('rgb', 'flow')"),
        ("inputs", None, "give one of ('rgb',), ('flow',), ('rgb', 'flow')"),
        ("libraries", "timm", "give a tuple of names of modules, such as ('timm',)"),
        ("libraries", (re,), "give a tuple of names of modules"),
        ("year", "2026", "give a whole number, such as 2026"),
        ("year", 2026.0, "give a whole number, such as 2026"),
        ("family", None, "give a text"),
        ("paper", 2026, "give a text"),
    ],
)
def test_an_argument_of_another_kind_is_quoted_with_what_to_give(
    field: str, given: Any, cure: str
) -> None:
    with pytest.raises(KinobenchError) as raised:
        registry.register("mine", **{field: given})(build)
    assert f"architecture 'mine': {field} is {given!r}; " in str(raised.value)
    assert cure in str(raised.value)
    assert "mine" not in registry.names()


def test_lists_are_as_good_as_tuples() -> None:
    given: dict[str, Any] = {"native": [16, 4, 112], "inputs": ["rgb", "flow"], "libraries": ["re"]}
    registry.register("mine", **given)(build)
    found = registry.get("mine")
    assert (found.native, found.inputs, found.libraries) == ((16, 4, 112), ("rgb", "flow"), ("re",))


@pytest.mark.parametrize(
    "name", ["mcg-nju/videomae", "a/b/c", "net.parquet", "x.json", "con", "1/2"]
)
def test_a_name_may_have_parts_and_any_ending(name: str) -> None:
    registry.register(name)(build)
    assert registry.get(name).build is build


@pytest.mark.parametrize(
    "name", ["../../escape", "a/../b", "a//b", "/a", "a/", "a/.b", "./a", "a\\b"]
)
def test_no_part_of_a_name_leads_elsewhere(name: str) -> None:
    with pytest.raises(KinobenchError, match="alone, in each part of 'org/net' too, because files"):
        registry.register(name)(build)


def test_an_endless_name_is_refused_with_its_length() -> None:
    registry.register("x" * LONGEST_NAME_BYTES)(build)
    with pytest.raises(KinobenchError, match=r"has 100 bytes at most, .* and this one has 101"):
        registry.register("x" * (LONGEST_NAME_BYTES + 1))(build)
    with pytest.raises(KinobenchError, match="this one has 102"):
        registry.register("名" * 34)(build)


def test_a_name_of_no_text_is_refused() -> None:
    with pytest.raises(KinobenchError, match="architecture 5: a name is a text"):
        registry.register(5)(build)  # type: ignore[arg-type]


def test_upper_case_is_refused_with_the_name_to_write() -> None:
    with pytest.raises(
        KinobenchError, match="lower case, without blanks; write 'mcg-nju/videomae'"
    ):
        registry.register("MCG-NJU/Video MAE")(build)


def test_two_names_never_have_the_same_files() -> None:
    names = ["a/b", "a-b", "a.b", "a_b", "a+b", "ab", "a/b/c"]
    assert len(set(map(file_name, names))) == len(names)
    for name in names:
        assert Path(file_name(name)).name == file_name(name)
    assert file_name("mcg-nju/videomae") == "mcg-nju=videomae"
