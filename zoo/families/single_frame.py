"""Single-frame CNN: every frame is classified alone, and the predictions are averaged.

Karpathy, Toderici, Shetty, Leung, Sukthankar, Fei-Fei, "Large-scale Video Classification with
Convolutional Neural Networks", CVPR 2014, section 3.1. There one frame goes through an AlexNet and
the class predictions of a video's frames are averaged (`karpathy_single_frame`); here the frames of
a clip go through any 2D classification network of torchvision. What is averaged is probabilities,
so the order of the frames can't matter, and neither can anything that no single frame shows.

The family is open: `single_frame_` before the name of any builder of torchvision is a network too.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from ..parts.backbones import Backbone, for_size, named_after, native_size
from ..parts.frames import PerFrame, log_mean_softmax
from ..parts.limits import check_build_arguments
from ..parts.papers import KARPATHY_2014
from ..parts.resnet2d import RESNET50, TINY_RESNET
from ..registry import register


class Variant(NamedTuple):
    """The settings of one single-frame network.

    A backbone that is a name is torchvision's. Karpathy's frames are 170 pixels wide; the others
    are native to the frames of torchvision's weights.
    """

    backbone: Backbone | str
    native: tuple[int, int, int]


# `single_frame_convnext_tiny` is left to `register_backbone`: a listed name that ends in `_tiny` is
# one of our own small networks.
VARIANTS = {
    "single_frame_r18": Variant(backbone="resnet18", native=(1, 1, 224)),
    "single_frame_r50": Variant(backbone=RESNET50, native=(1, 1, 170)),
    "single_frame_r101": Variant(backbone="resnet101", native=(1, 1, 224)),
    "single_frame_vgg16": Variant(backbone="vgg16", native=(1, 1, 224)),
    "single_frame_googlenet": Variant(backbone="googlenet", native=(1, 1, 224)),
    "single_frame_densenet121": Variant(backbone="densenet121", native=(1, 1, 224)),
    "single_frame_mobilenet_v2": Variant(backbone="mobilenet_v2", native=(1, 1, 224)),
    "single_frame_mobilenet_v3_large": Variant(backbone="mobilenet_v3_large", native=(1, 1, 224)),
    "single_frame_efficientnet_b0": Variant(backbone="efficientnet_b0", native=(1, 1, 224)),
    "single_frame_convnext_small": Variant(backbone="convnext_small", native=(1, 1, 224)),
    "single_frame_vit_b_16": Variant(backbone="vit_b_16", native=(1, 1, 224)),
    "single_frame_swin_t": Variant(backbone="swin_t", native=(1, 1, 224)),
    "single_frame_tiny": Variant(backbone=TINY_RESNET, native=(16, 1, 64)),
}
PREFIX = "single_frame_"


class SingleFrame(nn.Module):
    """The mean, over the frames, of the class probabilities that a 2D network gives each."""

    trained_per_frame = True
    """It learns from the loss of each frame. From the loss of the mean it would learn how frames
    differ."""

    def __init__(self, backbone: nn.Module) -> None:
        """Take the classifier of frames `[N, 3, H, W]` -> `[N, num_classes]`."""
        super().__init__()
        self.per_frame = PerFrame(backbone)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> log mean probability `[B, num_classes]`.

        Logits whose softmax is the mean over the T frames of each frame's softmax.
        """
        return log_mean_softmax(self.per_frame(clip), dim=1)


def build(
    num_classes: int, frames: int, size: int, *, backbone: Backbone | str = RESNET50
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip.
        size: Height and width of a frame, in pixels.
        backbone: The 2D network of the frames, or the name of torchvision's.

    Raises:
        KinobenchError: The clip is too small, or the backbone can't take frames of that size.
    """
    check_build_arguments("single_frame", num_classes, frames, size)
    return SingleFrame(for_size(backbone, size).build(3, num_classes))


def register_backbone(name: str) -> bool:
    """Register `single_frame_<builder of torchvision>`; False if torchvision has no such builder.

    Not for the names in VARIANTS, which are registered with this module.
    """
    builder = named_after(PREFIX, name)
    if builder is None:
        return False
    _register(name, Variant(backbone=builder, native=(1, 1, native_size(builder))))
    return True


def _register(name: str, variant: Variant) -> None:
    register(name, family="single_frame", paper=KARPATHY_2014, year=2014, native=variant.native)(
        partial(build, backbone=variant.backbone)
    )


for _name, _variant in VARIANTS.items():
    _register(_name, _variant)
