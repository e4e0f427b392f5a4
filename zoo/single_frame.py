"""Single-frame CNN: every frame is classified alone, and the predictions are averaged.

Karpathy, Toderici, Shetty, Leung, Sukthankar, Fei-Fei, "Large-scale Video Classification with
Convolutional Neural Networks", CVPR 2014, section 3.1. There one frame goes through an AlexNet and
the class predictions of a video's frames are averaged; here the frames of a clip go through a
ResNet-50. What is averaged is probabilities, so the order of the frames can't matter, and neither
can anything that no single frame shows.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from .averaging import log_mean_softmax
from .frames import PerFrame
from .input_limits import check_build_arguments
from .papers import KARPATHY_2014
from .registry import register
from .resnet2d import RESNET50, TINY_RESNET, Backbone


class Variant(NamedTuple):
    """What sets one single-frame network apart from another."""

    backbone: Backbone
    native: tuple[int, int, int] | None


VARIANTS = {
    "single_frame_r50": Variant(backbone=RESNET50, native=(1, 1, 170)),
    "single_frame_tiny": Variant(backbone=TINY_RESNET, native=(16, 1, 64)),
}


class SingleFrame(nn.Module):
    """The mean, over the frames, of the class probabilities that a 2D network gives each."""

    def __init__(self, backbone: nn.Module) -> None:
        """Take the classifier of frames `[N, 3, H, W]` -> `[N, num_classes]`."""
        super().__init__()
        self.per_frame = PerFrame(backbone)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> log mean probability `[B, num_classes]`.

        Logits whose softmax is the mean over the T frames of each frame's softmax.
        """
        return log_mean_softmax(self.per_frame(clip), dim=1)


def build(num_classes: int, frames: int, size: int, *, backbone: Backbone = RESNET50) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("single_frame", num_classes, frames, size)
    return SingleFrame(backbone.build(3, num_classes))


for _name, _variant in VARIANTS.items():
    register(_name, family="single_frame", paper=KARPATHY_2014, year=2014, native=_variant.native)(
        partial(build, backbone=_variant.backbone)
    )
