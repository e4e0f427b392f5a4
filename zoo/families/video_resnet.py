"""Residual networks of 18 layers and more whose convolutions are 3D, 2D, mixed, or (2+1)D.

Tran, Wang, Torresani, Ray, LeCun, Paluri, "A Closer Look at Spatiotemporal Convolutions for Action
Recognition", CVPR 2018. `r3d_18`, `mc3_18` and `r2plus1d_18` are as pytorch/vision has them in
torchvision/models/video/resnet.py, with the same parameter names.

The others are those that the paper's authors trained (facebookresearch/VMZ, c2/tutorials/models.md
and model_zoo.md). They have five groups of convolutions, the first of which is the stem. `mcN_18`
is 3D below the N-th and 2D from it on; `rmcN_18` is the reverse; `fr2d_18` is 2D throughout, frame
by frame; `r2d_18` is one 2D network over all frames at once, the channels of one picture. Their
R(2+1)D, `r2plus1d_18_vmz`, `r2plus1d_34` and `r2plus1d_152`, gives each convolution the middle
width that keeps the parameters of the 3D convolution in its place (section 3.5 of the paper);
torchvision's takes that of a block's first convolution for both.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torchvision.models.video.resnet import (
    BasicBlock,
    Bottleneck,
    Conv2Plus1D,
    Conv3DNoTemporal,
    Conv3DSimple,
)

from ..parts.limits import check_build_arguments
from ..registry import register

PAPER = (
    "Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018"
)


class Conv2Plus1DAlike(Conv2Plus1D):
    """A (2+1)D convolution with about as many parameters as the 3D one of its own widths."""

    def __init__(
        self,
        in_planes: int,
        out_planes: int,
        midplanes: int | None = None,
        stride: int = 1,
        padding: int = 1,
    ) -> None:
        """Take the widths, and the stride and padding in time and space; `midplanes` is unused."""
        middle = (in_planes * out_planes * 3 * 3 * 3) // (in_planes * 3 * 3 + 3 * out_planes)
        super().__init__(in_planes, out_planes, middle, stride, padding)


CONVOLUTIONS = {
    "3d": Conv3DSimple,
    "2d": Conv3DNoTemporal,
    "2plus1d": Conv2Plus1D,
    "2plus1d_alike": Conv2Plus1DAlike,
}
"""The convolutions of a group, by name: torchvision's three, and VMZ's (2+1)D."""

Groups = tuple[str, ...]


class Variant(NamedTuple):
    """The settings of one of these networks."""

    groups: Groups
    native: tuple[int, int, int] | None
    depths: tuple[int, int, int, int] = (2, 2, 2, 2)
    bottleneck: bool = False
    stem_width: int = 64
    stem_middle: int = 45
    one_picture: bool = False


def _mixed(first: str, second: str, switch: int) -> Groups:
    """Return the five groups: `first` below the `switch`-th, `second` from it on."""
    return tuple(first if group < switch else second for group in range(1, 6))


_TORCHVISION = (16, 2, 112)
_VMZ = (16, 1, 112)
_TINY = (16, 1, 64)

VARIANTS = {
    "r3d_18": Variant(("3d",) * 5, _TORCHVISION),
    "mc3_18": Variant(_mixed("3d", "2d", 3), _TORCHVISION),
    "r2plus1d_18": Variant(("2plus1d",) * 5, _TORCHVISION),
    "r2plus1d_18_vmz": Variant(("2plus1d_alike",) * 5, _VMZ),
    "r2plus1d_34": Variant(("2plus1d_alike",) * 5, (32, 1, 112), depths=(3, 4, 6, 3)),
    "r2plus1d_152": Variant(
        ("2plus1d_alike",) * 5,
        (32, 1, 112),
        depths=(3, 8, 36, 3),
        bottleneck=True,
    ),
    "fr2d_18": Variant(("2d",) * 5, _VMZ),
    "r2d_18": Variant(("2d",) * 5, _VMZ, one_picture=True),
    "mc2_18": Variant(_mixed("3d", "2d", 2), _VMZ),
    "mc4_18": Variant(_mixed("3d", "2d", 4), _VMZ),
    "mc5_18": Variant(_mixed("3d", "2d", 5), _VMZ),
    "rmc2_18": Variant(_mixed("2d", "3d", 2), _VMZ),
    "rmc3_18": Variant(_mixed("2d", "3d", 3), _VMZ),
    "rmc4_18": Variant(_mixed("2d", "3d", 4), _VMZ),
    "rmc5_18": Variant(_mixed("2d", "3d", 5), _VMZ),
    "r3d_18_tiny": Variant(("3d",) * 5, _TINY, depths=(1, 1, 1, 1), stem_width=6),
    "mc3_18_tiny": Variant(_mixed("3d", "2d", 3), _TINY, depths=(1, 1, 1, 1), stem_width=6),
    "r2plus1d_18_tiny": Variant(
        ("2plus1d",) * 5, _TINY, depths=(1, 1, 1, 1), stem_width=8, stem_middle=6
    ),
}


class VideoResNet(nn.Module):
    """Torchvision's video ResNet from its own blocks, of any width."""

    def __init__(
        self,
        num_classes: int,
        groups: Groups,
        depths: Sequence[int],
        bottleneck: bool,
        stem_width: int,
        stem_middle: int,
        one_picture_of: int | None,
    ) -> None:
        """Take the arguments of `build`; `one_picture_of` is the frames of a picture, if any."""
        super().__init__()
        self.one_picture = one_picture_of is not None
        block = Bottleneck if bottleneck else BasicBlock
        self.stem = _stem(3 * (one_picture_of or 1), groups[0], stem_width, stem_middle)
        width_in = stem_width
        layers = []
        for stage, (convolution, depth) in enumerate(zip(groups[1:], depths, strict=True)):
            width = stem_width << stage
            layers.append(_layer(block, CONVOLUTIONS[convolution], width_in, width, depth, stage))
            width_in = width * block.expansion
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.avgpool = nn.AdaptiveAvgPool3d((1, 1, 1))
        self.fc = nn.Linear(width_in, num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv3d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.fc.weight, 0, 0.01)
        nn.init.zeros_(self.fc.bias)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        if self.one_picture:
            clip = clip.flatten(1, 2).unsqueeze(2)
        features = self.stem(clip)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            features = layer(features)
        return self.fc(self.avgpool(features).flatten(1))


