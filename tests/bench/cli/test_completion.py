"""Shell completion, by the protocol that the installed shell functions speak."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.run import suite
from kinobench.zoo import registry

VARIABLE = "_KINOBENCH_COMPLETE"


def completed(line: str, shell: str = "bash") -> list[str]:
    """Return what a shell is offered for the last word of a line, which may be empty."""
    words = line.split(" ")
    asked = {VARIABLE: f"complete_{shell}", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = CliRunner().invoke(app, [], env=asked, prog_name="kinobench", complete_var=VARIABLE)
    assert done.exit_code == 0, done.output
    return done.output.split()


def test_commands_are_completed() -> None:
    assert completed("kinobench lea") == ["leaderboard"]
    assert "worker" not in completed("kinobench ")
    assert completed("kinobench data ") == ["doctor", "list", "make", "show"]


def test_options_are_completed() -> None:
    assert completed("kinobench run --eval") == ["--eval-batch"]


@pytest.mark.parametrize(
    "command", ["show", "fit", "motion", "run --model", "verify", "check --model"]
)
def test_names_of_models_are_completed(command: str) -> None:
    x3d = [name for name in registry.listed() if name.startswith("x3d")]
    assert len(x3d) > 3
    assert completed(f"kinobench {command} x3d") == x3d


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kinobench run --dataset uc", ["ucf101", "ucf101-24"]),
        ("kinobench run --dataset no", ["none"]),
        ("kinobench data make ucf101 --codec h", ["h264", "hevc"]),
        ("kinobench data show kin", ["kinetics400", "kinetics600", "kinetics700"]),
        ("kinobench run --protocol common", ["common-112", "common-224"]),
        ("kinobench run --protocol nat", ["native"]),
        ("kinobench check --suite ga", ["gate"]),
        ("kinobench run --measure lat", ["latency"]),
        ("kinobench run --measure flops,mem", ["flops,memory"]),
        ("kinobench run --device ", ["cpu", "cuda"]),
        ("kinobench run --precision b", ["bf16"]),
        ("kinobench run --mode compile", ["compile", "compile_cudagraph"]),
        ("kinobench run --flow t", ["tvl1"]),
        ("kinobench run --decoder p", ["pyav"]),
        ("kinobench run --probe s", ["shuffled", "subsampled"]),
        ("kinobench fit c3d --recipe com", ["common"]),
        ("kinobench list p", ["protocols"]),
        ("kinobench list r", ["runtimes"]),
        ("kinobench run --runtime a", ["aotinductor", "all", "auto"]),
        ("kinobench check --runtime torch,onnx", ["torch,onnxruntime"]),
        ("kinobench motion --runtime a", ["aotinductor"]),
        ("kinobench show no_such", []),
    ],
)
def test_names_and_values_are_completed(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


def test_suites_and_their_files_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("mine.toml", "mine.txt", ".hidden.toml", "mine/own.toml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert completed("kinobench run ") == [*suite.names(), "mine/", "mine.toml"]
    assert completed("kinobench run mine/") == ["mine/own.toml"]
    assert completed("kinobench run nowhere/") == []


def test_completion_needs_no_torch() -> None:
    program = (
        "import os, sys\n"
        f"os.environ |= {{'{VARIABLE}': 'complete_bash', 'COMP_WORDS': 'kinobench show x3d_m', "
        "'COMP_CWORD': '2'}\n"
        "sys.argv = ['kinobench']\n"
        "from kinobench.bench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["x3d_m"]), done.stderr
