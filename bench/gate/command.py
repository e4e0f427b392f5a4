"""The check against a commit, or of the checkout against itself: find both, measure, report."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import msgspec

from ...datasets.errors import KinobenchError, program
from ..machine.environment import UnfitEnvironmentError, commit_of, describe
from ..network.runtimes.known import versions_of
from ..records.case import Case
from ..records.files import CHECKOUT
from ..records.record import Environment
from .baseline import find_commit, repository_of, worktree
from .interpreter import cache_folder, interpreter, needs_of_kinobench
from .packages import installed_in, two_versions
from .page import Report
from .progress import Progress
from .self_check import SelfCheck, measure_itself
from .servers import Servers
from .sides import Code
from .turns import exact_facts, measured_pair
from .verdict import Bench, Checked, Terms, check

Log = Callable[[str], None]


def share_of(text: str, option: str) -> float:
    """Read `3%` as 0.03.

    Raises:
        KinobenchError: It is not a percentage between 0 and 100.
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
    cases: Sequence[Case], ref: str | None, plugins: Sequence[Path], terms: Terms, log: Log
) -> Report:
    """Check the checkout, with its uncommitted changes, against a commit of its repository.

    If a plugin is in a repository of its own, two versions of that repository are compared, and
    kinobench is the same on both sides.

    Args:
        cases: The cases to check.
        ref: The commit, branch or tag; None chooses one, see `find_commit`.
        plugins: Files that register networks.
        terms: The allowed slowdown, and the rules of the check.
        log: Called with each line of progress.

    Raises:
        UnfitEnvironmentError: There is no repository, or the baseline can't be set up.
        KinobenchError: There is no such commit, or a side can't be measured.
    """
    repository = _repository(plugins)
    commit = find_commit(repository, ref)
    log(f"against {commit.sha[:10]} ({commit.description}) of {repository}")
    also_needed = () if repository == CHECKOUT else needs_of_kinobench(CHECKOUT)
    origin = origin_of(cases, repository)
    progress: Progress[Checked] = Progress(cases, log)
    with worktree(repository, commit.sha) as place:
        baseline = _baseline(
            f"the baseline {commit.sha[:10]}",
            repository,
            place,
            plugins,
            python=interpreter(place, repository, cache_folder(), log, also_needed),
        )
        with progress.kept(), _bench(baseline, _candidate(plugins)) as bench:
            check(cases, bench, terms, log, progress.on_result)
    return Report(
        title=f"The checkout against {commit.sha[:10]} ({commit.description}).",
        budget=terms.budget,
        checked=progress.found,
        interrupted=progress.interrupted,
        baseline=commit.sha,
        notes=NOTES,
        **origin,
    )


NOTES = (
    "slowdown: the median log-ratio of neighbouring turns, averaged over pairs of processes. Each "
    "end of an interval is one-sided; its error is shared among the looks at the pairs. Pairs from "
    "the same two servers share a part of their luck, and the interval accounts for it.",
)


PACKAGE_NOTE = (
    "Both sides run the same checkout. Counts that differ are what the upgrade does to the same "
    "network, so they fail no check."
)


def between_versions(
    cases: Sequence[Case], given: Sequence[str], plugins: Sequence[Path], terms: Terms, log: Log
) -> Report:
    """Check the checkout with one version of a package against the same with another one.

    Counts that differ are reported only: the code is the same, and the time decides.

    Args:
        cases: The cases to check.
        given: Both versions, the baseline's first, as `torch==2.13.0`.
        plugins: Files that register networks.
        terms: The allowed slowdown, and the rules of the check.
        log: Called with each line of progress.

    Raises:
        KinobenchError: They aren't two versions of a package, or pip doesn't find one of them.
        UnfitEnvironmentError: An environment can't be made.
    """
    wanted = two_versions(given)
    sides = [installed_in(each, cache_folder(), log) for each in wanted]
    baseline, candidate = (
        msgspec.structs.replace(_candidate(plugins), name=str(each), python=python)
        for each, (python, _) in zip(wanted, sides, strict=True)
    )
    terms = msgspec.structs.replace(terms, allow_exact=True)
    origin = origin_of(cases)
    progress: Progress[Checked] = Progress(cases, log)
    with progress.kept(), _bench(baseline, candidate) as bench:
        check(cases, bench, terms, log, progress.on_result)
    return Report(
        title=f"{wanted[1]} against {wanted[0]}.",
        budget=terms.budget,
        checked=progress.found,
        interrupted=progress.interrupted,
        packages=tuple(installed for _, installed in sides),
        notes=(PACKAGE_NOTE, *NOTES),
        **origin,
    )


