"""What `check` does: finds the two versions, has them measured, and reports."""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...datasets.errors import KinobenchError, program
from ..machine.environment import UnfitEnvironmentError, commit_of, describe
from ..records.files import CHECKOUT
from ..records.record import Case
from .baseline import find_commit, repository_of, worktree
from .interpreter import cache_folder, interpreter, needs_of_kinobench
from .page import Report
from .progress import Progress
from .self_check import SelfCheck, measure_itself
from .turns import Code, exact_facts, measured_pair
from .verdict import Bench, Checked, Terms, check

"""What `kinobench` means in this process: the root that holds its three packages."""

Tell = Callable[[str], None]


def share_of(text: str, option: str) -> float:
    """Read `3%` as 0.03.

    Raises:
        KinobenchError: It is no percentage between 0 and 100.
    """
    number = text.strip().removesuffix("%").strip()
    try:
        share = float(number) / 100
    except ValueError:
        share = -1.0
    if not text.strip().endswith("%") or not 0 < share < 1:
        raise KinobenchError(f"{option} {text}: give a percentage between 0 and 100, as in 3%")
    return share


def against_commit(
    cases: Sequence[Case], ref: str | None, plugins: Sequence[Path], terms: Terms, tell: Tell
) -> Report:
    """Check the checkout, as it lies there, against a commit of its repository.

    Where a plugin lies in a repository of its own, that one's commits are compared, and kinobench
    is the same on both sides.

    Raises:
        UnfitEnvironmentError: There is no repository, or the baseline can't be set up.
        KinobenchError: There is no such commit, or a side can't be measured.
    """
    repository = _repository(plugins)
    commit = find_commit(repository, ref)
    tell(f"against {commit.sha[:10]} ({commit.said}) of {repository}")
    beside = () if repository == CHECKOUT else needs_of_kinobench(CHECKOUT)
    about = origin_of(cases, repository)
    progress: Progress[Checked] = Progress(cases, tell)
    with worktree(repository, commit.sha) as place:
        baseline = _baseline(
            f"the baseline {commit.sha[:10]}",
            repository,
            place,
            plugins,
            python=interpreter(place, repository, cache_folder(), tell, beside),
        )
        with progress.kept():
            check(cases, _bench(baseline, _candidate(plugins)), terms, tell, progress.heed)
    return Report(
        title=f"The checkout against {commit.sha[:10]} ({commit.said}).",
        budget=terms.budget,
        checked=progress.found,
        interrupted=progress.interrupted,
        baseline=commit.sha,
        notes=NOTES,
        **about,
    )


NOTES = (
    "slowdown: mean over pairs of processes of the median log-ratio of neighbouring turns; each "
    "end of an interval is one-sided, its error shared among the looks.",
)


def against_itself(
    cases: Sequence[Case], plugins: Sequence[Path], inject: float, terms: Terms, tell: Tell
) -> Report:
    """Check the checkout against itself, slowed by a share: it is to FAIL."""
    slowed = _candidate(plugins, inject)
    about = origin_of(cases)
    progress: Progress[Checked] = Progress(cases, tell)
    with progress.kept():
        check(cases, _bench(_candidate(plugins), slowed), terms, tell, progress.heed)
    return Report(
        title=f"The checkout against itself, slowed by {100 * inject:g} %.",
        budget=terms.budget,
        inject=inject,
        checked=progress.found,
        interrupted=progress.interrupted,
        notes=NOTES,
        **about,
    )


def noise(cases: Sequence[Case], plugins: Sequence[Path], terms: Terms, tell: Tell) -> Report:
    """Measure what the gate can see on this machine; what can't be measured says why in its row."""
    same = _candidate(plugins)
    about = origin_of(cases)
    progress: Progress[SelfCheck] = Progress(cases, tell)
    with progress.kept():
        for case in cases:
            itself = measure_itself(case, _bench(same, same), terms, tell, models=len(cases))
            progress.heed(itself)
    return Report(
        title="The checkout against itself: what this machine's noise lets the gate see.",
        budget=terms.budget,
        itself=progress.found,
        interrupted=progress.interrupted,
        notes=tuple(f"{each.case.model}: {line}" for each in progress.found for line in each.told),
        **about,
    )


def origin_of(cases: Sequence[Case], repository: Path | None = None) -> dict[str, Any]:
    """Return what a report says of the time, the machine and the candidate.

    Args:
        cases: Of the check; where one runs on a GPU, the machine's is that which torch uses.
        repository: Whose versions are compared; by default the one that kinobench runs from.
    """
    on_gpu = any(case.device == "cuda" for case in cases)
    return {
        "started": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "environment": describe("cuda" if on_gpu else "cpu"),
        "candidate": commit_of(repository or CHECKOUT),
    }


def _bench(baseline: Code, candidate: Code) -> Bench:
    draw = random.Random()
    return Bench(
        facts=lambda case: exact_facts(baseline, candidate, case, draw),
        pair=lambda case: measured_pair(baseline, candidate, case, draw),
    )


def _candidate(plugins: Sequence[Path], inject: float = 0.0) -> Code:
    theirs = None
    with suppress(UnfitEnvironmentError):  # no git: --aa and --inject do without
        theirs = _theirs(plugins)
    return Code(
        name="the candidate",
        root=str(CHECKOUT),
        plugins=tuple(str(path.resolve()) for path in plugins),
        inject=inject,
        repository=None if theirs is None else str(theirs),
        tree=None if theirs is None else str(theirs),
    )


def _baseline(
    name: str, repository: Path, place: Path, plugins: Sequence[Path], python: str
) -> Code:
    """Return the version of a repository that was checked out at `place`.

    kinobench is that of the candidate unless the repository is its own, even where it lies below
    another one, say in `.venv`.
    """
    return Code(
        name=name,
        root=str(place if repository == CHECKOUT else CHECKOUT),
        python=python,
        plugins=tuple(str(_moved(path, repository, place)) for path in plugins),
        repository=str(repository),
        tree=str(place),
    )


def _theirs(plugins: Sequence[Path]) -> Path | None:
    """Return the repository, other than kinobench's own, that a plugin lies in."""
    for plugin in plugins:
        found = repository_of(plugin.resolve().parent)
        if found is not None and found != CHECKOUT:
            return found
    return None


def _repository(plugins: Sequence[Path]) -> Path:
    """Return the repository whose versions are compared."""
    theirs = _theirs(plugins)
    if theirs is not None:
        return theirs
    own = repository_of(CHECKOUT)
    if own != CHECKOUT:  # none, or it is installed somewhere inside a repository of others
        raise UnfitEnvironmentError(
            f"kinobench runs from {CHECKOUT}, which is no git checkout, so there is no commit to "
            f"compare with; run `{program()} check` in a checkout, name a --plugin in a "
            "repository of yours, or check against a file"
        )
    return CHECKOUT


def _moved(path: Path, repository: Path, place: Path) -> Path:
    """Return where the baseline has a plugin of the repository; others stay where they are."""
    resolved = path.resolve()
    if not resolved.is_relative_to(repository):
        return resolved
    return place / resolved.relative_to(repository)
