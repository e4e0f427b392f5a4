"""The frame of ActionFormer and TriDet: a pyramid of features over time, and heads on all levels.

Zhang, Wu, Li, "ActionFormer", ECCV 2022, sections 3.2 and 3.4; happyharrycn/actionformer_release,
libs/modeling/backbones.py, necks.py and meta_archs.py.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import NamedTuple

import torch
from torch import nn

from .masked import ChannelNorm, MaskedConv, padded

PRIOR = 0.01
"""Probability of each class before training, so that the many empty times don't swamp the loss
(Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, section 3.3)."""

KERNEL = 3
Level = tuple[torch.Tensor, torch.Tensor]
"""Features `[B, C, T]` and mask `[B, 1, T]` of one level."""


class Points(NamedTuple):
    """The times of all levels, one after another, in steps of the features.

    Attributes:
        time: `[P]`: time 0 is the first feature, 1 the second.
        stride: `[P]`: steps from one point of the level to the next.
        least, most: `[P]`: the nearer and the farther bound of the distance from a point to the
            farther end of an action that its level is for.
    """

    time: torch.Tensor
    stride: torch.Tensor
    least: torch.Tensor
    most: torch.Tensor


def points_of(length: int, levels: int, device: torch.device) -> Points:
    """Return the points of a pyramid whose lowest level has `length` times.

    The bounds are those of both papers: 0 to 4 steps in the first level, 4 to 8 in the second, and
    so on; the last one has no upper bound.
    """
    lowest = [0.0, *(4.0 * 2**level for level in range(levels - 1)), float("inf")]
    bounds = list(pairwise(lowest))
    counts = [-(-length // 2**level) for level in range(levels)]
    columns = [
        torch.cat([torch.full((count,), value, device=device) for value, count in each])
        for each in (
            [(2.0**level, count) for level, count in enumerate(counts)],
            [(low, count) for (low, _), count in zip(bounds, counts, strict=True)],
            [(high, count) for (_, high), count in zip(bounds, counts, strict=True)],
        )
    ]
    index = torch.cat([torch.arange(count, device=device) for count in counts])
    return Points(index * columns[0], *columns)


class FeaturePyramid(nn.Module):
    """Convolutions, blocks that keep the length, and blocks that halve it, each a level.

    The length is padded to what all levels can halve.
    """

    def __init__(
        self, width_in: int, width: int, stem: Sequence[nn.Module], branch: Sequence[nn.Module]
    ) -> None:
        """Build for `[B, width_in, T]`; blocks take and give features and mask."""
        super().__init__()
        self.embed = nn.ModuleList(
            MaskedConv(each, width, KERNEL, bias=False) for each in (width_in, width)
        )
        self.embed_norm = nn.ModuleList(ChannelNorm(width) for _ in self.embed)
        self.stem, self.branch = nn.ModuleList(stem), nn.ModuleList(branch)
        self.norms = nn.ModuleList(ChannelNorm(width) for _ in range(1 + len(branch)))

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> list[Level]:
        """`features: [B, C, T]`, `mask: [B, T]` -> the levels, the longest first."""
        features, mask = padded(features, mask, 2 ** len(self.branch))
        for conv, norm in zip(self.embed, self.embed_norm, strict=True):
            features = norm(conv(features, mask), mask).relu()
        for block in self.stem:
            features, mask = block(features, mask)
        levels = [(features, mask)]
        for block in self.branch:
            levels.append(block(*levels[-1]))
        return [
            (norm(level, valid), valid)
            for norm, (level, valid) in zip(self.norms, levels, strict=True)
        ]


class LevelHead(nn.Module):
    """Three convolutions, the same ones on every level."""

    def __init__(self, width: int, outputs: int, *, prior: float | None = None) -> None:
        """Build for levels of `width` channels.

        Args:
            width: Channels of the levels and of the layers between.
            outputs: Channels of the last layer.
            prior: Probability that the last layer's bias stands for; None for a bias of 0.
        """
        super().__init__()
        self.convs = nn.ModuleList(MaskedConv(width, width, KERNEL, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(ChannelNorm(width) for _ in self.convs)
        self.last = MaskedConv(width, outputs, KERNEL)
        if prior is not None and self.last.bias is not None:
            nn.init.constant_(self.last.bias, -log((1 - prior) / prior))

    def forward(self, levels: Sequence[Level]) -> list[torch.Tensor]:
        """Return `[B, outputs, T]` of each level."""
        found = []
        for features, mask in levels:
            for conv, norm in zip(self.convs, self.norms, strict=True):
                features = norm(conv(features, mask), mask).relu()
            found.append(self.last(features, mask))
        return found


def along_levels(levels: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return `[B, C, T]` of each level as one `[B, P, C]`."""
    return torch.cat([level.transpose(1, 2) for level in levels], dim=1)
