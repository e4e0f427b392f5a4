"""The digest of the code of a network's forward: no two codes share an export."""

import importlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kinobench.bench.network import code_digest
from kinobench.bench.network.code_digest import forward_digest
from kinobench.zoo import registry

from ...fakes.media import REPOSITORY

FORWARD = "return self.backbone(frames_into_channels(clip))"
PLUGIN = """
import mine_in_a_checkout
from torch import nn
from kinobench.zoo.registry import register


@register("net_of_a_checkout")
def build(num_classes: int, frames: int, size: int):
    return mine_in_a_checkout.Net(num_classes)
"""
LIBRARY = """
from torch import nn


class Net(nn.Linear):
    def forward(self, clip):
        return {logits}
"""


def zoo_at(place: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.json")
    shutil.copytree(REPOSITORY / "zoo", place / "zoo", ignore=ignored)
    return place


def test_two_commits_that_differ_in_a_forward_alone_share_no_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("baseline", "candidate", "other"):
        place = zoo_at(tmp_path / name)
        if name == "other":
            file = place / "zoo" / "families" / "early_fusion.py"
            text = file.read_text()
            assert FORWARD in text
            file.write_text(text.replace(FORWARD, f"{FORWARD}.relu()"))
        monkeypatch.setattr(code_digest, "CHECKOUT", place)
        found.append(forward_digest("early_fusion_tiny"))
    assert found[0] is not None and found[0] == found[1] != found[2]


def test_code_of_a_package_in_editable_mode_counts_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    plugin = tmp_path / "plugins" / "net.py"
    plugin.write_text(PLUGIN)
    found = []
    for name, logits in (("a", "clip"), ("b", "clip"), ("c", "clip.relu()")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine_in_a_checkout.py").write_text(LIBRARY.format(logits=logits))
        with monkeypatch.context() as patched:
            patched.syspath_prepend(str(tmp_path / name))
            patched.delitem(sys.modules, "mine_in_a_checkout", raising=False)
            registry.load_plugin(plugin)
            importlib.import_module("mine_in_a_checkout")  # a plug-in runs once
            found.append(forward_digest("net_of_a_checkout"))
            sys.modules.pop("mine_in_a_checkout")
    assert found[0] is not None and found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("model", "library", "counts"),
    [
        ("mvit_tiny", "pytorchvideo", True),  # imported by the module of the family
        ("videomae_tiny", "transformers", True),  # imported when the network is built
        ("c3d_tiny", "transformers", False),
    ],
)
def test_another_version_of_a_library_of_the_network_is_other_code(
    model: str, library: str, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = forward_digest(model)
    version: Callable[[str], str] = code_digest.version
    monkeypatch.setattr(
        code_digest, "version", lambda name: "0.0.1" if name == library else version(name)
    )
    assert (forward_digest(model) != before) == counts
