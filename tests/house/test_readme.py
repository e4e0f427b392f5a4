"""What the README shows works as it stands there."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kinobench.datasets.pointlight import QUICK_VIDEOS
from kinobench.zoo.registry import listed

from ..fakes.media import REPOSITORY, numbered_frames, write_video

README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
PYTHON = {code.splitlines()[0].lstrip("# "): code for kind, code in BLOCKS if kind == "python"}


def _run(folder: Path, *arguments: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "bench.py"), "run", *arguments, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_two_commands_stand_there_once() -> None:
    commands = re.findall(r"^pip install -e .*$", README, flags=re.MULTILINE)
    assert commands == [
        "pip install -e . && python bench.py run",
        'pip install -e ".[test]" && pytest',
    ]


def test_the_table_is_that_of_the_quick_suite() -> None:
    from kinobench.bench.run.suite import load

    (table,) = (code for kind, code in BLOCKS if kind == "text")
    rows = [line.split() for line in table.splitlines()]
    for model in load("quick").models:
        (row,) = (cells for cells in rows if cells and cells[0] == model)
        assert len([cell for cell in row if re.search(r"\d", cell[1:] or cell)]) >= 9
    for words in ("params (M)", "GMACs", "GFLOPs", "latency (ms)", "peak memory (MB)"):
        assert words in table
    assert "untrained" not in table and "pointlight quick, pointlight" in table
    assert f"{QUICK_VIDEOS} videos of manifest" in " ".join(table.split())


def test_the_architecture_and_the_dataset_are_measured_as_they_stand(tmp_path: Path) -> None:
    assert set(PYTHON) == {"mymodels.py", "mydata.py", "test_speed.py"}
    for name in ("mymodels.py", "mydata.py"):
        assert len(PYTHON[name].splitlines()) < 20
        (tmp_path / name).write_text(PYTHON[name])
    for name in ("fall", "walk"):
        write_video(tmp_path / "videos" / name / f"{name}_1.mp4", numbered_frames(20))
    plugins = ("--plugin", "mymodels.py", "--plugin", "mydata.py")
    choice = ("--model", "my_net", "--dataset", "falls", "--data-root", "videos")
    (record,) = _run(tmp_path, *plugins, *choice, "--measure", "flops,accuracy", "--views", "1x1")
    assert record["params"] == 32 * 3 * 27 + 32 + 32 * 2 + 2
    assert record["accuracy"]["scored"] == 2 and record["case"]["classes"] == 2


def test_the_timed_model_and_its_settings_exist() -> None:
    from kinobench.bench.pytest_plugin.model_benchmark import ModelBenchmark

    called = []

    def model_benchmark(*names: str, **settings: Any) -> Any:
        inspect.signature(ModelBenchmark.__call__).bind(None, *names, **settings)
        called.extend(names)
        return SimpleNamespace(shape=(settings["batch"], 400))

    names: dict[str, Any] = {}
    exec(PYTHON["test_speed.py"], names)
    names["test_speed"](model_benchmark)
    assert called and set(called) <= set(listed())
    text = README.partition("`extra_info` has")[2].partition("leaves the")[0]
    known = inspect.signature(ModelBenchmark.__call__).parameters
    told = set(re.findall(r"`(\w+)`", text)) - {"extra_info"}
    assert told and told <= set(known)


def test_the_suite_file_is_one(tmp_path: Path) -> None:
    from kinobench.bench.run.plan import plan
    from kinobench.bench.run.settings import Settings
    from kinobench.bench.run.suite import parse

    (toml,) = (code for kind, code in BLOCKS if kind == "toml")
    cases = [planned.case for planned in plan(parse(toml, "README"), Settings())]
    assert [(case.model, case.batch, case.precision) for case in cases] == [
        ("c3d_tiny", 1, "fp32"),
        ("c3d_tiny", 8, "fp32"),
        ("x3d_tiny", 1, "fp32"),
        ("x3d_tiny", 8, "fp32"),
        ("i3d_tiny", 1, "bf16"),
        ("i3d_tiny", 8, "bf16"),
    ]


@pytest.mark.parametrize(
    "line", [line for kind, code in BLOCKS if kind == "sh" for line in code.splitlines()]
)
def test_every_option_in_a_command_exists(line: str) -> None:
    command = line.partition("#")[0].partition(">")[0]
    found = re.search(r"bench\.py (data \w+|\w+)", command)
    if found is None:
        pytest.skip("not a kinobench command")
    name = found[1].split()
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "bench.py"), *name, "--help"],
        capture_output=True,
        text=True,
        env={"COLUMNS": "200", "PATH": ""},
    )
    assert done.returncode == 0
    for option in re.findall(r"--[\w-]+", command.split("bench.py", 1)[1]):
        assert option in done.stdout


def test_every_name_in_the_table_of_the_zoo_is_there() -> None:
    (table,) = re.findall(r"^\| kind \| names.*?\n\n", README, flags=re.DOTALL | re.MULTILINE)
    beginnings = re.findall(r"`([a-z]\w+)`", table)
    assert len(beginnings) > 30
    for beginning in beginnings:
        assert any(name.startswith(beginning) for name in listed()), beginning
    shown = [name for name in listed() if any(map(name.startswith, beginnings))]
    assert set(listed()) - set(shown) == set()
