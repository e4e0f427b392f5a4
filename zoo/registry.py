"""Name -> architecture. Families register themselves; their modules load when asked for."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from ..datasets.errors import KinobenchError, UnknownNameError, program
from . import families
from .families import FAMILY_MODULES, OPEN_FAMILIES
from .spec import INPUTS, Architecture, Builder, Input

ENTRY_POINT_GROUP = "kinobench.zoo"

_FAMILY_OF = {name: module for module, names in FAMILY_MODULES.items() for name in names}
_architectures: dict[str, Architecture] = {}
_plugins: set[str] = set()


def register(
    name: str,
    *,
    family: str = "custom",
    paper: str = "",
    year: int | None = None,
    inputs: tuple[Input, ...] = ("rgb",),
    native: tuple[int, int, int] | None = None,
    libraries: tuple[str, ...] = (),
) -> Callable[[Builder], Builder]:
    """Register the decorated builder `(num_classes, frames, size) -> nn.Module` under `name`.

    Raises:
        KinobenchError: The name is taken, or is not lower case without blanks; or `inputs` is not
            one of `INPUTS`.
    """

    # A built-in name belongs to its family's module, however that came to be imported.
    caller = sys._getframe(1).f_globals.get("__name__")
    owner = f"{families.__name__}.{_FAMILY_OF[name]}" if name in _FAMILY_OF else caller

    def keep(build: Builder) -> Builder:
        if name != "".join(name.lower().split()) or not name:
            raise KinobenchError(f"architecture {name!r}: a name is lower case, without blanks")
        if name in _architectures or caller != owner:
            raise KinobenchError(f"architecture {name!r} is taken; choose another name")
        if inputs not in INPUTS:
            raise KinobenchError(
                f"architecture {name!r}: inputs is {inputs!r}; give one of "
                + ", ".join(map(str, INPUTS))
            )
        _architectures[name] = Architecture(
            name=name,
            build=build,
            family=family,
            paper=paper,
            year=year,
            inputs=inputs,
            native=native,
            libraries=libraries,
        )
        return build

    return keep


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
        importlib.import_module(f"{families.__name__}.{_FAMILY_OF[name]}")
    return _architectures[name]


def check(name: str) -> None:
    """Raise UnknownNameError unless an architecture of that name exists.

    Imports torch only for a name that is not listed but begins as an open family's do.
    """
    known = name in _FAMILY_OF or name in _architectures or name in names()
    if not known and not _opened(name):
        hint = f"`{program()} list models` shows all; give --plugin FILE for one of your own"
        raise UnknownNameError("model", name, names(), hint)


def _opened(name: str) -> bool:
    """Register a name that an open family makes of a backbone's; tell whether there is one."""
    for prefix, module in OPEN_FAMILIES.items():
        if name.startswith(prefix):
            family = importlib.import_module(f"{families.__name__}.{module}")
            return bool(family.register_backbone(name))
    return False


def load_plugin(path: str | Path) -> None:
    """Run a Python file that registers architectures; a second call for the same file is nothing.

    Raises:
        KinobenchError: The file is missing, or fails when it is run.
    """
    file = Path(path).resolve()
    if str(file) in _plugins:
        return
    if not file.is_file():
        raise KinobenchError(f"--plugin {path}: no such file")
    # Two files of one name in different folders are two modules.
    name = f"kinobench_plugin_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise KinobenchError(f"--plugin {path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    before = set(_architectures)
    sys.modules[name] = module  # where dataclasses and pickle look for it
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        for half_done in _architectures.keys() - before - _FAMILY_OF.keys():
            del _architectures[half_done]
        if isinstance(error, KinobenchError | KeyboardInterrupt):
            raise
        raise KinobenchError(f"--plugin {path} failed: {type(error).__name__}: {error}") from error
    _plugins.add(str(file))


def _load_installed_plugins() -> None:
    """Import what other distributions offer under the entry point group `kinobench.zoo`."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.value not in _plugins:
            try:
                point.load()
            except Exception as error:
                raise KinobenchError(
                    f"the installed plugin {point.name!r} = {point.value!r} fails: "
                    f"{type(error).__name__}: {error}; mend or uninstall it"
                ) from error
            _plugins.add(point.value)
