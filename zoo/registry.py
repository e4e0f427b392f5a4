"""Name -> architecture. Families register themselves; their modules load when asked for."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from ..datasets.errors import KinobenchError, UnknownNameError, program
from ..datasets.names import Task
from ..datasets.surroundings import kept
from ..datasets.their_errors import error_text, place_of
from . import families
from .families import FAMILY_MODULES, OPEN_FAMILIES, TASK_MODULES
from .plugin_modules import cure_of_import, import_file
from .registration import checked, refuse_bare_decorator
from .spec import Architecture, Builder, Input

ENTRY_POINT_GROUP = "kinobench.zoo"

_FAMILY_OF = {
    name: module
    for modules in (FAMILY_MODULES, TASK_MODULES)
    for module, names in modules.items()
    for name in names
}
_architectures: dict[str, Architecture] = {}
_plugins: set[str] = set()
"""The files that ran as plug-ins or as neighbours of one, and the entry points that loaded."""
_files: dict[str, str] = {}
"""Name -> the file of `load_plugin` that registered it."""


def register(
    name: str,
    *,
    family: str = "custom",
    paper: str = "",
    year: int | None = None,
    inputs: tuple[Input, ...] = ("rgb",),
    native: tuple[int, int, int] | None = None,
    libraries: tuple[str, ...] = (),
    task: Task = "classification",
) -> Callable[[Builder], Builder]:
    """Register the decorated builder `(num_classes, frames, size) -> nn.Module` under `name`.

    The module takes `clip: [B, 3, frames, size, size]`, float, and gives logits
    `[B, num_classes]`; see `Architecture`, whose fields the other arguments are.

    Raises:
        KinobenchError: The name is missing, taken, too long, or has other characters than lower
            case letters, digits, and `_`, `-`, `.` and `+`, in parts with `/` between them; the
            builder takes other parameters; or another argument is not what `Architecture` says.

    Example:
        >>> from kinobench.zoo.registry import register
        >>> @register("mean_colour", native=(16, 1, 64))
        ... def build(num_classes, frames, size):
        ...     from torch import nn
        ...     pool = nn.AdaptiveAvgPool3d(1)
        ...     return nn.Sequential(pool, nn.Flatten(), nn.Linear(3, num_classes))
    """

    refuse_bare_decorator(name)

    def keep(build: Builder) -> Builder:
        _add(
            Architecture(
                name=name,
                build=build,
                family=family,
                paper=paper,
                year=year,
                inputs=inputs,
                native=native,
                libraries=libraries,
                task=task,
            )
        )
        return build

    return keep


def _add(architecture: Architecture) -> None:
    architecture = checked(architecture)
    name = architecture.name
    # A built-in name belongs to its family's module, which may not be imported yet.
    family = _FAMILY_OF.get(name)
    own = family is None or _is_of(architecture.build, family)
    if name in _architectures or not own:
        raise KinobenchError(f"architecture {name!r} is taken; choose another name")
    _architectures[name] = architecture


def _module(family: str) -> str:
    """Return the name of a module of `FAMILY_MODULES`, or of `TASK_MODULES`, which has a dot."""
    package = families.__name__
    return f"{package.rpartition('.')[0] if '.' in family else package}.{family}"


def _is_of(build: Builder, family: str) -> bool:
    """Return whether a builder is a family's: in its module, or for another task in its package."""
    module, own = module_of(build), _module(family)
    package = f"{own.rpartition('.')[0]}."
    return module.startswith(package) if family in TASK_MODULES else module == own


def module_of(build: Builder) -> str:
    """Return the name of the module that a builder, or the function of a `partial`, is in."""
    while isinstance(build, partial):
        build = build.func
    return str(getattr(build, "__module__", None) or type(build).__module__)


@contextmanager
def registered(architecture: Architecture) -> Iterator[None]:
    """Register an architecture while the context lasts.

    Raises:
        KinobenchError: The errors of `register`.
    """
    _load_installed_plugins()
    _add(architecture)
    try:
        yield
    finally:
        del _architectures[architecture.name]


def listed() -> list[str]:
    """Return the names that come with kinobench, in alphabetical order."""
    return sorted(_FAMILY_OF)


def names() -> list[str]:
    """Return every registered name, in alphabetical order, without importing a built-in family."""
    _load_installed_plugins()
    return sorted({*_FAMILY_OF, *_architectures})


