"""What a training does by its task: its items, its loss, and the share that is right."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn
from torch.utils.data import Dataset

from ..network.inputs import Inputs


class Outcome(NamedTuple):
    """What a step gave.

    Attributes:
        loss: The mean loss, from which gradients go back.
        right: Number of its items that were right, a scalar.
        items: Number of its items.
    """

    loss: torch.Tensor
    right: torch.Tensor
    items: int


class Lesson(Protocol):
    """What a training does by its task.

    Attributes:
        refreshes: Running statistics may be measured again over one more epoch.
    """

    refreshes: bool

    def items(self) -> Dataset[Any]:
        """Return what is learnt from, which a sampler of `Draw` picks from."""
        ...

    def collate(self, items: Sequence[Any]) -> Any:
        """Return items as one batch."""
        ...

    def set_mode(self, network: nn.Module) -> None:
        """Bring a network into the mode in which it is trained."""
        ...

    def outcome(self, network: Any, plain: nn.Module, found: Any) -> Outcome:
        """Run a batch.

        Args:
            network: The network as it is trained, in one of several processes.
            plain: The same without what these need.
            found: The batch.
        """
        ...

    def inputs(self, found: Any) -> Inputs:
        """Return the arguments of a forward of a batch."""
        ...
