"""The memory format channels_last_3d, of weights and of clips."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .inputs import Inputs


def lay_out_weights(module: nn.Module) -> int:
    """Put 5D weights into channels_last_3d; return how many there are.

    `Module.to(memory_format=...)` would refuse a network that has 4D weights too.
    """
    weights = [each for each in (*module.parameters(), *module.buffers()) if each.dim() == 5]
    for weight in weights:
        weight.data = weight.data.contiguous(memory_format=torch.channels_last_3d)
    return len(weights)


def laid_out(inputs: Inputs) -> Inputs:
    """Return arguments of a forward with their 5D tensors in channels_last_3d."""
    return tuple(
        each.contiguous(memory_format=torch.channels_last_3d) if each.dim() == 5 else each
        for each in inputs
    )


def laying_out(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward that takes arguments in any format, and lays them out first."""

    def of_any_format(*inputs: torch.Tensor) -> Any:
        return forward(*laid_out(inputs))

    return of_any_format