def get(name: str) -> Architecture:
    """Return the architecture of that name.

    Raises:
        UnknownNameError: No architecture is named so; the message has the nearest name.
    """
    check(name)
    if name not in _architectures:
        importlib.import_module(_module(_FAMILY_OF[name]))
    return _architectures[name]


def check(name: str) -> None:
    """Raise UnknownNameError unless an architecture of that name exists.

    Imports torch only for a name that is not listed but begins as an open family's do.
    """
    known = name in _FAMILY_OF or name in _architectures or name in names()
    if not known and not _opened(name):
        hint = (
            f"`{program()} list models` shows all; if it is your own, name its file with "
            "--plugin FILE"
        )
        raise UnknownNameError("model", name, names(), hint)


def _opened(name: str) -> bool:
    """Register a name that an open family derives from a backbone; return whether there is one."""
    for prefix, module in OPEN_FAMILIES.items():
        if name.startswith(prefix):
            family = importlib.import_module(_module(module))
            return bool(family.register_backbone(name))
    return False


def plugin_of(name: str) -> Path | None:
    """Return the file, given to `load_plugin`, that registered a name; None if none did.

    A name that is derived from a network, such as `bmn_on_mine`, is of the network's file.
    """
    file = _files.get(name) or _files.get(_derived_from(name) or name)
    return None if file is None else Path(file)


def _derived_from(name: str) -> str | None:
    """Return the network of the registry that a name of an open family is derived from."""
    for prefix, module in OPEN_FAMILIES.items():
        if module in TASK_MODULES and name.startswith(prefix):
            return name.removeprefix(prefix)
    return None


def known_everywhere(name: str) -> bool:
    """Return whether a fresh process knows the name: it is kinobench's, or an installed plug-in's.

    Raises:
        UnknownNameError: No architecture is named so.
    """
    check(name)
    if name in _FAMILY_OF:
        return True
    backbone = None if name in _files else _derived_from(name)
    if backbone is not None:
        return known_everywhere(backbone)
    package = module_of(_architectures[name].build).partition(".")[0]
    installed = {point.module.partition(".")[0] for point in entry_points(group=ENTRY_POINT_GROUP)}
    return package in installed | {families.__name__.partition(".")[0]}


def load_plugin(path: str | Path) -> tuple[str, ...]:
    """Run a Python file that registers architectures, once for each file; see `plugin_modules`.

    The surroundings are kept meanwhile; see `kinobench.datasets.surroundings`.

    Returns:
        Remarks on what it changed that may have to do with a measurement.

    Raises:
        KinobenchError: The file is missing, or fails when it is run.
    """
    file = Path(path).resolve()
    if str(file) in _plugins:
        return ()
    if not file.is_file():
        raise KinobenchError(f"--plugin {path}: no such file")
    if file.suffix != ".py":
        raise KinobenchError(f"--plugin {path}: not a Python file; its name must end in .py")
    before = set(_architectures)
    if b"torch" in file.read_bytes():  # it will be loaded, and its settings are kept
        importlib.import_module("torch")
    try:
        with kept() as remarks:
            files = import_file(file)
    except BaseException as error:
        for half_done in _architectures.keys() - before - _FAMILY_OF.keys():
            del _architectures[half_done]
        if isinstance(error, KeyboardInterrupt):
            raise
        if isinstance(error, KinobenchError):
            raise KinobenchError(f"{error} ({place_of(error) or path})") from error
        cure = cure_of_import(error, file)
        raise KinobenchError(f"--plugin {path} failed: {error_text(error)}{cure}") from error
    _plugins.update(map(str, files))  # one that imports another has run it
    _files.update(dict.fromkeys(_architectures.keys() - before - _FAMILY_OF.keys(), str(file)))
    return tuple(f"{path}: {remark}" for remark in remarks)


def _load_installed_plugins() -> None:
    """Import what other distributions offer under the entry point group `kinobench.zoo`."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.value not in _plugins:
            try:
                with kept():
                    point.load()
            except (Exception, SystemExit) as error:
                raise KinobenchError(
                    f"the installed plugin {point.name!r} = {point.value!r} fails: "
                    f"{error_text(error)}; repair or uninstall it"
                ) from error
            _plugins.add(point.value)
