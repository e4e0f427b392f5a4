"""Two versions of a package: what is asked for, and what each side has installed."""

import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.gate import command, interpreter
from kinobench.bench.gate import page as gate_page
from kinobench.bench.gate.counts import Facts, differences
from kinobench.bench.gate.packages import Moved, Wanted, installed_in, two_versions
from kinobench.bench.gate.verdict import Bench, Checked, Terms
from kinobench.bench.records.case import Case
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import made_case
from .test_python import wheel

NETWORK = """
import torch
from torch import nn
from tiny_norm import after
from kinobench.zoo.registry import register


class Mean(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, clip):
        return after(self.head(clip.mean(dim=(2, 3, 4))))


@register("mean_by_tiny_norm")
def build(num_classes: int, frames: int, size: int):
    return Mean(num_classes)
"""
LIBRARY = {
    "1.0": "def after(logits):\n    return logits\n",
    "2.0": "def after(logits):\n    return logits.relu()\n",
}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, which is all that pip finds."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def install_here(wheel_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this Python, and those of environments, find what is in a wheel."""
    place = wheel_file.parent / f"of_{wheel_file.stem}"
    with zipfile.ZipFile(wheel_file) as archive:
        archive.extractall(place)
    monkeypatch.syspath_prepend(str(place))
    folders = interpreter._site_folders()
    monkeypatch.setattr(interpreter, "_site_folders", lambda: [*folders, str(place)])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("torch==2.13.0",), "give two versions of a package"),
        (("torch==2.12", "torch==2.13", "torch==2.14"), "give two versions of a package"),
        (("torch==2.13.0", "openvino==2026.4.0"), "are two packages"),
        (("torch==2.13.0", "Torch == 2.13"), "torch==2.13.0 is given twice"),
        (("torch>=2.13", "torch==2.14"), "torch>=2.13: write NAME==VERSION"),
        (("torch==2.*", "torch==2.14"), "write NAME==VERSION"),
        (("torch", "torch==2.14"), "write NAME==VERSION"),
        (("not a name", "torch==2.14"), "not a name: write NAME==VERSION"),
        (("kinobench==0.1", "kinobench==0.2"), "by --against COMMIT"),
    ],
)
def test_anything_but_two_versions_of_a_package_is_refused_before_all_else(
    given: tuple[str, ...], message: str
) -> None:
    with pytest.raises(KinobenchError) as caught:
        two_versions(given)
    assert message in str(caught.value)
    options = [word for each in given for word in ("--package", each)]
    done = CliRunner().invoke(app, ["check", "--model", "c3d_tiny", *options])
    assert done.exit_code == 2 and "--package" in done.stderr


def test_the_baseline_is_the_version_that_is_given_first() -> None:
    assert two_versions(["Tiny_Norm==1.0", "tiny-norm==2.0"]) == (
        Wanted("tiny-norm", "1.0"),
        Wanted("tiny-norm", "2.0"),
    )


def test_a_package_and_a_commit_are_checks_of_their_own() -> None:
    options = ("--package", "a==1", "--package", "a==2", "--against", "HEAD")
    done = CliRunner().invoke(app, ["check", *options])
    assert done.exit_code == 2 and "--against and --package are checks of their own" in done.stderr


def test_a_side_has_the_version_and_moves_only_what_refuses_it_or_what_it_needs(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(wheels, "tiny-norm", "1.0", "tiny-maths")
    wheel(wheels, "tiny-norm", "2.0", "tiny-maths>=2", "msgspec")
    wheel(wheels, "tiny-maths", "1.0")
    wheel(wheels, "tiny-maths", "2.0")
    wheel(wheels, "tiny-user", "1.0", "tiny-norm<2")
    wheel(wheels, "tiny-user", "1.5", "tiny-norm>=2")
    wheel(wheels, "tiny-other", "1.0", "tiny-maths<2")
    wheel(wheels, "msgspec", "99.0")  # newer than what is here, which is new enough
    for name in ("tiny_norm", "tiny_user", "tiny_other", "tiny_maths"):
        install_here(wheels / f"{name}-1.0-py3-none-any.whl", monkeypatch)
    said: list[str] = []
    _, old = installed_in(Wanted("tiny-norm", "1.0"), tmp_path / "cache", said.append)
    assert (old.version, old.moved, old.unmet, old.remarks) == ("1.0", (), (), ())
    python, new = installed_in(Wanted("tiny-norm", "2.0"), tmp_path / "cache", said.append)
    assert new.version == "2.0" and new.moved == (
        Moved(name="tiny-maths", here="1.0", there="2.0"),
        Moved(name="tiny-user", here="1.0", there="1.5"),
    )
    assert new.remarks == (
        "with tiny-norm 2.0 moved: tiny-maths 2.0 (1.0 here), tiny-user 1.5 (1.0 here)",
        "with tiny-norm 2.0 not met: tiny-other 1.0 requires tiny-maths<2",
    )
    again, _ = installed_in(Wanted("tiny-norm", "2.0"), tmp_path / "cache", said.append)
    assert again == python and "it runs in the environment" in said[-1]
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_version_that_doesnt_exist_is_told_with_those_that_do(
    wheels: Path, tmp_path: Path
) -> None:
    wheel(wheels, "tiny-norm", "1.0")
    wheel(wheels, "tiny-norm", "2.0")
    with pytest.raises(KinobenchError, match=r"tiny-norm==3\.0: .* no such version .* 1\.0, 2\.0$"):
        installed_in(Wanted("tiny-norm", "3.0"), tmp_path / "cache", print)
    with pytest.raises(KinobenchError, match="pip finds no package 'tiny-form'"):
        installed_in(Wanted("tiny-form", "3.0"), tmp_path / "cache", print)


def test_a_side_imports_its_own_version_in_the_network_of_a_plugin(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, code in LIBRARY.items():
        wheel(wheels, "tiny-norm", number)
        file = wheels / f"tiny_norm-{number}-py3-none-any.whl"
        with zipfile.ZipFile(file) as archive:
            kept = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in kept.items():
                archive.writestr(name, code if name == "tiny_norm.py" else content)
    plugin = tmp_path / "plugin.py"
    plugin.write_text(NETWORK)
    monkeypatch.setattr(command, "cache_folder", lambda: tmp_path / "cache")
    counted: list[tuple[Facts, Facts]] = []

    def count(cases: list[Case], bench: Bench, terms: Terms, log: Any, on_result: Any) -> None:
        assert terms.allow_exact
        counted.append(bench.facts(cases[0]))
        found = Checked(case=cases[0], verdict="pass", exact=differences(*counted[0]))
        on_result(found, True)

    monkeypatch.setattr(command, "check", count)
    cases = [made_case("mean_by_tiny_norm", dataset=None, split=None)]
    given = ["tiny-norm==1.0", "tiny-norm==2.0"]
    report = command.between_versions(cases, given, [plugin], Terms(), print)
    assert report.title == "tiny-norm==2.0 against tiny-norm==1.0."
    assert [str(each) for each in report.checked[0].exact] == [
        "calls of aten.relu.default: 0 -> 1",
        "kernel launches: 2 -> 3",
        "bytes of all outputs: 44 -> 76",
    ]
    assert [each.version for each in report.packages] == ["1.0", "2.0"]
    assert f"torch {version('torch')}" in gate_page.origin(report)[0]
    assert gate_page.plain(report)["packages"][1]["version"] == "2.0"
