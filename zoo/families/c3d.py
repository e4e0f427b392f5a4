"""C3D: 3x3x3 convolutions all the way, and three fully connected layers.

Tran, Bourdev, Fergus, Torresani, Paluri, "Learning Spatiotemporal Features with 3D Convolutional
Networks", ICCV 2015, figure 3: eight convolutions, each with padding 1 and a ReLU; five max
poolings of 2x2x2, the first 1x2x2 so as not to merge time too early, the last padded by one pixel
in space; two fully connected layers of 4096 with dropout of 0.5. At 16x112x112, pool5 leaves
512x1x4x4.

`c3d_tiny` has the layout of the paper's own exploration on UCF101 (section 3.1, one convolution
before each of the five poolings), thinner.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from ..parts.initial_weights import draw_for_relu
from ..parts.limits import check_build_arguments
from ..registry import register

PAPER = "Tran et al., Learning Spatiotemporal Features with 3D Convolutional Networks, ICCV 2015"


class Pooling(NamedTuple):
    """A max pooling `[T, H, W]`, as long as its stride."""

    window: tuple[int, int, int]
    padding: tuple[int, int, int] = (0, 0, 0)

    def shrink(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the size after pooling `(T, H, W)`; incomplete windows are dropped."""
        return tuple(
            (extent + 2 * padding - window) // window + 1
            for extent, window, padding in zip(shape, self.window, self.padding, strict=True)
        )


POOLINGS = (
    Pooling((1, 2, 2)),
    Pooling((2, 2, 2)),
    Pooling((2, 2, 2)),
    Pooling((2, 2, 2)),
    Pooling((2, 2, 2), padding=(0, 1, 1)),
)
"""pool1 to pool5."""

PAPER_WIDTHS = ((64,), (128,), (256, 256), (512, 512), (512, 512))


class Variant(NamedTuple):
    """The settings of one C3D."""

    widths: tuple[tuple[int, ...], ...]
    hidden: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "c3d": Variant(widths=PAPER_WIDTHS, hidden=4096, native=(16, 1, 112)),
    "c3d_tiny": Variant(widths=((8,), (16,), (32,), (64,), (64,)), hidden=128, native=(16, 1, 64)),
}


class C3D(nn.Module):
    """Groups of 3x3x3 convolutions, each group ended by a pooling, then fc6, fc7 and fc8."""

    def __init__(
        self,
        num_classes: int,
        frames: int,
        size: int,
        widths: Sequence[Sequence[int]],
        hidden: int,
    ) -> None:
        """Build for clips `[B, 3, frames, size, size]`; see `build`."""
        super().__init__()
        layers: list[nn.Module] = []
        width_in = 3
        shape: tuple[int, ...] = (frames, size, size)
        for group, pooling in zip(widths, POOLINGS, strict=True):
            for width in group:
                layers += [nn.Conv3d(width_in, width, kernel_size=3, padding=1), nn.ReLU(True)]
                width_in = width
            layers.append(nn.MaxPool3d(pooling.window, padding=pooling.padding))
            shape = pooling.shrink(shape)
        self.features = nn.Sequential(*layers)
        last = nn.Linear(hidden, num_classes)
        self.classifier = nn.Sequential(
            nn.Linear(width_in * math.prod(shape), hidden),
            nn.ReLU(True),
            nn.Dropout(0.5),
            nn.Linear(hidden, hidden),
            nn.ReLU(True),
            nn.Dropout(0.5),
            last,
        )
        draw_for_relu(self, last)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        return self.classifier(self.features(clip).flatten(1))


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    widths: Sequence[Sequence[int]] = PAPER_WIDTHS,
    hidden: int = 4096,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; 16 frames or more, 16x16 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; fc6 has weights for those that pool5 leaves.
        size: Height and width of a frame, in pixels; fc6 depends on it in the same way.
        widths: Channels of the convolutions before each of the five poolings.
        hidden: Width of fc6 and fc7.

    Raises:
        KinobenchError: The clip is too short or too small.
    """
    check_build_arguments("c3d", num_classes, frames, size, min_frames=16, min_size=16)
    return C3D(num_classes, frames, size, widths, hidden)


for _name, _variant in VARIANTS.items():
    register(_name, family="c3d", paper=PAPER, year=2015, native=_variant.native)(
        partial(build, widths=_variant.widths, hidden=_variant.hidden)
    )
