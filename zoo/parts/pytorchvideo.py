"""A fix for pytorchvideo's networks: sizes as Python's integers, not numpy's."""

import numpy as np
from torch import nn

FIELDS = ("stride", "kernel_size", "padding")


def with_plain_integers(network: nn.Module) -> nn.Module:
    """Replace numpy's integers in the layers' sizes by Python's, in place; return the network.

    pytorchvideo computes a shortcut's strides and a window's length with numpy. torch.compile takes
    numpy's integers for tensors of unknown value, and doesn't compile such layers.
    """
    for layer in network.modules():
        for field in FIELDS:
            extents = getattr(layer, field, None)
            if isinstance(extents, tuple) and any(isinstance(n, np.generic) for n in extents):
                setattr(layer, field, tuple(int(extent) for extent in extents))
    return network
