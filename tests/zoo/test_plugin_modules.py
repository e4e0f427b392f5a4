"""A plug-in imports the files next to it, and takes no name from anything else."""

import importlib
import pickle
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.plugin_modules import PREFIX, files_of

REGISTERS = """
from kinobench.zoo.registry import register

register("{name}")(lambda num_classes, frames, size: {value})
"""


@pytest.fixture(autouse=True)
def _own_modules() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in sys.modules.keys() - before:
        if name.startswith((PREFIX, "mine")):
            del sys.modules[name]


def write(folder: Path, **files: str) -> Path:
    """Write files, `layers__init` as `layers/__init__.py`, and return the folder."""
    for name, text in files.items():
        path = folder / name.replace("__init", "/__init__").replace("__in_", "/")
        path = path.with_name(f"{path.name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def built(name: str) -> object:
    return registry.get(name).build(5, 4, 8)


def test_a_file_and_a_package_next_to_a_plugin_can_be_imported(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        net="import os, mine_blocks, mine_layers.deep\n"
        "import mine_layers.deep as deep\n"
        "from mine_blocks import WIDTH as width\n"
        "from mine_layers import *\n"
        "found = (mine_blocks.WIDTH, mine_layers.DEPTH, mine_layers.deep.KIND, deep.KIND, width, "
        "DEPTH, os.sep)\n" + REGISTERS.format(name="has_neighbours", value="found"),
        mine_blocks="WIDTH = 3\n",
        mine_layers__init="from .deep import KIND\nfrom mine_blocks import WIDTH\n"
        "DEPTH = WIDTH + 1\n",
        mine_layers__in_deep="KIND = 'deep'\n",
    )
    path = list(sys.path)
    registry.load_plugin(folder / "net.py")
    assert built("has_neighbours") == (3, 4, "deep", "deep", 3, 4, "/")
    assert sys.path == path and "mine_blocks" not in sys.modules
    assert not list(folder.rglob("__pycache__"))  # another import would take it for its own


def test_two_plugins_have_a_neighbour_of_the_same_name_each(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(
            tmp_path / name,
            net="from mine_blocks import WHOSE\n\n\n"
            "def late():\n    import mine_late\n    return WHOSE + mine_late.WHOSE\n"
            + REGISTERS.format(name=f"net_of_{name}", value="late()"),
            mine_blocks=f"WHOSE = {name!r}\n",
            mine_late=f"WHOSE = {name!r}\n",
        )
        registry.load_plugin(tmp_path / name / "net.py")
    assert (built("net_of_a"), built("net_of_b")) == ("aa", "bb")


def test_two_plugins_in_one_folder_share_a_neighbour(tmp_path: Path) -> None:
    write(tmp_path, mine_state="seen = []\n")
    for name in ("one", "two"):
        write(
            tmp_path,
            **{
                name: f"import mine_state\nmine_state.seen.append({name!r})\n"
                + REGISTERS.format(name=f"net_{name}", value="mine_state.seen")
            },
        )
        registry.load_plugin(tmp_path / f"{name}.py")
    assert built("net_one") == built("net_two") == ["one", "two"]


def test_a_neighbour_hides_no_library_and_no_module_of_python(tmp_path: Path) -> None:
    write(
        tmp_path,
        types="raise AssertionError\n",
        msgspec="raise AssertionError\n",
        net="import types\nimport msgspec\nfrom msgspec import Struct\n"
        + REGISTERS.format(name="hides_nothing", value="(types, msgspec)"),
    )
    registry.load_plugin(tmp_path / "net.py")
    assert built("hides_nothing") == (types, importlib.import_module("msgspec"))


def test_a_neighbour_that_a_library_hides_is_named_where_that_fails(tmp_path: Path) -> None:
    write(tmp_path, msgspec="class Block: pass\n", net="from msgspec import Block\n")
    with pytest.raises(KinobenchError, match=r"folder of the file has a msgspec too") as raised:
        registry.load_plugin(tmp_path / "net.py")
    assert "(" in str(raised.value) and "net.py, line 1)" in str(raised.value)
    (tmp_path / "net.py").write_text(
        "from .msgspec import Block\n" + REGISTERS.format(name="finds_it", value="Block.__name__")
    )
    registry.load_plugin(tmp_path / "net.py")
    assert built("finds_it") == "Block"


def test_what_python_knows_by_its_name_is_imported_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that is installed in editable mode is one, not two."""
    monkeypatch.syspath_prepend(tmp_path)
    write(
        tmp_path,
        mine_installed__init="class Net: pass\n",
        net="from mine_installed import Net\n" + REGISTERS.format(name="known", value="Net"),
    )
    registry.load_plugin(tmp_path / "net.py")
    assert built("known") is importlib.import_module("mine_installed").Net


def test_what_is_in_the_working_folder_is_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "here", mine_blocks="WHOSE = 'the working folder'\n")
    write(
        tmp_path / "there",
        mine_blocks="WHOSE = 'mine'\n",
        net="from mine_blocks import WHOSE\n" + REGISTERS.format(name="own", value="WHOSE"),
    )
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend("")
    registry.load_plugin(tmp_path / "there" / "net.py")
    assert built("own") == "mine"


def test_a_plugin_in_a_package_may_import_by_dots(tmp_path: Path) -> None:
    write(
        tmp_path,
        mine_pack__init="from .net import build\nSCALE = 2\n",
        mine_pack__in_common="WIDTH = 3\n",
        mine_pack__in_video__init="",
        mine_pack__in_video__in_net="from ..common import WIDTH\nfrom .. import SCALE\n"
        "from mine_pack.common import WIDTH as again\n"
        + REGISTERS.format(name="by_dots", value="(WIDTH, SCALE, again)"),
    )
    (tmp_path / "mine_pack" / "__init__.py").write_text("SCALE = 2\n")
    registry.load_plugin(tmp_path / "mine_pack" / "video" / "net.py")
    assert built("by_dots") == (3, 2, 3)


def test_a_package_that_imports_the_plugin_runs_it_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        mine_pack__init="from .net import build\n",
        mine_pack__in_width="WIDTH = 3\n",
        mine_pack__in_net="from .width import WIDTH\nbuild = None\n"
        + REGISTERS.format(name="runs_once", value="WIDTH"),
    )
    registry.load_plugin(tmp_path / "mine_pack" / "net.py")
    assert built("runs_once") == 3


def test_after_a_failure_nothing_stays_imported_and_the_mended_file_works(tmp_path: Path) -> None:
    write(tmp_path, mine_blocks="raise ValueError('not yet')\n", net="import mine_blocks\n")
    before = set(sys.modules)
    with pytest.raises(KinobenchError, match=r"ValueError: not yet \(.*mine_blocks\.py, line 1\)"):
        registry.load_plugin(tmp_path / "net.py")
    assert not [name for name in sys.modules.keys() - before if name.startswith(PREFIX)]
    write(tmp_path, mine_blocks="", net=REGISTERS.format(name="mended", value="1"))
    registry.load_plugin(tmp_path / "net.py")
    assert built("mended") == 1


def test_a_file_may_have_dots_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "my-net.v2.py").write_text(REGISTERS.format(name="dotted", value="__name__"))
    registry.load_plugin(tmp_path / "my-net.v2.py")
    assert str(built("dotted")).endswith(".my-net_v2")


def test_what_a_plugin_defines_can_be_pickled(tmp_path: Path) -> None:
    write(
        tmp_path,
        mine_blocks="class Block: pass\n",
        net="from mine_blocks import Block\n" + REGISTERS.format(name="pickled", value="Block"),
    )
    registry.load_plugin(tmp_path / "net.py")
    assert pickle.loads(pickle.dumps(built("pickled"))) is built("pickled")


def test_the_checkout_itself_has_no_neighbours() -> None:
    """`import zoo` in a file next to bench.py would be a second, empty registry."""
    from kinobench.zoo import plugin_modules

    assert plugin_modules._neighbour("zoo", plugin_modules._CHECKOUT) is None
    assert plugin_modules._neighbour("tests", plugin_modules._CHECKOUT) is not None


def test_the_files_of_a_plugin_are_those_that_it_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        net="import mine_a.deep\n\ndef build():\n    from mine_b import late\n",
        mine_a__init="from . import side\n",
        mine_a__in_deep="",
        mine_a__in_side="import mine_c\n",
        mine_b__in_late="",
        mine_c="import net\n",
        mine_other="",
    )
    found = [path.relative_to(tmp_path).as_posix() for path in files_of(tmp_path / "net.py")]
    assert found == [
        *("mine_a/__init__.py", "mine_a/deep.py", "mine_a/side.py", "mine_b/late.py"),
        *("mine_c.py", "net.py"),
    ]


def test_a_process_of_a_case_finds_them_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        mine_blocks="WIDTH = 3\n",
        net="from mine_blocks import WIDTH\n" + REGISTERS.format(name="elsewhere", value="WIDTH"),
    )
    code = (
        "import sys; from kinobench.zoo import registry; registry.load_plugin(sys.argv[1]); "
        "print(registry.get('elsewhere').build(5, 4, 8), 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "net.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", timeout=60)
    assert done.stdout.split() == ["3", "False"]
