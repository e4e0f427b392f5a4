"""Names of the zoo's networks, and which of them stand for others in the default test run."""

import importlib
import re
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Any

import pytest

from kinobench.zoo.registry import FAMILY_MODULES

BUILT_IN = [name for names in FAMILY_MODULES.values() for name in names]
TINY = [name for name in BUILT_IN if name.endswith("_tiny")]
FULL = [name for name in BUILT_IN if not name.endswith("_tiny")]
MODULE = {name: module for module, names in FAMILY_MODULES.items() for name in names}

ORIGINS = {"native", "paper", "year"}
"""Fields of a variant that are not part of how it is built."""


def signature(name: str) -> Hashable:
    """Return what a network's builder branches on: its variant, without its numbers.

    Networks of one signature are built by the same lines of code, and differ in depth, width or
    kernel.
    """
    variant = importlib.import_module(f"kinobench.zoo.families.{MODULE[name]}").VARIANTS[name]
    fields = {key: value for key, value in variant._asdict().items() if key not in ORIGINS}
    return MODULE[name], type(variant).__name__, tuple(map(_kind, fields.values()))


def _kind(value: Any) -> Hashable:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return re.sub(r"\d{2,}", "", value)  # resnet50 and resnet101, but not 2d and 3d
    if isinstance(value, partial):
        return _kind(value.func), _kind(value.args), _kind(tuple(value.keywords.items()))
    if isinstance(value, tuple):
        return type(value).__name__, tuple(dict.fromkeys(map(_kind, value)))
    return getattr(value, "__qualname__", type(value).__name__)


def family(name: str) -> Hashable:
    """Return the module that a network is built in."""
    return MODULE[name]


def one_of_each(key: Callable[[str], Hashable], names: Iterable[str]) -> list[Any]:
    """Return the names as parameters of a test: the first of each key; the others marked slow."""
    seen: set[Hashable] = set()
    found: list[Any] = []
    for name in names:
        group = key(name)
        found.append(name if group not in seen else pytest.param(name, marks=pytest.mark.slow))
        seen.add(group)
    return found
