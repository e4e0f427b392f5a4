"""I3D: a 2D network whose filters are inflated into time.

Carreira, Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset", CVPR
2017. `i3d_inception*` is the paper's own network (see `inception3d.py`), on frames, on optical flow
or on both. The others are the ResNet form of it (Wang, Girshick, Gupta, He, "Non-local Neural
Networks", CVPR 2018): a stem of 5x7x7, and temporal extents of 3 in every, or every second, block.

- `i3d_r50`: facebookresearch/pytorchvideo, pytorchvideo/models/hub/resnet.py (8 frames, stride 8),
  with the same parameter names. Max pooling over pairs of frames after the first stage.
- `i3d_32x2_r50`: open-mmlab/mmaction2, configs/_base_/models/i3d_r50.py: 32 frames become 16, 8 and
  4, at the stem's convolution, its pooling and the pooling after the first stage.
- `i3d_heavy_r50`: the same repository's `heavy`: each block looks across time, which only the
  pooling after the first stage shortens.
- `i3d_32x2_r101`: the paper's tables 1 and 2e, "3x1x1": as `c2d_32x2_r101`, inflated.
- `i3d_32x2_3x3x3_r101`: table 2e, "3x3x3": the 3x3 convolution of a block is inflated instead of
  the 1x1 before it, "for every 2 residual blocks".

The output is logits. Where a ResNet's feature map is larger than the head's window of 7x7 (at 256
pixels it is 8x8), it is the log of the mean probability of the window's positions: the published
test.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from torch import nn

from ..parts.inception3d import InceptionI3D, TwoStreamI3D
from ..parts.limits import check_build_arguments
from ..parts.resnet3d import (
    HUB,
    MMACTION2,
    R50_DEPTHS,
    R101_DEPTHS,
    WANG_TABLE_1,
    TemporalLayout,
    origin_window,
    resnet3d,
)
from ..registry import register
from ..spec import Input

PAPER = (
    "Carreira and Zisserman, Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset, "
    "CVPR 2017"
)
Kernels = tuple[tuple[int, ...], ...]
ALTERNATING: Kernels = ((3,), (3, 1), (3, 1), (1, 3))
EVERYWHERE: Kernels = ((3,),) * 4
NOWHERE: Kernels = ((1,),) * 4
"""Temporal extents of the blocks of each stage, in turn."""


class Variant(NamedTuple):
    """The settings of one I3D ResNet."""

    depths: tuple[int, ...]
    layout: TemporalLayout
    native: tuple[int, int, int]
    kernels: Kernels = ALTERNATING
    middle_kernels: Kernels = NOWHERE
    stem_width: int = 64


class InceptionVariant(NamedTuple):
    """The settings of one I3D Inception; `width` is a share of its channels."""

    inputs: tuple[Input, ...]
    native: tuple[int, int, int]
    width: float = 1.0


RESNETS = {
    "i3d_r50": Variant(R50_DEPTHS, HUB, native=(8, 8, 256)),
    "i3d_r101": Variant(R101_DEPTHS, HUB, native=(8, 8, 256)),
    "i3d_32x2_r50": Variant(R50_DEPTHS, MMACTION2, native=(32, 2, 256)),
    "i3d_heavy_r50": Variant(R50_DEPTHS, HUB, native=(32, 2, 256), kernels=EVERYWHERE),
    "i3d_32x2_r101": Variant(R101_DEPTHS, WANG_TABLE_1, native=(32, 2, 256)),
    "i3d_32x2_3x3x3_r101": Variant(
        R101_DEPTHS,
        WANG_TABLE_1,
        native=(32, 2, 256),
        kernels=NOWHERE,
        middle_kernels=ALTERNATING,
    ),
    # One block a stage leaves no second one to take turns with, so each looks across time.
    "i3d_tiny": Variant((1, 1, 1, 1), HUB, native=(16, 1, 64), kernels=EVERYWHERE, stem_width=8),
}
INCEPTIONS = {
    "i3d_inception": InceptionVariant(("rgb",), native=(64, 1, 224)),
    "i3d_inception_flow": InceptionVariant(("flow",), native=(64, 1, 224)),
    "i3d_inception_two_stream": InceptionVariant(("rgb", "flow"), native=(64, 1, 224)),
    "i3d_inception_tiny": InceptionVariant(("rgb",), native=(16, 1, 64), width=0.125),
    "i3d_inception_two_stream_tiny": InceptionVariant(
        ("rgb", "flow"), native=(16, 1, 64), width=0.1
    ),
}
VARIANTS: dict[str, Variant | InceptionVariant] = {**RESNETS, **INCEPTIONS}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depths: Sequence[int] = R50_DEPTHS,
    stem_width: int = 64,
    layout: TemporalLayout = HUB,
    kernels: Sequence[Sequence[int]] = ALTERNATING,
    middle_kernels: Sequence[Sequence[int]] = NOWHERE,
) -> nn.Module:
    """Build a ResNet for clips `[B, 3, frames, size, size]`; 32x32 or more, and 2 frames or more
    (5 with the layout of mmaction2).

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; of an odd number, pooling over pairs drops the last.
        size: Height and width of a frame, in pixels.
        depths: Bottleneck blocks in each of the four stages.
        stem_width: Channels of the stem.
        layout: Places where time is shortened.
        kernels: Temporal extents of the blocks' first convolutions, in turn, for each stage.
        middle_kernels: The same of the blocks' 3x3 convolutions.

    Raises:
        KinobenchError: The clip is too short or too small.
    """
    check_build_arguments("i3d", num_classes, frames, size, min_frames=layout.min_frames)
    side = origin_window(size)
    return resnet3d(
        num_classes,
        depths=depths,
        stem_width=stem_width,
        stem_kernel=5,
        kernels=kernels,
        middle_kernels=middle_kernels,
        layout=layout,
        head_window=(layout.left(frames), side, side),
    )


def build_inception(
    num_classes: int,
    frames: int,
    size: int,
    *,
    inputs: tuple[Input, ...] = ("rgb",),
    width: float = 1.0,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`, flow `[B, 2(frames - 1), size, size]`, or both.

    Any number of frames (2 or more with flow), 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip.
        size: Height and width of a frame, in pixels.
        inputs: `("rgb",)`, `("flow",)` or `("rgb", "flow")`.
        width: Share of the paper's channels.

    Raises:
        KinobenchError: The clip is too short or too small.
    """
    min_frames = 2 if "flow" in inputs else 1
    check_build_arguments("i3d_inception", num_classes, frames, size, min_frames=min_frames)
    if inputs == ("rgb", "flow"):
        return TwoStreamI3D(num_classes, width)
    return InceptionI3D(num_classes, width, stream=inputs[0])


def _builder(variant: Variant | InceptionVariant) -> Callable[[int, int, int], nn.Module]:
    if isinstance(variant, InceptionVariant):
        return partial(build_inception, inputs=variant.inputs, width=variant.width)
    return partial(
        build,
        depths=variant.depths,
        stem_width=variant.stem_width,
        layout=variant.layout,
        kernels=variant.kernels,
        middle_kernels=variant.middle_kernels,
    )


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="i3d",
        paper=PAPER,
        year=2017,
        inputs=_variant.inputs if isinstance(_variant, InceptionVariant) else ("rgb",),
        native=_variant.native,
    )(_builder(_variant))
