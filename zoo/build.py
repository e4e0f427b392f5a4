"""A network as its builder gives it: checked, and with the layers that are made late."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..datasets.errors import KinobenchError
from ..datasets.plurals import some
from ..datasets.surroundings import kept
from ..datasets.their_errors import error_text
from . import registry
from .plugin_modules import cure_of_import
from .spec import Architecture, input_shapes


def build(architecture: Architecture, num_classes: int, frames: int, size: int) -> nn.Module:
    """Call a builder, check what it gives, and make the network's lazy layers.

    Lazy layers get their shapes in a forward of one random clip in eval mode, and their weights
    from torch's generator, as layers that the builder makes. A network without any isn't run.

    Returns:
        The module, in the mode that the builder left it in.

    Raises:
        KinobenchError: The builder gives something else than a module, or a forward doesn't reach
            a lazy layer.
    """
    module = built(architecture, num_classes, frames, size)
    if _lazy(module):
        shapes = input_shapes(architecture.inputs, 1, frames, size)
        _make_lazy_layers(module, architecture, shapes)
    return module


def built(architecture: Architecture, num_classes: int, frames: int, size: int) -> nn.Module:
    """Call a builder as `build` does, and leave lazy layers without their shapes."""
    with kept():
        try:
            module: Any = architecture.build(num_classes, frames, size)
        except ImportError as error:
            file = registry.plugin_of(architecture.name)
            if file is None or not (cure := cure_of_import(error, file)):
                raise
            raise KinobenchError(
                f"the builder of {named(architecture)} fails: {error_text(error)}{cure}"
            ) from error
    if not isinstance(module, nn.Module):
        cure = "; does it lack a `return`?" if module is None else ""
        raise KinobenchError(
            f"the builder of {named(architecture)} gives {_shown(module)}; it must return an "
            f"nn.Module{cure}"
        )
    return module


def named(architecture: Architecture) -> str:
    """Return a network's name and, unless it is kinobench's own, the file of its builder."""
    if registry.module_of(architecture.build).startswith(f"{__package__}."):
        return architecture.name
    build: Any = architecture.build
    while isinstance(build, partial):
        build = build.func
    code = getattr(build, "__code__", None)
    file = registry.plugin_of(architecture.name) or Path(code.co_filename if code else "")
    return f"{architecture.name} ({file})" if file.is_file() else architecture.name


def named_model(model: str) -> str:
    """Return what `named` returns of a registered name, and any other name as it is."""
    try:
        return named(registry.get(model))
    except KinobenchError:
        return model


@contextmanager
def no_late_layers(module: nn.Module, model: str) -> Iterator[None]:
    """Refuse a network that makes layers in the forward that the context runs.

    Such layers would be neither counted nor loaded, placed or trained. Where the forward itself
    fails because of them, such as on a GPU, the message is the same.

    Raises:
        KinobenchError: It has parameters afterwards that it didn't have before.
    """
    before = _parameter_names(module)
    try:
        yield
    except Exception as error:
        _refuse_late(_parameter_names(module) - before, model, error)
        raise
    _refuse_late(_parameter_names(module) - before, model, None)


def _refuse_late(late: set[str], model: str, error: Exception | None) -> None:
    if late:
        raise KinobenchError(
            f"{named_model(model)} makes layers in its forward ({some(sorted(late))}): they can't "
            "be counted, loaded or trained; make them in __init__, or use torch's lazy layers, "
            "such as nn.LazyLinear"
        ) from error


def _parameter_names(module: nn.Module) -> set[str]:
    return {name for name, _ in module.named_parameters(remove_duplicate=False)}


def _lazy(module: nn.Module) -> list[str]:
    """Return the names of parameters and buffers that have no shape yet."""
    entries = (*module.named_parameters(), *module.named_buffers())
    return [name for name, entry in entries if is_lazy(entry)]


def _make_lazy_layers(
    module: nn.Module, architecture: Architecture, shapes: tuple[tuple[int, ...], ...]
) -> None:
    """Run one clip, drawn by a generator of its own: the layers draw from torch's."""
    tensors = (*module.parameters(), *module.buffers())
    device = next(entry.device for entry in tensors)
    generator = torch.Generator().manual_seed(0)
    training = [part for part in module.modules() if part.training]
    module.eval()
    with torch.no_grad():
        module(
            *(torch.randn(shape, generator=generator, device="cpu").to(device) for shape in shapes)
        )
    for part in training:
        part.training = True
    if left := _lazy(module):
        raise KinobenchError(
            f"{named(architecture)}: a forward in eval mode doesn't reach its lazy "
            f"{'entry' if len(left) == 1 else 'entries'} {some(left)}; give these layers their "
            "shapes, or leave them out"
        )


def _shown(given: Any) -> str:
    """Return a value for a message: what a tuple has in it, a class's name, or its type."""
    if given is None:
        return "None"
    if isinstance(given, tuple | list):
        return f"a {type(given).__name__} of {', '.join(type(each).__name__ for each in given)}"
    if isinstance(given, type):
        return f"the class {given.__name__} itself"
    return f"{given!r:.80} ({type(given).__name__})"
