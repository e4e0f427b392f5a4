"""The Python that the baseline of the gate runs in: this one, if it has what is needed there."""

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
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from ...datasets.cache_root import cache_root
from ..machine.environment import UnfitEnvironmentError
from ..machine.git import own_environment

Tell = Callable[[str], None]


def interpreter(
    baseline: Path, candidate: Path, cache: Path, tell: Tell, beside: Sequence[str] = ()
) -> str:
    """Return the Python that has what the baseline needs.

    That is this one, unless the baseline needs something that the candidate doesn't list in the
    same words, and that is not installed here. Then an environment is made below `cache`, once for
    each state of this one. It holds what is lacking alone, and finds all else where this Python
    does, at the very same versions, so that nothing but the dependencies that differ can differ.

    Args:
        baseline: Its checkout.
        candidate: That of the other side.
        cache: Where environments are kept.
        tell: Is told of an environment of its own.
        beside: Requirements that hold besides those of the baseline: kinobench's.

    Raises:
        UnfitEnvironmentError: It can't be made.
    """
    needed, listed = dependencies(baseline), dependencies(candidate)
    lacking = [each for each in needed if each not in listed and not is_met(each)]
    if not lacking:
        return sys.executable
    present = [each for each in sorted({*needed, *beside}) if is_met(each)]
    pins = sorted({pin for each in present if (pin := _pin(each)) is not None})
    installed = sorted(f"{each.name}=={each.version}" for each in distributions())
    state = [sys.version, *_site_folders(), *lacking, *present, *pins, *installed]
    place = cache / hashlib.sha256("\n".join(state).encode()).hexdigest()[:16]
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = place / "finished"
    needs = f"the baseline needs {', '.join(lacking)}, which this Python lacks"
    if finished.exists():
        tell(f"{needs}; its environment is {place}")
        return str(python)
    tell(f"{needs}; making an environment with it in {place}")
    _make(place)
    pinned = place / "constraints.txt"
    pinned.write_text("".join(f"{pin}\n" for pin in pins))
    install = ("install", "--quiet", "--no-input", "--disable-pip-version-check")
    _run([str(python), "-m", "pip", *install, "-c", str(pinned), *lacking, *present], needs)
    finished.write_text("\n".join(state))
    return str(python)


def dependencies(checkout: Path) -> tuple[str, ...]:
    """Return what a checkout's pyproject.toml lists, kinobench aside, which is there already."""
    try:
        project: dict[str, Any] = tomllib.loads((checkout / "pyproject.toml").read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return ()
    listed = project.get("project", {}).get("dependencies", ())
    return tuple(sorted(each for each in listed if not _is_kinobench(each)))


def needs_of_kinobench(checkout: Path) -> tuple[str, ...]:
    """Return what kinobench itself needs, be it a checkout or installed."""
    if listed := dependencies(checkout):
        return listed
    try:
        known = requires("kinobench") or []
    except PackageNotFoundError:
        return ()
    return tuple(sorted(each for each in known if _applies(Requirement(each))))


def is_met(text: str) -> bool:
    """Tell whether a requirement is installed here, its extras included, or is of no account here.

    Its syntax is that of "Dependency specifiers" of the Python Packaging User Guide (PEP 508).
    """
    try:
        return _is_met(Requirement(text))
    except (InvalidRequirement, InvalidVersion):
        return False  # pip is to say what is wrong with it


def cache_folder() -> Path:
    """Return where environments of baselines are kept."""
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
    """Return the URL that a distribution was installed from, as a requirement has it (PEP 610)."""
    told = json.loads(found.read_text("direct_url.json") or "{}")
    if "vcs_info" not in told:
        return told.get("url")
    vcs = told["vcs_info"]
    revision = vcs.get("requested_revision")
    return f"{vcs['vcs']}+{told['url']}" + (f"@{revision}" if revision else "")


def _pin(text: str) -> str | None:
    """Return the constraint that keeps a requirement at the version that is installed."""
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
    """Make an environment that finds everything of this one, after what is its own."""
    # Asked for by its metadata: to look for the module would have setuptools meddle with distutils.
    pip = ["--without-pip"] if is_met("pip") else []
    _run([sys.executable, "-m", "venv", "--clear", *pip, str(place)], "an environment is wanted")
    base = {"base": str(place), "platbase": str(place)}
    own = Path(sysconfig.get_path("purelib", "venv", base))
    # Other than a plain line it obeys the .pth files there, those of editable installations.
    lines = [f"import site; site.addsitedir({folder!r})\n" for folder in _site_folders()]
    (own / "kinobench_parent.pth").write_text("".join(lines))


def _site_folders() -> list[str]:
    folders = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return [folder for folder in folders if Path(folder).is_dir()]


def _run(command: Sequence[str], why: str) -> None:
    hidden = ("PYTHONPATH", "PYTHONHOME")  # they are about this Python
    environment = {name: own for name, own in own_environment().items() if name not in hidden}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no word")[-1500:]
        raise UnfitEnvironmentError(
            f"{why}, and that can't be had: {' '.join(command)}: {said}; install it here, or check "
            "against a commit with other dependencies"
        )
