"""Averages of predictions that stay on the scale of logits."""

import math

import torch
from torch import nn


def log_mean_softmax(logits: torch.Tensor, dim: int) -> torch.Tensor:
    """Return the log of the mean over `dim` of the softmax over the last dimension.

    `logits: [..., C]`, float -> the same without `dim`. The softmax of what is returned is the mean
    probability, exactly: its exponentials sum to 1 already. Computed as
    logsumexp(log_softmax(logits)) - log(n), in float32 or better, so that a probability that
    underflows doesn't become log(0).
    """
    wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    log_probabilities = wide.log_softmax(dim=-1)
    mean = log_probabilities.logsumexp(dim=dim) - math.log(logits.shape[dim])
    return mean.to(logits.dtype)


class MeanPrediction(nn.Module):
    """What the positions of the head's window say, as one vector of logits."""

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """`logits: [B, C, t, h, w]` of each position -> `[B, C]`.

        Those of the only position as they are; of several, the log of the mean probability.
        """
        positions = logits.flatten(2)
        if positions.shape[2] == 1:
            return positions.squeeze(2)
        return log_mean_softmax(positions.transpose(1, 2), dim=1)
