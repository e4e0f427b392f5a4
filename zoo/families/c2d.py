"""C2D: a 2D ResNet on every frame, where only poolings look across time.

Wang, Girshick, Gupta, He, "Non-local Neural Networks", CVPR 2018, section 4.1 and table 1: the
baseline of the non-local networks. Three forms of it are in use, which differ in where they shorten
time (see `resnet3d.py`):

- `c2d_r50`: facebookresearch/pytorchvideo, pytorchvideo/models/hub/resnet.py (8 frames, stride 8),
  with the same parameter names. Max pooling over pairs of frames after the first stage.
- `c2d_nopool_*`: no such pooling: every frame alone up to the average of the head. PySlowFast's
  `C2D_NOPOOL_8x8_R50`.
- `c2d_32x2_*`: the paper's table 1. 32 frames become 16, 8 and 4: the stem takes every second
  frame, and two poolings of 3 frames halve.

The output is logits. Where the feature map is larger than the head's window of 7x7 (at 256 pixels
it is 8x8), it is the log of the mean probability of the window's positions: the published test.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from torch import nn

from ..parts.limits import check_build_arguments
from ..parts.resnet3d import (
    HUB,
    NO_POOLING,
    R50_DEPTHS,
    R101_DEPTHS,
    WANG_TABLE_1,
    TemporalLayout,
    origin_window,
    resnet3d,
)
from ..registry import register

PAPER = "Wang et al., Non-local Neural Networks, CVPR 2018"


class Variant(NamedTuple):
    """The settings of one C2D."""

    depths: tuple[int, ...]
    layout: TemporalLayout
    native: tuple[int, int, int]
    stem_width: int = 64


VARIANTS = {
    "c2d_r50": Variant(R50_DEPTHS, HUB, native=(8, 8, 256)),
    "c2d_r101": Variant(R101_DEPTHS, HUB, native=(8, 8, 256)),
    "c2d_nopool_r50": Variant(R50_DEPTHS, NO_POOLING, native=(8, 8, 256)),
    "c2d_nopool_r101": Variant(R101_DEPTHS, NO_POOLING, native=(8, 8, 256)),
    "c2d_32x2_r50": Variant(R50_DEPTHS, WANG_TABLE_1, native=(32, 2, 256)),
    "c2d_32x2_r101": Variant(R101_DEPTHS, WANG_TABLE_1, native=(32, 2, 256)),
    "c2d_tiny": Variant((1, 1, 1, 1), HUB, native=(16, 1, 64), stem_width=8),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depths: Sequence[int] = R50_DEPTHS,
    stem_width: int = 64,
    layout: TemporalLayout = HUB,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; 2 frames or more (1 without the pooling over
    pairs), 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; of an odd number, pooling over pairs drops the last.
        size: Height and width of a frame, in pixels.
        depths: Bottleneck blocks in each of the four stages.
        stem_width: Channels of the stem.
        layout: Places where time is shortened.

    Raises:
        KinobenchError: The clip is too short or too small.
    """
    check_build_arguments("c2d", num_classes, frames, size, min_frames=layout.min_frames)
    side = origin_window(size)
    return resnet3d(
        num_classes,
        depths=depths,
        stem_width=stem_width,
        stem_kernel=1,
        kernels=((1,),) * 4,
        layout=layout,
        head_window=(layout.left(frames), side, side),
    )


for _name, _variant in VARIANTS.items():
    register(_name, family="c2d", paper=PAPER, year=2018, native=_variant.native)(
        partial(
            build,
            depths=_variant.depths,
            stem_width=_variant.stem_width,
            layout=_variant.layout,
        )
    )
