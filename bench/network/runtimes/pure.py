"""A network as exporters take it: tensors in, tensors out, and its arguments left alone."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from ....zoo.spec import Input, Streaming
from ..inputs import Inputs
from ..outputs import logits_of


class Pure(nn.Module):
    """A network whose forward gives its logits alone, and writes into copies of its clips."""

    def __init__(self, network: nn.Module, model: str) -> None:
        """Take a network; `model` names it in messages."""
        super().__init__()
        self.network = network
        self.model = model

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Arguments of the network -> logits `[B, classes]`."""
        return logits_of(self.network(*(each.clone() for each in inputs)), self.model)


class FirstStep(nn.Module):
    """The first step of a streaming network: a frame in, logits and the state's tensors out."""

    def __init__(self, network: nn.Module) -> None:
        """Take a network that has `step`."""
        super().__init__()
        self.network = network

    def forward(self, frame: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """`frame: [B, 3, H, W]` -> logits `[B, classes]`, and the tensors of the state."""
        return _flat(cast(Streaming, self.network).step(frame.clone(), None))


class NextStep(nn.Module):
    """A further step of a streaming network: a frame and the state in, logits and state out."""

    def __init__(self, network: nn.Module, state: TreeSpec) -> None:
        """Take a network that has `step`, and the form of its state."""
        super().__init__()
        self.network = network
        self.state = state

    def forward(self, frame: torch.Tensor, *state: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """`frame: [B, 3, H, W]` and the state -> logits `[B, classes]`, and the next state."""
        before = tree_unflatten([each.clone() for each in state], self.state)
        return _flat(cast(Streaming, self.network).step(frame.clone(), before))


def _flat(pair: Any) -> tuple[torch.Tensor, ...]:
    logits, state = pair
    return (logits, *tree_flatten(state)[0])


def names_of(kinds: Sequence[Input]) -> list[str]:
    """Return the names of a network's inputs in an exported file, in order."""
    return ["clip" if kind == "rgb" else kind for kind in kinds]


def to_trace(inputs: Inputs) -> Inputs:
    """Return contiguous copies that an exporter may trace: it refuses those of inference mode."""
    with torch.inference_mode(False):
        return tuple(
            torch.empty_like(each, memory_format=torch.contiguous_format).copy_(each)
            for each in inputs
        )
