"""MViT and MViTv2 as torchvision has them.

Fan et al., "Multiscale Vision Transformers", ICCV 2021, and Li, Wu, Fan, Mangalam, Xiong, Malik,
Feichtenhofer, "MViTv2: Improved Multiscale Vision Transformers for Classification and Detection",
CVPR 2022. `mvit_v1_b` and `mvit_v2_s` are as pytorch/vision has them in
torchvision/models/video/mvit.py, with the same parameter names. The second adds the distances
between tokens (relative positions, in place of absolute ones) and the pooled queries to what a
block attends to, pools the queries in every block, and widens in the block that halves, not in the
one before.

Positions are learned, so the parameters belong to one clip: weights fit the number of frames and
the size that they were trained at.
"""

from functools import partial
from typing import NamedTuple

from torch import nn
from torchvision.models.video.mvit import MSBlockConfig, MViT

from ..parts.initial_weights import draw_narrow_matrices
from ..parts.limits import check_build_arguments
from ..parts.multiscale import multiscale_blocks
from ..registry import register

PAPERS = {
    1: ("Fan et al., Multiscale Vision Transformers, ICCV 2021", 2021),
    2: (
        "Li et al., MViTv2: Improved Multiscale Vision Transformers for Classification and "
        "Detection, CVPR 2022",
        2022,
    ),
}


class Variant(NamedTuple):
    """The settings of one MViT."""

    version: int
    depth: int
    width: int
    doublings: tuple[int, ...]
    native: tuple[int, int, int] | None


VARIANTS = {
    "mvit_v1_b": Variant(1, depth=16, width=96, doublings=(1, 3, 14), native=(16, 4, 224)),
    "mvit_v2_s": Variant(2, depth=16, width=96, doublings=(1, 3, 14), native=(16, 4, 224)),
    "mvit_v1_tiny": Variant(1, depth=4, width=16, doublings=(1, 2, 3), native=(16, 1, 64)),
    "mvit_v2_tiny": Variant(2, depth=4, width=16, doublings=(1, 2, 3), native=(16, 1, 64)),
}


def blocks(version: int, depth: int, width: int, doublings: tuple[int, ...]) -> list[MSBlockConfig]:
    """Return the settings of every block; the arguments are those of `build`."""
    every_block = version == 2  # pools its queries
    return [
        MSBlockConfig(
            num_heads=sizes.heads,
            input_channels=sizes.width_in,
            output_channels=sizes.width_out,
            kernel_q=[3, 3, 3] if sizes.halving or every_block else [],
            kernel_kv=[3, 3, 3],
            stride_q=[1, 2, 2] if sizes.halving else [1, 1, 1] if every_block else [],
            stride_kv=[1, sizes.key_stride, sizes.key_stride],
        )
        for sizes in multiscale_blocks(depth, width, doublings, widen_when_halving=version == 2)
    ]


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    version: int = 2,
    depth: int = 16,
    width: int = 96,
    doublings: tuple[int, ...] = (1, 3, 14),
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each pair of them makes tokens, and the last of an odd number too.
        size: Height and width of a frame, in pixels; each 4x4, whole or not, makes a token.
        version: 1 for MViT, 2 for MViTv2.
        depth: Number of blocks.
        width: Channels of a token at first.
        doublings: The blocks, from 0, that halve the tokens' height and width; from each on there
            are twice as many heads and channels.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("mvit_torchvision", num_classes, frames, size)
    # The origin rounds the number of tokens down, and its convolution rounds it up.
    whole_frames, whole_size = -(-frames // 2) * 2, -(-size // 4) * 4
    network = MViT(
        spatial_size=(whole_size, whole_size),
        temporal_size=whole_frames,
        block_setting=blocks(version, depth, width, doublings),
        residual_pool=version == 2,
        residual_with_cls_embed=False,
        rel_pos_embed=version == 2,
        proj_after_attn=version == 2,
        stochastic_depth_prob=0.2,
        num_classes=num_classes,
    )
    return draw_narrow_matrices(network, width)


for _name, _variant in VARIANTS.items():
    _paper, _year = PAPERS[_variant.version]
    register(_name, family="mvit_torchvision", paper=_paper, year=_year, native=_variant.native)(
        partial(
            build,
            version=_variant.version,
            depth=_variant.depth,
            width=_variant.width,
            doublings=_variant.doublings,
        )
    )
