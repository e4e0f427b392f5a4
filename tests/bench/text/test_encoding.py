"""Output in an encoding that doesn't have every sign."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinobench.bench.records.store import RunFile

from ...fakes.made_records import made_record

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


def said(
    *arguments: str, results: Path, encoding: str = "ascii"
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kinobench.bench.cli", *arguments, "--results", str(results)]
    environment = os.environ | ASCII | {"PYTHONIOENCODING": encoding}
    return subprocess.run(
        command, capture_output=True, text=True, encoding=encoding, env=environment, check=False
    )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    file = RunFile(tmp_path / "results", "20260101T000000Z-abcdef")
    file.append(made_record("réseau→1", latency=None))  # whose latency is shown as a dash
    file.append(made_record("plain"))
    return tmp_path / "results"


def test_a_table_in_ascii_has_plain_signs_and_names_are_written_out(results: Path) -> None:
    done = said("leaderboard", results=results)
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if "seau" in line]
    assert row.startswith(r"r\xe9seau>1 ") and " - " in row
    assert "Traceback" not in done.stderr
    done = said("leaderboard", "--format", "md", results=results)
    assert done.returncode == 0 and r"r\xe9seau>1" in done.stdout


def test_what_latin_1_has_is_kept(results: Path) -> None:
    done = said("leaderboard", results=results, encoding="latin-1")
    assert done.returncode == 0 and "réseau>1" in done.stdout


def test_an_error_in_ascii_is_a_message(results: Path) -> None:
    done = said("leaderboard", "--where", "model == réseau", results=results)
    assert done.returncode == 2 and "Traceback" not in done.stderr
