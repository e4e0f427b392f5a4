"""The sizes of the blocks of MViT, whose tokens grow fewer and wider."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

FIRST_KEY_STRIDE = 8
"""The stride of keys and values in height and width, in the first blocks."""


class MultiscaleBlock(NamedTuple):
    """The sizes of one block.

    Attributes:
        width_in, width_out: Channels of a token before and after it.
        heads: Attention heads.
        key_stride: Stride of keys and values in height and width.
        halving: True if it halves the height and width of the tokens.
    """

    width_in: int
    width_out: int
    heads: int
    key_stride: int
    halving: bool


def multiscale_blocks(
    depth: int, width: int, doublings: Collection[int], *, widen_when_halving: bool
) -> Iterator[MultiscaleBlock]:
    """Yield the sizes of every block.

    Args:
        depth: Number of blocks.
        width: Channels of a token at first.
        doublings: The blocks, from 0, that halve the tokens' height and width, and from which on
            there are twice as many heads.
        widen_when_halving: True if such a block doubles the channels itself (MViTv2), and not the
            one before it (MViT).
    """
    heads, key_stride = 1, FIRST_KEY_STRIDE
    for block in range(depth):
        halving = block in doublings
        if halving:
            heads, key_stride = 2 * heads, max(key_stride // 2, 1)
        widening = halving if widen_when_halving else block + 1 in doublings
        width_out = 2 * width if widening else width
        yield MultiscaleBlock(width, width_out, heads, key_stride, halving)
        width = width_out
