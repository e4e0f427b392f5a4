"""The package `kinobench` itself: its names, its examples, `python -m kinobench`."""

import doctest
import importlib
import inspect
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import pytest

import kinobench
from kinobench.datasets.errors import KinobenchError

from ...fakes.media import REPOSITORY

MODULES = ("listing", "networks", "measuring", "stored")


def test_every_public_name_is_there_and_documented() -> None:
    assert list(kinobench.__all__) == sorted(kinobench.__all__)
    assert set(kinobench.__all__) == set(kinobench._MODULE_OF) | {"datasets"}
    assert set(kinobench.__all__) == set(dir(kinobench))
    for name in kinobench.__all__:
        value = getattr(kinobench, name)
        if name != "__version__":
            assert inspect.getdoc(value), name
    with pytest.raises(AttributeError, match="no attribute 'measured'"):
        kinobench.measured  # type: ignore[attr-defined] # noqa: B018


def test_every_function_says_its_types() -> None:
    for name in ("models", "protocols", "measure", "evaluate", "count", "load_model", "compare"):
        function = getattr(kinobench, name)
        assert "return" in function.__annotations__, name
    assert kinobench.KinobenchError is KinobenchError
    assert issubclass(kinobench.CaseFailedError, KinobenchError)
    assert get_type_hints(kinobench.Records.read)["return"] is kinobench.Records


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert kinobench.__version__ == project["version"]


def test_the_package_of_datasets_is_also_the_function() -> None:
    catalog = importlib.import_module("kinobench.datasets.catalog")
    assert isinstance(kinobench.datasets, ModuleType)
    names = [dataset.name for dataset in kinobench.datasets()]
    assert names == catalog.names()
    assert kinobench.datasets.catalog is catalog  # type: ignore[attr-defined]


def test_python_m_kinobench_is_the_command(tmp_path: Path) -> None:
    outputs = [
        subprocess.run(
            [sys.executable, *command, "list", "suites"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for command in (["-m", "kinobench"], [str(REPOSITORY / "bench.py")])
    ]
    assert outputs[0] == outputs[1] and "quick" in outputs[0]


@pytest.mark.usefixtures("only_shipped", "shared_workers")
@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(f"kinobench.{name}")
    found = [test for test in doctest.DocTestFinder().find(module, name, globs={}) if test.examples]
    assert found
    runner = doctest.DocTestRunner()
    for test in found:
        failed, _ = runner.run(test)
        assert not failed, test.name


def test_the_example_at_the_top_runs() -> None:
    (test,) = doctest.DocTestFinder(recurse=False).find(kinobench, "kinobench", globs={})
    assert doctest.DocTestRunner().run(test).failed == 0
