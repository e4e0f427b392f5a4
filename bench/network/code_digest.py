"""Digests of the code that a case's logits depend on."""

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from ...zoo import registry
from ...zoo.plugin_modules import PREFIX, files_of, libraries_of, root_of
from ...zoo.spec import Builder
from ..records.files import CHECKOUT

_PARTS = ("bench", "datasets", "zoo")
_INSTALLED = {"site-packages", "dist-packages"}


def source_digest(build: Builder, *files: Path) -> str:
    """Return the digest of kinobench's own modules, of the builder's module, and of other files.

    With a plug-in's file come those next to it that its import statements name.
    """
    module = getattr(sys.modules.get(build.__module__), "__file__", None)
    builders = [(Path(module).name, Path(module))] if module else []
    return _digest([*_own(), *builders, *_of_plugins(files)])


def code_digest(model: str, *files: Path) -> str:
    """Return the digest of all code that a case's results come from, without importing torch.

    It is that of kinobench's own modules, of the plug-ins, each with the files next to it that its
    import statements name, and of the package that a network comes from, if it is an installed one.
    The libraries that a plug-in imports count by their versions.

    Args:
        model: The network.
        files: The plug-ins.

    Raises:
        OSError: A file can't be read.
    """
    named = [*_own(), *_of_plugins(files), *_of_package(model)]
    return _digest(named, _versions_for(files))


def forward_digest(model: str) -> str | None:
    """Return the digest of the code that a network's forward may come from.

    It is that of the zoo's modules, of the plug-in that brings the network with the files that it
    imports, or of the installed package, and for these two of all loaded modules that are in no
    environment, such as those of a package that is installed in editable mode. The libraries that
    the network's module or the plug-in imports count by their versions. None for a network of a
    script or a notebook: nobody knows where its code is.

    Raises:
        OSError: A file can't be read.
    """
    plugin = registry.plugin_of(model)
    if plugin is None and not registry.known_everywhere(model):
        return None
    zoo = [each for each in _own() if each[0].startswith("zoo/")]
    versions = _versions_of(registry.get(model).libraries)
    if model in registry.listed():
        module = sys.modules.get(registry.module_of(registry.get(model).build))
        file = getattr(module, "__file__", None)
        return _digest(zoo, versions + ([] if file is None else _versions_for([Path(file)])))
    files = () if plugin is None else (plugin,)
    named = [*zoo, *_of_plugins(files), *_of_package(model), *_of_no_environment()]
    return _digest(named, versions + _versions_for(files))


def is_in_a_file(model: str) -> bool:
    """Return whether a network is kinobench's own, or of a plug-in file, and of no package."""
    return model in registry.listed() or registry.plugin_of(model) is not None


def _own() -> list[tuple[str, Path]]:
    own = [path for part in _PARTS for path in (CHECKOUT / part).rglob("*.py")]
    return [(path.relative_to(CHECKOUT).as_posix(), path) for path in sorted(own)]


def _of_plugins(files: Iterable[Path]) -> list[tuple[str, Path]]:
    named = []
    for path in files:
        root = path.resolve().parent
        named += [(os.path.relpath(each, root), each) for each in files_of(path.resolve())]
    return named


def _versions_for(files: Iterable[Path]) -> list[str]:
    """Return the names of the distributions that plug-ins import from, with their versions."""
    return _versions_of({name for path in files for name in libraries_of(path.resolve())})


def _versions_of(modules: Iterable[str]) -> list[str]:
    """Return the names of the distributions that have modules, with their versions."""
    imported = sorted({name.partition(".")[0] for name in modules})
    found = {each for name in imported for each in _distributions_of(name)}
    return [f"{name}\t{version(name)}" for name in sorted(found)]


@cache
def _distributions_of(module: str) -> tuple[str, ...]:
    with suppress(PackageNotFoundError):
        version(module)
        return (module,)
    return tuple(_distributions().get(module, ()))


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Return which distributions have each module; finding it takes half a second."""
    return packages_distributions()


def _of_package(model: str) -> list[tuple[str, Path]]:
    """Return the files of the package, or the module, that registers a network at its import."""
    if is_in_a_file(model):
        return []
    package = registry.module_of(registry.get(model).build).partition(".")[0]
    if package == __name__.partition(".")[0]:
        return []
    loaded = sys.modules.get(package)
    folders = [Path(path) for path in getattr(loaded, "__path__", ())]
    file = getattr(loaded, "__file__", None)
    if not folders:
        return [(Path(file).name, Path(file))] if file else []
    found = sorted(path for folder in folders for path in folder.rglob("*.py"))
    return [(path.as_posix(), path) for path in found]


def _of_no_environment() -> list[tuple[str, Path]]:
    """Return the files of the loaded modules that are neither Python's, installed nor kinobench's.

    They have the modules' names: the same code has the same digest in another folder.
    """
    # Links aren't resolved: for thousands of modules, that takes half a second.
    python = tuple({sysconfig.get_path(each) + os.sep for each in ("stdlib", "platstdlib")})
    known = ("__main__", "__mp_main__", "kinobench", PREFIX)
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if not isinstance(file, str) or name.partition(".")[0].startswith(known):
            continue
        if file.startswith(python) or not _INSTALLED.isdisjoint(Path(file).parts):
            continue
        if Path(file).is_file():
            found[name] = Path(file)
    return sorted(found.items())


def imported_digest(build: Builder, *plugins: Path) -> str:
    """Return the digest of the user's own modules that are loaded.

    These are the files below the folders of the plugins and of the builder's package. Libraries
    that are installed there too, and kinobench itself, have conditions of their own, and so do the
    files of `source_digest`.
    """
    folders = [root_of(path.resolve()) for path in plugins]
    package = build.__module__.partition(".")[0]
    if package != __name__.partition(".")[0]:
        inside = getattr(sys.modules.get(package), "__path__", ())
        folders += [Path(path).resolve() for path in inside]
    if not folders:  # resolving the paths of thousands of modules takes half a second
        return _digest(())
    own = [CHECKOUT / part for part in _PARTS]
    known = {each for path in plugins for each in files_of(path.resolve())}
    found: dict[str, Path] = {}
    for module in list(sys.modules.values()):
        # A lazy module would be loaded by getattr.
        file = getattr(module, "__dict__", {}).get("__file__")
        path = Path(file).resolve() if isinstance(file, str) else None
        if path is None or path in known or not path.is_file():
            continue
        if any(path.is_relative_to(part) for part in own):
            continue
        for folder in filter(path.is_relative_to, folders):
            within = path.relative_to(folder)
            if not _INSTALLED.intersection(within.parts):
                found[within.as_posix()] = path
    return _digest(sorted(found.items()))


def _digest(named: Iterable[tuple[str, Path]], texts: Iterable[str] = ()) -> str:
    digest = hashlib.sha256()
    for name, path in named:
        digest.update(f"{name}\t".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for text in texts:
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()[:16]
