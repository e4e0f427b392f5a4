"""The examples: a workflow that GitHub can read, and a notebook that runs from top to bottom."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from kinobench.bench.cli.commands import app

from ..fakes.media import REPOSITORY

WORKFLOW = REPOSITORY / "examples" / "speed_gate.yml"


def steps() -> list[dict[str, Any]]:
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    return job["steps"]


def script_of(name: str) -> str:
    (step,) = (step for step in steps() if step.get("name") == name)
    return step["run"]


def test_the_workflow_runs_on_pull_requests_with_all_of_the_history() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert list(workflow[True]) == ["pull_request"]  # YAML takes `on` for a truth
    assert {"opened", "synchronize", "labeled"} < set(workflow[True]["pull_request"]["types"])
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (checkout,) = (step for step in steps() if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["fetch-depth"] == 0
    for step in steps():
        assert ("uses" in step) != ("run" in step)
        # What others write, such as a branch's name, must not be pasted into a script.
        assert "${{" not in step.get("run", "")


def test_every_kinobench_command_in_the_workflow_exists() -> None:
    pytest.importorskip("kinobench.bench.cli.check", reason="there is no `check` yet")
    command = typer.main.get_command(app)
    scripts = [step.get("run", "") for step in steps()]
    found = [
        (name, script) for script in scripts for name in re.findall(r"bench\.py (\w+)", script)
    ]
    assert [name for name, _ in found] == ["environment", "check"]
    for name, script in found:
        known = {option for each in command.commands[name].params for option in each.opts}
        assert set(re.findall(r"--[a-z][a-z-]+", script)) <= known


def run_step(name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script_of(name)],  # as GitHub runs it
        cwd=folder,
        env={"PATH": f"{folder}:/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("answer", "ends"), [(0, 0), (1, 1), (2, 2), (3, 0), (4, 4)])
def test_only_an_inconclusive_check_is_forgiven_with_a_warning(
    tmp_path: Path, answer: int, ends: int
) -> None:
    fake_check(tmp_path, answer)
    done = run_step("Check", tmp_path, BASE="origin/next", ALLOW_EXACT="false")
    assert done.returncode == ends, done.stderr
    assert ("::warning" in done.stdout) == (answer == 3)
    assert (tmp_path / "comment.md").read_text() == "--against origin/next --comment comment.md"


def test_a_label_allows_another_network_and_the_base_is_the_pull_requests_own(
    tmp_path: Path,
) -> None:
    (check,) = (step for step in steps() if step.get("name") == "Check")
    assert check["env"]["BASE"] == "origin/${{ github.base_ref }}"
    assert "labels.*.name, 'allow-exact'" in check["env"]["ALLOW_EXACT"]
    fake_check(tmp_path, 0)
    assert run_step("Check", tmp_path, BASE="origin/next", ALLOW_EXACT="true").returncode == 0
    assert (tmp_path / "comment.md").read_text().endswith(" --allow-exact")


def fake_check(folder: Path, answer: int) -> None:
    """Put a `bench.py` there that writes its options into the comment."""
    (folder / "bench.py").write_text(
        "import sys\nassert sys.argv[1] == 'check'\n"
        f"open('comment.md', 'w').write(' '.join(sys.argv[2:]))\nsys.exit({answer})\n"
    )
    (folder / "python").symlink_to(sys.executable)


GH = """\
#!/bin/sh
printf '%s\\n' "$*" >> asked
case "$*" in *--paginate*) printf "$FOUND" ;; esac
"""


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        ("", "--method POST repos/me/mine/issues/7/comments"),
        ("12\\n34\\n", "--method PATCH repos/me/mine/issues/comments/12"),
    ],
)
def test_the_comment_that_bears_the_mark_is_written_anew(
    tmp_path: Path, found: str, asked: str
) -> None:
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "comment.md").write_text("table")
    (step,) = (step for step in steps() if step.get("name") == "Comment on the pull request")
    mark = step["env"]["MARKER"]
    given = {"NUMBER": "7", "GITHUB_REPOSITORY": "me/mine", "MARKER": mark, "FOUND": found}
    done = run_step("Comment on the pull request", tmp_path, **given)
    assert done.returncode == 0, done.stderr
    looked, written = (tmp_path / "asked").read_text().splitlines()
    assert "startswith(env.MARKER)" in looked and looked.startswith("api --paginate")
    assert written == f"api --silent {asked} --field body=@body.md"
    assert mark.startswith("<!--") and mark.endswith("-->")  # not to be seen
    assert (tmp_path / "body.md").read_text() == f"{mark}\n\ntable"


SHARED_WORKERS = f"""
import sys

sys.path.insert(0, {str(REPOSITORY)!r})
from kinobench.bench.run import workers
from tests.fakes.shared_workers import shared_servers_for

del sys.path[0]
workers.fork_servers_for = shared_servers_for
"""
"""What the kernel runs first: its cases fork from one server, which imports torch once."""

NOTEBOOK = REPOSITORY / "examples" / "quickstart.ipynb"


def test_the_notebook_is_stored_without_outputs() -> None:
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    for name in ("models", "load_model", "count", "measure", "evaluate", "compare", "Records"):
        assert f"kinobench.{name}" in code


def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ipykernel")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "shared_workers.py").write_text(SHARED_WORKERS)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zmq and asyncio, not of kinobench
        client = nbclient.NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            resources={"metadata": {"path": str(tmp_path)}},
        )
        client.execute(env=os.environ | {"PYTHONWARNINGS": "error::UserWarning:__main__"})
    outputs = [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]
    texts = [
        output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs
    ]
    text = "\n".join(texts)
    assert "GMACs" in text and "measured in the calling process" in text
    assert re.search(r"c3d_tiny: top-1 \d+\.\d%", text)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any("text/markdown" in output.get("data", {}) for output in outputs)
    assert len(list((tmp_path / "quickstart" / "runs").glob("*.jsonl"))) == 4
