"""The average of a network's weights over its training, in a second network."""

from collections.abc import Iterator

import torch
from torch import nn


class AverageNetwork(nn.Module):
    """An exponential moving average of parameters and floating-point buffers.

    After the first update it is the network itself, and after each other one `decay` of what it was
    before and `1 - decay` of the network: Polyak and Juditsky, SIAM J. Control Optim. 30(4), 1992,
    with the decay of TensorFlow's `ExponentialMovingAverage`. Buffers of other types, such as
    counters and tables of positions, have no average: they are copied.

    Attributes:
        module: The second network.
        n_averaged: The number of updates so far, int64.
    """

    n_averaged: torch.Tensor

    def __init__(self, second: nn.Module, decay: float) -> None:
        """Begin with a network like the one that is trained, and of the same weights."""
        super().__init__()
        self.module = second
        self.register_buffer("n_averaged", torch.tensor(0))
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights of a network, `1 - decay` of them."""
        averages: list[torch.Tensor] = []
        currents: list[torch.Tensor] = []
        begun = bool(self.n_averaged > 0)
        for average, current in self._pairs(network):
            if begun and (average.is_floating_point() or average.is_complex()):
                averages.append(average)
                currents.append(current.to(average.device))
            else:
                average.copy_(current)
        if averages:
            torch._foreach_lerp_(averages, currents, 1 - self._decay)
        self.n_averaged += 1

    def _pairs(self, network: nn.Module) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield each tensor of the average with the network's; a tied one comes once."""
        parameters = dict(network.named_parameters())
        for name, average in self.module.named_parameters():
            yield average.detach(), parameters[name].detach()
        buffers = dict(network.named_buffers())
        for name, buffer in self.module.named_buffers():
            if name in buffers:
                yield buffer, buffers[name]
