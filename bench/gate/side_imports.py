"""The imports of a side of the speed gate: from its own version of a repository, never the other.

An editable installation, PYTHONPATH or a link makes every process import the candidate's files, and
then the baseline would be the candidate again. `side.py` loads this file by its path. It needs only
the standard library.
"""

import os
import sys
import sysconfig
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

_INSTALLED = {"site-packages", "dist-packages"}
"""Folders of an environment. It is the same for both versions, wherever it is."""


class StrayModuleError(ImportError):
    """The baseline has imported a file of the candidate."""


class Tree:
    """One version of a repository, as a finder of `sys.meta_path` that imports from it.

    Attributes:
        repository: The candidate's working tree.
        place: The folder of this version: the same one, or a worktree.
        first: Folders whose packages and modules come before all others.
    """

    def __init__(self, repository: str, place: str, root: str) -> None:
        """Replace `repository` by `place`; `root` is the checkout of kinobench, which stays."""
        self.repository, self.place = os.path.realpath(repository), os.path.realpath(place)
        own = os.path.realpath(root)
        self.first: list[str] = []
        # The folders at kinobench's root are `kinobench.bench` and so on, not `bench`.
        if own != self.place:
            folders = (Path(self.place), Path(self.place, "src"))
            self.first = [str(folder) for folder in folders if folder.is_dir()]
        paths = sysconfig.get_paths()
        kept = [own, *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))]
        self._kept = [each for each in map(os.path.realpath, kept) if self._is_inner(each)]

    def lead(self) -> None:
        """Make all later imports use this version."""
        sys.path[:] = [self.moved(entry) for entry in sys.path]
        if "PYTHONPATH" in os.environ:  # for processes that this one starts
            entries = os.environ["PYTHONPATH"].split(os.pathsep)
            os.environ["PYTHONPATH"] = os.pathsep.join(map(self.moved, entries))
        sys.meta_path.insert(0, self)  # ahead of the finders of editable installations

    def is_candidates(self, path: str) -> bool:
        """Return whether a path, links resolved, is the candidate's and in no environment."""
        if self.place == self.repository or not Path(path).is_absolute():
            return False
        real = os.path.realpath(path)
        if not _is_below(real, self.repository) or _is_below(real, self.place):
            return False
        if any(_is_below(real, folder) for folder in self._kept):
            return False
        return _INSTALLED.isdisjoint(Path(real).relative_to(self.repository).parts)

    def moved(self, path: str) -> str:
        """Return this version's path for a path of the candidate; unchanged if it has none."""
        if not self.is_candidates(path):
            return path
        here = self._counterpart(path)
        return str(here) if here.exists() else path

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as Python would, but in this version.

        Raises:
            ModuleNotFoundError: The candidate has the module, but this version doesn't.
        """
        own = None
        if path is None and name not in sys.stdlib_module_names and self.first:
            own = PathFinder.find_spec(name, self.first)
            if own is not None and own.loader is not None:
                return own
        found = self._found_elsewhere(name, path, target)
        if found is None:
            return None  # a plain folder, such as `data`, isn't a package
        here = self._of_this_version(found)
        if own is None or not _is_namespace(here):
            return here
        places = [*(own.submodule_search_locations or ()), *(here.submodule_search_locations or ())]
        return _namespace(name, list(dict.fromkeys(places)))

    def refuse_strays(self) -> None:
        """Check all modules that were imported.

        Raises:
            StrayModuleError: A module is the candidate's, but this is the baseline.
        """
        program = sys.modules["__main__"]  # this program has more than one name
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__dict__", {}).get("__file__")
            if module is not program and isinstance(file, str) and self.is_candidates(file):
                raise StrayModuleError(
                    f"{name} was imported from {file}, which belongs to the candidate, so the two "
                    "versions can't be compared. Let the plugin import it by its name, from a "
                    "package that is installed (in editable mode or not) or on PYTHONPATH. Files "
                    "that are the same for both versions belong in a virtual environment or "
                    "outside the repository"
                )

    def _found_elsewhere(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            find: Any = getattr(finder, "find_spec", None)
            found: ModuleSpec | None = find(name, path, target) if find is not None else None
            if found is not None:
                return found
        return None

    def _of_this_version(self, found: ModuleSpec) -> ModuleSpec:
        if _is_namespace(found):
            places = list(found.submodule_search_locations or ())
            if not any(map(self.is_candidates, places)):
                return found
            here = [self.moved(each) for each in places]
            here = [each for each in here if not self.is_candidates(each)]
            if not here:
                raise self._missing(found.name, places[0])
            return _namespace(found.name, here)
        if found.origin is None or not found.has_location or not self.is_candidates(found.origin):
            return found
        file = self._counterpart(found.origin)
        here_too = spec_from_file_location(found.name, file) if file.is_file() else None
        if here_too is None:
            raise self._missing(found.name, found.origin)
        return here_too

    def _missing(self, name: str, path: str) -> ModuleNotFoundError:
        missing = os.path.relpath(os.path.realpath(path), self.repository)
        return ModuleNotFoundError(
            f"No module named {name!r}: the commit has no {missing}, which the candidate has",
            name=name,
        )

    def _counterpart(self, path: str) -> Path:
        return Path(self.place, os.path.relpath(os.path.realpath(path), self.repository))

    def _is_inner(self, folder: str) -> bool:
        return folder != self.repository and _is_below(folder, self.repository)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_namespace(spec: ModuleSpec) -> bool:
    """Return whether a spec is that of a package without an `__init__.py`."""
    return spec.origin is None and spec.submodule_search_locations is not None


def _namespace(name: str, places: list[str]) -> ModuleSpec:
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = places
    return spec
