"""The runtimes as people see them: what is installed, or what installs it. Imports no torch."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import msgspec

from ...records.case import Hint, Provider, Runtime
from .known import KNOWN, Target, is_installed, versions_of


class ListedRuntime(msgspec.Struct, frozen=True, kw_only=True):
    """A runtime, as `list runtimes` shows it.

    Attributes:
        name: Its name, as `--runtime` takes it.
        summary: What it is, in one line.
        version: Version that is installed; None if it isn't.
        install: Arguments of `pip install` that bring it; None if it is installed.
        targets: What it runs on, by provider: the device of the case, precisions and modes.
        hints: Hints that it takes.
        versions: Versions of all packages that decide its results, besides torch.
    """

    name: Runtime
    summary: str
    version: str | None
    install: str | None
    targets: Mapping[Provider, Target]
    hints: tuple[Hint, ...]
    versions: Mapping[str, str]


def listed() -> list[ListedRuntime]:
    """Return every runtime, torch first."""
    return [
        ListedRuntime(
            name=name,
            summary=known.summary,
            version=version_of(name),
            install=None if is_installed(name) else f"kinobench[{known.extra}]",
            targets=known.targets,
            hints=known.hints,
            versions=versions_of(name),
        )
        for name, known in KNOWN.items()
    ]


def version_of(runtime: Runtime) -> str | None:
    """Return the version of a runtime itself; None if it isn't installed.

    AOTInductor is a part of torch.
    """
    if not is_installed(runtime):
        return None
    module = KNOWN[runtime].module
    if not module:
        return _version("torch")
    own = (found for name, found in versions_of(runtime).items() if name.startswith(module))
    return next(own, "unknown")  # built from source, for example


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
