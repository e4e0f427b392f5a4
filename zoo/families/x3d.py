"""X3D: a small 2D network expanded, one axis at a time, into space, time, width and depth.

Feichtenhofer, "X3D: Expanding Architectures for Efficient Video Recognition", CVPR 2020. `x3d_xs`,
`x3d_s`, `x3d_m` and `x3d_l` are as facebookresearch/pytorchvideo has them in
pytorchvideo/models/hub/x3d.py, with the same parameter names. XS, S and M are one network, trained
on longer and larger clips; L is deeper. pytorchvideo lacks the paper's `x3d_xl`, which is L made
wider, by 2.9: stages of 32, 72, 136 and 280 channels and of 5, 10, 25 and 15 blocks, as
kkahatapitiya/X3D-Multigrid has them in x3d.py.

The origin's head ends in a softmax; this one gives logits. At the size of its training (160 for XS
and S, 224 for M, 312 for L) the head's window covers the feature map, and the logits are those
before the softmax. Where the map is larger (for M, 8x8 at 256), the origin averages the
probabilities of the window's positions, and this gives the log of that average: either way the
softmax of the output is the origin's output.
"""

from functools import partial
from typing import NamedTuple

from pytorchvideo.models.x3d import create_x3d
from torch import nn

from ..parts.frames import MeanPrediction
from ..parts.limits import check_build_arguments
from ..parts.pytorchvideo import with_plain_integers
from ..registry import register

PAPER = "Feichtenhofer, X3D: Expanding Architectures for Efficient Video Recognition, CVPR 2020"


class Variant(NamedTuple):
    """The settings of one X3D, in pytorchvideo's terms."""

    width_factor: float
    depth_factor: float
    head_width: int
    trained_size: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "x3d_xs": Variant(2.0, 2.2, 2048, trained_size=160, native=(4, 12, 160)),
    "x3d_s": Variant(2.0, 2.2, 2048, trained_size=160, native=(13, 6, 160)),
    "x3d_m": Variant(2.0, 2.2, 2048, trained_size=224, native=(16, 5, 224)),
    "x3d_l": Variant(2.0, 5.0, 2048, trained_size=312, native=(16, 5, 312)),
    "x3d_xl": Variant(2.9, 5.0, 2048, trained_size=312, native=(16, 5, 312)),
    "x3d_tiny": Variant(1.0, 0.4, 256, trained_size=224, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    width_factor: float = 2.0,
    depth_factor: float = 2.2,
    head_width: int = 2048,
    trained_size: int = 224,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; none are lost before the head.
        size: Height and width of a frame, in pixels.
        width_factor: Widens every stage (the paper's gamma_w; the origin's stem has 12 channels).
        depth_factor: Deepens the stages of 1, 2, 5 and 3 blocks (the paper's gamma_d).
        head_width: Channels of the last layer before the classifier.
        trained_size: The frame whose feature map is the head's window; of a smaller frame, the
            window is the whole map.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("x3d", num_classes, frames, size)
    network = create_x3d(
        input_clip_length=frames,
        input_crop_size=min(size, trained_size),
        model_num_class=num_classes,
        width_factor=width_factor,
        depth_factor=depth_factor,
        head_dim_out=head_width,
        # The same function as pytorchvideo's Swish, whose backward pass torch has deprecated.
        inner_act=nn.SiLU,
        head_activation=None,
    )
    network.blocks[-1].output_pool = MeanPrediction()
    return with_plain_integers(network)


for _name, _variant in VARIANTS.items():
    register(_name, family="x3d", paper=PAPER, year=2020, native=_variant.native)(
        partial(
            build,
            width_factor=_variant.width_factor,
            depth_factor=_variant.depth_factor,
            head_width=_variant.head_width,
            trained_size=_variant.trained_size,
        )
    )
