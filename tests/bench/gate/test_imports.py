"""What a side of the gate imports: its own version of a plugin's repository, and no other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinobench.bench.gate import command as gate_command
from kinobench.bench.gate.sides import Code, Side
from kinobench.bench.machine.environment import UnfitEnvironmentError

from ...fakes.media import REPOSITORY
from .test_baseline import git

PROGRAM = """
import importlib, importlib.util, json, sys
file, repository, tree, root, prelude, names = sys.argv[1:]
spec = importlib.util.spec_from_file_location("side_imports", file)
side_imports = importlib.util.module_from_spec(spec)
spec.loader.exec_module(side_imports)
exec(prelude)
side = side_imports.Tree(repository, tree, root)
side.lead()
found = {}
for name in json.loads(names):
    try:
        found[name] = getattr(importlib.import_module(name), "HERE", "no word")
    except ImportError as error:
        found[name] = str(error)
try:
    side.refuse_strays()
except side_imports.StrayModuleError as error:
    found["stray"] = str(error)
print(json.dumps(found))
"""
EDITABLE = """
from importlib.util import spec_from_file_location
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "odd":
            return spec_from_file_location(name, repository + "/lib/__init__.py")
        if name == "fresh":
            return spec_from_file_location(name, repository + "/new/fresh.py")
sys.meta_path.insert(0, Finder)
"""
"""A finder of an editable installation that comes before Python's own."""


def write(file: Path, here: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"HERE = {here!r}\n")


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Path, Path]:
    """The working tree of a repository, and a worktree of its baseline."""
    candidate, baseline = tmp_path / "candidate", tmp_path / "baseline"
    for place in (candidate, baseline):
        for name in ("pack/__init__.py", "pack/part.py", "src/inner.py", "lib/__init__.py"):
            write(place / name, place.name)
        write(place / "lib/part.py", place.name)
        write(place / "spaces/part.py", place.name)  # a package without an __init__.py
    write(candidate / "new" / "fresh.py", "candidate")
    return candidate, baseline


def imported(
    candidate: Path, tree: Path, *names: str, prelude: str = "", path: tuple[Path, ...] = ()
) -> dict[str, str]:
    arguments = [
        str(REPOSITORY / "bench" / "gate" / "side_imports.py"),
        *(str(candidate), str(tree), str(REPOSITORY), prelude, json.dumps(names)),
    ]
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_version_has_its_own_packages_whatever_the_path_says(
    versions: tuple[Path, Path],
) -> None:
    names = ("pack", "pack.part", "inner", "spaces.part")
    path = (versions[0], versions[0] / "src")
    for tree in versions:
        found = imported(versions[0], tree, *names, path=path)
        assert found == dict.fromkeys(names, tree.name)


def test_each_version_has_its_own_packages_though_a_copy_is_installed(
    versions: tuple[Path, Path], tmp_path: Path
) -> None:
    for name in ("pack/__init__.py", "inner.py", "spaces/part.py"):
        write(tmp_path / "installed" / name, "a copy")
    names = ("pack", "inner", "spaces.part")
    for tree in versions:
        found = imported(versions[0], tree, *names, path=(tmp_path / "installed",))
        assert found == dict.fromkeys(names, tree.name)


def test_an_editable_finder_before_pythons_own_leads_to_the_baselines_files(
    versions: tuple[Path, Path],
) -> None:
    found = imported(*versions, "odd", "odd.part", "fresh", prelude=EDITABLE)
    assert found == {
        "odd": "baseline",
        "odd.part": "baseline",
        "fresh": "No module named 'fresh': the commit has no new/fresh.py, which the candidate has",
    }
    assert imported(versions[0], versions[0], "odd", "fresh", prelude=EDITABLE) == {
        "odd": "candidate",
        "fresh": "candidate",
    }


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_link_to_the_candidates_package_leads_to_the_baselines(
    versions: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "odd").symlink_to(versions[0] / "lib")
    (tmp_path / "links" / "space").symlink_to(versions[0] / "spaces")
    found = imported(*versions, "odd.part", "space.part", path=(tmp_path / "links",))
    assert found == {"odd.part": "baseline", "space.part": "baseline"}


