"""Late fusion: frames are seen alone up to their pooled features, and meet only in the classifier.

Karpathy et al., "Large-scale Video Classification with Convolutional Neural Networks", CVPR 2014,
section 3.1: two frames, 15 apart, go through one AlexNet, and the first fully connected layer sees
the features of both, so that it can compute motion by comparing them. Here any number of frames
goes through one ResNet-50, or any 2D network of torchvision, and there are three ways of fusing
them:

- `late_fusion_*`: the features of all frames, in their order, are concatenated and go through a
  perceptron with one hidden layer, as in the paper. The order of the frames counts.
- `late_fusion_pool_*`: the features are averaged over time and go through a linear classifier,
  which is the same as to average the frames' logits: the averaging consensus of Wang et al.,
  "Temporal Segment Networks", ECCV 2016. The order of the frames doesn't count. It differs from a
  single-frame network, which averages probabilities.
- `late_fusion_max_*`: the greatest value of each feature over time goes through a linear
  classifier: the late pooling of Ng et al., "Beyond Short Snippets", CVPR 2015, section 3.1. The
  order of the frames doesn't count, but one frame can decide.
"""

from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import nn

from ..parts.backbones import Backbone, for_size
from ..parts.frames import PerFrame
from ..parts.limits import check_build_arguments
from ..parts.papers import KARPATHY_2014, NG_2015, WANG_2016
from ..parts.resnet2d import RESNET50, TINY_RESNET
from ..parts.tiny_map import TINY_MAP
from ..registry import register

Pool = Literal["mean", "max"]


class Variant(NamedTuple):
    """The settings of one late fusion; `pool` None: concatenated."""

    backbone: Backbone
    pool: Pool | None
    hidden: int
    paper: str
    year: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "late_fusion_r50": Variant(RESNET50, None, 512, KARPATHY_2014, 2014, native=(2, 15, 170)),
    "late_fusion_tiny": Variant(TINY_MAP, None, 64, KARPATHY_2014, 2014, native=(16, 1, 64)),
    "late_fusion_pool_r50": Variant(RESNET50, "mean", 0, WANG_2016, 2016, native=None),
    "late_fusion_pool_tiny": Variant(TINY_RESNET, "mean", 0, WANG_2016, 2016, native=(16, 1, 64)),
    "late_fusion_max_r50": Variant(RESNET50, "max", 0, NG_2015, 2015, native=None),
    "late_fusion_max_tiny": Variant(TINY_RESNET, "max", 0, NG_2015, 2015, native=(16, 1, 64)),
}


class LateFusion(nn.Module):
    """Per-frame features, concatenated over time, then a perceptron with one hidden layer."""

    def __init__(
        self, backbone: nn.Module, width: int, frames: int, hidden: int, num_classes: int
    ) -> None:
        """Take a backbone `[N, 3, H, W]` -> `[N, width]`, for clips of `frames` frames."""
        super().__init__()
        self.per_frame = PerFrame(backbone)
        self.classifier = nn.Sequential(
            nn.Linear(frames * width, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(hidden, num_classes),
        )

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        return self.classifier(self.per_frame(clip).flatten(1))


class LateFusionPool(nn.Module):
    """Per-frame features, their mean or maximum over time, then a linear classifier."""

    def __init__(self, backbone: nn.Module, width: int, num_classes: int, pool: Pool) -> None:
        """Take a backbone `[N, 3, H, W]` -> `[N, width]`."""
        super().__init__()
        self.per_frame = PerFrame(backbone)
        self.classifier = nn.Linear(width, num_classes)
        self.pool = pool

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        features = self.per_frame(clip)
        pooled = features.mean(dim=1) if self.pool == "mean" else features.amax(dim=1)
        return self.classifier(pooled)


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    backbone: Backbone | str = RESNET50,
    pool: Pool | None = None,
    hidden: int = 512,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; `LateFusion` has weights for each of them.
        size: Height and width of a frame, in pixels.
        backbone: The 2D network of the frames, or the name of torchvision's.
        pool: Rule that makes one vector of the features of all frames; None concatenates them.
        hidden: Width of the hidden layer after concatenation.

    Raises:
        KinobenchError: The clip is too small, or the backbone can't take frames of that size.
    """
    check_build_arguments("late_fusion", num_classes, frames, size)
    build_backbone, width = for_size(backbone, size)
    if pool is None:
        return LateFusion(build_backbone(3, None), width, frames, hidden, num_classes)
    return LateFusionPool(build_backbone(3, None), width, num_classes, pool)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="late_fusion",
        paper=_variant.paper,
        year=_variant.year,
        native=_variant.native,
    )(partial(build, backbone=_variant.backbone, pool=_variant.pool, hidden=_variant.hidden))
