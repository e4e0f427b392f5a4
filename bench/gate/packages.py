"""Two versions of a package, such as torch: an environment of each, all else as in this Python.

pip installs the version into an environment that finds all other packages where this Python does.
Every package keeps its version, except for what must move: the package's own dependencies, where
the version asks for others, and the packages that depend on it and refuse the version.
"""

import re
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ...datasets.errors import KinobenchError
from ..machine.environment import UnfitEnvironmentError
from .interpreter import CommandError, Environment, Log, environment

OPTION = "--package"
MOST_OFFERED = 8
"""Versions that a message names, the newest ones."""


class Wanted(NamedTuple):
    """A version of a package.

    Attributes:
        name: Its name, normalised.
        version: The version.
    """

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A package of which a side has another version than this Python.

    Attributes:
        name: Its name.
        here: Version in this Python; None: it isn't there.
        there: Version on that side.
    """

    name: str
    here: str | None
    there: str

    def __str__(self) -> str:
        return f"{self.name} {self.there} ({self.here or 'not installed'} here)"


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What a side has installed.

    Attributes:
        name, version: The package and its version.
        moved: Other packages that differ from this Python's.
        unmet: Requirements of other packages that are not met on this side.
    """

    name: str
    version: str
    moved: tuple[Moved, ...] = ()
    unmet: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        """Names of the packages that differ from this Python's, or from the other side's."""
        return {self.name, *(each.name for each in self.moved)}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else differs on this side, as lines."""
        lines = []
        if self.moved:
            lines.append(
                f"with {self.name} {self.version} moved: {', '.join(map(str, self.moved))}"
            )
        if self.unmet:
            lines.append(f"with {self.name} {self.version} not met: {', '.join(self.unmet)}")
        return tuple(lines)


def two_versions(given: Sequence[str]) -> tuple[Wanted, Wanted]:
    """Read `--package torch==2.13.0 --package torch==2.14.1`: the baseline, and the candidate.

    Raises:
        KinobenchError: There aren't two versions of one package.
    """
    example = f"as in {OPTION} torch==2.13.0 {OPTION} torch==2.14.1"
    if len(given) != 2:
        raise KinobenchError(
            f"{OPTION} {' '.join(given)}: give two versions of a package, the old one and the new "
            f"one, {example}"
        )
    baseline, candidate = (_wanted(each, example) for each in given)
    if baseline.name != candidate.name:
        raise KinobenchError(
            f"{OPTION} {baseline} and {OPTION} {candidate} are two packages: give two versions of "
            f"one, {example}"
        )
    if Version(baseline.version) == Version(candidate.version):
        raise KinobenchError(f"{OPTION} {baseline} is given twice: give two versions, {example}")
    return baseline, candidate


def _wanted(text: str, example: str) -> Wanted:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise KinobenchError(f"{OPTION} {text}: write NAME==VERSION, {example}") from error
    exact = re.fullmatch(r"==\s*([^*,]+)", str(requirement.specifier))
    if exact is None or requirement.url or requirement.extras or requirement.marker:
        raise KinobenchError(f"{OPTION} {text}: write NAME==VERSION, {example}")
    name = _named(requirement.name)
    if name == "kinobench":
        raise KinobenchError(
            f"{OPTION} {text}: kinobench itself is on both sides; compare its versions by "
            "--against COMMIT in a checkout"
        )
    return Wanted(name, exact[1].strip())


def installed_in(wanted: Wanted, cache: Path, log: Log) -> tuple[str, Installed]:
    """Return the Python of an environment with a version of a package, and what it has installed.

    It is made once.

    Args:
        wanted: The package and its version.
        cache: Folder for environments.
        log: Called with a line that names the environment.

    Raises:
        KinobenchError: There is no such version, or it can't be with the other packages.
        UnfitEnvironmentError: The environment can't be made.
    """
    installed = {_named(each.name): each for each in reversed(list(distributions()))}
    refusing = _refusing(wanted, installed)
    free = _dependencies({wanted.name, *refusing}, installed)
    pins = sorted(f"{name}=={each.version}" for name, each in installed.items() if name not in free)
    try:
        made = environment(cache, (str(wanted), *refusing), pins, f"a side has {wanted}", log)
    except CommandError as error:
        raise _failure(wanted, str(error)) from error
    own = {_named(each.name): each.version for each in _own(made)}
    here = {name: each.version for name, each in installed.items()}
    version = own.get(wanted.name, here.get(wanted.name))
    if version is None or not SpecifierSet(f"=={wanted.version}").contains(version, True):
        raise UnfitEnvironmentError(
            f"{OPTION} {wanted}: pip has installed {wanted.name} {version or 'nowhere'} into "
            f"{made.packages}; remove that environment and check again"
        )
    moved = tuple(
        Moved(name=name, here=here.get(name), there=own[name])
        for name in sorted(own)
        if name != wanted.name and own[name] != here.get(name)
    )
    unmet = tuple(_unmet(here | own, installed, own))
    found = Installed(name=wanted.name, version=version, moved=moved, unmet=unmet)
    return str(made.python), found


def _named(text: str) -> str:
    """Return the normalised name of a package."""
    return canonicalize_name(text)


def _own(made: Environment) -> list[Distribution]:
    return list(distributions(path=[str(made.packages)]))


def _requirements(of: Distribution) -> list[Requirement]:
    """Return what a distribution requires here, without extras."""
    found = [Requirement(line) for line in of.requires or ()]
    return [each for each in found if each.marker is None or each.marker.evaluate({"extra": ""})]


def _refusing(wanted: Wanted, installed: dict[str, Distribution]) -> list[str]:
    """Return the installed packages that refuse the version, so that they move with it."""
    return sorted(
        name
        for name, each in installed.items()
        if name not in (wanted.name, "kinobench")
        for requirement in _requirements(each)
        if _named(requirement.name) == wanted.name
        and not requirement.specifier.contains(wanted.version, prereleases=True)
    )


def _dependencies(names: set[str], installed: dict[str, Distribution]) -> set[str]:
    """Return names of packages, and of all that they depend on, as far as they are installed."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name in installed:
            waiting += [_named(e.name) for e in _requirements(installed[name])]
    return found


def _unmet(
    versions: dict[str, str], installed: dict[str, Distribution], own: dict[str, str]
) -> list[str]:
    """Return the requirements of this Python's packages that an environment doesn't meet."""
    found = []
    for name, each in sorted(installed.items()):
        if name in own:
            continue
        for requirement in _requirements(each):
            needs = _named(requirement.name)
            if needs in own and not requirement.specifier.contains(versions[needs], True):
                found.append(f"{name} {each.version} requires {requirement}")
    return found


def _failure(wanted: Wanted, output: str) -> KinobenchError:
    """Return why pip failed, in one sentence where it is a frequent reason."""
    offered = re.search(r"from versions: ([^)]*)\)", output)
    if f"No matching distribution found for {wanted}" in output and offered is not None:
        listed = [] if offered[1] == "none" else offered[1].split(", ")
        if not listed:
            return KinobenchError(
                f"{OPTION} {wanted}: pip finds no package {wanted.name!r} for this Python; check "
                "its name, and that pip reaches its index"
            )
        return KinobenchError(
            f"{OPTION} {wanted}: pip finds no such version for this Python; it finds "
            f"{'..., ' if len(listed) > MOST_OFFERED else ''}{', '.join(listed[-MOST_OFFERED:])}"
        )
    return UnfitEnvironmentError(f"{OPTION} {wanted}: it can't be installed: {output}")
