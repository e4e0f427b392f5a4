"""The rules that hold the house together."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..fakes.media import REPOSITORY

TOPS = ("datasets", "zoo", "bench")
"""Each may import itself and what comes before it."""

BENCH = (
    ("text", "statistics"),
    ("metrics",),
    ("records",),
    ("machine",),
    ("cost",),
    ("network",),
    ("evaluation",),
    ("tasks",),
    ("measure",),
    ("leaderboard", "analysis"),
    ("export", "report", "scoring"),
    ("cluster",),
    ("run",),
    ("cards", "gate"),
    ("figures",),
    ("doctor",),
    ("motion", "train", "pytest_plugin"),
    ("api",),
    ("cli",),
)
"""The packages of bench/. Each may import those of the rows before its own, and none of its row."""

ALLOWED: dict[str, set[str]] = {
    "datasets": set(),
    "datasets.sources": {"datasets"},
    "datasets.protocol": {"datasets"},
    "datasets.video": {"datasets", "datasets.sources", "datasets.protocol"},
    "datasets.views": {"datasets", "datasets.protocol", "datasets.video"},
    "datasets.flow": {"datasets", "datasets.sources", "datasets.protocol", "datasets.views"},
    "datasets.lists": {"datasets", "datasets.sources"},
    "datasets.copies": {"datasets", "datasets.sources", "datasets.lists"},
    "datasets.events": {"datasets", "datasets.sources", "datasets.lists"},
    "datasets.located": {
        "datasets",
        "datasets.sources",
        "datasets.lists",
        "datasets.copies",
        "datasets.events",
    },
    "datasets.pointlight": {"datasets", "datasets.lists", "datasets.copies", "datasets.events"},
    "datasets.pointlight_events": {"datasets", "datasets.lists", "datasets.pointlight"},
    "datasets.pointlight_boxes": {"datasets", "datasets.lists", "datasets.pointlight"},
    "datasets.doctor": {
        "datasets",
        "datasets.sources",
        "datasets.protocol",
        "datasets.video",
        "datasets.lists",
        "datasets.copies",
        "datasets.located",
    },
    "datasets.made": {
        "datasets",
        "datasets.sources",
        "datasets.protocol",
        "datasets.video",
        "datasets.lists",
    },
    "zoo": set(),
    "zoo.tables": {"zoo"},
    "zoo.parts": {"zoo"},
    "zoo.inflate": {"zoo.parts"},
    "zoo.checkpoints": {"zoo", "zoo.tables"},
    "zoo.localizers": {"zoo", "zoo.parts"},
    "zoo.detectors": {"zoo", "zoo.parts", "zoo.checkpoints"},
    "zoo.families": {"zoo", "zoo.parts", "zoo.inflate"},
}
"""The packages of datasets/ and zoo/, and what each may import of its own top folder."""

EXCEPTIONS = {
    ("datasets.built_in", "datasets.copies"),
    ("datasets.built_in", "datasets.located"),
    ("datasets.built_in", "datasets.lists"),  # the index of what the packages offer
    ("datasets.built_in", "datasets.pointlight"),
    ("datasets.built_in", "datasets.pointlight_events"),
    ("datasets.built_in", "datasets.pointlight_boxes"),
    ("datasets.own_datasets", "datasets.lists"),
    ("datasets.loading", "datasets.copies"),
    ("datasets.loading", "datasets.lists"),
    ("datasets.loading", "datasets.located"),
    ("datasets.loading", "datasets.sources"),  # a server that doesn't answer
    ("datasets.loading", "datasets.made"),  # what is written of a copy, for its notes
    ("datasets.split", "datasets.sources"),  # a video's path may be in an archive, or a URL
    ("datasets.own", "datasets.sources"),
    ("datasets.offered", "datasets.protocol"),  # a plug-in's dataset names its protocol
    ("bench.api.__main__", "bench.cli"),  # `python -m kinobench` is the command
    ("zoo.registry", "zoo.families"),  # the index of names; the modules load when asked for
}

WITHOUT_TORCH = (
    *("text", "statistics", "records", "machine", "leaderboard", "analysis", "export", "report"),
    *("metrics", "scoring", "figures"),
    "cli",
)
"""Packages of bench/ that start at once: no module of theirs imports torch at its top."""

API = ("bench", "api")
"""The folder whose modules are those of the package `kinobench` itself."""

FILES = sorted(path for top in TOPS for path in (REPOSITORY / top).rglob("*.py"))


def _module(path: Path) -> tuple[str, ...]:
    """Return the parts of a file's dotted name, without `kinobench`."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


