"""A network as the zoo builds it, with its weights, in eval mode."""

from typing import NamedTuple

from torch import nn

from ...zoo import registry
from ...zoo.build import build
from ...zoo.checkpoints.named import load_weights
from ..cost.seeds import seed_all
from ..cost.shape import Shape


class BuiltNetwork(NamedTuple):
    """A network and what its checkpoint was.

    Attributes:
        module: The module on the CPU in fp32, in eval mode.
        weights_digest: Digest of the checkpoint; None for an untrained network.
        notes: Remarks on the checkpoint, such as what was left out of it.
    """

    module: nn.Module
    weights_digest: str | None = None
    notes: tuple[str, ...] = ()


def build_network(model: str, shape: Shape, weights: str | None) -> BuiltNetwork:
    """Build a network with a fixed seed, so that untrained ones are the same each time.

    The seed remains set: the generators are the process's own.

    Args:
        model: The registry's name.
        shape: Frames and size of the clip, and the outputs of the head.
        weights: A published checkpoint's name, or a path; None leaves the network untrained.

    Raises:
        UnknownNameError: No network is named so.
        KinobenchError: The builder gives no module, or the weights are not there, or are another
            network's.
    """
    seed_all(0)
    module = build(registry.get(model), shape.classes, shape.frames, shape.size)
    digest, notes = (None, ()) if weights is None else load_weights(module, model, weights)
    module.eval()  # which may return nothing, as in mmaction2
    return BuiltNetwork(module, digest, tuple(f"weights: {note}" for note in notes))
