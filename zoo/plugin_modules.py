"""The modules of plug-in files: each folder's are its own, and import the files next to them.

A plug-in may `import blocks`, a file or a package in its folder, as a script may. Yet two plug-ins
in two folders may each have a `blocks`, and neither may take the name from an installed library. So
each folder is a package with a name of its own, such as `kinobench_plugin_1a2b3c4d`, and an import
statement of a file in it that names a neighbour is read as one of that package's module. What
Python can import without the plug-in comes first: a neighbour named `torch.py` or `types.py` hides
no library. A plug-in with relative imports in a folder with an `__init__.py` is a module of that
package.
"""

import ast
import hashlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

PREFIX = "kinobench_plugin_"
_INIT = "__init__.py"
_CHECKOUT = Path(__file__).resolve().parents[1]
_OWN = {"bench", "datasets", "zoo"}
"""kinobench's folders, which are `kinobench.bench` and so on, and no neighbours of a plug-in."""


def root_of(file: Path) -> Path:
    """Return the folder that a plug-in's modules are in: its own, or the one above its package."""
    folder = file.parent
    if not (folder / _INIT).is_file() or not _has_relative_imports(file):
        return folder
    while (folder / _INIT).is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def import_file(file: Path) -> set[Path]:
    """Run a plug-in, a file whose path has no links, as a module.

    Returns:
        The files that ran: its own, and those next to it that it imports, if they had not run yet.

    Raises:
        Exception: Whatever its code raises; none of its modules stays imported then.
    """
    importlib.invalidate_caches()  # a file may be as new as the list of its folder
    root = root_of(file)
    parts = [*file.parent.relative_to(root).parts, file.stem.replace(".", "_")]
    if len(parts) > 1 and file.name == _INIT:
        parts.pop()
    before = set(sys.modules)
    if root != file.parent and _is_known(parts[0], root):
        _run(".".join(parts), file)  # Python knows the package by its own name
        return {file, *_files_run(parts[0], before)}
    package = PREFIX + hashlib.sha256(str(root).encode()).hexdigest()[:8]
    if not any(isinstance(each, _Neighbours) for each in sys.meta_path):
        sys.meta_path.insert(0, _Neighbours())
    if package not in sys.modules:
        spec = ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(root)]
        sys.modules[package] = module_from_spec(spec)
    try:
        _run(".".join((package, *parts)), file)
    except BaseException:
        for name in sys.modules.keys() - before:
            if name.partition(".")[0] == package:
                del sys.modules[name]
        raise
    return {file, *_files_run(package, before)}


def _files_run(package: str, before: set[str]) -> Iterator[Path]:
    """Yield the files of a package's modules that were not imported before."""
    for name in sys.modules.keys() - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and name.partition(".")[0] == package:
            yield Path(file).resolve()


def _run(name: str, file: Path) -> None:
    """Run a file as the module of that name, unless its package just did."""
    before = sys.modules.pop(name, None)  # of a plug-in that is loaded once more
    try:
        importlib.import_module(name.rpartition(".")[0])
        if name in sys.modules:
            return
        spec = spec_from_file_location(name, file, loader=_NeighbourLoader(name, str(file)))
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module  # where dataclasses and pickle look for it
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before
        raise


def _has_relative_imports(file: Path) -> bool:
    tree = _parsed(file)
    return tree is not None and any(
        isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree)
    )


def files_of(file: Path) -> list[Path]:
    """Return a plug-in's file and those next to it that its import statements name, and theirs.

    A statement in a function counts, too: its module may not be imported yet.
    """
    found: dict[Path, None] = {}
    open_files, root = [file], root_of(file)
    while open_files:
        path = open_files.pop()
        if path in found:
            continue
        found[path] = None
        for folder, parts, names in _named_in(path, root):
            open_files += [
                each
                for end in range(1, len(parts) + 1)
                for each in _module_files(folder.joinpath(*parts[:end]))
            ]
            open_files += [
                each for name in names for each in _module_files(folder.joinpath(*parts, name))
            ]
    return sorted(found)


def libraries_of(file: Path) -> list[str]:
    """Return the names that a plug-in's files import, as `files_of` finds these.

    Each name is its first part, as `timm`. Python's own modules are left out, and relative imports;
    one of a neighbour is among them, since an installed library of its name comes first.
    """
    found: set[str] = set()
    for path in files_of(file):
        for node in ast.walk(_parsed(path) or ast.Module([], [])):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return sorted(found - sys.stdlib_module_names)


