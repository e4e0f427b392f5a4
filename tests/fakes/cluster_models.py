"""Networks for the tests of clusters; a plugin."""

import os
import time
from pathlib import Path

import torch
from torch import nn

from kinobench.zoo.registry import register

SEEN = "KINOBENCH_TEST_SEEN"
"""Names the variable with the file that `raises_at_white` writes a line to before it raises."""


class _TakesItsTime(nn.Module):
    """Every forward lasts long enough for a test to kill something meanwhile."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        time.sleep(0.02)
        return self.head(clip.mean(dim=(2, 3, 4)))


class _NeverEnds(nn.Module):
    """Its forward is there to be ended from outside.

    The first one of a process ends: it shows what the network computes, and the process of a case
    makes it before there is a Ray.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, num_classes)
        self.is_known = False

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if self.is_known:
            time.sleep(3600)
        self.is_known = True
        return self.head(clip.mean(dim=(2, 3, 4)))


class _RaisesAtWhite(nn.Module):
    """Refuses a video whose frames are white in their lower half: that of one shard."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if (clip[:, :, :, clip.shape[3] // 2 :].mean(dim=(1, 2, 3, 4)) > 0.9).any():
            with Path(os.environ[SEEN]).open("a") as file:
                file.write("white\n")
            raise ValueError("white is not to be borne")
        return torch.zeros(len(clip), self.num_classes)


class _RoomForOne(nn.Module):
    """Runs out of memory with more than one view."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if len(clip) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.zeros(1, self.num_classes)


register("takes_its_time")(lambda num_classes, frames, size: _TakesItsTime(num_classes))
register("never_ends")(lambda num_classes, frames, size: _NeverEnds(num_classes))
register("raises_at_white")(lambda num_classes, frames, size: _RaisesAtWhite(num_classes))
register("room_for_one")(lambda num_classes, frames, size: _RoomForOne(num_classes))
