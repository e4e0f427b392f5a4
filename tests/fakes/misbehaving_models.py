"""Architectures that fail, each in its own way; a plugin for tests."""

import os
import signal
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from kinobench.zoo.registry import register


class _WithoutBound(nn.Module):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        kept = []
        while True:
            kept.append(torch.ones(2**26))


class _Raises(nn.Module):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        raise ValueError("this network never works")


class _NeverEnds(nn.Module):
    """Leaves a file in the folder that it is measured from, once it has begun."""

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        Path("never_ends.begun").touch()
        while True:
            time.sleep(0.1)


class _LeavesAChild(nn.Module):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        print("a last word")
        if os.fork() == 0:
            time.sleep(600)
        os.kill(os.getpid(), signal.SIGKILL)
        return clip


class _Works(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        print("a network that prints does no harm")
        return self.head(clip.mean(dim=(2, 3, 4)))


class _NeedsRoom(nn.Module):
    """Asks for a gibibyte a clip, which it never touches."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        torch.empty(len(clip) * 2**30, dtype=torch.uint8)
        return self.head(clip.mean(dim=(2, 3, 4)))


class _DefiesCounting(nn.Module):
    """Fails where a dispatch mode watches it, as a library may whose kernels can't be watched."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if is_in_torch_dispatch_mode():
            raise NotImplementedError("no rule for this mode")
        return self.head(clip.mean(dim=(2, 3, 4)))


for _name, _module in {
    "allocates_without_bound": _WithoutBound,
    "raises": _Raises,
    "never_ends": _NeverEnds,
    "leaves_a_child": _LeavesAChild,
}.items():
    register(_name)(lambda num_classes, frames, size, module=_module: module())

register("defies_counting")(lambda num_classes, frames, size: _DefiesCounting(num_classes))
register("needs_room")(lambda num_classes, frames, size: _NeedsRoom(num_classes))
register("works")(lambda num_classes, frames, size: _Works(num_classes))