def _named_in(file: Path, root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield a folder, the parts of a module's name in it, and what is imported from the module."""
    for node in ast.walk(_parsed(file) or ast.Module([], [])):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from ((each, alias.name.split("."), []) for each in {root, file.parent})
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            folders = {root, file.parent}
            if node.level:
                folders = {[file.parent, *file.parent.parents][node.level - 1]}
            names = [alias.name for alias in node.names]
            yield from ((each, parts, names) for each in folders)


def _module_files(path: Path) -> list[Path]:
    return [each for each in (path.with_name(f"{path.name}.py"), path / _INIT) if each.is_file()]


def _parsed(file: Path) -> ast.Module | None:
    """Return the content of a Python file; None if Python can't read it, as running it says."""
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def cure_of_import(error: BaseException, file: Path) -> str:
    """Return a cure where an import of a neighbour failed; or nothing.

    Either a library has its name, or it is imported by code that is no import statement.
    """
    name = (getattr(error, "name", None) or "").partition(".")[0]
    if not isinstance(error, ImportError) or not name or _neighbour(name, file.parent) is None:
        return ""
    if _is_hidden(name, file.parent):
        return (
            f"; the folder of the file has a {name} too, and what Python finds elsewhere comes "
            f"first: write `from .{name} import ...`, or rename it"
        )
    if _is_known(name, file.parent):
        return ""
    return (
        f"; the folder of the file has a {name}, which an import statement finds: write `import "
        f"{name}`, or importlib.import_module('.{name}', __package__)"
    )


class _Neighbours:
    """A finder of `sys.meta_path` for the modules of plug-ins' folders, and for no others."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as Python would, and have its imports read as `_Imports` reads them."""
        if path is None or not name.startswith(PREFIX):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is not None and type(found.loader) is SourceFileLoader and found.origin:
            found.loader = _NeighbourLoader(name, found.origin)
        return found


class _NeighbourLoader(SourceFileLoader):
    """Loads a Python file of a plug-in's folder."""

    def path_stats(self, path: str) -> Any:
        """Say that there is no compiled file, and that none is to be written.

        What is compiled here must not be found where the user imports the file in another way.
        """
        raise OSError(path)

    def source_to_code(  # type: ignore[override]
        self, data: Any, path: Any, *, _optimize: int = -1
    ) -> Any:
        """Compile a file."""
        tree = ast.parse(data, path)
        top = self.name.partition(".")[0]
        if top.startswith(PREFIX):
            root, folder = Path(sys.modules[top].__path__[0]), Path(self.path).parent
            inner = ".".join((top, *folder.relative_to(root).parts))
            read = _Imports([(top, root), (inner, folder)]).visit(tree)
            tree = ast.fix_missing_locations(read)
        return super().source_to_code(tree, path, _optimize=_optimize)


class _Imports(ast.NodeTransformer):
    """Reads import statements that name a neighbour as those of its package's module."""

    def __init__(self, places: Sequence[tuple[str, Path]]) -> None:
        """Take packages with their folders, in which neighbours are looked for in this order."""
        self._places = places

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """`import blocks` becomes `import PACKAGE.blocks as blocks`."""
        names: list[ast.alias] = []
        for alias in node.names:
            first, _, rest = alias.name.partition(".")
            package = self._package_of(first)
            if package is None:
                names.append(alias)
                continue
            names.append(ast.alias(f"{package}.{alias.name}", alias.asname or first))
            if rest and alias.asname is None:  # `import a.b` binds `a`
                names.append(ast.alias(f"{package}.{first}", first))
        return [ast.copy_location(ast.Import([name]), node) for name in names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """`from blocks import Pool` becomes `from PACKAGE.blocks import Pool`."""
        if node.level == 0 and node.module:
            package = self._package_of(node.module.partition(".")[0])
            if package is not None:
                node.module = f"{package}.{node.module}"
        return node

    def _package_of(self, name: str) -> str | None:
        """Return the package that has a neighbour of that name; None where there is none."""
        for package, folder in self._places:
            if _neighbour(name, folder) is not None and not _is_known(name, folder):
                return package
        return None


def _neighbour(name: str, folder: Path) -> ModuleSpec | None:
    if folder == _CHECKOUT and name in _OWN:
        return None
    return PathFinder.find_spec(name, [str(folder)])


def _is_known(name: str, folder: Path) -> bool:
    """Return whether Python finds the name without the plug-in, be it the neighbour itself.

    A plain folder is no library, and neither is what happens to be in the working folder.
    """
    if name in sys.stdlib_module_names or name in sys.builtin_module_names:
        return True
    try:
        found = find_spec(name)
    except (ImportError, ValueError):  # something without a spec has that name
        return True
    if found is None:
        return False
    here = _neighbour(name, folder)
    if found.origin is None:  # a plain folder
        ours = set((here and here.submodule_search_locations) or ())
        return bool(ours.intersection(found.submodule_search_locations or ()))
    if here is not None and here.origin is not None and _same_file(found, Path(here.origin)):
        return True
    place = Path(found.origin).resolve()
    return Path.cwd() not in place.parents[:2]


def _is_hidden(name: str, folder: Path) -> bool:
    here = _neighbour(name, folder)
    if here is None or not _is_known(name, folder):
        return False
    return here.origin is None or not _same_file(find_spec(name), Path(here.origin))


def _same_file(found: ModuleSpec | None, file: Path) -> bool:
    """Return whether Python finds that file."""
    return found is not None and found.origin is not None and Path(found.origin) == file
