"""The order of commits, in a repository that the test makes."""

import subprocess
from pathlib import Path

from kinobench.bench.machine.commits import places_of


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_parents_come_before_children_whatever_their_dates_say(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    commits = []
    for day in ("03", "02", "01"):
        date = f"2026-01-{day}T00:00:00Z"
        _git(tmp_path, "commit", "-q", "--allow-empty", "-m", day, "--date", date)
        commits.append(_git(tmp_path, "rev-parse", "HEAD"))
    short = [commit[:9] for commit in commits]
    found = places_of(tmp_path, [*reversed(short), commits[1], "0123456789", ""])
    assert found is not None
    assert found == {short[0]: 0, short[1]: 1, short[2]: 2, commits[1]: 1}


def test_a_folder_without_a_repository_has_no_order(tmp_path: Path) -> None:
    assert places_of(tmp_path, ["abcdef1"]) is None
