"""Every network and its cost, without building those that come with kinobench."""

from collections.abc import Callable
from functools import cache

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.names import Task
from ...zoo import registry
from ...zoo.checkpoints.named import weights_of
from ...zoo.checkpoints.shipped import shipped_files
from ...zoo.spec import Architecture, Input
from ...zoo.tables.csv_table import FOLDER
from .shape import native_shape

INDEX = FOLDER / "index.json"
"""The output of `list models --recount --json` for the networks that come with kinobench. A test
compares it with them."""


class NamedWeights(msgspec.Struct, frozen=True, kw_only=True):
    """A published checkpoint.

    Attributes:
        name: Its name for `--weights`.
        protocol: The protocol that it was tested under; None if that is unknown.
        top1, top5: The printed accuracy, in percent.
    """

    name: str
    protocol: str | None
    top1: float | None
    top5: float | None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """An architecture at its own input.

    Attributes:
        name, family, paper, year, inputs, native: See `Architecture`.
        frames, size, classes: The input and the classes that `params` and `macs` are counted for.
        params: Parameters; None if the network can't be built here, or keeps them in a form that
            can't be counted.
        macs: Multiply-adds of convolutions and matrix products for one view; None if the network
            can't be built here.
        streams: True if it can take one frame after another; None if that is unknown.
        weights: Its published checkpoints.
        shipped: The names of weights that come with kinobench.
        reason: Reason why a count is None.
        task: What it says of a video.
    """

    name: str
    family: str
    paper: str
    year: int | None
    inputs: tuple[Input, ...]
    native: tuple[int, int, int] | None
    frames: int
    size: int
    classes: int
    params: int | None = None
    macs: int | None = None
    streams: bool | None = None
    weights: tuple[NamedWeights, ...]
    shipped: tuple[str, ...] = ()
    reason: str | None = None
    task: Task = "classification"


def models(
    recount: bool = False, progress: Callable[[int, int], None] | None = None
) -> list[Model]:
    """Return every model in alphabetical order.

    Models that come with kinobench are read from its index; others are built and counted.

    Args:
        recount: Build and count all of them, which takes minutes.
        progress: Called with the number of models done, and of all.
    """
    indexed = {} if recount else {model.name: model for model in read_index()}
    names, found = registry.names(), []
    shipped: dict[str, tuple[str, ...]] = {}
    for owner, weights in shipped_files():
        shipped[owner] = (*shipped.get(owner, ()), weights)
    for name in names:
        model = indexed.get(name) or count_model(name)
        found.append(msgspec.structs.replace(model, shipped=shipped.get(name, ())))
        if progress is not None:
            progress(len(found), len(names))
    return found


@cache
def read_index() -> list[Model]:
    """Read the models that come with kinobench; imports no torch."""
    return msgspec.json.decode(INDEX.read_bytes(), type=list[Model])


def model_of(name: str) -> Model:
    """Return a network's entry; for one that comes with kinobench, without importing torch.

    Raises:
        UnknownNameError: The architecture is unknown.
    """
    for model in read_index():
        if model.name == name:
            return model
    return _described(registry.get(name))


def count_model(name: str) -> Model:
    """Build a model for its own input, and count one view; see `count_architecture`."""
    from .architectures import count_architecture

    architecture = registry.get(name)
    described = _described(architecture)
    try:
        found = count_architecture(architecture, native_shape(architecture))
    except KinobenchError as error:
        return msgspec.structs.replace(described, reason=str(error))
    except Exception as error:  # a third party's network; the others must still be listed
        reason = f"{type(error).__name__}: {error}"
        return msgspec.structs.replace(described, reason=reason)
    return msgspec.structs.replace(
        described,
        params=found.weights.params,
        macs=found.cost.macs,
        streams=found.streams,
        reason=found.weights.reason,
    )


def _described(architecture: Architecture) -> Model:
    """Return a network's entry without its counts."""
    shape = native_shape(architecture)
    return Model(
        name=architecture.name,
        family=architecture.family,
        paper=architecture.paper,
        year=architecture.year,
        inputs=architecture.inputs,
        native=architecture.native,
        task=architecture.task,
        frames=shape.frames,
        size=shape.size,
        classes=shape.classes,
        weights=tuple(
            NamedWeights(
                name=w.name,
                protocol=w.protocol,
                top1=None if w.top1 is None else float(w.top1),
                top5=None if w.top5 is None else float(w.top5),
            )
            for w in weights_of(architecture.name)
        ),
    )