def _stem(channels: int, convolution: str, width: int, middle: int) -> nn.Sequential:
    """Return a network `[B, channels, T, H, W]` -> `[B, width, T, H / 2, W / 2]`."""
    if convolution.startswith("2plus1d"):
        return nn.Sequential(
            nn.Conv3d(channels, middle, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            nn.Conv3d(middle, width, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
        )
    extent = 3 if convolution == "3d" else 1
    kernel, padding = (extent, 7, 7), (extent // 2, 3, 3)
    return nn.Sequential(
        nn.Conv3d(channels, width, kernel, stride=(1, 2, 2), padding=padding, bias=False),
        nn.BatchNorm3d(width),
        nn.ReLU(inplace=True),
    )


def _layer(
    block: Any,
    convolution: Any,
    width_in: int,
    width: int,
    depth: int,
    stage: int,
) -> nn.Sequential:
    """Return the `depth` blocks of one group: `[B, width_in, T, H, W]` -> `[B, C, T', H', W']`.

    `block` and `convolution` are torchvision's classes. All groups but the first halve the map.
    """
    width_out = width * block.expansion
    stride = 1 if stage == 0 else 2
    shortcut = None
    if stride != 1 or width_in != width_out:
        shortcut = nn.Sequential(
            nn.Conv3d(
                width_in,
                width_out,
                1,
                stride=convolution.get_downsample_stride(stride),
                bias=False,
            ),
            nn.BatchNorm3d(width_out),
        )
    first = block(width_in, width, convolution, stride, shortcut)
    return nn.Sequential(first, *(block(width_out, width, convolution) for _ in range(1, depth)))


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    groups: Groups = ("3d",) * 5,
    depths: Sequence[int] = (2, 2, 2, 2),
    bottleneck: bool = False,
    stem_width: int = 64,
    stem_middle: int = 45,
    one_picture: bool = False,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each 3D or (2+1)D group after the second halves them.
        size: Height and width of a frame, in pixels.
        groups: The convolutions of the stem and of the four groups after it: names of
            `CONVOLUTIONS`.
        depths: Blocks in each group after the stem.
        bottleneck: Bottleneck blocks of three convolutions, not basic ones of two.
        stem_width: Channels of the stem; a group has 1, 2, 4, 8 times as many.
        stem_middle: Channels between the two convolutions of a (2+1)D stem.
        one_picture: All frames are the channels of one picture; time ends at the stem.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("video_resnet", num_classes, frames, size)
    one_picture_of = frames if one_picture else None
    return VideoResNet(
        num_classes, groups, depths, bottleneck, stem_width, stem_middle, one_picture_of
    )


for _name, _variant in VARIANTS.items():
    register(_name, family="video_resnet", paper=PAPER, year=2018, native=_variant.native)(
        partial(
            build,
            groups=_variant.groups,
            depths=_variant.depths,
            bottleneck=_variant.bottleneck,
            stem_width=_variant.stem_width,
            stem_middle=_variant.stem_middle,
            one_picture=_variant.one_picture,
        )
    )
