"""Slow fusion: a 3D network whose temporal extent shrinks step by step, so that higher layers see
more and more of the clip.

Karpathy et al., "Large-scale Video Classification with Convolutional Neural Networks", CVPR 2014,
section 3.1: the first convolution of an AlexNet is 4 frames long, the second and the third 2, each
with a temporal stride of 2 and without padding, so that 10 frames become 4, then 2, then 1. Here
the same idea stands in a bottleneck ResNet, whose kernels are padded and odd. Only four
convolutions look across time, each 3 frames long with a stride of 2: the stem, and the first of
stages 2, 3 and 4. For 16 frames:

| after | frames | frames of the clip that one position has seen |
|---|---|---|
| stem | 8 | 3 |
| stage 1 | 8 | 3 |
| stage 2 | 4 | 7 |
| stage 3 | 2 | 15 |
| stage 4 | 1 | 31: all |
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from torch import nn

from ..parts.limits import check_build_arguments
from ..parts.papers import KARPATHY_2014
from ..parts.resnet3d import NO_POOL, R50_DEPTHS, TemporalLayout, map_size, resnet3d
from ..registry import register

TEMPORAL_STRIDES = (2, 1, 2, 2, 2)
"""Temporal strides of the stem and of the four stages."""


class Variant(NamedTuple):
    """The settings of one slow fusion."""

    depths: tuple[int, ...]
    stem_width: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "slow_fusion_r50": Variant(depths=R50_DEPTHS, stem_width=64, native=(10, 1, 170)),
    "slow_fusion_tiny": Variant(depths=(1, 1, 1, 1), stem_width=12, native=(16, 1, 64)),
}


def temporal_extents(frames: int) -> tuple[int, ...]:
    """Return how many frames are left after the stem and after each of the four stages."""
    extents = []
    for stride in TEMPORAL_STRIDES:
        frames = -(-frames // stride)
        extents.append(frames)
    return tuple(extents)


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depths: Sequence[int] = R50_DEPTHS,
    stem_width: int = 64,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    The head averages over whatever time and space is left.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip.
        size: Height and width of a frame, in pixels.
        depths: Bottleneck blocks in each of the four stages.
        stem_width: Channels of the stem.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("slow_fusion", num_classes, frames, size)
    side = map_size(size)
    return resnet3d(
        num_classes,
        depths=depths,
        stem_width=stem_width,
        stem_kernel=3,
        kernels=[
            (3 if stride > 1 else 1, *[1] * (depth - 1))
            for stride, depth in zip(TEMPORAL_STRIDES[1:], depths, strict=True)
        ],
        layout=TemporalLayout(TEMPORAL_STRIDES[0], NO_POOL, None),
        strides=TEMPORAL_STRIDES[1:],
        head_window=(temporal_extents(frames)[-1], side, side),
    )


for _name, _variant in VARIANTS.items():
    register(_name, family="slow_fusion", paper=KARPATHY_2014, year=2014, native=_variant.native)(
        partial(build, depths=_variant.depths, stem_width=_variant.stem_width)
    )
