"""MViT: a video transformer whose tokens grow fewer and wider, stage by stage.

Fan, Xiong, Mangalam, Li, Yan, Malik, Feichtenhofer, "Multiscale Vision Transformers", ICCV 2021.
`mvit_base_16x4` and `mvit_base_32x3` are as facebookresearch/pytorchvideo has them in
pytorchvideo/models/hub/vision_transformers.py, with the same parameter names. (torchvision's
`mvit_v1_b` and `mvit_v2_s` are in `mvit_torchvision.py`.)

The origin's `create_multiscale_vision_transformers` computes sizes with tensors, which have no
values on the meta device. It also rounds the number of a clip's tokens down, where its convolution
rounds it up. So this module assembles the same parts itself, for a clip of any length and size.

The position of a token is learned, so the parameters belong to one clip: weights fit the number of
frames and the size that they were trained at.
"""

from functools import partial
from typing import NamedTuple

from pytorchvideo.layers import MultiScaleBlock, SpatioTemporalClsPositionalEncoding
from pytorchvideo.models.head import create_vit_basic_head
from pytorchvideo.models.stem import create_conv_patch_embed
from pytorchvideo.models.vision_transformers import MultiscaleVisionTransformers
from torch import nn

from ..parts.initial_weights import draw_narrow_matrices
from ..parts.limits import check_build_arguments
from ..parts.multiscale import MultiscaleBlock, multiscale_blocks
from ..registry import register

PAPER = "Fan et al., Multiscale Vision Transformers, ICCV 2021"
TUBELET = (2, 4, 4)
"""Frames, height and width for each token: the stride of the first convolution."""


class Variant(NamedTuple):
    """The settings of one MViT."""

    depth: int
    width: int
    doublings: tuple[int, ...]
    native: tuple[int, int, int] | None


VARIANTS = {
    "mvit_base_16x4": Variant(16, width=96, doublings=(1, 3, 14), native=(16, 4, 224)),
    "mvit_base_32x3": Variant(16, width=96, doublings=(1, 3, 14), native=(32, 3, 224)),
    "mvit_tiny": Variant(4, width=16, doublings=(1, 2, 3), native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depth: int = 16,
    width: int = 96,
    doublings: tuple[int, ...] = (1, 3, 14),
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each pair of them makes tokens, and the last of an odd number too.
        size: Height and width of a frame, in pixels; each 4x4, whole or not, makes a token.
        depth: Number of blocks.
        width: Channels of a token at first.
        doublings: The blocks, from 0, that halve the tokens' height and width; there are twice as
            many heads from such a block on, and the one before doubles the channels.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("mvit", num_classes, frames, size)
    tokens = tuple(
        -(-extent // stride) for extent, stride in zip((frames, size, size), TUBELET, strict=True)
    )
    sizes = list(multiscale_blocks(depth, width, doublings, widen_when_halving=False))
    last_width = sizes[-1].width_out
    blocks = nn.ModuleList(map(_block, sizes))
    network = MultiscaleVisionTransformers(
        patch_embed=create_conv_patch_embed(
            in_channels=3,
            out_channels=width,
            conv_kernel_size=(3, 7, 7),
            conv_stride=TUBELET,
            conv_padding=(1, 3, 3),
        ),
        cls_positional_encoding=SpatioTemporalClsPositionalEncoding(
            embed_dim=width, patch_embed_shape=tokens, sep_pos_embed=True
        ),
        pos_drop=None,
        norm_patch_embed=None,
        blocks=blocks,
        norm_embed=_normalise(last_width),
        head=create_vit_basic_head(
            in_features=last_width, out_features=num_classes, dropout_rate=0.5, activation=None
        ),
    )
    return draw_narrow_matrices(network, width)


def _block(sizes: MultiscaleBlock) -> nn.Module:
    block: nn.Module = MultiScaleBlock(
        dim=sizes.width_in,
        dim_out=sizes.width_out,
        num_heads=sizes.heads,
        qkv_bias=True,
        norm_layer=_normalise,
        kernel_q=(3, 3, 3) if sizes.halving else (),
        kernel_kv=(3, 3, 3),
        stride_q=(1, 2, 2) if sizes.halving else (),
        stride_kv=(1, sizes.key_stride, sizes.key_stride),
    )
    return block


_normalise = partial(nn.LayerNorm, eps=1e-6)


for _name, _variant in VARIANTS.items():
    register(_name, family="mvit", paper=PAPER, year=2021, native=_variant.native)(
        partial(
            build,
            depth=_variant.depth,
            width=_variant.width,
            doublings=_variant.doublings,
        )
    )
