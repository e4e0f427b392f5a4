"""`check` as a user runs it: a small repository made of this checkout, and commits that matter."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from kinobench.bench.records import gate_verdicts

from ...fakes.command import call
from ...fakes.media import REPOSITORY
from .test_baseline import git, nothing_is_left

BENCH = str(REPOSITORY / "bench.py")
MODEL = "early_fusion_tiny"
FORWARD = "        return self.backbone(frames_into_channels(clip))\n"
SLOWER = """\
        import time

        begin = time.process_time()
        logits = self.backbone(frames_into_channels(clip))
        end = begin + {factor} * (time.process_time() - begin)
        while time.process_time() < end:
            pass
        return logits
"""
"""The same operators, and then some more of the processor's time."""
LAYER = """\
        logits = self.backbone(frames_into_channels(clip))
        return logits + torch.nn.functional.relu(logits)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone, with what is not committed here as a commit; temporary folders lie beside it."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    place = tmp_path / "clone"
    if not (REPOSITORY / ".git").exists():
        pytest.skip("the tests don't run in a git checkout")
    git(tmp_path, "clone", "-q", "--shared", str(REPOSITORY), str(place))
    for layer in ("bench", "zoo", "datasets"):
        here = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / layer, place / layer, dirs_exist_ok=True, ignore=here)
    git(place, "add", "-A")
    git(place, "commit", "-q", "--allow-empty", "-m", "As it lies there")
    return place.resolve()


def commit_forward(checkout: Path, code: str) -> None:
    file = checkout / "zoo" / "families" / "early_fusion.py"
    before = file.read_text()
    assert FORWARD in before
    file.write_text(before.replace(FORWARD, code))
    git(checkout, "commit", "-qam", "Change the forward")


def command(checkout: Path, *arguments: str) -> list[str]:
    results = ("--results", str(results_of(checkout)))
    return [
        *(sys.executable, str(checkout / "bench.py"), "check", "--model", MODEL),
        *(*results, *arguments),
    ]


def results_of(checkout: Path) -> Path:
    return checkout.parent / "results"


def timed(checkout: Path, *arguments: str) -> dict:
    """Return what a check with timing says; on a machine too busy for an answer that is the end."""
    done = run(checkout, "--max-seconds", "240", *arguments)
    assert done.returncode in (0, 1, 3), done.stderr
    (checked,) = json.loads(done.stdout)["checked"]
    if done.returncode == 3:
        pytest.skip(f"this machine is too busy for an answer: {checked['reason']}")
    assert done.returncode == (checked["verdict"] == "fail")
    return checked


def run(
    checkout: Path, *arguments: str, against: str = "HEAD~1"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(checkout, "--against", against, "--json", *arguments),
        capture_output=True,
        text=True,
        timeout=900,
    )


FLAT = "82121d6"
"""A commit whose bench/ was one flat folder: its classes are in other modules."""


@pytest.mark.parametrize("against", [pytest.param("HEAD~1", marks=pytest.mark.slow), FLAT])
def test_a_commit_that_adds_a_layer_is_caught_without_any_timing(
    checkout: Path, against: str
) -> None:
    if against == FLAT and not _has(checkout, FLAT):
        pytest.skip(f"a shallow clone: it lacks {FLAT}")
    commit_forward(checkout, LAYER)
    done = run(checkout, "--comment", str(checkout.parent / "comment.md"), against=against)
    assert done.returncode == 1, done.stderr
    (checked,) = json.loads(done.stdout)["checked"]
    assert checked["verdict"] == "fail" and checked["first"] is None
    assert {each["what"] for each in checked["exact"] if each["decisive"]} == {
        "calls of aten.relu.default",
        "calls of aten.add.Tensor",
        "kernel launches",
    }
    assert "the network has changed" in (checkout.parent / "comment.md").read_text()
    (line,) = (results_of(checkout) / gate_verdicts.FILE).read_bytes().splitlines()
    stored = gate_verdicts.from_json(line)
    assert (stored.verdict, stored.against, stored.wall) == ("fail", "commit", None)
    assert "kernel launches" in " ".join(stored.differences)
    assert stored.candidate == git(checkout, "rev-parse", "--short", "HEAD")
    assert stored.baseline == git(checkout, "rev-parse", against)
    assert nothing_is_left(checkout, 1.0)


def test_sides_in_a_runtime_are_exported_each_from_its_own_code(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setenv("KINOBENCH_CACHE", str(checkout.parent / "cache"))
    commit_forward(checkout, LAYER)
    done = run(checkout, "--runtime", "openvino")
    assert done.returncode == 1, done.stderr
    (checked,) = json.loads(done.stdout)["checked"]
    assert checked["verdict"] == "fail" and checked["first"] is None
    assert checked["case"]["runtime"] == "openvino"
    decisive = [each for each in checked["exact"] if each["decisive"]]
    assert decisive and all(each["what"].startswith("nodes ") for each in decisive)
    exports = list((checkout.parent / "cache" / "exports").glob("*/model.xml"))
    assert len(exports) == 2


def _has(checkout: Path, commit: str) -> bool:
    found = subprocess.run(["git", "-C", str(checkout), "cat-file", "-e", f"{commit}^{{commit}}"])
    return found.returncode == 0


PLUGIN = """\
from kinobench.zoo.registry import register
from mynets.net import Net

