"""The four AlexNet-like networks that named the fusions: single frame, early, late and slow.

Karpathy, Toderici, Shetty, Leung, Sukthankar, Fei-Fei, "Large-scale Video Classification with
Convolutional Neural Networks", CVPR 2014, section 3.1: on frames of 170 pixels,

    C(96, 11, 3)-N-P-C(256, 5, 1)-N-P-C(384, 3, 1)-C(384, 3, 1)-C(256, 3, 1)-P-FC(4096)-FC(4096)

and a linear classifier, where C(d, f, s) has d filters of f x f with stride s (and a ReLU), N is
AlexNet's normalisation across channels, and P pools 2x2 without overlap. The paper doesn't say how
the convolutions are padded. With the first one valid and the others padded as AlexNet's, a frame
of 170 pixels gives maps of 54, 27, 13 and 6, AlexNet's own from 27 on, and that is how it is here.
Filters aren't split into groups, and the fully connected layers have AlexNet's dropout.

- `karpathy_single_frame`: one frame; of several, the class probabilities are averaged.
- `karpathy_early_fusion`: the first filters are 11 x 11 x 3 x T, for clips of T = 10.
- `karpathy_late_fusion`: the first and the last frame, in the paper 15 apart, go through the same
  convolutions, and meet in the first fully connected layer. Frames between them aren't looked at.
- `karpathy_slow_fusion`: the first convolution is 4 frames long, the second and third 2, each with
  a temporal stride of 2 and valid, so that 10 frames become 4, 2 and 1. Its filters are as long
  for other clips, or one frame longer where an odd number is left, so that no frame is unseen; and
  the third convolution is as long as what is left, so that it has seen the whole clip.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import nn

from ..parts.frames import PerFrame
from ..parts.limits import check_build_arguments
from ..parts.papers import KARPATHY_2014
from ..registry import register
from .early_fusion import EarlyFusion
from .single_frame import SingleFrame

Fusion = Literal["single", "early", "late", "slow"]
MIN_FRAMES: dict[Fusion, int] = {"single": 1, "early": 1, "late": 2, "slow": 10}

PAPER_WIDTHS = (96, 256, 384, 384, 256)
TINY_WIDTHS = (16, 32, 48, 48, 32)
POOL = 2


class Convolution(NamedTuple):
    """One of the five convolutions in space; `normalised` and `pooled` are the layers after it."""

    kernel: int
    stride: int
    padding: int
    normalised: bool
    pooled: bool


CONVOLUTIONS = (
    Convolution(11, stride=3, padding=0, normalised=True, pooled=True),
    Convolution(5, stride=1, padding=2, normalised=True, pooled=True),
    Convolution(3, stride=1, padding=1, normalised=False, pooled=False),
    Convolution(3, stride=1, padding=1, normalised=False, pooled=False),
    Convolution(3, stride=1, padding=1, normalised=False, pooled=True),
)


class Variant(NamedTuple):
    """The settings of one of these networks."""

    fusion: Fusion
    widths: tuple[int, ...]
    hidden: int
    native: tuple[int, int, int]


VARIANTS = {
    "karpathy_single_frame": Variant("single", PAPER_WIDTHS, 4096, native=(1, 1, 170)),
    "karpathy_single_frame_tiny": Variant("single", TINY_WIDTHS, 64, native=(16, 1, 64)),
    "karpathy_early_fusion": Variant("early", PAPER_WIDTHS, 4096, native=(10, 1, 170)),
    "karpathy_early_fusion_tiny": Variant("early", TINY_WIDTHS, 64, native=(16, 1, 64)),
    "karpathy_late_fusion": Variant("late", PAPER_WIDTHS, 4096, native=(2, 15, 170)),
    "karpathy_late_fusion_tiny": Variant("late", TINY_WIDTHS, 64, native=(16, 1, 64)),
    "karpathy_slow_fusion": Variant("slow", PAPER_WIDTHS, 4096, native=(10, 1, 170)),
    "karpathy_slow_fusion_tiny": Variant("slow", TINY_WIDTHS, 64, native=(16, 1, 64)),
}


class LateFusion(nn.Module):
    """The maps of the first and the last frame, stacked, and the fully connected layers."""

    def __init__(self, tower: nn.Module, classifier: nn.Module) -> None:
        """Take a tower `[N, 3, H, W]` -> `[N, C, h, w]`; the classifier takes `[B, 2, C, h, w]`."""
        super().__init__()
        self.per_frame = PerFrame(tower)
        self.classifier = classifier

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        ends = torch.stack([clip[:, :, 0], clip[:, :, -1]], dim=2)
        return self.classifier(self.per_frame(ends))


def temporal_extents(frames: int) -> tuple[int, int, int]:
    """Return how many frames long the three convolutions of slow fusion are for a clip.

    The first two have a stride of 2, and leave no frame over; the third takes all that is left.
    """
    first = 4 + frames % 2
    frames = (frames - first) // 2 + 1
    second = 2 + frames % 2
    return first, second, (frames - second) // 2 + 1


def map_sides(size: int) -> tuple[int, ...]:
    """Return the side of the map after the first convolution, and after each of the poolings."""
    first = CONVOLUTIONS[0]
    side = (size - first.kernel) // first.stride + 1
    return side, side // POOL, side // POOL**2, side // POOL**3


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    fusion: Fusion = "single",
    widths: Sequence[int] = PAPER_WIDTHS,
    hidden: int = 4096,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip: any number for single frames and early fusion, 2 or more for late
            fusion, 10 or more for slow fusion.
        size: Height and width of a frame, in pixels.
        fusion: Layer at which the frames meet.
        widths: Filters of the five convolutions.
        hidden: Width of the two fully connected layers.

    Raises:
        KinobenchError: The clip is too short or too small.
    """
    check_build_arguments(
        f"karpathy {fusion} fusion" if fusion != "single" else "karpathy single frame",
        num_classes,
        frames,
        size,
        min_frames=MIN_FRAMES[fusion],
    )
    length = widths[-1] * map_sides(size)[-1] ** 2 * (2 if fusion == "late" else 1)
    classifier = nn.Sequential(
        nn.Flatten(),
        nn.Linear(length, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(hidden, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(hidden, num_classes),
    )
    tower = nn.Sequential(
        *_convolutions(
            3 * frames if fusion == "early" else 3,
            widths,
            temporal_extents(frames) if fusion == "slow" else (),
        )
    )
    # Nothing rescales the maps on the way, so the first weights have to keep their spread.
    for layer in (*tower, *classifier[:-1]):
        if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    if fusion == "late":
        return LateFusion(tower, classifier)
    network = nn.Sequential(tower, classifier)
    if fusion == "single":
        return SingleFrame(network)
    return EarlyFusion(network) if fusion == "early" else network


def _convolutions(
    in_channels: int, widths: Sequence[int], extents: Sequence[int]
) -> list[nn.Module]:
    """Return the five convolutions and what follows each.

    They take `[B, in_channels, H, W]`; or `[B, in_channels, T, H, W]` where the first of them have
    temporal `extents`, after which one frame must be left.
    """
    layers: list[nn.Module] = []
    for place, (width, convolution) in enumerate(zip(widths, CONVOLUTIONS, strict=True)):
        kernel, stride, padding, normalised, pooled = convolution
        in_time = place < len(extents)
        if in_time:
            layers.append(
                nn.Conv3d(
                    in_channels,
                    width,
                    kernel_size=(extents[place], kernel, kernel),
                    stride=(2, stride, stride),
                    padding=(0, padding, padding),
                )
            )
        else:
            layers.append(nn.Conv2d(in_channels, width, kernel, stride=stride, padding=padding))
        layers.append(nn.ReLU(inplace=True))
        if normalised:
            # 1e-4 in the paper, of the sum over 5 channels; torch wants it of their mean.
            layers.append(nn.LocalResponseNorm(size=5, alpha=5 * 1e-4, beta=0.5, k=2.0))
        if pooled:
            layers.append(nn.MaxPool3d((1, POOL, POOL)) if in_time else nn.MaxPool2d(POOL))
        if in_time and place == len(extents) - 1:
            layers.append(nn.Flatten(1, 2))
        in_channels = width
    return layers


for _name, _variant in VARIANTS.items():
    register(_name, family="karpathy", paper=KARPATHY_2014, year=2014, native=_variant.native)(
        partial(build, fusion=_variant.fusion, widths=_variant.widths, hidden=_variant.hidden)
    )
