"""Non-local networks: C2D, I3D and Slow with non-local blocks.

Wang, Girshick, Gupta, He, "Non-local Neural Networks", CVPR 2018, section 5.1. Each is one of the
other families' networks with blocks behind some of its residual blocks (`non_local_block.py`):

- `nl1`: before the last block of res4 (the paper's "1 block").
- `nl5`: behind every second block of res3 and res4 (2 and 3); of an R101's res4, behind every
  seventh (facebookresearch/video-nonlocal-net, lib/models/resnet_video.py, `layer_mod`).
- `nl10`: behind every block of res3 and res4 (4 and 6).

The pairwise function is the embedded Gaussian unless the name says otherwise; the Slow networks'
is the dot product, as in facebookresearch/SlowFast, configs/Kinetics/SLOW_NLN_8x8_R50.yaml.
`i3d_32x2_nl5_*` and `slow_nl5_embedded_gaussian_r50` are those of open-mmlab/mmaction2,
configs/recognition/i3d and slowonly, whose embedded Gaussian isn't divided by the root of its
channels and whose blocks pool last; `i3d_32x2_nl5_r101` is of the paper's tables 2f and 2g. The
base networks' checkpoints fit all parameters but the blocks' own.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from pytorchvideo.models.resnet import ResStage
from torch import nn

from .. import registry
from ..parts.non_local_block import NonLocal, Pairwise, insert_non_local
from ..registry import register
from .c2d import PAPER

__all__ = ["VARIANTS", "NonLocal", "build", "insert_non_local"]

Places = tuple[tuple[int, ...], tuple[int, ...]]
"""The blocks of res3 and of res4, from 0, that have a non-local one behind them."""

ONE_R50: Places = ((), (4,))
ONE_R101: Places = ((), (21,))
FIVE_R50: Places = ((1, 3), (1, 3, 5))
FIVE_R101: Places = ((1, 3), (6, 13, 20))
TEN_R50: Places = ((0, 1, 2, 3), (0, 1, 2, 3, 4, 5))
TINY: Places = ((0,), (0,))


class Variant(NamedTuple):
    """The settings of one non-local network.

    Attributes:
        base: The network without blocks.
        places: Places of the blocks.
        pairwise: Function that compares two positions.
        mmaction2: True if the blocks are as mmaction2 has them: unscaled, and pooling last.
    """

    base: str
    places: Places
    pairwise: Pairwise = "embedded_gaussian"
    mmaction2: bool = False


VARIANTS = {
    "c2d_nl1_r50": Variant("c2d_r50", ONE_R50),
    "c2d_nl1_gaussian_r50": Variant("c2d_r50", ONE_R50, "gaussian"),
    "c2d_nl1_dot_product_r50": Variant("c2d_r50", ONE_R50, "dot_product"),
    "c2d_nl1_concatenation_r50": Variant("c2d_r50", ONE_R50, "concatenation"),
    "c2d_nl5_r50": Variant("c2d_r50", FIVE_R50),
    "c2d_nl10_r50": Variant("c2d_r50", TEN_R50),
    "c2d_nl1_r101": Variant("c2d_r101", ONE_R101),
    "c2d_nl5_r101": Variant("c2d_r101", FIVE_R101),
    "c2d_32x2_nl5_r101": Variant("c2d_32x2_r101", FIVE_R101),
    "i3d_nl1_r50": Variant("i3d_r50", ONE_R50),
    "i3d_nl5_r50": Variant("i3d_r50", FIVE_R50),
    "i3d_nl5_gaussian_r50": Variant("i3d_r50", FIVE_R50, "gaussian"),
    "i3d_nl5_dot_product_r50": Variant("i3d_r50", FIVE_R50, "dot_product"),
    "i3d_nl5_concatenation_r50": Variant("i3d_r50", FIVE_R50, "concatenation"),
    "i3d_nl10_r50": Variant("i3d_r50", TEN_R50),
    "i3d_nl5_r101": Variant("i3d_r101", FIVE_R101),
    "i3d_32x2_nl5_r50": Variant("i3d_32x2_r50", FIVE_R50, mmaction2=True),
    "i3d_32x2_nl5_gaussian_r50": Variant("i3d_32x2_r50", FIVE_R50, "gaussian", True),
    "i3d_32x2_nl5_dot_product_r50": Variant("i3d_32x2_r50", FIVE_R50, "dot_product", True),
    "i3d_32x2_nl5_r101": Variant("i3d_32x2_r101", FIVE_R101),
    "slow_nl5_r50": Variant("slow_r50", FIVE_R50, "dot_product"),
    "slow_4x16_nl5_r50": Variant("slow_4x16_r50", FIVE_R50, "dot_product"),
    "slow_nl5_embedded_gaussian_r50": Variant("slow_r50", FIVE_R50, mmaction2=True),
    "slow_4x16_nl5_embedded_gaussian_r50": Variant("slow_4x16_r50", FIVE_R50, mmaction2=True),
    "c2d_nl_tiny": Variant("c2d_tiny", TINY),
    "c2d_nl_gaussian_tiny": Variant("c2d_tiny", TINY, "gaussian"),
    "c2d_nl_dot_product_tiny": Variant("c2d_tiny", TINY, "dot_product"),
    "c2d_nl_concatenation_tiny": Variant("c2d_tiny", TINY, "concatenation"),
    "i3d_nl_tiny": Variant("i3d_tiny", TINY),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    base: str = "c2d_r50",
    places: Sequence[Sequence[int]] = FIVE_R50,
    pairwise: Pairwise = "embedded_gaussian",
    mmaction2: bool = False,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; what the base network takes.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip.
        size: Height and width of a frame, in pixels.
        base: A registered 3D ResNet: a C2D, I3D or Slow.
        places: The residual blocks of res3 and of res4, from 0, to put a block behind.
        pairwise: Function that compares two positions.
        mmaction2: True if the blocks are as mmaction2 has them: unscaled, and pooling last.

    Raises:
        KinobenchError: The clip is too short or too small.
    """
    network = registry.get(base).build(num_classes, frames, size)
    stages = [name for name, part in network.named_modules() if isinstance(part, ResStage)]
    names = [
        f"{stage}.res_blocks.{index}"
        for stage, indices in zip(stages[1:3], places, strict=True)
        for index in indices
    ]
    return insert_non_local(
        network, names, pairwise=pairwise, pool_last=mmaction2, scale=not mmaction2
    )


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="non_local",
        paper=PAPER,
        year=2018,
        native=registry.get(_variant.base).native,
    )(
        partial(
            build,
            base=_variant.base,
            places=_variant.places,
            pairwise=_variant.pairwise,
            mmaction2=_variant.mmaction2,
        )
    )
