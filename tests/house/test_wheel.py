"""The wheel holds one top-level name, and runs from an empty folder."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ..fakes.media import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source") / "kinobench"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "bench.py"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("bench", "zoo", "datasets", "tests"):
        shutil.copytree(
            REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    target = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", str(target), str(source)], check=True, timeout=120)
    (built,) = target.glob("*.whl")
    return built


def test_the_wheels_one_top_level_name_is_kinobench(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kinobench"}
    assert {name.split("/")[1] for name in names if name.startswith("kinobench/")} == {
        "bench",
        "zoo",
        "datasets",
    }


def test_everything_that_the_packages_read_is_in_the_wheel(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    for package in ("bench", "zoo", "datasets"):
        for path in (REPOSITORY / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"kinobench/{path.relative_to(REPOSITORY).as_posix()}" in packed


def test_the_installed_wheel_measures_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = dict(os.environ, PYTHONPATH=str(site))
    where = subprocess.run(
        [sys.executable, "-c", "import kinobench.bench as b; print(b.__file__)"],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(site)
    command = [sys.executable, "-m", "kinobench.bench.cli", "run", "--model", "early_fusion_tiny"]
    done = subprocess.run(
        [*command, "--dataset", "none", "--protocol", "pointlight", "--measure", "flops", "--json"],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["cost"]["macs"] > 0 and record["environment"]["kinobench_commit"] is None
    assert list((empty / "results" / "runs").glob("*.jsonl"))
    assert (empty / "results" / "leaderboard.md").is_file()


def test_the_packages_need_no_init_where_one_would_do_harm() -> None:
    assert not (REPOSITORY / "datasets" / "__init__.py").exists()
    assert (REPOSITORY / "bench" / "__init__.py").exists()
    assert len((REPOSITORY / "bench.py").read_text().splitlines()) <= 60


def test_bench_py_leaves_the_name_datasets_to_others(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec('datasets')\n"
        f"print('shadowed' if found and {str(REPOSITORY)!r} in str(found) else 'free')\n"
    )
    command = [sys.executable, str(REPOSITORY / "bench.py"), "list", "suites", "--plugin"]
    done = subprocess.run([*command, str(plugin)], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout.splitlines()[0] == "free", done.stderr
