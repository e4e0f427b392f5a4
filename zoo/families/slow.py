"""Slow-only and Fast-only: the two pathways of SlowFast, each as a network of its own.

Feichtenhofer, Fan, Malik, He, "SlowFast Networks for Video Recognition", ICCV 2019, section 4.1
and table 5. `slow_r50` is as facebookresearch/pytorchvideo has it in
pytorchvideo/models/hub/resnet.py (8 frames, stride 8), with the same parameter names, and
`slow_4x16_r50` takes the same network's clips of 4 frames (that checkpoint is in the model zoo, but
has no hub function). Time is never shortened: filters look 3 frames far in the last two stages of
the slow one, and in all of the fast one, which has an eighth of the channels and a stem of 5x7x7.

The output is logits. Where the feature map is larger than the head's window of 7x7 (at 256 pixels
it is 8x8), it is the log of the mean probability of the window's positions: the published test.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from torch import nn

from ..parts.limits import check_build_arguments
from ..parts.resnet3d import R50_DEPTHS, R101_DEPTHS, origin_window, resnet3d
from ..registry import register

PAPER = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"
SLOW_KERNELS = ((1,), (1,), (3,), (3,))
FAST_KERNELS = ((3,), (3,), (3,), (3,))
"""Temporal extents of the blocks of each stage."""


class Variant(NamedTuple):
    """The settings of one pathway."""

    depths: tuple[int, ...]
    native: tuple[int, int, int]
    stem_width: int = 64
    stem_kernel: int = 1
    kernels: tuple[tuple[int, ...], ...] = SLOW_KERNELS


VARIANTS = {
    "slow_r50": Variant(R50_DEPTHS, native=(8, 8, 256)),
    "slow_4x16_r50": Variant(R50_DEPTHS, native=(4, 16, 256)),
    "slow_r101": Variant(R101_DEPTHS, native=(8, 8, 256)),
    "fast_r50": Variant(
        R50_DEPTHS, native=(32, 2, 256), stem_width=8, stem_kernel=5, kernels=FAST_KERNELS
    ),
    "slow_tiny": Variant((1, 1, 1, 1), native=(16, 1, 64), stem_width=8),
    "fast_tiny": Variant(
        (1, 1, 1, 1), native=(16, 1, 64), stem_width=4, stem_kernel=5, kernels=FAST_KERNELS
    ),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depths: Sequence[int] = R50_DEPTHS,
    stem_width: int = 64,
    stem_kernel: int = 1,
    kernels: Sequence[Sequence[int]] = SLOW_KERNELS,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; none are lost before the head.
        size: Height and width of a frame, in pixels.
        depths: Bottleneck blocks in each of the four stages.
        stem_width: Channels of the stem.
        stem_kernel: Temporal extent of the stem.
        kernels: Temporal extents of the blocks of each stage, in turn.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("slow", num_classes, frames, size)
    side = origin_window(size)
    return resnet3d(
        num_classes,
        depths=depths,
        stem_width=stem_width,
        stem_kernel=stem_kernel,
        kernels=kernels,
        head_window=(frames, side, side),
    )


for _name, _variant in VARIANTS.items():
    register(_name, family="slow", paper=PAPER, year=2019, native=_variant.native)(
        partial(
            build,
            depths=_variant.depths,
            stem_width=_variant.stem_width,
            stem_kernel=_variant.stem_kernel,
            kernels=_variant.kernels,
        )
    )
