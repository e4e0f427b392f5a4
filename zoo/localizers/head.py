"""The contract of a localizer's head: features over time in, segments in seconds out."""

import torch
from torch import nn

from .grid import TimeGrid
from .suppression import Suppression
from .targets import Truth

EACH_SECOND = TimeGrid(first_s=0.5, step_s=1.0, window_s=1.0)
"""The grid of a head until somebody sets it: a window a second."""

OWN_CLASSES = "the head's own, for each segment"


class Head(nn.Module):
    """Features of a video's windows in, segments and their scores out.

    Attributes:
        grid: The times of the features. Set it before you use the head; segments are in its
            seconds.
        suppression: What its paper does with the segments afterwards.
        class_scores: Where the classes' scores come from; a result with other ones is another
            result, so this stands on the record.
    """

    suppression: Suppression
    class_scores = OWN_CLASSES

    def __init__(self, channels: int, num_classes: int, grid: TimeGrid = EACH_SECOND) -> None:
        """Build for features of `channels` channels."""
        super().__init__()
        self.channels, self.num_classes, self.grid = channels, num_classes, grid

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Find segments, before non-maximum suppression.

        Args:
            features: `[B, C, T]`, float.
            mask: `[B, T]`, bool: False where a time is padding. Such times have no influence.

        Returns:
            Segments `[B, K, 2]`, start and end in seconds, and scores `[B, K, classes]` from 0 to
            1; a score is 0 where there is no segment.
        """
        raise NotImplementedError

    def loss(self, features: torch.Tensor, mask: torch.Tensor, truth: Truth) -> torch.Tensor:
        """Return the loss of its paper, a scalar.

        Args:
            features: `[B, C, T]`, float.
            mask: `[B, T]`, bool: False where a time is padding.
            truth: For each video, segments `[n, 2]` in seconds and labels `[n]`; n may be 0.
        """
        raise NotImplementedError

    def adopt(self, weight: torch.Tensor, bias: torch.Tensor) -> bool:
        """Take the last layer of the classifier whose features it sees, if it can use one.

        Args:
            weight: `[outputs, channels]`, with any number of dimensions of 1 after them.
            bias: `[outputs]`.

        Returns:
            Whether it took it.
        """
        return False

    def seconds(self, steps: torch.Tensor) -> torch.Tensor:
        """Return times in seconds of times in steps; 0 is the middle of the first window."""
        return self.grid.first_s + steps * self.grid.step_s

    def steps(self, seconds: torch.Tensor) -> torch.Tensor:
        """Return times in steps of times in seconds."""
        return (seconds - self.grid.first_s) / self.grid.step_s
