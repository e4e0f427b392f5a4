"""R(2+1)D on a ResNet-50: every 3x3x3 convolution cut into a spatial and a temporal one.

Tran, Wang, Torresani, Ray, LeCun, Paluri, "A Closer Look at Spatiotemporal Convolutions for Action
Recognition", CVPR 2018. `r2plus1d_r50` is as facebookresearch/pytorchvideo has it in
pytorchvideo/models/hub/r2plus1d.py, with the same parameter names. (The paper's own 18 and 34
layers, of basic blocks, are in `video_resnet.py`.)

The origin's head ends in a softmax; this one gives logits. At 16 frames of 224 pixels the head's
window of 4x7x7 covers the feature map, and the logits are those before the softmax. Where the map
is larger (at 256 it is 8x8), the origin averages the probabilities of the window's positions, and
this gives the log of that average: either way the softmax of the output is the origin's output.
"""

from functools import partial
from typing import NamedTuple

from pytorchvideo.models.r2plus1d import create_r2plus1d
from torch import nn

from ..parts.frames import MeanPrediction
from ..parts.limits import check_build_arguments
from ..parts.pytorchvideo import with_plain_integers
from ..parts.resnet3d import origin_window
from ..registry import register

PAPER = (
    "Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018"
)


class Variant(NamedTuple):
    """The settings of one R(2+1)D."""

    depth: int
    stem_width: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "r2plus1d_r50": Variant(depth=50, stem_width=64, native=(16, 4, 256)),
    "r2plus1d_r50_tiny": Variant(depth=50, stem_width=8, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depth: int = 50,
    stem_width: int = 64,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; a quarter of them, rounded up, reach the head.
        size: Height and width of a frame, in pixels.
        depth: Layers: 50, 101 or 152.
        stem_width: Channels of the stem.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("r2plus1d", num_classes, frames, size)
    side = origin_window(size)
    network = create_r2plus1d(
        model_depth=depth,
        model_num_class=num_classes,
        dropout_rate=0.5,
        stem_dim_out=stem_width,
        head_pool_kernel_size=(-(-frames // 4), side, side),
        head_activation=None,
    )
    network.blocks[-1].output_pool = MeanPrediction()
    return with_plain_integers(network)


for _name, _variant in VARIANTS.items():
    register(_name, family="r2plus1d", paper=PAPER, year=2018, native=_variant.native)(
        partial(build, depth=_variant.depth, stem_width=_variant.stem_width)
    )
