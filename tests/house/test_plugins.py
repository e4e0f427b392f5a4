"""A third party's network: in a package with an entry point, or in a file named by --plugin."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..fakes.command import call

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

[tool.setuptools]
py-modules = ["colours"]
"""


def kinobench(*arguments: str, cwd: Path, path: Path | None = None) -> str:
    command = [sys.executable, "-c", "from kinobench.bench.cli import main; main()", *arguments]
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package was installed by pip."""
    source, target = tmp_path_factory.mktemp("colours"), tmp_path_factory.mktemp("installed")
    (source / "colours.py").write_text(MODULE)
    (source / "pyproject.toml").write_text(PROJECT)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, timeout=120)
    return target


def check_listed(models: list[dict[str, object]]) -> None:
    (found,) = (model for model in models if model["name"] == "mean_colour")
    # 3 x 8 weights and 8 biases; 8 outputs of 3 multiply-adds.
    assert (found["params"], found["macs"], found["classes"]) == (32, 24, 8)
    assert found["paper"] == "Nobody, Colours, 2026"


def test_an_installed_package_offers_its_network_to_every_command(
    installed: Path, tmp_path: Path
) -> None:
    check_listed(json.loads(kinobench("list", "models", "--json", cwd=tmp_path, path=installed)))
    measured = ("--dataset", "none", "--classes", "5", "--measure", "flops", "--json")
    record = json.loads(
        kinobench("run", "--model", "mean_colour", *measured, cwd=tmp_path, path=installed)
    )
    assert (record["params"], record["cost"]["macs"], record["error"]) == (20, 15, None)


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
    record = json.loads(
        kinobench("run", "--model", "mean_colour", *measured, *plugin, cwd=tmp_path)
    )
    assert record["cost"]["macs"] == 1200 and record["case"]["protocol"]["name"] == "pointlight"
