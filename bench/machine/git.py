"""git as a command of its own: it doesn't see the variables of a git that started this process.

In a hook git names its index, and sometimes its repository and working tree, in the environment; a
command in another working tree would read, and write, those.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

_OF_THE_USER = ("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT")
"""Settings such as `safe.directory`, true of every repository; git lets its submodules have them
too."""


class GitError(Exception):
    """The message with which git failed."""


def git(folder: Path, *arguments: str, timeout_s: float | None = None) -> str:
    """Run a git command in a folder and return its output, without blanks at the ends.

    Raises:
        GitError: It failed, or took longer than `timeout_s` seconds.
        FileNotFoundError: There is no git.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=timeout_s,
            env=own_environment(),
        )
    except subprocess.CalledProcessError as error:
        raise GitError(error.stderr.strip() or f"exit code {error.returncode}") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"no answer within {timeout_s:g} s") from error
    return done.stdout.strip()


def own_environment() -> dict[str, str]:
    """Return this process's variables without those that are about one repository.

    Raises:
        FileNotFoundError: There is no git.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _local()}
    environment["GIT_OPTIONAL_LOCKS"] = "0"  # to look at a repository writes nothing there
    return environment


@cache
def _local() -> frozenset[str]:
    """Return the names of git's variables that are about one repository."""
    command = ["git", "rev-parse", "--local-env-vars"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return frozenset(listed.split()).difference(_OF_THE_USER)