def test_what_lies_in_a_repository_hides_neither_pythons_modules_nor_what_is_optional(
    versions: tuple[Path, Path],
) -> None:
    for tree in versions:
        write(tree / "colorsys.py", "hides Python's own")
        (tree / "wandb_runs").mkdir()
        found = imported(versions[0], tree, "colorsys", "wandb_runs")
        assert found == {"colorsys": "no word", "wandb_runs": "No module named 'wandb_runs'"}


def test_an_environment_below_the_repository_serves_both_versions(
    versions: tuple[Path, Path],
) -> None:
    environment = versions[0] / ".venv" / "lib" / "python3" / "site-packages"
    write(environment / "library.py", "installed")
    for tree in versions:
        found = imported(versions[0], tree, "library", path=(environment,))
        assert found == {"library": "installed"}


def test_a_baseline_that_has_imported_a_file_of_the_candidate_is_refused(
    versions: tuple[Path, Path],
) -> None:
    prelude = "sys.path.insert(0, repository); import pack; sys.path.pop(0)"
    found = imported(*versions, prelude=prelude)
    assert found["stray"].startswith("pack was imported from ")
    assert str(versions[0] / "pack") in found["stray"] and "PYTHONPATH" in found["stray"]
    assert imported(versions[0], versions[0], prelude=prelude) == {}


def test_a_side_that_is_no_version_of_its_own_is_unfit() -> None:
    side = Side.__new__(Side)
    side.code = Code(name="the baseline", root="")
    with pytest.raises(UnfitEnvironmentError, match="the baseline: pack was imported"):
        side._plain(b'{"error": "pack was imported", "missing": false, "unfit": true}')


def test_kinobench_below_a_plugins_repository_is_the_same_for_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path.resolve() / "theirs"
    repository.mkdir()
    git(repository, "init", "-q")
    installed = repository / ".venv" / "lib" / "python3" / "site-packages" / "kinobench"
    installed.mkdir(parents=True)
    monkeypatch.setattr(gate_command, "CHECKOUT", installed)
    plugin = repository / "mymodels.py"
    assert gate_command._repository([plugin]) == repository
    place = tmp_path / "place"
    baseline = gate_command._baseline("it", repository, place, [plugin], sys.executable)
    candidate = gate_command._candidate([plugin])
    assert baseline.root == candidate.root == str(installed)
    assert baseline.plugins == (str(place / "mymodels.py"),)
    assert (baseline.repository, baseline.tree) == (str(repository), str(place))
    assert candidate.repository == candidate.tree == str(repository)


def test_a_plugin_beside_kinobench_is_compared_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path.resolve() / "kinobench"
    checkout.mkdir()
    git(checkout, "init", "-q")
    monkeypatch.setattr(gate_command, "CHECKOUT", checkout)
    plugin = checkout / "mymodels.py"
    assert gate_command._repository([plugin]) == checkout
    baseline = gate_command._baseline("it", checkout, tmp_path / "place", [plugin], sys.executable)
    assert baseline.root == baseline.tree == str(tmp_path / "place")


LOADS = """
spec = importlib.machinery.ModuleSpec("kinobench", None, is_package=True)
spec.submodule_search_locations = [root]
sys.modules["kinobench"] = importlib.util.module_from_spec(spec)
import pathlib
from kinobench.zoo import registry
class Loads:
    @property
    def HERE(self):
        registry.load_plugin(pathlib.Path(tree, "nets", "net.py"))
        return registry.get("near").build(5, 4, 8)
sys.modules["loads"] = Loads()
"""
"""A module whose word is what a plug-in's network says, loaded once the imports are replaced."""


def test_each_version_of_a_plugin_imports_the_files_next_to_it(
    versions: tuple[Path, Path],
) -> None:
    for tree in versions:
        write(tree / "nets" / "blocks.py", tree.name)
        (tree / "nets" / "net.py").write_text(
            "from blocks import HERE\nfrom kinobench.zoo.registry import register\n\n\n"
            "register('near')(lambda num_classes, frames, size: HERE)\n"
        )
    for tree in versions:
        # The candidate's folder is on the path, as PYTHONPATH may have it.
        for path in ((), (versions[0] / "nets",)):
            found = imported(versions[0], tree, "loads", prelude=LOADS, path=path)
            assert found == {"loads": tree.name}