MODULES = {_module(path): path for path in FILES}
NAMES = [".".join(name) for name in MODULES]


def _imports(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the line and the module of every relative import, those in functions included."""
    package = path.relative_to(REPOSITORY).parts[:-1]
    if package == API:
        package = ()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) - node.level + 1]
        target = (*base, *(node.module.split(".") if node.module else ()))
        for alias in node.names:
            if not package and (*API, *target) in MODULES:
                target = (*API, *target)
            inner = (*target, alias.name)
            found = inner if inner in MODULES else target
            if found in MODULES or any(name[: len(found)] == found for name in MODULES):
                yield node.lineno, found


def _package(module: tuple[str, ...]) -> str:
    """Return the dotted package: `bench.run`, `datasets.video`; of a file at the root the root."""
    inside = module if MODULES.get(module, Path("x")).name == "__init__.py" else module[:-1]
    return ".".join(inside[:2]) or module[0]


def _row(package: str) -> int:
    return next(number for number, row in enumerate(BENCH) if package.partition(".")[2] in row)


@pytest.mark.parametrize("name", NAMES)
def test_imports_run_one_way(name: str) -> None:
    module = tuple(name.split("."))
    own = _package(module)
    for line, target in _imports(MODULES[module]):
        other = _package(target)
        where = f"line {line}: {own} imports {other}"
        assert TOPS.index(target[0]) <= TOPS.index(module[0]), where
        if other == own or target[0] != module[0]:
            continue
        if module[0] == "bench":
            assert _row(other) < _row(own) or (name, other) in EXCEPTIONS, where
        else:
            assert other in ALLOWED[own] or (name, other) in EXCEPTIONS, where


@pytest.mark.parametrize("name", NAMES)
def test_no_file_names_the_package_by_its_absolute_name(name: str) -> None:
    for node in ast.walk(ast.parse(MODULES[tuple(name.split("."))].read_text())):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names]
            found = [each for each in names if each.partition(".")[0] == "kinobench"]
            assert not found, f"line {node.lineno}"


def test_every_package_has_its_place_in_the_rule() -> None:
    packages = {_package(module) for module in MODULES} - {"bench"}
    placed = {f"bench.{name}" for row in BENCH for name in row} | set(ALLOWED)
    assert packages <= placed, packages - placed


def test_no_two_files_import_each_other_in_a_circle() -> None:
    after = {name: {target for _, target in _imports(path)} for name, path in MODULES.items()}
    done: set[tuple[str, ...]] = set()

    def visit(name: tuple[str, ...], above: tuple[tuple[str, ...], ...]) -> None:
        if name in above:
            circle = [*above[above.index(name) :], name]
            pytest.fail(" -> ".join(".".join(each) for each in circle))
        if name in done:
            return
        for target in sorted(after.get(name, ())):
            if target != name:
                visit(target, (*above, name))
        done.add(name)

    for name in sorted(MODULES):
        visit(name, ())


def _at_the_top(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


@pytest.mark.parametrize("package", WITHOUT_TORCH)
def test_what_only_reads_and_reports_imports_no_torch_at_its_top(package: str) -> None:
    heavy = {"torch", "torchvision", "cv2", "pytorchvideo", "fvcore", "transformers"}
    for path in (REPOSITORY / "bench" / package).rglob("*.py"):
        assert not {name.partition(".")[0] for name in _at_the_top(path)} & heavy, path


def test_the_project_lists_every_package() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    folders = {".".join(("kinobench", *path.relative_to(REPOSITORY).parts[:-1])) for path in FILES}
    listed = set(project["tool"]["setuptools"]["packages"])
    assert {name.replace("kinobench.bench.api", "kinobench") for name in folders} == listed


def test_the_tests_mirror_the_packages() -> None:
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        place = path.relative_to(REPOSITORY / "tests").parts[:-1]
        own = place[0] in ("house", "benchmarks")
        assert own or (REPOSITORY.joinpath(*place)).is_dir(), path


def test_the_tested_versions_satisfy_every_bound() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pinned = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    extras = project["optional-dependencies"]
    for bound in [*project["dependencies"], *extras["test"], *extras["cluster"]]:
        name, _, least = re.sub(r"\[.*\]", "", bound).partition(">=")  # without its extras
        version = pinned[name.lower()] if name != "setuptools" else least
        assert _numbers(version) >= _numbers(least), bound


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
