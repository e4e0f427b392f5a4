"""The command, called in the process of the test."""

import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner


def call(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: object) -> Result:
    """Call `python bench.py ARGUMENTS` in a folder, without a process for it.

    For what the command refuses or prints by itself; what it measures needs a process of its own.
    """
    from kinobench.bench.cli import app

    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["bench.py"])  # a message may name the program
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
