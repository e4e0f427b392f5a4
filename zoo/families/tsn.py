"""TSN: frames spread over the whole video are classified by one 2D network, and agree on a mean.

Wang, Xiong, Wang, Qiao, Lin, Tang, Van Gool, "Temporal Segment Networks: Towards Good Practices for
Deep Action Recognition", ECCV 2016: the video is cut into segments of equal length, one frame is
taken from each, and the consensus is the mean of their class scores (before the softmax). The
protocol chooses the frames; here a clip's T frames are those of the T segments.

The scores are linear in the last features, so their mean is the score of the mean feature, and is
computed so, as open-mmlab/mmaction2 does in mmaction/models/heads/tsn_head.py: the classifier runs
once a clip, not once a frame. The dropout before it is mmaction2's.

The family is open: `tsn_` before the name of any builder of torchvision is a network too.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torchvision.models import resnet

from ..parts.backbones import Backbone, for_size, named_after, native_size, replace_stem
from ..parts.frames import FrameClassifier
from ..parts.limits import check_build_arguments
from ..parts.papers import WANG_2016
from ..parts.resnet2d import RESNET50, TINY_RESNET
from ..registry import register

PREFIX = "tsn_"
DROPOUT = 0.4
INITIAL_SPREAD = 0.01
"""Standard deviation of the classifier's first weights: mmaction2's."""


def _resnext101_32x4d(in_channels: int, num_classes: int | None) -> nn.Module:
    network = resnet.ResNet(
        resnet.Bottleneck,
        [3, 4, 23, 3],
        num_classes=num_classes or 1,
        groups=32,
        width_per_group=4,
    )
    if in_channels != 3:
        replace_stem(network, in_channels)
    if num_classes is None:
        network.fc = nn.Identity()
    return network


RESNEXT101_32X4D = Backbone(build=_resnext101_32x4d, width=2048)
"""ResNeXt-101 with 32 groups of 4 channels, which torchvision has no builder of."""


class Variant(NamedTuple):
    """The settings of one TSN; a backbone that is a name is torchvision's.

    The native frames are those of mmaction2's test: 25 segments, where its README has the network.
    """

    backbone: Backbone | str
    native: tuple[int, int, int] | None


VARIANTS = {
    "tsn_r18": Variant(backbone="resnet18", native=None),
    "tsn_r50": Variant(backbone=RESNET50, native=(25, 1, 224)),
    "tsn_r101": Variant(backbone="resnet101", native=(25, 1, 224)),
    "tsn_resnext101_32x4d": Variant(backbone=RESNEXT101_32X4D, native=(25, 1, 224)),
    "tsn_densenet161": Variant(backbone="densenet161", native=(25, 1, 224)),
    "tsn_mobilenet_v2": Variant(backbone="mobilenet_v2", native=None),
    "tsn_swin_b": Variant(backbone="swin_b", native=(25, 1, 224)),
    "tsn_tiny": Variant(backbone=TINY_RESNET, native=(16, 1, 64)),
}


class TSN(FrameClassifier):
    """The mean, over the frames, of the class scores that a 2D network gives each."""

    def __init__(self, backbone: nn.Module, width: int, num_classes: int) -> None:
        """Take a backbone `[N, 3, H, W]` -> `[N, width]`."""
        super().__init__(backbone, width, num_classes, dropout=DROPOUT, spread=INITIAL_SPREAD)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        return self.classifier(self.dropout(self.per_frame(clip).mean(dim=1)))


def build(
    num_classes: int, frames: int, size: int, *, backbone: Backbone | str = RESNET50
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip, one a segment.
        size: Height and width of a frame, in pixels.
        backbone: The 2D network of the frames, or the name of torchvision's.

    Raises:
        KinobenchError: The clip is too small, or the backbone can't take frames of that size.
    """
    check_build_arguments("tsn", num_classes, frames, size)
    build_backbone, width = for_size(backbone, size)
    return TSN(build_backbone(3, None), width, num_classes)


def register_backbone(name: str) -> bool:
    """Register `tsn_<builder of torchvision>`; False if torchvision has no such builder.

    Not for the names in VARIANTS, which are registered with this module.
    """
    builder = named_after(PREFIX, name)
    if builder is None:
        return False
    _register(name, Variant(backbone=builder, native=(25, 1, native_size(builder))))
    return True


def _register(name: str, variant: Variant) -> None:
    register(name, family="tsn", paper=WANG_2016, year=2016, native=variant.native)(
        partial(build, backbone=variant.backbone)
    )


for _name, _variant in VARIANTS.items():
    _register(_name, _variant)
