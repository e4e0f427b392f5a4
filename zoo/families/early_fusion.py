"""Early fusion: the first convolution sees every frame at once, and a 2D network follows.

Karpathy et al., "Large-scale Video Classification with Convolutional Neural Networks", CVPR 2014,
section 3.1: the first layer's filters of an AlexNet are extended over 10 frames (11 x 11 x 3 x 10).
Here they are those of a ResNet-50, 7 x 7 x 3T, or of any 2D network of torchvision. A filter with a
full extent in time and no padding there is a 2D filter over frames stacked as channels, so the clip
is stacked frame by frame: channel `3 * t + c` is colour `c` of frame `t`.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from ..parts.backbones import Backbone, for_size
from ..parts.frames import frames_into_channels
from ..parts.limits import check_build_arguments
from ..parts.papers import KARPATHY_2014
from ..parts.resnet2d import RESNET50, TINY_RESNET
from ..registry import register


class Variant(NamedTuple):
    """The settings of one early fusion."""

    backbone: Backbone
    native: tuple[int, int, int] | None


VARIANTS = {
    "early_fusion_r50": Variant(backbone=RESNET50, native=(10, 1, 170)),
    "early_fusion_tiny": Variant(backbone=TINY_RESNET, native=(16, 1, 64)),
}


class EarlyFusion(nn.Module):
    """A 2D network over the frames of a clip stacked as channels."""

    def __init__(self, backbone: nn.Module) -> None:
        """Take the classifier `[B, 3T, H, W]` -> `[B, num_classes]`."""
        super().__init__()
        self.backbone = backbone

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        return self.backbone(frames_into_channels(clip))


def build(
    num_classes: int, frames: int, size: int, *, backbone: Backbone | str = RESNET50
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; the first convolution has weights for each of them.
        size: Height and width of a frame, in pixels.
        backbone: The 2D network, or the name of torchvision's.

    Raises:
        KinobenchError: The clip is too small, or the backbone can't take frames of that size.
    """
    check_build_arguments("early_fusion", num_classes, frames, size)
    return EarlyFusion(for_size(backbone, size).build(3 * frames, num_classes))


for _name, _variant in VARIANTS.items():
    register(_name, family="early_fusion", paper=KARPATHY_2014, year=2014, native=_variant.native)(
        partial(build, backbone=_variant.backbone)
    )
