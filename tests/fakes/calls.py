"""A network of one function, for counts of single operators."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Calls(nn.Module):
    """A network that calls one function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)
