"""S3D: Inception over space and time, every convolution cut into a spatial and a temporal one.

Xie, Sun, Huang, Tu, Murphy, "Rethinking Spatiotemporal Feature Learning: Speed-Accuracy Trade-offs
in Video Classification", ECCV 2018. `s3d` is as pytorch/vision has it in
torchvision/models/video/s3d.py, with the same parameter names.

The head averages windows of 2x7x7 of the feature map, or all of a smaller map, and then the logits
of all windows, as the origin does. (The origin is trained on 128 frames: 15 windows.)
"""

from functools import partial
from typing import NamedTuple

from torch import nn
from torchvision.models.video.s3d import S3D, SepInceptionBlock3D, TemporalSeparableConv
from torchvision.ops.misc import Conv3dNormActivation

from ..parts.limits import check_build_arguments
from ..registry import register

PAPER = (
    "Xie et al., Rethinking Spatiotemporal Feature Learning: Speed-Accuracy Trade-offs in Video "
    "Classification, ECCV 2018"
)
INCEPTIONS = (
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)
"""Channels in each Inception block: of the pointwise branch, of the two branches that go on to a
separated 3x3x3 (before it and after it), and of the pooling branch."""
POOL_BEFORE = {2: (3, 1), 7: (2, 0)}
"""Before these blocks, max pooling of this extent and padding halves the map in time and space."""


class Variant(NamedTuple):
    """The settings of one S3D."""

    stem_width: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "s3d": Variant(stem_width=64, native=(128, 2, 224)),
    "s3d_tiny": Variant(stem_width=12, native=(16, 1, 64)),
}


class AnyWidthS3D(S3D):
    """Torchvision's S3D with all its widths in proportion to the stem's."""

    def __init__(self, num_classes: int, stem_width: int, window: tuple[int, int, int]) -> None:
        """Take the length of the logits, the stem's channels (64 as published), and the window."""
        nn.Module.__init__(self)
        normalise = partial(nn.BatchNorm3d, eps=0.001, momentum=0.001)

        def thin(width: int) -> int:
            return max(1, width * stem_width // 64)

        width = thin(192)
        layers: list[nn.Module] = [
            TemporalSeparableConv(3, thin(64), 7, 2, 3, normalise),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            Conv3dNormActivation(thin(64), thin(64), kernel_size=1, norm_layer=normalise),
            TemporalSeparableConv(thin(64), width, 3, 1, 1, normalise),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
        ]
        for block, published in enumerate(INCEPTIONS):
            if block in POOL_BEFORE:
                extent, padding = POOL_BEFORE[block]
                layers.append(nn.MaxPool3d((extent,) * 3, stride=(2,) * 3, padding=(padding,) * 3))
            widths = tuple(map(thin, published))
            layers.append(SepInceptionBlock3D(width, *widths, normalise))
            pointwise, _, first, _, second, pooled = widths
            width = pointwise + first + second + pooled
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AvgPool3d(window, stride=1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Conv3d(width, num_classes, 1))
        for layer in self.features.modules():
            if isinstance(layer, nn.Conv3d):
                # With torch's own start, which the origin keeps, the signal fades on its long way.
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


def build(num_classes: int, frames: int, size: int, *, stem_width: int = 64) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; 5 frames or more, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; an eighth of them reach the head.
        size: Height and width of a frame, in pixels.
        stem_width: Channels of the stem; all other widths keep the published proportion to it.

    Raises:
        KinobenchError: The clip is too short or too small.
    """
    check_build_arguments("s3d", num_classes, frames, size, min_frames=5)
    # Convolutions and padded poolings halve rounding up; the last pooling rounds down.
    time, side = -(-frames // 4) // 2, -(-size // 16) // 2
    return AnyWidthS3D(num_classes, stem_width, (min(2, time), min(7, side), min(7, side)))


for _name, _variant in VARIANTS.items():
    register(_name, family="s3d", paper=PAPER, year=2018, native=_variant.native)(
        partial(build, stem_width=_variant.stem_width)
    )
