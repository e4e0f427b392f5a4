"""What a third party adds: in a package with entry points, or in a file named by --plugin."""

import json
import subprocess
from pathlib import Path

import pytest

from kinobench.bench.run.options import DataRoots, Options
from kinobench.zoo import registry

from ..fakes.command import call, printed_by
from ..fakes.media import FAKES
from ..fakes.wheel import OFFLINE, PIP

JITTER = FAKES / "jitter.py"

MODULE = '''
"""One network of a third party's."""

import torch
from kinobench.zoo.registry import register
from torch import nn


class MeanColour(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(3, num_classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.classifier(clip.mean(dim=(2, 3, 4)))


@register("mean_colour", family="colour", paper="Nobody, Colours, 2026", native=(16, 1, 64))
def build(num_classes: int, frames: int, size: int, *, gain: float = 1.0) -> nn.Module:
    return MeanColour(num_classes)
'''

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "colours"
version = "1.0"

[project.entry-points."kinobench.zoo"]
colours = "colours"

[project.entry-points."kinobench.datasets"]
rooms = "rooms:ROOMS"

[project.entry-points."kinobench.measurements"]
jitter = "jitter"

[tool.setuptools]
py-modules = ["colours", "jitter", "rooms"]
"""

DATASET = '''
"""One dataset of a third party's."""

from kinobench.datasets.catalog import Dataset
from kinobench.datasets.split import Split


def load(root, split):
    return Split(dataset="rooms", name="all", videos=(), classes=("light", "dark"))


ROOMS = Dataset(
    name="rooms",
    title="Rooms",
    load=load,
    default_protocol="pointlight",
    num_classes=2,
    splits=("all",),
    homepage="https://example.org/rooms",
)
'''


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder into which pip installed a package that offers one thing of each kind."""
    source, target = tmp_path / "source", tmp_path / "installed"
    source.mkdir()
    for name, code in {"colours": MODULE, "rooms": DATASET, "jitter": JITTER.read_text()}.items():
        (source / f"{name}.py").write_text(code)
    (source / "pyproject.toml").write_text(PROJECT)
    subprocess.run(
        [*PIP, "install", *OFFLINE, "--target", str(target), str(source)], check=True, timeout=120
    )
    return target


def check_listed(models: list[dict[str, object]]) -> None:
    (found,) = (model for model in models if model["name"] == "mean_colour")
    # 3 x 8 weights and 8 biases; 8 outputs of 3 multiply-adds.
    assert (found["params"], found["macs"], found["classes"]) == (32, 24, 8)
    assert found["paper"] == "Nobody, Colours, 2026"


def test_an_installed_package_offers_what_it_has_to_every_command(
    installed: Path, tmp_path: Path
) -> None:
    shape = ("--dataset", "none", "--classes", "5", "--threads", "1")
    run = ("run", "--model", "mean_colour", *shape, "--measure", "flops,jitter", "--json")
    lists = {kind: ("list", kind, "--json") for kind in ("models", "datasets", "measurements")}
    table, usage = ("leaderboard", "--format", "csv"), ("run", "--help")
    commands = [*lists.values(), run, table, usage]
    printed = printed_by(commands, tmp_path, installed, COLUMNS="80")
    assert "jitter" in printed[usage] and "jitter_share" in printed[table]
    listed = {kind: json.loads(printed[command]) for kind, command in lists.items()}
    check_listed(listed["models"])
    (rooms,) = (dataset for dataset in listed["datasets"] if dataset["name"] == "rooms")
    assert (rooms["title"], rooms["classes"]) == ("Rooms", 2)
    assert "jitter" in {measurement["name"] for measurement in listed["measurements"]}
    record = json.loads(printed[run])
    assert (record["params"], record["cost"]["macs"], record["error"]) == (20, 15, None)
    assert len(record["measurements"]["jitter"]["samples_s"]) == 12


@pytest.mark.usefixtures("shared_workers")
def test_a_file_named_on_the_command_line_does_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mymodels.py").write_text(MODULE)
    plugin = ("--plugin", "mymodels.py")
    shape = ("--frames", "4", "--size", "32", "--classes", "5")
    shown = call(monkeypatch, tmp_path, "show", "mean_colour", *shape, "--json", *plugin)
    card = json.loads(shown.stdout)
    assert (card["params"], card["cost"]["macs"]) == (20, 15)
    assert card["input"] == {"frames": 4, "size": 32, "classes": 5}
    measured = ("--dataset", "none", "--protocol", "pointlight", "--measure", "flops", "--json")
    done = call(monkeypatch, tmp_path, "run", "--model", "mean_colour", *measured, *plugin)
    record = json.loads(done.stdout)
    assert record["cost"]["macs"] == 1200 and record["case"]["protocol"]["name"] == "pointlight"


@pytest.mark.usefixtures("shared_workers")
def test_a_file_that_changes_the_folder_changes_it_for_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "wanders.py").write_text("import os\n\nos.chdir('elsewhere')\n")
    (tmp_path / "mymodels.py").write_text(MODULE)
    plugins = ("--plugin", "wanders.py", "--plugin", "mymodels.py")
    measured = ("--dataset", "none", "--protocol", "pointlight", "--measure", "flops", "--json")
    done = call(monkeypatch, tmp_path, "run", "--model", "mean_colour", *measured, *plugins)
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["cost"]["macs"], record["error"]) == (1200, None)
    assert list((tmp_path / "results" / "runs").glob("*.jsonl"))
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_relative_path_is_that_of_the_folder_where_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mymodels.py").write_text(MODULE)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    registry.load_plugin("mymodels.py")
    options = Options(
        data_roots=DataRoots(),
        results=tmp_path,
        plugins=("mymodels.py",),
        timeout_s=1.0,
        memory_limit_bytes=None,
        skip_unreadable=False,
        strict=False,
    )
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert options.plugins == (str(tmp_path / "mymodels.py"),)
    assert registry.plugin_of("mean_colour") == (tmp_path / "mymodels.py").resolve()
