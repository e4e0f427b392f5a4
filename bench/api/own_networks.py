"""Networks that are not registered: a builder is sent to a worker, an instance stays here."""

import base64
import copy
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from .datasets.errors import KinobenchError
from .datasets.names import file_name
from .datasets.unfinished import temporary_folder
from .zoo import registry
from .zoo.spec import Architecture, Builder, Input

if TYPE_CHECKING:
    from torch import nn

MODULE_CURE = "put it into a file of its own, such as mynets.py, and import it from there"

_PLUGIN = '''\
"""Registers {name!r}, a builder that was given to kinobench from Python."""

import base64
import pickle
import sys

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.registry import register

sys.path.extend(each for each in {path!r} if each not in sys.path)
try:
    build = pickle.loads(base64.b64decode({builder!r}))
except Exception as error:
    raise KinobenchError(
        "the builder of {name} can't be loaded in a process of its own: "
        f"{{type(error).__name__}}: {{error}}; {cure}"
    ) from error
register({name!r}, family={family!r}, paper={paper!r}, year={year!r}, inputs={inputs!r},
         native={native!r}, libraries={libraries!r})(build)
'''


@contextmanager
def sent_to_workers(architecture: Architecture) -> Iterator[tuple[str, ...]]:
    """Give the plug-in files by which a worker process knows an architecture of this process.

    Raises:
        KinobenchError: Its builder can't be sent to another process; the message says the cure.
    """
    with temporary_folder() as folder:
        file = folder / f"{file_name(architecture.name)}-builder.py"
        about = {field: getattr(architecture, field) for field in architecture.__struct_fields__}
        about["libraries"] = tuple(about["libraries"])
        pickled = base64.b64encode(_pickled(architecture))
        content = about | {"builder": pickled, "path": sys.path, "cure": MODULE_CURE}
        file.write_text(_PLUGIN.format_map(content), encoding="utf-8")
        yield (str(file),)


def _pickled(architecture: Architecture) -> bytes:
    """Pickle a builder: by its name where a fresh process can import it, else with its code."""
    import cloudpickle

    build = architecture.build
    module = sys.modules.get(registry.module_of(build))
    by_value = module is not None and not _is_importable(module)
    if by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(build))
    except Exception as error:  # what a builder refers to may refuse in any way
        raise KinobenchError(
            f"the builder {architecture.name!r} can't be sent to a worker process "
            f"({type(error).__name__}: {error}): {MODULE_CURE}; or give an instance, which is "
            "measured in this process"
        ) from error
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)


def _is_importable(module: ModuleType) -> bool:
    """Return whether a fresh process that has this one's `sys.path` finds the same module."""
    name = module.__name__
    if name == "__main__":  # cloudpickle sends what is in it with its code anyhow
        return True
    top = sys.modules.get(name.partition(".")[0])
    if top is None:
        return False
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    here = getattr(module, "__file__", None)
    if found is None or found.origin != here:
        return False
    # A spec that only this process's loader put there says nothing of a fresh one.
    finder = importlib.machinery.PathFinder.find_spec(top.__name__)
    return finder is not None or name.partition(".")[0] == __name__.partition(".")[0]


def name_of(model: "Builder | nn.Module", name: str | None) -> str:
    """Return what a record calls a network: the name given, or the function's or class's own.

    Raises:
        KinobenchError: It has none, or another network has the same.
    """
    found = _own_name(model) if name is None else name
    if found in registry.names():
        raise KinobenchError(
            f"the name {found!r} is taken by another network; give this one a name of its own: "
            f'name="my_{found}"'
        )
    return found


def _own_name(model: "Builder | nn.Module") -> str:
    while isinstance(model, partial):
        model = model.func
    own = getattr(model, "__name__", None) or type(model).__name__
    if not str(own).isidentifier():
        raise KinobenchError(f'the builder {model!r} has no name of its own; give name="my_net"')
    return str(own).lower()


def of_builder(build: Builder, name: str | None, inputs: tuple[Input, ...]) -> Architecture:
    """Describe a builder as an architecture.

    Raises:
        KinobenchError: It can't be called, or has no name.
    """
    if not callable(build):
        raise KinobenchError(
            f"model is {build!r}; give a name of kinobench.models(), a builder "
            "(num_classes, frames, size) -> nn.Module, or a module"
        )
    return Architecture(
        name=name_of(build, name), build=build, family="custom", paper="", inputs=inputs
    )


def of_instance(module: "nn.Module", name: str | None, inputs: tuple[Input, ...]) -> Architecture:
    """Describe a module as an architecture that builds copies of it, whatever is asked for."""
    return Architecture(
        name=name_of(module, name),
        build=_Copies(module),
        family="custom",
        paper="",
        inputs=inputs,
    )


def digest_of(architecture: Architecture) -> str:
    """Return the digest of an instance's structure and weights."""
    from .bench.network.digest import network_digest

    assert isinstance(architecture.build, _Copies)
    return network_digest(architecture.build.module)


class _Copies:
    """A builder of copies of a module; a measurement never changes the module itself."""

    def __init__(self, module: "nn.Module") -> None:
        self.module = module
        self.__module__ = type(module).__module__  # whose source the digests of a run take in

    def __call__(self, num_classes: int, frames: int, size: int) -> "nn.Module":
        """Return a copy of the module, on the CPU; it decides itself what it takes and gives."""
        try:
            return copy.deepcopy(self.module).cpu()
        except Exception as error:  # whatever one of its attributes raises
            raise KinobenchError(
                f"{type(self.module).__name__} can't be copied ({type(error).__name__}: {error}), "
                "and a measurement must not change the module itself; give a builder, a function "
                "(num_classes, frames, size) that makes the module: it is called for each copy"
            ) from error
