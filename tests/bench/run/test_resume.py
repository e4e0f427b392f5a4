"""Runs that take what is stored: killed, run again, and changed in between."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from click.testing import Result

from kinobench.bench.records.record import Record, from_json
from kinobench.bench.records.store import RunFile
from kinobench.bench.run import run as running

from ...fakes.command import call
from ...fakes.media import FAKES, REPOSITORY
from ...fakes.trees import make_ucf101

MODELS = FAKES / "misbehaving_models.py"
BENCH = [sys.executable, str(REPOSITORY / "bench.py")]

PLUGIN = """
import time
from pathlib import Path
import torch
from kinobench.zoo.registry import register

class Net(torch.nn.Module):
    def __init__(self, num_classes, gate):
        super().__init__()
        self.head, self.gate = torch.nn.Linear(3, num_classes), gate

    def forward(self, clip):
        while self.gate and Path(self.gate).exists():
            Path("waits.begun").touch()
            time.sleep(0.05)
        return self.head(clip.mean((2, 3, 4)))

register("net_tiny")(lambda num_classes, frames, size: Net(num_classes, None))
register("net_that_waits")(lambda num_classes, frames, size: Net(num_classes, "gate"))
"""
SUITE = """
models = ["net_tiny", "net_that_waits"]
dataset = "none"
protocol = "pointlight"
classes = 8
measure = ["memory", "latency"]
threads = 1
[latency]
processes = 1
min_s = 0.05
max_s = 0.1
warmup_max_s = 0.05
"""


def stored(results: Path) -> list[Record]:
    # Names of runs within one second have no order.
    paths = sorted((results / "runs").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return [from_json(line) for path in paths for line in path.read_text().splitlines()]


def on_terminal(command: list[str], cwd: Path, width: int) -> tuple[int, str]:
    """Run a command on a terminal; return its exit code, and its text without escape sequences."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    left_out = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    variables = {name: value for name, value in os.environ.items() if name not in left_out}
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=variables | {"TERM": "xterm"},
    )
    os.close(theirs)
    content = b""
    try:
        while part := os.read(ours, 65536):
            content += part
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    return process.wait(timeout=60), re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", content.decode())


def test_a_run_that_was_killed_goes_on_and_shows_all_cases(tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(SUITE)
    (tmp_path / "nets.py").write_text(PLUGIN)
    (tmp_path / "gate").touch()
    command = [*BENCH, "run", "two.toml", "--plugin", "nets.py"]
    killed = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while not (tmp_path / "waits.begun").exists() or not (tmp_path / "results" / "runs").exists():
        assert killed.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    while not list((tmp_path / "results" / "runs").glob("*.jsonl")):
        assert killed.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait(timeout=30)
    (tmp_path / "gate").unlink()
    (first,) = stored(tmp_path / "results")
    assert first.case.model == "net_tiny" and first.error is None

    code, text = on_terminal([*command, "--resume"], tmp_path, 80)
    assert code == 0, text
    records = stored(tmp_path / "results")
    assert [record.case.model for record in records] == ["net_tiny", "net_that_waits"]
    rows = text.partition("no dataset, pointlight")[0].replace("\r", "\n").splitlines()
    assert all(len(row) <= 80 for row in rows)
    shown = [row for row in rows if row.startswith(("1/2  net_tiny", "2/2  net_that_waits"))]
    assert len(shown) == 2 and shown[0].endswith("stored") and len({*map(len, shown)}) == 1
    (heads,) = (row for row in rows if "params" in row)
    assert heads.split() == ["model", "params", "latency", "time"] and len(heads) == len(shown[0])
    assert f"from {first.run}, {first.started}:" in text
    table = text.partition("no dataset, pointlight")[2]
    assert "net_tiny" in table and "net_that_waits" in table
    assert f"Stored in results/runs/{records[1].run}.jsonl; next: " in table

    code, text = on_terminal([*command, "--resume"], tmp_path, 120)
    assert code == 0, text
    assert text.count(" stored") == 2 and "Nothing was left to measure; next: " in text
    assert len(stored(tmp_path / "results")) == 2


def again(monkeypatch: pytest.MonkeyPatch, folder: Path, *more: object) -> Result:
    return call(monkeypatch, folder, "run", "two.toml", "--plugin", MODELS, *more)


def two(tmp_path: Path, measure: str = "flops", models: str = '"works"') -> None:
    (tmp_path / "two.toml").write_text(
        f'models = [{models}]\ndataset = "none"\nprotocol = "pointlight"\nclasses = 8\n'
        f'measure = ["{measure}"]\nbatch = [1, 2]\nthreads = 1\n'
    )


@pytest.mark.usefixtures("shared_workers")
def test_a_suite_that_is_run_again_gives_a_hint_and_measures_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(tmp_path)
    first = again(monkeypatch, tmp_path)
    assert first.exit_code == 0 and "--resume" not in first.stderr
    lines = first.stderr.splitlines()
    assert lines[0].startswith("1/2 works (batch 1): 0.000 GMACs, ") and lines[0].endswith(" s")
    assert lines[1].startswith("2/2 works (batch 2): ")
    run = stored(tmp_path / "results")[0].run
    assert lines[2] == f"Stored in results/runs/{run}.jsonl; next: kinobench leaderboard"
    second = again(monkeypatch, tmp_path)
    assert "2 of 2 cases are already stored in results: --resume takes them" in second.stderr
    assert len(stored(tmp_path / "results")) == 4
    for clean in ("--fresh", "--quiet", "--json"):
        assert "--resume" not in again(monkeypatch, tmp_path, clean).stderr
    third = again(monkeypatch, tmp_path, "--resume")
    assert "Nothing was left to measure; next: kinobench leaderboard" in third.stderr
    assert "works" in third.stdout
    assert len(stored(tmp_path / "results")) == 10


@pytest.mark.usefixtures("shared_workers")
def test_quiet_and_json_write_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two(tmp_path)
    assert again(monkeypatch, tmp_path, "--quiet").stderr == ""
    done = again(monkeypatch, tmp_path, "--json", "--resume")
    assert done.stderr == ""
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["case"]["batch"] for each in printed] == [1, 2]
    assert {each["run"] for each in printed} == {stored(tmp_path / "results")[0].run}


