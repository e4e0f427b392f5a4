"""A second network like a first one: built again and loaded, never copied as an object.

A module may hold what can't be copied: a lock, an open file, a tensor computed from a parameter.
"""

from typing import Any

import torch
from torch import nn

from ...datasets.errors import KinobenchError
from ...zoo import registry
from ...zoo.build import build, named_model
from ..cost.seeds import seeded
from ..cost.shape import Shape


def built_again(model: str, shape: Shape, first: nn.Module, *, seed: int = 0) -> nn.Module:
    """Build a network again and give it all parameters and buffers of the first.

    All generators are afterwards as before.

    Args:
        model: The registry's name.
        shape: Frames and size of the clip, and the outputs of the head.
        first: The network as it was built, on any device, in any precision.
        seed: The seed that the first was built with: what it keeps elsewhere may be drawn, too.

    Returns:
        The second network on the CPU in fp32, in the mode that the builder leaves it in.

    Raises:
        KinobenchError: The builder gives the same module again, one that shares its parameters, or
            another network; the message says the cure.
    """
    with seeded(seed):
        second = build(registry.get(model), shape.classes, shape.frames, shape.size)
    if second is first or _places(second) & _places(first):
        raise KinobenchError(
            f"the builder of {named_model(model)} gives the same parameters each time; let each "
            "call make a network of its own"
        )
    take_state(second, first, model)
    return second


def take_state(second: nn.Module, first: nn.Module, model: str) -> None:
    """Give a network all parameters and buffers of another, those outside the state dict too.

    What the first has gathered in its forwards, such as a table that it registers, may be missing
    in the second: that makes it in its own.

    Raises:
        KinobenchError: Their parameters have other names or shapes.
    """
    theirs = {name: tuple(entry.shape) for name, entry in first.named_parameters()}
    if theirs != {name: tuple(entry.shape) for name, entry in second.named_parameters()}:
        raise KinobenchError(
            f"the builder of {named_model(model)} gives another network at its second call: its "
            "parameters have other names or shapes; let it depend on its arguments alone"
        )
    own, entries = second.state_dict(), first.state_dict()  # with the versions of its modules
    for name in list(entries):
        if name not in own or _shape(entries[name]) != _shape(own[name]):
            del entries[name]
    second.load_state_dict(entries, strict=False)
    # A `state_dict` of the network's own may have other names, or leave some out.
    tensors = {**dict(first.named_parameters()), **dict(first.named_buffers())}
    with torch.no_grad():
        for name, tensor in (*second.named_parameters(), *second.named_buffers()):
            if name in tensors and tensors[name].shape == tensor.shape:
                tensor.copy_(tensors[name])


def _shape(entry: Any) -> Any:
    """Return the shape of an entry of a state dict; None for one that is no tensor."""
    return getattr(entry, "shape", None)


def _places(module: nn.Module) -> set[int]:
    """Return where the content of the parameters is; on the meta device it is nowhere."""
    return {each.untyped_storage().data_ptr() for each in module.parameters()} - {0}
