"""The transformer block of ActionFormer: attention to the times nearby, after convolutions.

Zhang, Wu, Li, "ActionFormer: Localizing Moments of Actions with Transformers", ECCV 2022, section
3.3, with the layers of happyharrycn/actionformer_release, libs/modeling/blocks.py: a depthwise
convolution of 3 before queries, keys and values, which halves the length where a level of the
pyramid begins; the residual path is max-pooled there; each residual has a learned factor.
"""

import torch
from torch import nn
from torch.nn import functional

from .masked import ChannelNorm, MaskedConv, ScaledDropPath, masked, max_pool


def local_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor, reach: int
) -> torch.Tensor:
    """Attend from each time to the valid times at most `reach` away, and to itself.

    The times are cut into blocks of `reach`, and each block meets its own keys and those of both
    neighbours: 3 x `reach` products a time where the band needs 2 x `reach` + 1.

    Args:
        query: `[B, heads, T, C]`.
        key: The same shape.
        value: The same shape.
        mask: `[B, 1, T]`, bool.
        reach: Half of the window, rounded down; from 1 on.

    Returns:
        `[B, heads, T, C]`.
    """
    length = query.shape[2]
    missing = -length % reach
    blocks = functional.pad(query, (0, 0, 0, missing)).unflatten(2, (-1, reach))
    around = (reach, reach + missing)
    keys, values = (
        functional.pad(each, (0, 0, *around)).unfold(2, 3 * reach, reach) for each in (key, value)
    )
    scores = blocks @ keys * query.shape[-1] ** -0.5
    place = torch.arange(3 * reach, device=query.device) - reach
    apart = (place - torch.arange(reach, device=query.device)[:, None]).abs()
    valid = functional.pad(mask, around).unfold(2, 3 * reach, reach)[:, :, :, None]
    seen = (apart <= reach) & valid | (apart == 0)
    weights = scores.masked_fill(~seen, float("-inf")).softmax(-1)
    return (weights @ values.transpose(-1, -2)).flatten(2, 3)[:, :, :length]


def full_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Attend from each time to all valid times, and to itself; shapes as in `local_attention`."""
    itself = torch.eye(query.shape[2], dtype=torch.bool, device=query.device)
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask[:, :, None] | itself
    )


class ConvAttention(nn.Module):
    """Multi-head attention whose queries, keys and values are convolved first."""

    def __init__(self, width: int, heads: int, window: int, stride: int) -> None:
        """Build for `[B, width, T]`; a window of 1 or less sees the whole sequence."""
        super().__init__()
        self.heads, self.window, self.stride = heads, window, stride
        for name in ("query", "key", "value"):
            self.add_module(
                f"{name}_conv",
                MaskedConv(width, width, 3, stride=stride, groups=width, bias=False),
            )
            self.add_module(f"{name}_norm", ChannelNorm(width))
            self.add_module(name, MaskedConv(width, width, 1))
        self.proj = MaskedConv(width, width, 1)

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`features: [B, C, T]`, `mask: [B, 1, T]` -> `[B, C, T / stride]`."""
        shorter = mask[..., :: self.stride]
        query, key, value = (
            self._heads(name, features, mask, shorter) for name in ("query", "key", "value")
        )
        if self.window > 1:
            found = local_attention(query, key, value, shorter, self.window // 2)
        else:
            found = full_attention(query, key, value, shorter)
        return self.proj(found.transpose(2, 3).flatten(1, 2), shorter)

    def _heads(
        self, name: str, features: torch.Tensor, mask: torch.Tensor, shorter: torch.Tensor
    ) -> torch.Tensor:
        convolved = self.get_submodule(f"{name}_conv")(features, mask)
        normal = self.get_submodule(f"{name}_norm")(convolved, shorter)
        found: torch.Tensor = self.get_submodule(name)(normal, shorter)
        return found.unflatten(1, (self.heads, -1)).transpose(2, 3)


class TransformerBlock(nn.Module):
    """Normalise, attend, add; normalise, two layers with a GELU, add."""

    def __init__(
        self, width: int, heads: int, window: int, *, stride: int = 1, dropped: float = 0.1
    ) -> None:
        """Build for `[B, width, T]`; T is a multiple of the stride."""
        super().__init__()
        self.stride = stride
        self.norm1, self.norm2 = ChannelNorm(width), ChannelNorm(width)
        self.attention = ConvAttention(width, heads, window, stride)
        self.mlp = nn.Sequential(
            nn.Conv1d(width, 4 * width, 1), nn.GELU(), nn.Conv1d(4 * width, width, 1)
        )
        for layer in (self.mlp[0], self.mlp[2]):
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.path1, self.path2 = ScaledDropPath(width, dropped), ScaledDropPath(width, dropped)

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`features: [B, C, T]`, `mask: [B, 1, T]` -> both, of length T / stride."""
        attended = self.path1(self.attention(self.norm1(features, mask), mask))
        shorter = mask[..., :: self.stride]
        found = max_pool(features, mask, self.stride) + attended
        more = self.mlp(self.norm2(found, shorter))
        return masked(found + self.path2(more), shorter), shorter
