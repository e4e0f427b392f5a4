"""The workflow that the README shows: YAML that GitHub can read, of commands that are there."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from kinobench.bench.cli import app

from .media import REPOSITORY

WORKFLOW = REPOSITORY / "examples" / "speed_gate.yml"


def steps() -> list[dict[str, Any]]:
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    return job["steps"]


def script_of(name: str) -> str:
    (step,) = (step for step in steps() if step.get("name") == name)
    return step["run"]


def test_the_workflow_runs_on_pull_requests_with_all_of_the_history() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert workflow[True] == "pull_request"  # YAML takes `on` for a truth
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (checkout,) = (step for step in steps() if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["fetch-depth"] == 0
    for step in steps():
        assert ("uses" in step) != ("run" in step)
        # What others write, such as a branch's name, must not be pasted into a script.
        assert "${{" not in step.get("run", "")


def test_every_kinobench_command_in_the_workflow_exists() -> None:
    pytest.importorskip("kinobench.bench.cli_gate", reason="there is no `check` yet")
    command = typer.main.get_command(app)
    found = re.findall(r"bench\.py (\w+)([^|\n]*)", "\n".join(s.get("run", "") for s in steps()))
    assert [name for name, _ in found] == ["environment", "check"]
    for name, rest in found:
        known = {option for each in command.commands[name].params for option in each.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known


@pytest.mark.parametrize(("answer", "ends"), [(0, 0), (1, 1), (2, 2), (3, 0), (4, 4)])
def test_only_an_inconclusive_check_is_forgiven_with_a_warning(
    tmp_path: Path, answer: int, ends: int
) -> None:
    (tmp_path / "bench.py").write_text(
        f"import sys\nassert sys.argv[1:4] == ['check', '--against', 'origin/main']\n"
        f"open(sys.argv[5], 'w').write('table')\nsys.exit({answer})\n"
    )
    (tmp_path / "python").symlink_to(sys.executable)
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script_of("Check")],  # as GitHub runs it
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == ends, done.stderr
    assert ("::warning" in done.stdout) == (answer == 3)
    assert (tmp_path / "comment.md").read_text() == "table"
