"""The Python of the gate's baseline: this one where that will do, and else one that differs in what
must differ alone."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from kinobench.bench.gate import interpreter as gate_python
from kinobench.bench.gate import sides as gate_sides
from kinobench.bench.gate.sides import Code
from kinobench.bench.machine.environment import UnfitEnvironmentError

from ...fakes.media import REPOSITORY

LACKING = "kinobench-has-no-such-dependency"


def pyproject(folder: Path, *dependencies: str) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        f"[project]\ndependencies = {json.dumps(dependencies)}\n"
    )
    return folder


def wheel(folder: Path, name: str, number: str, *requires: str) -> None:
    """Make a wheel of one module, that has nothing but its version."""
    module = name.replace("-", "_")
    info = f"{module}-{number}.dist-info"
    lines = [f"Requires-Dist: {each}\n" for each in requires]
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n" + "".join(lines)
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{module}-{number}-py3-none-any.whl", "w") as file:
        file.writestr(f"{module}.py", f"NUMBER = {number!r}\n")
        file.writestr(f"{info}/METADATA", about)
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        file.writestr(f"{info}/RECORD", "")


@pytest.mark.parametrize(
    "needed",
    [
        ("torch", "numpy"),  # the candidate's
        ("msgspec>=0.1", 'no-such-thing>=1; python_version < "3"'),  # as good as installed
        ("kinobench>=99",),  # which runs already
        (),
        None,
    ],
)
def test_a_baseline_whose_needs_are_met_here_shares_this_python(
    tmp_path: Path, needed: tuple[str, ...] | None
) -> None:
    candidate = pyproject(tmp_path / "candidate", "numpy", "torch", "pandas", LACKING)
    if needed is None:
        (tmp_path / "baseline").mkdir()
    else:
        pyproject(tmp_path / "baseline", *needed)
    found = gate_python.interpreter(
        tmp_path / "baseline", candidate, tmp_path / "cache", print, (LACKING,)
    )
    assert found == sys.executable and not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("msgspec", True),
        ("msgspec>=0.21", True),
        ("MsgSpec >= 0.21, < 99", True),
        ("msgspec>=99", False),
        (f"{LACKING}", False),
        (f"{LACKING}; sys_platform == 'none'", True),
        ("msgspec @ https://example.org/msgspec.whl", False),
        ("msgspec>>1", False),
    ],
)
def test_a_requirement_is_met_by_what_is_installed(text: str, met: bool) -> None:
    assert gate_python.is_met(text) == met


def test_what_an_extra_brings_must_be_installed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requires = ("msgspec", f"{LACKING}; extra == 'more'", "numpy; extra == 'some'")
    wheel(tmp_path, "made-up", "1.0", *requires)
    monkeypatch.syspath_prepend(str(tmp_path / "made_up-1.0-py3-none-any.whl"))
    assert gate_python.is_met("made-up") and gate_python.is_met("made-up[some]")
    assert not gate_python.is_met("made-up[more]")


def test_a_requirement_of_a_revision_is_met_by_that_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {
        "url": "https://example.org/it",
        "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "0" * 40},
    }
    wheel(tmp_path, "made-up", "1.0")
    file = tmp_path / "made_up-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("made_up-1.0.dist-info/direct_url.json", json.dumps(source))
    monkeypatch.syspath_prepend(str(file))
    assert gate_python.is_met("made-up @ git+https://example.org/it@v1")
    assert not gate_python.is_met("made-up @ git+https://example.org/it@v2")


def test_an_environment_differs_from_this_one_in_what_the_baseline_needs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path / "wheels", LACKING, "1.0")
    wheel(tmp_path / "wheels", LACKING, "2.0")
    wheel(tmp_path / "wheels", "msgspec", "99.0")  # newer than what is here
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    baseline = pyproject(tmp_path / "baseline", f"{LACKING}<2", "msgspec>=0.21")
    candidate = pyproject(tmp_path / "candidate", "msgspec>=0.21")
    cache, said = tmp_path / "cache", list[str]()
    python = gate_python.interpreter(baseline, candidate, cache, said.append, ("numpy>=1",))
    assert python != sys.executable and f"needs {LACKING}<2" in said[0]
    code = (
        f"import {LACKING.replace('-', '_')} as it, msgspec, numpy; from importlib.metadata import "
        "version; print(it.NUMBER, version('msgspec'), msgspec.__file__, numpy.__file__)"
    )
    environment = {name: own for name, own in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run([python, "-c", code], capture_output=True, text=True, env=environment)
    import msgspec
    import numpy

    here = ["1.0", version("msgspec"), msgspec.__file__, numpy.__file__]
    assert told.stdout.split() == here, told.stderr
    (place,) = cache.iterdir()
    assert f"msgspec=={version('msgspec')}\n" in (place / "constraints.txt").read_text()
    assert gate_python.interpreter(baseline, candidate, cache, said.append, ("numpy>=1",)) == python
    assert "it runs in the environment" in said[1] and len(list(cache.iterdir())) == 1


def test_needs_that_cant_be_installed_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    one = pyproject(tmp_path / "one", f"{LACKING}>=9")
    other = pyproject(tmp_path / "other", "torch")
    said: list[str] = []
    with pytest.raises(UnfitEnvironmentError, match=f"needs {LACKING}>=9"):
        gate_python.interpreter(one, other, tmp_path / "cache", said.append)
    assert "which this Python doesn't have" in said[0]


def test_this_checkouts_dependencies_are_read() -> None:
    found = gate_python.needs_of_kinobench(REPOSITORY)
    assert "torch>=2.11" in found and all(map(gate_python.is_met, found))


def test_another_python_gets_of_the_path_what_lies_in_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    path = os.pathsep.join([str(tmp_path / "else"), str(repository / "lib"), str(repository)])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    code = Code(name="it", root="", repository=str(repository), tree="")
    assert gate_sides.environment_of(code, 2)["PYTHONPATH"] == path
    other = gate_sides.environment_of(Code(name="it", root="", python="/other/python"), 2)
    assert "PYTHONPATH" not in other and "PYTHONHOME" not in other
    assert other["OMP_NUM_THREADS"] == "2"
    other = gate_sides.environment_of(
        Code(name="it", root="", python="/other/python", repository=str(repository), tree=""), 2
    )
    assert other["PYTHONPATH"] == os.pathsep.join([str(repository / "lib"), str(repository)])
