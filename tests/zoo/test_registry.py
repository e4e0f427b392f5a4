"""Names are found without torch, taken once, and open to third parties."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.zoo import registry

PLUGIN = """
from kinobench.zoo.registry import register
from torch import nn

@register("{name}", family="pooling", paper="none")
def build(num_classes, frames, size):
    return nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, num_classes))
"""


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_architectures", dict(registry._architectures))
    monkeypatch.setattr(registry, "_plugins", set(registry._plugins))


def test_the_names_are_listed_in_order_and_hold_every_family():
    names = registry.names()
    assert names == sorted(names)
    assert {"c3d", "slowfast_r50", "single_frame_tiny"} <= set(names)


def test_listing_and_checking_names_imports_no_torch():
    code = (
        "import sys; from kinobench.zoo import registry; registry.names(); registry.check('c3d'); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_family_can_be_imported_by_itself():
    code = (
        "from kinobench.zoo.families.c3d import C3D; from kinobench.zoo import registry; "
        "assert isinstance(registry.get('c3d_tiny').build(2, 16, 16), C3D)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean 'slowfast_r50'"):
        registry.get("slowfast-r50")


def test_a_name_is_registered_once():
    @registry.register("mine")
    def build(num_classes, frames, size):
        raise NotImplementedError

    assert registry.get("mine").build is build
    with pytest.raises(KinobenchError, match="'mine' is taken"):
        registry.register("mine")(build)


def test_a_built_in_name_is_taken_before_its_family_is_loaded(monkeypatch):
    monkeypatch.setattr(registry, "_architectures", {})
    with pytest.raises(KinobenchError, match="'c3d' is taken"):
        registry.register("c3d", family="c3d")(lambda num_classes, frames, size: None)


@pytest.mark.parametrize("name", ["C3D", "my net", ""])
def test_a_name_is_lower_case_without_blanks(name):
    with pytest.raises(KinobenchError, match="lower case"):
        registry.register(name)(lambda num_classes, frames, size: None)


@pytest.mark.parametrize(
    "name",
    [
        *("../../x", "/x", "a\\b", "..", ".hidden", "-x", "_x", "a:b", "a*", "[x](y)"),
        *("x\x1b[2j", "x\u202ey", "x\0y", "<b>", "a|b", "x" + chr(0xE0041)),
    ],
)
def test_a_name_has_no_character_that_a_file_name_or_a_terminal_takes_for_its_own(name):
    with pytest.raises(KinobenchError, match=r"letters, digits, '_', '-', '\.' and '\+' alone"):
        registry.register(name)(lambda num_classes, frames, size: None)
    assert name not in registry.names()


@pytest.mark.parametrize("name", ["x3d_m+2.5-b", "3d", "modèle", "名"])
def test_letters_digits_and_four_signs_make_a_name(name):
    registry.register(name)(lambda num_classes, frames, size: None)
    assert name in registry.names()


def test_a_plugin_file_registers_what_it_defines_and_is_run_once(tmp_path):
    file = tmp_path / "pooling.py"
    file.write_text(PLUGIN.format(name="mean_colour"))
    registry.load_plugin(file)
    registry.load_plugin(file)
    assert "mean_colour" in registry.names()
    assert registry.get("mean_colour").family == "pooling"
    assert registry.get("mean_colour").build(7, 16, 64)[-1].out_features == 7


def test_a_plugin_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(KinobenchError, match=r"nowhere\.py: no such file"):
        registry.load_plugin(tmp_path / "nowhere.py")


def test_a_plugin_file_that_is_no_python_is_named(tmp_path):
    file = tmp_path / "network.txt"
    file.write_text("not Python")
    with pytest.raises(KinobenchError, match=r"its name must end in \.py"):
        registry.load_plugin(file)


def test_a_plugin_that_fails_is_named_with_its_error(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("import a_module_that_is_nowhere")
    with pytest.raises(KinobenchError, match=r"broken\.py failed: ModuleNotFoundError"):
        registry.load_plugin(file)


def test_a_plugin_cannot_take_a_built_in_name(tmp_path):
    file = tmp_path / "thief.py"
    file.write_text(PLUGIN.format(name="x3d_m"))
    with pytest.raises(KinobenchError, match="'x3d_m' is taken"):
        registry.load_plugin(file)


def test_an_installed_distribution_offers_networks_by_entry_point(tmp_path, monkeypatch):
    (tmp_path / "kinobench_pooling_networks.py").write_text(PLUGIN.format(name="mean_colour_too"))
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("pooling", "kinobench_pooling_networks", "kinobench.zoo")
    monkeypatch.setattr(
        registry, "entry_points", lambda group: [point] if group == "kinobench.zoo" else []
    )
    assert "mean_colour_too" in registry.names()
    assert registry.get("mean_colour_too").build(3, 16, 64)[-1].out_features == 3


def test_a_plugin_may_have_data_classes_and_strings_for_annotations(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_architectures", dict(registry._architectures))
    monkeypatch.setattr(registry, "_plugins", set())
    (tmp_path / "modern.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from torch import nn\n"
        "from kinobench.zoo.registry import register\n"
        "@dataclass\n"
        "class Options:\n"
        "    width: int = 3\n"
        "@register('modern')\n"
        "def build(num_classes: int, frames: int, size: int) -> nn.Module:\n"
        "    return nn.Linear(Options().width, num_classes)\n"
    )
    registry.load_plugin(tmp_path / "modern.py")
    assert registry.get("modern").build(4, 16, 64).out_features == 4


def test_a_plugin_that_fails_registers_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", set())
    file = tmp_path / "half.py"
    file.write_text(
        "from kinobench.zoo.registry import register\n"
        "register('half_done')(lambda classes, frames, size: None)\n"
        "raise ValueError('no more')\n"
    )
    for _ in range(2):  # and is not taken for loaded
        with pytest.raises(KinobenchError, match=r"half.py failed: ValueError: no more"):
            registry.load_plugin(file)
    assert "half_done" not in registry.names()


def test_a_head_on_a_network_of_a_plugin_is_of_the_plugin_s_file(tmp_path):
    file = tmp_path / "pooling.py"
    file.write_text(PLUGIN.format(name="mean_colour"))
    registry.load_plugin(file)
    registry.check("windows_on_mean_colour")
    assert registry.plugin_of("windows_on_mean_colour") == file
    assert not registry.known_everywhere("windows_on_mean_colour")
    assert registry.plugin_of("windows_on_c3d") is None
    assert registry.known_everywhere("windows_on_c3d")
