"""The Pythons that the gate's sides run in: this one, or environments that differ from it a little.

An environment of a side has only the packages that must differ, and finds all others where this
Python does, at the same versions.
"""

import hashlib
import json
import os
import site
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Sequence
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    distributions,
    requires,
)
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from ...datasets.cache_root import cache_root
from ..machine.environment import UnfitEnvironmentError
from ..machine.git import own_environment

Log = Callable[[str], None]


def interpreter(
    baseline: Path, candidate: Path, cache: Path, log: Log, also_needed: Sequence[str] = ()
) -> str:
    """Return the Python that has the packages that the baseline needs.

    This is the running Python, unless the baseline needs a package that isn't installed here and
    that the candidate doesn't list in the same form. Then an environment is made below `cache`,
    once for each state of the running one. It contains the missing packages alone, and finds all
    others where this Python does, at the same versions, so that nothing else can differ.

    Args:
        baseline: The checkout of the baseline.
        candidate: The checkout of the candidate.
        cache: Folder for environments.
        log: Called with a line if the baseline gets an environment of its own.
        also_needed: Requirements of kinobench, which hold in addition to those of the baseline.

    Raises:
        UnfitEnvironmentError: The environment can't be made.
    """
    needed, listed = dependencies(baseline), dependencies(candidate)
    missing = [each for each in needed if each not in listed and not is_met(each)]
    if not missing:
        return sys.executable
    present = [each for each in sorted({*needed, *also_needed}) if is_met(each)]
    pins = sorted({pin for each in present if (pin := _pin(each)) is not None})
    needs = f"the baseline needs {', '.join(missing)}, which this Python doesn't have"
    try:
        return str(environment(cache, (*missing, *present), pins, needs, log).python)
    except CommandError as error:
        raise UnfitEnvironmentError(
            f"{needs}, and that failed: {error}; install it here, or check against a commit with "
            "other dependencies"
        ) from error


class Environment(NamedTuple):
    """An environment that finds its own packages first, and then those of this Python.

    Attributes:
        python: Its Python.
        packages: The folder of its own packages.
    """

    python: Path
    packages: Path


class CommandError(Exception):
    """A command that makes an environment has failed; the text is it and the end of its output."""


def environment(
    cache: Path, requirements: Sequence[str], pins: Sequence[str], why: str, log: Log
) -> Environment:
    """Return an environment with some requirements, made once for each state of this Python.

    Only what this Python doesn't have already is installed into it.

    Args:
        cache: Folder for environments.
        requirements: What is installed.
        pins: Constraints: the versions that packages keep.
        why: Beginning of the lines that are logged.
        log: Called with a line that names the environment.

    Raises:
        CommandError: It can't be made.
    """
    installed = sorted(f"{each.name}=={each.version}" for each in distributions())
    state = [sys.version, *_site_folders(), *requirements, *pins, *installed]
    place = cache / hashlib.sha256("\n".join(state).encode()).hexdigest()[:16]
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    found = Environment(python, _own_packages(place))
    finished = place / "finished"
    if finished.exists():
        log(f"{why}; it runs in the environment {place}")
        return found
    log(f"{why}; making an environment for it in {place}")
    _make(place)
    pinned = place / "constraints.txt"
    pinned.write_text("".join(f"{pin}\n" for pin in pins))
    install = ("install", "--quiet", "--no-input", "--disable-pip-version-check")
    _run([str(python), "-m", "pip", *install, "-c", str(pinned), *requirements])
    finished.write_text("\n".join(state))
    return found


def dependencies(checkout: Path) -> tuple[str, ...]:
    """Return the dependencies in a checkout's pyproject.toml, without kinobench itself."""
    try:
        project: dict[str, Any] = tomllib.loads((checkout / "pyproject.toml").read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return ()
    listed = project.get("project", {}).get("dependencies", ())
    return tuple(sorted(each for each in listed if not _is_kinobench(each)))


def needs_of_kinobench(checkout: Path) -> tuple[str, ...]:
    """Return the dependencies of kinobench, of a checkout or as installed."""
    if listed := dependencies(checkout):
        return listed
    try:
        known = requires("kinobench") or []
    except PackageNotFoundError:
        return ()
    return tuple(sorted(each for each in known if _applies(Requirement(each))))


def is_met(text: str) -> bool:
    """Return whether a requirement is installed with its extras, or doesn't apply to this system.

    The syntax is that of "Dependency specifiers", Python Packaging User Guide (PEP 508).
    """
    try:
        return _is_met(Requirement(text))
    except (InvalidRequirement, InvalidVersion):
        return False  # pip reports what is wrong with it


def cache_folder() -> Path:
    """Return the folder for environments of baselines."""
    return cache_root() / "baselines"


def _is_met(requirement: Requirement, extra: str = "") -> bool:
    if not _applies(requirement, extra):
        return True
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError:
        return False
    if requirement.url is not None and requirement.url != _source(found):
        return False
    if not requirement.specifier.contains(found.version, prereleases=True):
        return False
    inner = [Requirement(line) for line in found.requires or ()]
    return all(_is_met(each, wanted) for wanted in requirement.extras for each in inner)


def _applies(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _source(found: Distribution) -> str | None:
    """Return the URL that a distribution was installed from, in a requirement's form (PEP 610)."""
    origin: dict[str, Any] = json.loads(found.read_text("direct_url.json") or "{}")
    if "vcs_info" not in origin:
        url: str | None = origin.get("url")
        return url
    vcs = origin["vcs_info"]
    revision = vcs.get("requested_revision")
    return f"{vcs['vcs']}+{origin['url']}" + (f"@{revision}" if revision else "")


def _pin(text: str) -> str | None:
    """Return the constraint that keeps a requirement at its installed version."""
    requirement = Requirement(text)
    if requirement.url is not None or not _applies(requirement):
        return None
    return f"{requirement.name}=={distribution(requirement.name).version}"


def _is_kinobench(text: str) -> bool:
    try:
        return canonicalize_name(Requirement(text).name) == "kinobench"
    except InvalidRequirement:
        return False


def _make(place: Path) -> None:
    """Make an environment that finds its own packages first, and then those of this Python."""
    # Look for the metadata: a search for the module makes setuptools replace distutils.
    pip = ["--without-pip"] if is_met("pip") else []
    _run([sys.executable, "-m", "venv", "--clear", *pip, str(place)])
    own = _own_packages(place)
    # A plain line in this file would ignore the .pth files there, which editable installs need.
    lines = [f"import site; site.addsitedir({folder!r})\n" for folder in _site_folders()]
    (own / "kinobench_parent.pth").write_text("".join(lines))


def _own_packages(place: Path) -> Path:
    base = {"base": str(place), "platbase": str(place)}
    return Path(sysconfig.get_path("purelib", "venv", base))


def _site_folders() -> list[str]:
    folders = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return [folder for folder in folders if Path(folder).is_dir()]


def _run(command: Sequence[str]) -> None:
    hidden = ("PYTHONPATH", "PYTHONHOME")  # they are meant for this Python
    environment = {name: own for name, own in own_environment().items() if name not in hidden}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        output = (done.stderr.strip() or done.stdout.strip() or "no output")[-1500:]
        raise CommandError(f"{' '.join(command)}: {output}")
