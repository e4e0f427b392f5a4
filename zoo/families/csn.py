"""CSN: channels mix in 1x1x1 convolutions, space and time in depthwise ones of 3x3x3.

Tran, Wang, Torresani, Feiszli, "Video Classification with Channel-Separated Convolutional
Networks", ICCV 2019. `csn_r101` is the interaction-reduced form as facebookresearch/pytorchvideo
has it in pytorchvideo/models/hub/csn.py, with the same parameter names. `ircsn_r50` and
`ircsn_r152` are the same form shallower and deeper, named as in open-mmlab/mmaction2,
configs/recognition/csn. The interaction-preserved form, `ipcsn_r152`, has a 1x1x1 convolution and
its normalisation before every depthwise one.

The output is logits. Where the feature map is larger than the head's window of 7x7 (at 256 pixels
it is 8x8), the published test applies the softmax at every position and averages the
probabilities (facebookresearch/SlowFast, slowfast/models/ptv_model_builder.py, `PTVCSN`); this
gives the log of that average.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from pytorchvideo.models.csn import create_csn
from pytorchvideo.models.resnet import create_bottleneck_block
from torch import nn

from ..parts.frames import MeanPrediction
from ..parts.limits import check_build_arguments
from ..parts.pytorchvideo import with_plain_integers
from ..parts.resnet3d import origin_window
from ..registry import register

PAPER = "Tran et al., Video Classification with Channel-Separated Convolutional Networks, ICCV 2019"


class Variant(NamedTuple):
    """The settings of one CSN."""

    depth: int
    stem_width: int
    interaction_preserved: bool
    native: tuple[int, int, int] | None


VARIANTS = {
    "csn_r101": Variant(101, stem_width=64, interaction_preserved=False, native=(32, 2, 256)),
    "ircsn_r50": Variant(50, stem_width=64, interaction_preserved=False, native=(32, 2, 256)),
    "ircsn_r152": Variant(152, stem_width=64, interaction_preserved=False, native=(32, 2, 256)),
    "ipcsn_r152": Variant(152, stem_width=64, interaction_preserved=True, native=(32, 2, 256)),
    "csn_tiny": Variant(50, stem_width=8, interaction_preserved=False, native=(16, 1, 64)),
    "ipcsn_tiny": Variant(50, stem_width=8, interaction_preserved=True, native=(16, 1, 64)),
}


def interaction_preserved_bottleneck(
    *, conv_b: Callable[..., nn.Module], **options: Any
) -> nn.Module:
    """Return a bottleneck `[B, C, T, H, W]` -> `[B, C', T, H', W']`.

    Its middle convolution, `conv_b`, follows a 1x1x1 convolution and a normalisation: the
    interactions between channels that a depthwise convolution loses.
    """

    def pair(in_channels: int, out_channels: int, **shape: Any) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv3d(in_channels, in_channels, 1, bias=False),
            nn.BatchNorm3d(in_channels),
            conv_b(in_channels, out_channels, **shape),
        )

    return create_bottleneck_block(conv_b=pair, **options)


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depth: int = 101,
    stem_width: int = 64,
    interaction_preserved: bool = False,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; an eighth of them, rounded up, reach the head.
        size: Height and width of a frame, in pixels.
        depth: Layers: 50, 101 or 152.
        stem_width: Channels of the stem.
        interaction_preserved: True if a 1x1x1 convolution comes before every depthwise one.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("csn", num_classes, frames, size)
    side = origin_window(size)
    network = create_csn(
        model_depth=depth,
        model_num_class=num_classes,
        stem_dim_out=stem_width,
        stem_pool=nn.MaxPool3d,
        bottleneck=(
            interaction_preserved_bottleneck if interaction_preserved else create_bottleneck_block
        ),
        head_pool_kernel_size=(-(-frames // 8), side, side),
    )
    network.blocks[-1].output_pool = MeanPrediction()
    return with_plain_integers(network)


for _name, _variant in VARIANTS.items():
    register(_name, family="csn", paper=PAPER, year=2019, native=_variant.native)(
        partial(
            build,
            depth=_variant.depth,
            stem_width=_variant.stem_width,
            interaction_preserved=_variant.interaction_preserved,
        )
    )
