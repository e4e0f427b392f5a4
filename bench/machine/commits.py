"""The order of commits in a repository."""

from collections.abc import Collection
from pathlib import Path

from .git import GitError, git

TIMEOUT_S = 20.0


def places_of(folder: Path, commits: Collection[str]) -> dict[str, int] | None:
    """Return the place of each commit in the history of a repository, parents before children.

    Args:
        folder: A folder in the repository.
        commits: Commits, whole or shortened.

    Returns:
        The places of those that the repository has; None if the folder is in none.
    """
    try:
        every = git(
            folder, "rev-list", "--topo-order", "--reverse", "--all", timeout_s=TIMEOUT_S
        ).split()
    except (GitError, OSError):
        return None
    wanted = {commit for commit in commits if len(commit) >= 4}
    lengths = {len(commit) for commit in wanted}
    found: dict[str, int] = {}
    for place, name in enumerate(every):
        for length in lengths:
            if name[:length] in wanted:
                found[name[:length]] = place
    return found
