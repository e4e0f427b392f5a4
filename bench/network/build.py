"""A network as the zoo builds it, with its weights, in eval mode."""

import torch
from torch import nn

from ...zoo import registry
from ...zoo.checkpoints.named import load_weights
from ...zoo.surroundings import kept
from ..cost.shape import Shape


def build_network(model: str, shape: Shape, weights: str | None) -> tuple[nn.Module, str | None]:
    """Build a network with a fixed seed, so that untrained ones are the same each time.

    The seed remains set: torch's generator is the process's own.

    Args:
        model: The registry's name.
        shape: Frames and size of the clip, and the outputs of the head.
        weights: A published checkpoint's name, or a path; None leaves the network untrained.

    Returns:
        The module on the CPU in fp32, in eval mode, and the digest of the checkpoint file.

    Raises:
        UnknownNameError: No network is named so.
        KinobenchError: The weights are not there, or are another network's.
    """
    torch.manual_seed(0)
    with kept():
        module = registry.get(model).build(shape.classes, shape.frames, shape.size)
    digest = None if weights is None else load_weights(module, model, weights)
    return module.eval(), digest
