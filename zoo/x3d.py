"""X3D: a small 2D network expanded, one axis at a time, into space, time, width and depth.

Feichtenhofer, "X3D: Expanding Architectures for Efficient Video Recognition", CVPR 2020. `x3d_m` is
as facebookresearch/pytorchvideo has it in pytorchvideo/models/hub/x3d.py, with the same parameter
names.

The origin's head ends in a softmax; this one gives logits. At 224 pixels the head's window of 7x7
covers the feature map, and the logits are those before the softmax. Where the map is larger (at 256
it is 8x8), the origin averages the probabilities of the window's positions, and this gives the log
of that average: either way the softmax of the output is the origin's output.
"""

from functools import partial
from typing import NamedTuple

from pytorchvideo.models.x3d import create_x3d
from torch import nn

from .averaging import MeanPrediction
from .input_limits import check_build_arguments
from .registry import register

PAPER = "Feichtenhofer, X3D: Expanding Architectures for Efficient Video Recognition, CVPR 2020"
TRAINED_SIZE = 224
"""The origin's frame: the head's window is the feature map of it."""


class Variant(NamedTuple):
    """What sets one X3D apart from another, in pytorchvideo's terms."""

    width_factor: float
    depth_factor: float
    head_width: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "x3d_m": Variant(width_factor=2.0, depth_factor=2.2, head_width=2048, native=(16, 5, 224)),
    "x3d_tiny": Variant(width_factor=1.0, depth_factor=0.4, head_width=256, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    width_factor: float = 2.0,
    depth_factor: float = 2.2,
    head_width: int = 2048,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; none are lost before the head.
        size: Height and width of a frame, in pixels.
        width_factor: Widens every stage (the paper's gamma_w; the origin's stem has 12 channels).
        depth_factor: Deepens the stages of 1, 2, 5 and 3 blocks (the paper's gamma_d).
        head_width: Channels of the last layer before the classifier.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("x3d", num_classes, frames, size)
    network = create_x3d(
        input_clip_length=frames,
        input_crop_size=min(size, TRAINED_SIZE),
        model_num_class=num_classes,
        width_factor=width_factor,
        depth_factor=depth_factor,
        head_dim_out=head_width,
        # The same function as pytorchvideo's Swish, whose backward pass torch has deprecated.
        inner_act=nn.SiLU,
        head_activation=None,
    )
    network.blocks[-1].output_pool = MeanPrediction()
    return network


for _name, _variant in VARIANTS.items():
    register(_name, family="x3d", paper=PAPER, year=2020, native=_variant.native)(
        partial(
            build,
            width_factor=_variant.width_factor,
            depth_factor=_variant.depth_factor,
            head_width=_variant.head_width,
        )
    )
