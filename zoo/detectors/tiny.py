"""A small 3D network whose map keeps small boxes apart, for the embedded dataset of boxes.

The backbones of the papers halve a frame five times. A cell of their map has 32 pixels, which is a
whole box of a 96x96 frame. Here a cell has 8 pixels.

The first normalisation works on each clip alone, as in `parts/tiny_map.py`: the brightness and the
contrast of a video vary far more than what its dots do.
"""

import torch
from torch import nn

from ..parts.limits import check_build_arguments

WIDTHS = (8, 24, 32, 64)
STRIDE = 8
"""Pixels of a cell of the map."""


class TinyBackbone(nn.Module):
    """Four convolutions, each with a normalisation and a ReLU."""

    map_width = WIDTHS[-1]

    def __init__(self) -> None:
        """Build for clips `[B, 3, T, H, W]`."""
        super().__init__()
        stem, second, third, last = WIDTHS
        self.layers = nn.Sequential(
            *_unit(3, stem, (1, 5, 5), (1, 2, 2), nn.InstanceNorm3d(stem, affine=True)),
            *_unit(stem, second, (3, 3, 3), (2, 2, 2), nn.BatchNorm3d(second)),
            *_unit(second, third, (3, 3, 3), (2, 1, 1), nn.BatchNorm3d(third)),
            *_unit(third, last, (3, 3, 3), (1, 2, 2), nn.BatchNorm3d(last)),
        )

    def feature_map(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> map `[B, 64, T / 4, H / 8, W / 8]`."""
        maps: torch.Tensor = self.layers(clip)
        return maps


def build_tiny(name: str, num_classes: int, frames: int, size: int) -> TinyBackbone:
    """Build the backbone of a tiny detector; any number of frames, 32x32 or more.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments(name, num_classes, frames, size)
    return TinyBackbone()


def _unit(
    width_in: int,
    width: int,
    kernel: tuple[int, int, int],
    stride: tuple[int, int, int],
    norm: nn.Module,
) -> tuple[nn.Module, ...]:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    convolution = nn.Conv3d(width_in, width, kernel, stride, padding, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return convolution, norm, nn.ReLU(inplace=True)
