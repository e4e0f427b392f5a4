"""The rules that hold the house together."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from ..fakes.media import REPOSITORY

LAYERS = ("datasets", "zoo", "bench")
"""Each may import itself and what stands before it."""

FILES = sorted(path for layer in LAYERS for path in (REPOSITORY / layer).glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_imports_run_one_way(path: Path) -> None:
    layer = path.parent.name
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            target = (node.module or "").partition(".")[0]
            assert LAYERS.index(target) < LAYERS.index(layer), f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names]
            assert not any(name.startswith("kinobench") for name in names), f"line {node.lineno}"


def test_the_tested_versions_satisfy_every_bound() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pinned = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    extras = project["optional-dependencies"]
    for bound in [*project["dependencies"], *extras["test"], *extras["cluster"]]:
        name, _, least = bound.partition(">=")
        version = pinned[name.lower()] if name != "setuptools" else least
        assert _numbers(version) >= _numbers(least), bound


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
