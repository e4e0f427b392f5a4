"""A network that reads the eight rows of bits that `trees.code_frames` paints."""

import torch
from torch import nn


class ReadsRows(nn.Module):
    """The brightness of the eight rows, through a fixed matrix."""

    def __init__(self, classes: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.matrix = nn.Parameter(torch.randn(8, classes, generator=generator))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """clip: [B, 3, T, S, S], normalised -> [B, classes]."""
        rows = nn.functional.adaptive_avg_pool2d(clip.mean(dim=(1, 2)), (8, 1))
        return rows.flatten(1) @ self.matrix
