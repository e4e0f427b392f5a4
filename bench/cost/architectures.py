"""Counts of a network of the registry, by its name: built and run in processes of their own."""

from collections.abc import Callable

import msgspec
import torch
from torch import nn

from ...zoo import families, registry
from ...zoo.build import build
from ...zoo.spec import Architecture, input_shapes, streams
from ..records.results import Cost
from .apart import apart
from .conventions import Layers
from .flops import SEED, Counted, count_here, first_line, why_not_meta
from .layers import watch_layers_here
from .meta import move_to_meta
from .on_device import chosen, not_compared
from .parameters import Weights, weights_of
from .random_inputs import random_inputs
from .seeds import seeded
from .shape import Shape

Inputs = tuple[torch.Tensor, ...]


class CountedArchitecture(msgspec.Struct, frozen=True, kw_only=True):
    """All counts of a network at one input.

    Attributes:
        counted: Those of one forward.
        streams: True if it can take one frame after another.
        layers: Those of its layers; None if nobody asked for them, or they can't be counted.
    """

    counted: Counted
    streams: bool
    layers: Layers | None

    @property
    def cost(self) -> Cost:
        """Cost of the forward."""
        return self.counted.cost

    @property
    def weights(self) -> Weights:
        """Parameters and bytes of the network."""
        return self.counted.weights


def is_own(architecture: Architecture) -> bool:
    """Return whether a network is kinobench's: it never asks where its tensors are."""
    zoo = families.__name__.rpartition(".")[0]
    return registry.module_of(architecture.build).startswith(f"{zoo}.")


def count_architecture(
    architecture: Architecture,
    shape: Shape,
    *,
    inputs: Inputs = (),
    with_layers: bool = False,
) -> CountedArchitecture:
    """Build a network and count one view, both in a process of its own that leaves nothing behind.

    Kinobench's own networks are built and counted on torch's meta device, without memory. Any other
    is counted on the CPU, too, untrained and with the same seed as in `run`, and its count there is
    the one to go by; if it can't be built on the meta device, it is built with memory.

    Args:
        architecture: The network.
        shape: The input and the head.
        inputs: The first arguments of its forward; the others are one random view of that shape.
        with_layers: True to count layers for `conventions.COUNTED_BY_LAYER`.

    Raises:
        Exception: Whatever the builder or the network raises.
    """
    given = (*inputs, *_random(architecture, shape)[len(inputs) :])

    def count(built_on: str, run: str) -> CountedArchitecture:
        def work() -> CountedArchitecture:
            module = _built(architecture, shape, built_on)
            return _counted(module, given, run, shape.classes if with_layers else None)

        return apart(work, CountedArchitecture)

    if is_own(architecture):
        return count("meta", "meta")
    try:
        found = _first_that_works(lambda: count("meta", "meta"), lambda: count("cpu", "meta"))
    except Exception as error:  # if the network itself fails, it fails on the CPU, too
        note = why_not_meta("cpu", f"{type(error).__name__}: {first_line(error)}")
        found = count("cpu", "cpu")
        return msgspec.structs.replace(found, counted=found.counted.noted(note))
    try:
        real = count("cpu", "cpu")
    except Exception as error:
        note = not_compared("cpu", error)
        return msgspec.structs.replace(found, counted=found.counted.noted(note))
    counted = chosen(found.counted, real.counted, "cpu")
    return msgspec.structs.replace(real, counted=counted, layers=found.layers)


def weights_without_forward(architecture: Architecture, shape: Shape) -> Weights:
    """Build a network on the meta device, in a process of its own, and count what it keeps.

    Raises:
        Exception: Whatever the builder raises.
    """
    return apart(lambda: weights_of(_built(architecture, shape, "meta")), Weights)


def _first_that_works(
    *ways: Callable[[], CountedArchitecture],
) -> CountedArchitecture:
    *others, last = ways
    for way in others:
        try:
            return way()
        except Exception:
            continue
    return last()


def build_without_memory(architecture: Architecture, shape: Shape) -> tuple[nn.Module, Inputs]:
    """Build a network in eval mode, and arguments for it, of one view, on torch's meta device.

    Tensors on the meta device have shapes, and no content. The network's code runs in this process.
    """
    return _built(architecture, shape, "meta"), _without_content(architecture, shape)


def _without_content(architecture: Architecture, shape: Shape) -> Inputs:
    shapes = input_shapes(architecture.inputs, 1, shape.frames, shape.size)
    return tuple(torch.empty(each, device="meta") for each in shapes)


def _random(architecture: Architecture, shape: Shape) -> Inputs:
    """Return a view as `run` counts it; without content for networks that never ask for it."""
    if is_own(architecture):
        return _without_content(architecture, shape)
    generator = torch.Generator().manual_seed(SEED)
    return random_inputs(architecture.inputs, 1, shape.frames, shape.size, generator)


def _built(architecture: Architecture, shape: Shape, device: str) -> nn.Module:
    with seeded(SEED), torch.device(device):
        module = build(architecture, shape.classes, shape.frames, shape.size)
        module.eval()  # which may return nothing, as in mmaction2
        return module


def _counted(
    module: nn.Module, inputs: Inputs, device: str, classes: int | None
) -> CountedArchitecture:
    replaced = move_to_meta(module) if device == "meta" else []
    given = tuple(each.to(device) for each in inputs)
    counted = count_here(module, *given)
    layers = None
    if classes is not None and device == "meta":
        layers = watch_layers_here(module, classes, *given)
    del replaced
    return CountedArchitecture(counted=counted, streams=streams(module), layers=layers)
