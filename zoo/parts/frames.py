"""A clip as single frames: folded for a 2D network, and the predictions averaged afterwards."""

import math

import torch
from torch import nn


def frames_into_batch(clip: torch.Tensor) -> torch.Tensor:
    """Fold time into the batch: `clip: [B, 3, T, H, W]` -> `[B * T, 3, H, W]`, clip by clip."""
    return clip.transpose(1, 2).flatten(0, 1)


def frames_into_channels(clip: torch.Tensor) -> torch.Tensor:
    """Fold time into the channels: `clip: [B, 3, T, H, W]` -> `[B, 3 * T, H, W]`.

    The order is frame by frame, each with its three colours: channel `3 * t + c` is colour `c` of
    frame `t`.
    """
    return clip.transpose(1, 2).flatten(1, 2)


class PerFrame(nn.Module):
    """One 2D network, with the same weights, on every frame of a clip."""

    def __init__(self, network: nn.Module) -> None:
        """Take the network `[N, 3, H, W]` -> `[N, F]` that runs on each frame."""
        super().__init__()
        self.network = network

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> `[B, T, F]`."""
        batch, _, frames = clip.shape[:3]
        features: torch.Tensor = self.network(frames_into_batch(clip))
        return features.unflatten(0, (batch, frames))


class FrameClassifier(nn.Module):
    """A 2D network on every frame of a clip, a dropout, and a linear classifier.

    The subclasses say where the mean over the frames is taken.
    """

    def __init__(
        self, backbone: nn.Module, width: int, num_classes: int, *, dropout: float, spread: float
    ) -> None:
        """Build for clips `[B, 3, T, H, W]`.

        Args:
            backbone: The network of the frames: `[N, 3, H, W]` -> `[N, width]`.
            width: Features of a frame.
            num_classes: Length of the logits.
            dropout: Share of the features that is dropped in training.
            spread: Standard deviation of the classifier's first weights.
        """
        super().__init__()
        self.per_frame = PerFrame(backbone)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, num_classes)
        nn.init.normal_(self.classifier.weight, std=spread)
        nn.init.zeros_(self.classifier.bias)


def log_mean_softmax(logits: torch.Tensor, dim: int) -> torch.Tensor:
    """Return the log of the mean over `dim` of the softmax over the last dimension.

    `logits: [..., C]`, float -> the same shape without `dim`. The softmax of the result is the mean
    probability, exactly: the exponentials of the result sum to 1 already. The formula is
    logsumexp(log_softmax(logits)) - log(n), in float32 or better, so that a probability that
    underflows doesn't become log(0).
    """
    wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    log_probabilities = wide.log_softmax(dim=-1)
    mean = log_probabilities.logsumexp(dim=dim) - math.log(logits.shape[dim])
    return mean.to(logits.dtype)


class MeanPrediction(nn.Module):
    """The mean prediction over the positions of the head's window, as one vector of logits."""

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """`logits: [B, C, t, h, w]` of each position -> `[B, C]`.

        A single position keeps its logits. Several give the log of the mean probability.
        """
        positions = logits.flatten(2)
        if positions.shape[2] == 1:
            return positions.squeeze(2)
        return log_mean_softmax(positions.transpose(1, 2), dim=1)
