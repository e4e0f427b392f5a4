"""A clip seen frame by frame by a 2D network."""

import torch
from torch import nn


def frames_into_batch(clip: torch.Tensor) -> torch.Tensor:
    """Fold time into the batch: `clip: [B, 3, T, H, W]` -> `[B * T, 3, H, W]`, clip by clip."""
    return clip.transpose(1, 2).flatten(0, 1)


def frames_into_channels(clip: torch.Tensor) -> torch.Tensor:
    """Fold time into the channels: `clip: [B, 3, T, H, W]` -> `[B, 3 * T, H, W]`.

    Frame by frame, each with its three colours: channel `3 * t + c` is colour `c` of frame `t`.
    """
    return clip.transpose(1, 2).flatten(1, 2)


class PerFrame(nn.Module):
    """One 2D network, with the same weights, on every frame of a clip."""

    def __init__(self, network: nn.Module) -> None:
        """Take the network `[N, 3, H, W]` -> `[N, F]` to be run on each frame."""
        super().__init__()
        self.network = network

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> `[B, T, F]`."""
        batch, _, frames = clip.shape[:3]
        return self.network(frames_into_batch(clip)).unflatten(0, (batch, frames))