@pytest.mark.usefixtures("shared_workers")
def test_what_a_case_lacks_is_all_that_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(tmp_path)
    assert again(monkeypatch, tmp_path).exit_code == 0
    done = again(monkeypatch, tmp_path, "--measure", "flops,memory", "--resume", "--json")
    assert done.exit_code == 0
    assert "measured again: 2 cases: only what is missing" in done.stderr
    whole = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(each["cost"] and each["memory"] for each in whole)
    parts = stored(tmp_path / "results")[2:]
    assert all(part.cost is None and part.memory is not None for part in parts)
    done = again(monkeypatch, tmp_path, "--measure", "flops,memory", "--resume")
    assert "Nothing was left" in done.stderr


@pytest.mark.usefixtures("shared_workers")
def test_a_failed_case_is_repeated_and_the_last_line_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(tmp_path, "memory", '"works", "raises"')
    monkeypatch.setattr(sys, "argv", ["kinobench"])
    first = again(monkeypatch, tmp_path, "--batch", "1")
    assert first.exit_code == 1
    assert "2/2 raises: failed: exception: ValueError: this network never works" in first.stderr
    last = first.stderr.splitlines()[-1]
    assert last.endswith("next: kinobench run --resume (measures the 1 failed case again)")
    second = again(monkeypatch, tmp_path, "--batch", "1", "--resume")
    assert second.exit_code == 1 and "measured again: 1 case: failed" in second.stderr
    models = [record.case.model for record in stored(tmp_path / "results")]
    assert models == ["works", "raises", "raises"]


@pytest.mark.usefixtures("shared_workers")
def test_an_accuracy_is_taken_as_long_as_its_videos_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_ucf101(tmp_path / "ucf", [0, 3])
    choice = ("run", "--dataset", "ucf101", "--model", "works", "--plugin", MODELS)
    short = ("--views", "1x1", "--measure", "accuracy", "--resume", "--data-root")

    def run(root: str = "ucf", *more: str) -> str:
        done = call(monkeypatch, tmp_path, *choice, *short, root, *more)
        assert done.exit_code == 0, done.stderr
        return done.stderr

    assert "Stored in" in run()
    hinted = call(monkeypatch, tmp_path, *choice, *short[:4], "--data-root", "ucf")
    assert "1 of 1 case is already stored in results: --resume takes it" in hinted.stderr
    assert "Nothing was left" in run()
    os.utime(paths[0], (1, 1))
    assert "1 case: videos have changed since, or shards are damaged or missing" in run()
    assert "Nothing was left" in run()
    subprocess.run(["cp", "-a", "ucf", "copy"], cwd=tmp_path, check=True)
    assert "1 case: another copy of the videos" in run("copy")
    assert "1 case: another type of logits" in run("copy", "--logits", "float16")


@pytest.mark.usefixtures("shared_workers")
def test_a_plug_in_that_has_changed_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets.py").write_text(PLUGIN)
    choice = ("run", "--dataset", "none", "--model", "net_tiny", "--plugin", "nets.py")
    short = ("--protocol", "pointlight", "--measure", "flops", "--resume")
    assert call(monkeypatch, tmp_path, *choice, *short).exit_code == 0
    assert "Nothing was left" in call(monkeypatch, tmp_path, *choice, *short).stderr
    (tmp_path / "nets.py").write_text(PLUGIN.replace("mean((2, 3, 4))", "amax((2, 3, 4))"))
    done = call(monkeypatch, tmp_path, *choice, *short)
    assert "1 case: other code of kinobench or of a plug-in" in done.stderr
    assert len(stored(tmp_path / "results")) == 2


@pytest.mark.usefixtures("shared_workers")
def test_code_that_changes_during_a_run_is_not_taken_for_that_of_its_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets.py").write_text(PLUGIN)
    choice = ("run", "--dataset", "none", "--model", "net_tiny", "--plugin", "nets.py")
    short = ("--protocol", "pointlight", "--measure", "flops", "--batch", "1,2")
    write = running.store

    def store_and_edit(record: Record, file: RunFile, results: Path) -> None:
        write(record, file, results)
        (tmp_path / "nets.py").write_text(PLUGIN + "# edited\n")

    monkeypatch.setattr(running, "store", store_and_edit)
    assert call(monkeypatch, tmp_path, *choice, *short).exit_code == 0
    one, two = stored(tmp_path / "results")
    assert one.code is not None and two.code is None
    assert "the code changed while this was measured" in " ".join(two.notes)


def test_taking_and_starting_over_exclude_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, tmp_path, "run", "--resume", "--fresh")
    assert done.exit_code == 2 and "--resume and --fresh" in done.stderr
