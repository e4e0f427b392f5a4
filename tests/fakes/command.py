"""The command, called in the process of the test, or often in one process."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner


def call(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: object) -> Result:
    """Call `python bench.py ARGUMENTS` in a folder, without a process for it.

    For what the command refuses or prints by itself; what it measures needs a process of its own.
    """
    from kinobench.bench.cli.commands import app

    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["bench.py"])  # a message may name the program
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


_COMMANDS = """
import json, sys
from typer.testing import CliRunner
from kinobench.bench.cli.commands import app

sys.argv = ["kinobench"]
printed = []
for arguments in json.load(sys.stdin):
    done = CliRunner().invoke(app, arguments)
    if done.exit_code != 0:
        sys.exit(f"{arguments}: {done.stderr}{done.exception!r}")
    printed.append(done.stdout)
print(json.dumps(printed))
"""


def printed_by(
    commands: Sequence[Sequence[str]], folder: Path, path: Path, **variables: str
) -> Mapping[tuple[str, ...], str]:
    """Return what commands print that run one after the other in a process of their own.

    Args:
        commands: What `kinobench` is called with, each time.
        folder: Where they run.
        path: A folder of installed packages, which the process and its workers find.
        variables: Variables of their environment.
    """
    done = subprocess.run(
        [sys.executable, "-c", _COMMANDS],
        input=json.dumps(commands),
        cwd=folder,
        env=os.environ | variables | {"PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    return dict(zip(map(tuple, commands), printed, strict=True))


def write_distribution(
    folder: Path, name: str, module: str, entry_points: Mapping[str, str]
) -> None:
    """Write a package of one module as pip would install it.

    Args:
        folder: Where packages are installed.
        name: Of the package and of its module.
        module: Its code.
        entry_points: Group -> the object that it offers there.
    """
    (folder / f"{name}.py").write_text(module)
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups = (f"[{group}]\n{name} = {offered}\n" for group, offered in entry_points.items())
    (about / "entry_points.txt").write_text("\n".join(groups))