def against_itself(
    cases: Sequence[Case], plugins: Sequence[Path], inject: float, terms: Terms, log: Log
) -> Report:
    """Check the checkout against itself, slowed by the share `inject`: this check should FAIL."""
    slowed = _candidate(plugins, inject)
    origin = origin_of(cases)
    progress: Progress[Checked] = Progress(cases, log)
    with progress.kept(), _bench(_candidate(plugins), slowed) as bench:
        check(cases, bench, terms, log, progress.on_result)
    return Report(
        title=f"The checkout against itself, slowed by {100 * inject:g} %.",
        budget=terms.budget,
        inject=inject,
        checked=progress.found,
        interrupted=progress.interrupted,
        notes=NOTES,
        **origin,
    )


def noise(cases: Sequence[Case], plugins: Sequence[Path], terms: Terms, log: Log) -> Report:
    """Measure what the gate can see on this machine; a case that fails has the reason."""
    same = _candidate(plugins)
    origin = origin_of(cases)
    progress: Progress[SelfCheck] = Progress(cases, log)
    with progress.kept(), _bench(same, same) as bench:
        for case in cases:
            itself = measure_itself(case, bench, terms, log, models=len(cases))
            progress.on_result(itself)
    return Report(
        title="The checkout against itself: the slowdowns that the gate can see on this machine.",
        budget=terms.budget,
        itself=progress.found,
        interrupted=progress.interrupted,
        notes=tuple(
            f"{each.case.model}: {line}" for each in progress.found for line in each.remarks
        ),
        **origin,
    )


class Origin(TypedDict):
    """The time, the machine and the candidate of a check, as fields of its report."""

    started: str
    environment: Environment
    candidate: str | None


def origin_of(cases: Sequence[Case], repository: Path | None = None) -> Origin:
    """Return the time, the machine and the candidate of a check that begins now.

    Args:
        cases: The cases of the check. If one runs on a GPU, the report names the GPU that torch
            uses.
        repository: The repository whose versions are compared; None: the one that kinobench runs
            from.
    """
    on_gpu = any(case.device == "cuda" for case in cases)
    runtimes = {name: found for case in cases for name, found in versions_of(case.runtime).items()}
    return {
        "started": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "environment": describe("cuda" if on_gpu else "cpu", runtime=runtimes),
        "candidate": commit_of(repository or CHECKOUT),
    }


@contextmanager
def _bench(baseline: Code, candidate: Code) -> Iterator[Bench]:
    draw = random.Random()
    with Servers(baseline, candidate, draw) as servers:
        yield Bench(
            facts=lambda case: exact_facts(servers.to_count, case),
            pair=lambda case: measured_pair(servers.to_time, case, draw),
            forks=servers.forks,
            renew=servers.renew,
        )


def _candidate(plugins: Sequence[Path], inject: float = 0.0) -> Code:
    repository = None
    with suppress(UnfitEnvironmentError):  # no git: --aa and --inject work without it
        repository = _repository_of_plugins(plugins)
    return Code(
        name="the candidate",
        root=str(CHECKOUT),
        plugins=tuple(str(path.resolve()) for path in plugins),
        inject=inject,
        repository=None if repository is None else str(repository),
        tree=None if repository is None else str(repository),
    )


def _baseline(
    name: str, repository: Path, place: Path, plugins: Sequence[Path], python: str
) -> Code:
    """Return the version of a repository that is checked out at `place`.

    kinobench is the candidate's unless the repository is kinobench's own. This also holds if
    kinobench is inside another repository, for example in its `.venv`.
    """
    return Code(
        name=name,
        root=str(place if repository == CHECKOUT else CHECKOUT),
        python=python,
        plugins=tuple(str(_moved(path, repository, place)) for path in plugins),
        repository=str(repository),
        tree=str(place),
    )


def _repository_of_plugins(plugins: Sequence[Path]) -> Path | None:
    """Return the repository, other than kinobench's own, that contains a plugin."""
    for plugin in plugins:
        found = repository_of(plugin.resolve().parent)
        if found is not None and found != CHECKOUT:
            return found
    return None


def _repository(plugins: Sequence[Path]) -> Path:
    """Return the repository whose versions are compared."""
    found = _repository_of_plugins(plugins)
    if found is not None:
        return found
    own = repository_of(CHECKOUT)
    if own != CHECKOUT:  # none, or it is installed inside the repository of another project
        raise UnfitEnvironmentError(
            f"kinobench runs from {CHECKOUT}, which is not a git checkout, so there is no commit "
            f"to compare with; run `{program()} check` in a checkout, name a --plugin in a "
            "repository of yours, or check against a file"
        )
    return CHECKOUT


def _moved(path: Path, repository: Path, place: Path) -> Path:
    """Return the path of a plugin in the baseline; a plugin outside the repository stays."""
    resolved = path.resolve()
    if not resolved.is_relative_to(repository):
        return resolved
    return place / resolved.relative_to(repository)
