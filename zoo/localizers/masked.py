"""Layers over time that see only the valid times of a padded batch.

Features are `[B, C, T]`, masks `[B, 1, T]`, bool: True where a time is valid. Each layer gives
zeros where a time isn't, so that a convolution sees at the last valid time what it sees at the end
of a sequence that isn't padded: zeros. The repositories of ActionFormer and TriDet do so after
convolutions only: with them, the bias of a normalisation, the maximum of a pooling, and the mean
over time reach over from padded times.
"""

import torch
from torch import nn
from torch.nn import functional


def masked(features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return features `[B, C, T]` with zeros where the mask `[B, 1, T]` is False, even for NaN."""
    return features.masked_fill(~mask, 0)


def padded(
    features: torch.Tensor, mask: torch.Tensor, multiple: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Lengthen features `[B, C, T]` and a mask `[B, T]` to a multiple, by invalid times.

    Returns:
        The features, zero where invalid, and the mask `[B, 1, T']`.
    """
    missing = -features.shape[-1] % multiple
    mask = functional.pad(mask[:, None].bool(), (0, missing))
    return masked(functional.pad(features, (0, missing)), mask), mask


class MaskedConv(nn.Conv1d):
    """A convolution of odd kernel that keeps the length, or divides it by its stride."""

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        """Build for `[B, width_in, T]`; biases begin at 0."""
        super().__init__(
            width_in, width, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=bias
        )
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """`features: [B, C, T]`, `mask: [B, 1, T]` -> `[B, width, T / stride]`."""
        return masked(super().forward(features), mask[..., :: self.stride[0]])


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of each time over its channels."""

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """`features: [B, C, T]`, `mask: [B, 1, T]` -> `[B, C, T]`."""
        return masked(super().forward(features.transpose(1, 2)).transpose(1, 2), mask)


class MaskedGroupNorm(nn.GroupNorm):
    """Group normalisation with the mean and the variance of the valid times."""

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """`features: [B, C, T]`, `mask: [B, 1, T]` -> `[B, C, T]`."""
        groups = features.unflatten(1, (self.num_groups, -1))
        valid = mask[:, None].to(features.dtype)
        count = (valid.sum(-1, keepdim=True) * groups.shape[2]).clamp(min=1)
        mean = (groups * valid).sum((2, 3), keepdim=True) / count
        spread = ((groups - mean).square() * valid).sum((2, 3), keepdim=True) / count
        normal = ((groups - mean) * (spread + self.eps).rsqrt()).flatten(1, 2)
        return masked(normal * self.weight[:, None] + self.bias[:, None], mask)


def mean_over_time(features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean `[B, C, 1]` of the valid times of `[B, C, T]`; 0 if there is none."""
    count = mask.sum(-1, keepdim=True).clamp(min=1)
    return masked(features, mask).sum(-1, keepdim=True) / count


def max_pool(features: torch.Tensor, mask: torch.Tensor, stride: int) -> torch.Tensor:
    """Return the maximum `[B, C, T / stride]` of the valid times next to every `stride`-th one."""
    if stride == 1:
        return features
    lowest = torch.finfo(features.dtype).min
    pooled = functional.max_pool1d(
        features.masked_fill(~mask, lowest), stride + 1, stride=stride, padding=(stride + 1) // 2
    )
    return masked(pooled[..., : features.shape[-1] // stride], mask[..., ::stride])


class ScaledDropPath(nn.Module):
    """A factor for each channel, small at first, on a residual path that training may leave out.

    Touvron et al., "Going deeper with Image Transformers", ICCV 2021 (LayerScale), with the
    stochastic depth of Huang et al., ECCV 2016, for each sample.
    """

    def __init__(self, width: int, dropped: float, first: float = 1e-4) -> None:
        """Build for `[B, width, T]`; `dropped` is the share of samples that skip the path."""
        super().__init__()
        self.scale = nn.Parameter(torch.full((width, 1), first))
        self.dropped = dropped

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`features: [B, C, T]` -> the same shape."""
        features = self.scale * features
        if not self.training or self.dropped == 0:
            return features
        kept = torch.rand(features.shape[0], 1, 1, device=features.device) >= self.dropped
        return features * kept / (1 - self.dropped)
