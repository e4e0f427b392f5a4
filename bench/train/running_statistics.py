"""Running statistics of batch normalisations, measured again if training was too short for them.

In evaluation a batch normalisation uses running averages, which follow the batches by its momentum.
S3D's momentum is 0.001: after 800 steps 45 % of an average is still what it began with.
"""

from collections.abc import Iterable

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

LEFT = 0.01
"""The most that a running average may still have of what it began with."""

Inputs = tuple[torch.Tensor, ...]


def lag_behind(network: nn.Module, steps: int) -> bool:
    """Report whether any running average still has more than `LEFT` of what it was before."""
    return any(
        layer.momentum is not None and (1 - layer.momentum) ** steps > LEFT
        for layer in network.modules()
        if isinstance(layer, _BatchNorm) and layer.track_running_stats
    )


def measure_again(network: nn.Module, batches: Iterable[Inputs], accelerator: Accelerator) -> None:
    """Set every running average to the mean over batches, of all processes together.

    "Precise" statistics: Wu and Johnson, "Rethinking 'Batch' in BatchNorm", arXiv:2105.07576,
    section 3, each batch counting the same.

    Args:
        network: The network; it is in training mode meanwhile, and afterwards as it was before.
        batches: The arguments of one forward each, on the network's device.
        accelerator: The processes of the training.
    """
    taking_one = _TakesOne(network).train(network.training)  # the mode that is put back
    update_bn(([inputs] for inputs in batches), taking_one)
    for layer in network.modules():
        if isinstance(layer, _BatchNorm) and layer.track_running_stats:
            for average in (layer.running_mean, layer.running_var):
                assert average is not None
                average.copy_(accelerator.reduce(average, reduction="mean"))


class _TakesOne(nn.Module):
    """A network that takes its arguments as one tuple, as `update_bn` calls it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Inputs) -> torch.Tensor:
        logits: torch.Tensor = self.network(*inputs)
        return logits
