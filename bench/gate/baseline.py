"""The baseline of the speed gate: a commit in a temporary worktree, which is always removed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ...datasets.errors import KinobenchError
from ..machine.environment import UnfitEnvironmentError
from ..machine.git import GitError, git, own_environment

_CLEANER = """
import shutil, subprocess, sys
sys.stdin.read()
git, folder = sys.argv[1:]
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
subprocess.run(["git", "-C", git, "worktree", "remove", "--force", folder + "/baseline"], **quiet)
shutil.rmtree(folder, ignore_errors=True)
subprocess.run(["git", "-C", git, "worktree", "prune"], **quiet)
"""
"""Waits for the end of its stdin, which comes when the command ends, even by SIGKILL; then removes
the worktree."""

_DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


class Commit(NamedTuple):
    """The commit that the candidate is compared with.

    Attributes:
        sha: Its full SHA.
        description: Text for people that says how the commit was found.
    """

    sha: str
    description: str


def repository_of(folder: Path) -> Path | None:
    """Return the root of the git repository around a folder; None if there is none."""
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel")).resolve()
    except GitError:
        return None


def find_commit(repository: Path, ref: str | None) -> Commit:
    """Return the commit of a ref, or the commit where HEAD left the default branch.

    If HEAD is on the default branch, this is the commit before HEAD, or HEAD itself while the
    checkout has uncommitted changes.

    Raises:
        KinobenchError: The commit doesn't exist.
    """
    if ref is not None:
        try:
            sha = _git(repository, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        except GitError as error:
            raise KinobenchError(
                f"--against {ref}: neither a file nor a commit of {repository}; in a shallow "
                "clone, fetch it first (`git fetch --unshallow`; in GitHub Actions, `fetch-depth: "
                "0`)"
            ) from error
        return Commit(sha, ref)
    try:
        head = _git(repository, "rev-parse", "HEAD")
    except GitError as error:
        raise KinobenchError(f"{repository} has no commit to compare with") from error
    for branch in _DEFAULT_BRANCHES:
        try:
            base = _git(repository, "merge-base", "HEAD", branch)
        except GitError:
            continue
        if base != head:
            return Commit(base, f"the merge base with {branch}")
        break
    if _git(repository, "status", "--porcelain", "--untracked-files=no"):
        return Commit(head, "HEAD; the checkout has uncommitted changes")
    try:
        return Commit(_git(repository, "rev-parse", "HEAD~1"), "HEAD~1")
    except GitError as error:
        raise KinobenchError(
            f"HEAD of {repository} has no commit before it: give --against REF or FILE, or fetch "
            "more of a shallow clone (`git fetch --unshallow`)"
        ) from error


@contextmanager
def worktree(repository: Path, sha: str) -> Iterator[Path]:
    """Check out a commit into a temporary folder; always remove the folder again.

    Raises:
        UnfitEnvironmentError: git can't check it out.
    """
    folder = Path(tempfile.mkdtemp(prefix="kinobench-baseline-")).resolve()
    cleaner = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _CLEANER, str(repository), str(folder)],
        stdin=subprocess.PIPE,
        env=own_environment(),
        start_new_session=True,  # a signal that ends the command doesn't end it
    )
    try:
        place = folder / "baseline"
        try:
            # The repository's hooks are meant for its user's own checkouts.
            unhooked = ("-c", f"core.hooksPath={os.devnull}")
            added = ("worktree", "add", "--detach", "--force", str(place), sha)
            _git(repository, *unhooked, *added)
        except GitError as error:
            raise UnfitEnvironmentError(
                f"the baseline {sha[:10]} can't be checked out as a worktree of {repository}: "
                f"{error}"
            ) from error
        yield place
    finally:
        assert cleaner.stdin is not None
        with suppress(BrokenPipeError):
            cleaner.stdin.close()
        # A second Ctrl-C may end this wait, but not the cleaner.
        cleaner.wait()


def _git(folder: Path, *arguments: str) -> str:
    try:
        return git(folder, *arguments)
    except FileNotFoundError as error:
        raise UnfitEnvironmentError("`check` against a commit needs git; install it") from error
