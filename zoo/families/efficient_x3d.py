"""Efficient X3D: X3D from the blocks that pytorchvideo made for a phone's CPU.

Feichtenhofer, "X3D: Expanding Architectures for Efficient Video Recognition", CVPR 2020, in the
form of facebookresearch/pytorchvideo, pytorchvideo/models/accelerator/mobile_cpu/efficient_x3d.py,
with the same parameter names: its blocks before their conversion for deployment, the form that the
hub's `efficient_x3d_xs` and `efficient_x3d_s` load their weights into. Both are one network, at two
clips.

The head averages the whole feature map before it classifies, so there is one position, and the
output is its logits.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from pytorchvideo.layers.accelerator.mobile_cpu.activation_functions import Swish
from pytorchvideo.layers.accelerator.mobile_cpu.convolutions import (
    Conv3d5x1x1BnAct,
    Conv3dPwBnAct,
    Conv3dTemporalKernel1BnAct,
)
from pytorchvideo.layers.accelerator.mobile_cpu.fully_connected import FullyConnected
from pytorchvideo.layers.accelerator.mobile_cpu.pool import AdaptiveAvgPool3dOutSize1
from pytorchvideo.models.accelerator.mobile_cpu.residual_blocks import X3dBottleneckBlock
from torch import nn

from ..parts.limits import check_build_arguments
from ..registry import register

PAPER = "Feichtenhofer, X3D: Expanding Architectures for Efficient Video Recognition, CVPR 2020"
SQUEEZE_RATIO = 0.0625
"""Channels inside a squeeze-and-excitation for each channel of it; every second block has one."""


class Variant(NamedTuple):
    """The settings of one efficient X3D."""

    depths: tuple[int, ...]
    stem_width: int
    head_width: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "efficient_x3d_xs": Variant((3, 5, 11, 7), stem_width=24, head_width=2048, native=(4, 12, 160)),
    "efficient_x3d_s": Variant((3, 5, 11, 7), stem_width=24, head_width=2048, native=(13, 6, 160)),
    "efficient_x3d_tiny": Variant((1, 2, 2, 1), stem_width=8, head_width=256, native=(16, 1, 64)),
}


class EfficientX3D(nn.Module):
    """Stem, four stages, and a head that pools before its last layers."""

    def __init__(
        self, num_classes: int, depths: Sequence[int], stem_width: int, head_width: int
    ) -> None:
        """Take the length of the logits; see `build` for the rest."""
        super().__init__()
        stem: OrderedDict[str, nn.Module] = OrderedDict()
        stem["pathway0_stem_conv_xy"] = Conv3dTemporalKernel1BnAct(
            3,
            stem_width,
            spatial_kernel=3,
            spatial_stride=2,
            spatial_padding=1,
            activation="identity",
            use_bn=False,
        )
        stem["pathway0_stem_conv"] = Conv3d5x1x1BnAct(stem_width, stem_width, groups=stem_width)
        self.s1 = nn.Sequential(stem)
        widths = [stem_width * factor for factor in (1, 2, 4, 8)]
        inner_widths = [width * 9 // 4 for width in widths]
        width_in = stem_width
        stages = []
        for depth, width, inner in zip(depths, widths, inner_widths, strict=True):
            stage: OrderedDict[str, nn.Module] = OrderedDict()
            for block in range(depth):
                stage[f"pathway0_res{block}"] = X3dBottleneckBlock(
                    in_channels=width_in,
                    mid_channels=inner,
                    out_channels=width,
                    spatial_stride=2 if block == 0 else 1,
                    se_ratio=SQUEEZE_RATIO if block % 2 == 0 else 0,
                    act_functions=("relu", "swish", "relu"),
                )
                width_in = width
            stages.append(nn.Sequential(stage))
        self.s2, self.s3, self.s4, self.s5 = stages
        head: OrderedDict[str, nn.Module] = OrderedDict()
        head["conv_5"] = Conv3dPwBnAct(widths[-1], inner_widths[-1])
        head["avg_pool"] = AdaptiveAvgPool3dOutSize1()
        head["lin_5"] = Conv3dPwBnAct(inner_widths[-1], head_width, use_bn=False)
        self.head = nn.Sequential(head)
        self.dropout = nn.Dropout(0.5)
        self.projection = FullyConnected(head_width, num_classes)
        for layer in self.modules():
            if isinstance(layer, Swish):
                # The same function as the origin's own, whose backward pass torch has deprecated.
                layer.act = nn.SiLU()

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        features = self.s1(clip)
        for stage in (self.s2, self.s3, self.s4, self.s5):
            features = stage(features)
        return self.projection(self.dropout(self.head(features).flatten(1)))


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depths: Sequence[int] = (3, 5, 11, 7),
    stem_width: int = 24,
    head_width: int = 2048,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; none are lost before the head.
        size: Height and width of a frame, in pixels.
        depths: Blocks in each of the four stages.
        stem_width: Channels of the stem, a multiple of 4; a stage has 1, 2, 4, 8 times as many, and
            2.25 times that inside its blocks.
        head_width: Channels of the last layer before the classifier.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("efficient_x3d", num_classes, frames, size)
    return EfficientX3D(num_classes, depths, stem_width, head_width)


for _name, _variant in VARIANTS.items():
    register(_name, family="efficient_x3d", paper=PAPER, year=2020, native=_variant.native)(
        partial(
            build,
            depths=_variant.depths,
            stem_width=_variant.stem_width,
            head_width=_variant.head_width,
        )
    )
