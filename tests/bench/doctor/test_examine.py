"""The doctor goes on whatever a network does to its process, and its exit code says how it went."""

import json
from pathlib import Path

import pytest

from kinobench.bench.doctor.examine import examine
from kinobench.bench.doctor.finding import Result
from kinobench.bench.doctor.registry import CHECKS
from kinobench.bench.doctor.request import Request
from kinobench.bench.run.fork_server import may_fork

from ...fakes.command import call
from ...fakes.media import FAKES

PLUGIN = FAKES / "ill_networks.py"
NAMES = [check.name for check in CHECKS if not check.asked]


def results_of(model: str, **fields: object) -> dict[str, Result]:
    request = Request(model=model, plugins=(str(PLUGIN),), classes=8, **fields)  # type: ignore[arg-type]
    results = {result.name: result for result in examine(request)}
    assert list(results) == NAMES
    return results


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("ill_diesinabatch", "the process died with signal 11 (SIGSEGV) in check 'eval mode'"),
        pytest.param(
            "ill_exitsinabatch",
            "it ends the process: SystemExit: 3",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_check_that_ends_its_process_is_one_line_and_the_others_go_on(
    model: str, message: str
) -> None:
    results = results_of(model)
    # It dies where the batch is two.
    dead = {name for name, result in results.items() if result.status == "fail"}
    assert {"eval mode", "input", "training"} <= dead
    assert results["eval mode"].message.startswith(message)
    assert results["batch"].message == "not made, because of 'eval mode'"
    assert {results[name].status for name in ("output", "count", "devices")} == {"pass"}


@pytest.mark.slow
@pytest.mark.skipif(not may_fork(), reason="this system's checks are made in one process")
def test_a_check_that_hangs_is_ended(tmp_path: Path) -> None:
    results = results_of("ill_hangsinabatch", timeout_s=4.0)
    assert results["input"].message == "it took more than 4 s"
    assert "--timeout" in results["input"].cure
    assert results["count"].status == "pass"


@pytest.mark.slow
def test_where_the_whole_examination_dies_another_process_goes_on(tmp_path: Path) -> None:
    """As on systems without forks; here the fifth build dies, the one for all further checks."""
    plugin, builds = tmp_path / "dies_once.py", tmp_path / "builds"
    plugin.write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from torch import nn\n"
        "from kinobench.zoo.registry import register\n"
        f"BUILDS = Path({str(builds)!r})\n"
        "@register('dies_once', native=(4, 1, 32))\n"
        "def build(classes, frames, size):\n"
        "    before = BUILDS.read_text() if BUILDS.exists() else ''\n"
        "    BUILDS.write_text(before + '.')\n"
        "    if len(before) == 4:\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    return nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, classes))\n"
    )
    results = list(examine(Request(model="dies_once", plugins=(str(plugin),), classes=8)))
    assert [result.name for result in results] == NAMES
    by_name = {result.name: result for result in results}
    dead = by_name.pop("other inputs")
    assert "signal 11 (SIGSEGV) in check 'other inputs'" in dead.message
    assert {result.status for result in by_name.values()} == {"pass", "skip"}


def test_a_plug_in_that_ends_the_process_at_its_import_is_one_line(tmp_path: Path) -> None:
    plugin = tmp_path / "dies.py"
    plugin.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    (result,) = examine(Request(model="any", plugins=(str(plugin),)))
    assert (result.name, result.status) == ("load", "fail")
    assert "signal 11 (SIGSEGV) in check 'load'" in result.message


def test_the_command_prints_a_line_each_and_its_exit_code_is_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("doctor", "healthy", "--plugin", PLUGIN, "--classes", 8)
    well = call(monkeypatch, tmp_path, *words)
    assert well.exit_code == 0, well.output
    lines = well.stdout.splitlines()
    assert len(lines) == len(NAMES) + 1
    assert [line[6:].startswith(name) for line, name in zip(lines, NAMES, strict=False)]
    assert lines[-1] == "healthy keeps the contract: 15 passed, 3 skipped"
    ill = call(monkeypatch, tmp_path, "doctor", "ill_none", *words[2:], "--json")
    assert ill.exit_code == 1
    found = json.loads(ill.stdout)
    assert [each["name"] for each in found] == NAMES
    assert found[1]["status"] == "fail" and found[1]["cure"] == "does it lack a `return`?"
    assert {each["status"] for each in found[2:]} == {"skip"}


def test_an_unknown_network_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = call(monkeypatch, tmp_path, "doctor", "healthi", "--plugin", PLUGIN)
    assert done.exit_code == 2 and "did you mean 'healthy'?" in done.stderr
