"""I3D: a 2D network whose filters are inflated into time.

Carreira, Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset", CVPR
2017. `i3d_r50` is the ResNet-50 form of it (Wang, Girshick, Gupta, He, "Non-local Neural Networks",
CVPR 2018), as facebookresearch/pytorchvideo has it in pytorchvideo/models/hub/resnet.py (8 frames,
stride 8), with the same parameter names: a stem of 5x7x7, temporal extents of 3 in every, or every
second, block, and max pooling over two frames after the first stage.

The output is logits. Where the feature map is larger than the head's window of 7x7 (at 256 pixels
it is 8x8), the origin's hub network averages the logits of the window's positions, and so does
this one.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from torch import nn

from .input_limits import check_build_arguments
from .registry import register
from .resnet3d import R50_DEPTHS, origin_window, resnet3d

PAPER = (
    "Carreira and Zisserman, Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset, "
    "CVPR 2017"
)
TEMPORAL_KERNELS = ((3,), (3, 1), (3, 1), (1, 3))
"""Of the blocks of each stage, in turn."""


class Variant(NamedTuple):
    """What sets one I3D apart from another."""

    depths: tuple[int, ...]
    stem_width: int
    kernels: tuple[tuple[int, ...], ...]
    native: tuple[int, int, int] | None


VARIANTS = {
    "i3d_r50": Variant(
        depths=R50_DEPTHS, stem_width=64, kernels=TEMPORAL_KERNELS, native=(8, 8, 256)
    ),
    # One block a stage leaves no second one to take turns with, so each looks across time.
    "i3d_tiny": Variant(depths=(1, 1, 1, 1), stem_width=8, kernels=((3,),) * 4, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depths: Sequence[int] = R50_DEPTHS,
    stem_width: int = 64,
    kernels: Sequence[Sequence[int]] = TEMPORAL_KERNELS,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; 2 frames or more, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; of an odd number, the pooling over pairs drops the last.
        size: Height and width of a frame, in pixels.
        depths: Bottleneck blocks in each of the four stages.
        stem_width: Channels of the stem.
        kernels: Temporal extents of the blocks of each stage, in turn.

    Raises:
        KinobenchError: The clip is too short or too small.
    """
    check_build_arguments("i3d", num_classes, frames, size, min_frames=2)
    side = origin_window(size)
    return resnet3d(
        num_classes,
        depths=depths,
        stem_width=stem_width,
        stem_kernel=5,
        stem_stride=1,
        kernels=kernels,
        strides=(1, 1, 1, 1),
        pool_after_first_stage=2,
        head_window=(frames // 2, side, side),
    )


for _name, _variant in VARIANTS.items():
    register(_name, family="i3d", paper=PAPER, year=2017, native=_variant.native)(
        partial(
            build,
            depths=_variant.depths,
            stem_width=_variant.stem_width,
            kernels=_variant.kernels,
        )
    )
