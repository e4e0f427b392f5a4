"""What pytorchvideo computes by numpy, as Python's own integers."""

import numpy as np
from torch import nn

FIELDS = ("stride", "kernel_size", "padding")


def with_plain_integers(network: nn.Module) -> nn.Module:
    """Make Python's integers of the layers' strides and extents, in place; return the network.

    pytorchvideo multiplies a shortcut's strides, and divides a window's length, by numpy; and
    torch.compile takes numpy's integers for tensors whose values it can't know: it gives up on
    every such layer.
    """
    for layer in network.modules():
        for field in FIELDS:
            extents = getattr(layer, field, None)
            if isinstance(extents, tuple) and any(isinstance(n, np.generic) for n in extents):
                setattr(layer, field, tuple(int(extent) for extent in extents))
    return network