register("my_net")(lambda num_classes, frames, size: Net(num_classes))
"""
NET = """\
import torch


class Net(torch.nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = torch.nn.Linear(3, num_classes)

    def forward(self, clip):
        return {logits}
"""


def test_the_package_that_a_plugin_imports_is_compared_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "theirs"
    (place / "mynets").mkdir(parents=True)
    git(tmp_path, "init", "-q", str(place))
    for logits in ("self.head(clip.mean((2, 3, 4)))", "self.head(clip.mean((2, 3, 4))).relu()"):
        (place / "mymodels.py").write_text(PLUGIN)
        (place / "mynets" / "net.py").write_text(NET.format(logits=logits))
        git(place, "add", "-A")
        git(place, "commit", "-qm", logits)
    monkeypatch.setenv("PYTHONPATH", str(place))
    plugin = ("--plugin", str(place / "mymodels.py"), "--model", "my_net", "--against", "HEAD~1")
    done = subprocess.run(
        [sys.executable, BENCH, "check", *plugin, "--json", "--no-store"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 1, done.stderr
    (checked,) = json.loads(done.stdout)["checked"]
    assert [each["what"] for each in checked["exact"] if each["decisive"]] == [
        "calls of aten.relu.default",
        "kernel launches",
    ]
    assert nothing_is_left(place, 1.0)


@pytest.mark.slow
def test_a_commit_that_slows_a_network_by_5_percent_is_caught(checkout: Path) -> None:
    commit_forward(checkout, SLOWER.format(factor=1.05))
    checked = timed(checkout, "--budget", "1.5%")
    assert checked["verdict"] == "fail" and checked["exact"] == []
    assert len(checked["second"]["pairs"]) >= 3  # confirmed
    assert nothing_is_left(checkout, 1.0)


@pytest.mark.slow
def test_a_commit_that_changes_nothing_of_the_speed_is_passed(checkout: Path) -> None:
    commit_forward(checkout, f"        # The first convolution sees all frames.\n{FORWARD}")
    checked = timed(checkout)
    assert checked["verdict"] == "pass" and len(checked["first"]["pairs"]) >= 3


def is_side(process: psutil.Process) -> bool:
    """Return whether a process is a side of a check; one that has just ended is none."""
    try:
        return "side.py" in str(process.cmdline())
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    "cause",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL],
)
def test_a_check_that_is_ended_leaves_no_worktree_and_no_process(
    checkout: Path, cause: signal.Signals
) -> None:
    check = subprocess.Popen(
        command(checkout, "--against", "HEAD"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A shell lets what it runs in the background ignore Ctrl-C, and so do these tests then.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    started = psutil.Process(check.pid)
    end = time.monotonic() + 60
    sides: list[psutil.Process] = []
    while len(sides) < 2 and time.monotonic() < end:
        sides = [each for each in started.children(recursive=True) if is_side(each)]
        time.sleep(0.05)
    assert len(sides) == 2
    check.send_signal(cause)
    assert check.wait(timeout=60) == (130 if cause != signal.SIGKILL else -signal.SIGKILL)
    assert check.stdout is not None
    check.stdout.close()
    assert nothing_is_left(checkout)
    _, alive = psutil.wait_procs(sides, timeout=60)
    assert alive == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "no-such-ref"], "--against no-such-ref"),
        (
            ["--against", "missing.json"],
            "missing.json: there is no such file or folder; --update creates",
        ),
        (["--update"], "--against times.json"),
        (["--against", "runs.jsonl", "--update"], "which only `python bench.py run` writes"),
        (["--budget", "3"], "--budget 3"),
        (["--inject", "2%"], "within the budget"),
        (["--aa", "--inject", "5%"], "--aa and --inject"),
        (["--model", "no_such_model"], "no_such_model"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, REPOSITORY, "check", *arguments)
    assert done.exit_code == 2 and said in done.stderr, done.stderr
