"""The gate's baseline: which commit, in a worktree that never stays behind."""

import ast
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from kinobench.bench.gate import baseline as gate_baseline
from kinobench.bench.machine.environment import UnfitEnvironmentError
from kinobench.bench.machine.git import own_environment
from kinobench.datasets.errors import KinobenchError

from ...fakes.media import REPOSITORY


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, content: str) -> str:
    (folder / "file.txt").write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", content)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits on `main`; temporary folders are made beside it."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    commit(place, "one")
    commit(place, "two")
    return place.resolve()


def nothing_is_left(repository: Path, within_s: float = 20.0) -> bool:
    """Return whether neither git nor the disk has a worktree, sooner or later."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        listed = git(repository, "worktree", "list", "--porcelain").count("worktree ")
        if listed == 1 and not list((repository.parent / "tmp").glob("kinobench-*")):
            return True
        time.sleep(0.05)
    return False


def test_the_baseline_of_a_branch_is_where_it_left_the_default_branch(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "switch", "-qc", "topic")
    commit(repository, "three")
    commit(repository, "four")
    found = gate_baseline.find_commit(repository, None)
    assert found.sha == base and "merge base with main" in found.description


def test_the_baseline_on_the_default_branch_is_the_commit_before(repository: Path) -> None:
    found = gate_baseline.find_commit(repository, None)
    assert found.sha == git(repository, "rev-parse", "HEAD~1") and found.description == "HEAD~1"


def test_changes_that_are_not_committed_are_compared_with_head(repository: Path) -> None:
    (repository / "file.txt").write_text("three")
    found = gate_baseline.find_commit(repository, None)
    assert found.sha == git(repository, "rev-parse", "HEAD") and "uncommitted" in found.description


def test_a_ref_that_is_no_commit_is_refused_with_the_cure(repository: Path) -> None:
    assert gate_baseline.find_commit(repository, "main~1").sha
    with pytest.raises(KinobenchError, match=r"--against v9: .*fetch-depth: 0"):
        gate_baseline.find_commit(repository, "v9")


def test_a_first_commit_has_nothing_before_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, "one")
    with pytest.raises(KinobenchError, match="no commit before it"):
        gate_baseline.find_commit(tmp_path, None)


def test_the_worktree_holds_the_commit_and_is_removed(repository: Path) -> None:
    (repository / "file.txt").write_text("changed")
    with gate_baseline.worktree(repository, git(repository, "rev-parse", "HEAD~1")) as place:
        assert (place / "file.txt").read_text() == "one"
    assert not place.exists() and nothing_is_left(repository, 1.0)
    assert (repository / "file.txt").read_text() == "changed"


def test_the_worktree_is_removed_after_an_error_and_after_ctrl_c(repository: Path) -> None:
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), gate_baseline.worktree(repository, "HEAD"):
            raise error
        assert nothing_is_left(repository, 1.0)


def test_a_commit_that_cant_be_checked_out_leaves_nothing(repository: Path) -> None:
    with (
        pytest.raises(UnfitEnvironmentError, match="can't be checked out"),
        gate_baseline.worktree(repository, "0" * 40),
    ):
        pass
    assert nothing_is_left(repository, 1.0)


HOOK = """\
#!{python}
import os, sys
sys.path.insert(0, {links!r})
from pathlib import Path
from kinobench.bench.gate import baseline as gate_baseline
commit = gate_baseline.find_commit(Path({repository!r}), None)
with gate_baseline.worktree(Path({repository!r}), commit.sha) as place:
    said = sorted(each.name for each in place.iterdir()), os.environ["GIT_INDEX_FILE"]
Path({repository!r}, "..", "said").write_text(repr(said))
"""


@pytest.mark.parametrize("way", ["index", "all", "worktree"])
def test_a_check_in_a_pre_commit_hook_leaves_the_commit_as_it_was(
    repository: Path, tmp_path: Path, way: str
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "kinobench").symlink_to(REPOSITORY)
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    place = repository
    if way == "worktree":  # where git names the repository to its hooks, too
        place = tmp_path / "other"
        git(repository, "worktree", "add", "-q", str(place), "-b", "topic")
    hook.write_text(
        HOOK.format(python=sys.executable, links=str(tmp_path / "links"), repository=str(place))
    )
    hook.chmod(0o755)
    (place / "file.txt").write_text("three")
    (place / "new.txt").write_text("new")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "three", *(["--all"] if way == "all" else []))
    files, index = ast.literal_eval((tmp_path / "said").read_text())
    assert files == [".git", "file.txt"] and index  # the hook saw what would lead git astray
    assert git(place, "ls-tree", "--name-only", "HEAD").split() == ["file.txt", "new.txt"]
    assert git(place, "show", "HEAD:file.txt") == "three"
    assert git(place, "status", "--porcelain") == ""
    if way == "worktree":
        git(repository, "worktree", "remove", str(place))
    assert nothing_is_left(repository, 1.0)


def test_only_what_git_sets_for_one_repository_is_kept_from_other_gits(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "B")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "C")
    assert gate_baseline.repository_of(repository) == repository
    kept = own_environment()
    assert "GIT_DIR" not in kept and kept["GIT_AUTHOR_NAME"] == "B"
    assert gate_baseline.git(repository, "config", "user.name") == "C"


def test_hooks_of_the_repository_dont_run_for_the_baseline(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with gate_baseline.worktree(repository, "HEAD") as place:
        assert (place / "file.txt").read_text() == "two"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_worktree_is_removed_when_the_command_is_killed(repository: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from kinobench.bench.gate import baseline as gate_baseline\n"
        "with gate_baseline.worktree(Path(sys.argv[1]), 'HEAD') as place:\n"
        "    print(place, flush=True); time.sleep(60)"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", code, str(repository)], stdout=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    place = Path(command.stdout.readline().strip())
    assert (place / "file.txt").read_text() == "two"
    command.send_signal(signal.SIGKILL)
    command.wait()
    command.stdout.close()
    assert nothing_is_left(repository)
