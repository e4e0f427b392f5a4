"""Video Swin: attention inside windows of space and time that shift from block to block.

Liu, Ning, Cao, Wei, Zhang, Lin, Hu, "Video Swin Transformer", CVPR 2022. `swin3d_t`, `swin3d_s` and
`swin3d_b` are as pytorch/vision has them in torchvision/models/video/swin_transformer.py, with the
same parameter names. A map that windows don't tile is padded, and the padding costs, too; a
window larger than the map shrinks to it.
"""

from functools import partial
from typing import NamedTuple

from torch import nn
from torchvision.models.video.swin_transformer import SwinTransformer3d

from ..parts.initial_weights import draw_narrow_matrices
from ..parts.limits import check_build_arguments
from ..registry import register

PAPER = "Liu et al., Video Swin Transformer, CVPR 2022"


class Variant(NamedTuple):
    """The settings of one Video Swin."""

    width: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    native: tuple[int, int, int] | None
    window: tuple[int, int, int] = (8, 7, 7)


VARIANTS = {
    "swin3d_t": Variant(96, (2, 2, 6, 2), (3, 6, 12, 24), native=(32, 2, 224)),
    "swin3d_s": Variant(96, (2, 2, 18, 2), (3, 6, 12, 24), native=(32, 2, 224)),
    "swin3d_b": Variant(128, (2, 2, 18, 2), (4, 8, 16, 32), native=(32, 2, 224)),
    "swin3d_tiny": Variant(12, (2, 1, 1), (1, 2, 4), native=(16, 1, 64), window=(8, 4, 4)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    width: int = 96,
    depths: tuple[int, ...] = (2, 2, 6, 2),
    heads: tuple[int, ...] = (3, 6, 12, 24),
    window: tuple[int, int, int] = (8, 7, 7),
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each pair of them makes tokens.
        size: Height and width of a frame, in pixels.
        width: Channels of a token at first; each stage but the first doubles them.
        depths: Blocks in each stage.
        heads: Attention heads in each stage.
        window: Frame pairs, height and width in tokens; that of `swin3d_tiny` tiles 64 x 64 pixels.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("swin3d", num_classes, frames, size)
    network = SwinTransformer3d(
        patch_size=[2, 4, 4],
        embed_dim=width,
        depths=list(depths),
        num_heads=list(heads),
        window_size=list(window),
        stochastic_depth_prob=0.1,
        num_classes=num_classes,
    )
    return draw_narrow_matrices(network, width)


for _name, _variant in VARIANTS.items():
    register(_name, family="swin3d", paper=PAPER, year=2022, native=_variant.native)(
        partial(
            build,
            width=_variant.width,
            depths=_variant.depths,
            heads=_variant.heads,
            window=_variant.window,
        )
    )
