"""Plug-ins that went wrong in other people's hands, where the checkout has them next to it."""

import json
from pathlib import Path

import pytest

from kinobench.datasets import catalog

from ..fakes.command import call
from ..fakes.media import SHARED

ODD = SHARED / "odd_models"

pytestmark = pytest.mark.skipif(not ODD.is_dir(), reason=f"there is no {ODD}")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("names.py", "architecture '../../escape': a name begins with a letter or a digit"),
        ("native_pair.py", "architecture 'n_native': native is (16, 64); give (frames, stride, "),
    ],
)
def test_what_is_registered_wrongly_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, message: str
) -> None:
    done = call(monkeypatch, tmp_path, "list", "models", "--plugin", ODD / file)
    assert done.exit_code == 2
    assert message in done.stderr and f"{file}, line 8)" in done.stderr


def test_the_rest_of_the_names_work_and_the_bare_decorator_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (ODD / "names.py").read_text().replace('"../../escape", ', "")
    (tmp_path / "names.py").write_text(source)
    done = call(monkeypatch, tmp_path, "list", "models", "--plugin", "names.py")
    assert done.exit_code == 2
    assert "register was given bare_decorator, and no name: write @register(" in done.stderr
    (tmp_path / "rest.py").write_text(source[: source.index("@register")])
    shown = call(monkeypatch, tmp_path, "show", "mcg-nju/videomae", "--plugin", "rest.py", "--json")
    assert json.loads(shown.stdout)["params"] == 48 * 400 + 400


def test_the_files_next_to_a_plugin_are_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = ("--plugin", ODD / "sibling" / "sibling.py")
    shape = ("--frames", 16, "--size", 64, "--classes", 5)
    done = call(monkeypatch, tmp_path, "show", "g_sibling", *shape, *plugin, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["params"] == 48 * 5 + 5


def test_a_builder_that_lacks_its_file_says_so_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = ("--plugin", ODD / "config_file" / "net.py")
    done = call(monkeypatch, tmp_path, "show", "g_cwd", *plugin)
    assert done.exit_code == 2
    assert "kinobench: FileNotFoundError: [Errno 2] No such file or directory: 'config.json' (" in (
        done.stderr
    )
    assert "net.py, line 14); --debug shows its traceback" in done.stderr


def test_a_dataset_of_a_plugin_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_registered", {})
    done = call(monkeypatch, tmp_path, "list", "datasets", "--plugin", ODD / "mini.py", "--json")
    assert "mini" in {each["name"] for each in json.loads(done.stdout)}
