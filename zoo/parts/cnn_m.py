"""CNN-M-2048: the eight layers that the original two-stream network has in each stream.

Chatfield, Simonyan, Vedaldi, Zisserman, "Return of the Devil in the Details: Delving Deep into
Convolutional Nets", BMVC 2014, table 1 (CNN-M) and section 3.3 (fc7 of 2048): convolutions of 96
filters of 7x7 with stride 2, of 256 of 5x5 with stride 2, and three of 512 of 3x3; a max pooling of
3x3 with stride 2 after the first, the second and the fifth; fully connected layers of 4096 and 2048
with dropout. Poolings keep what doesn't fill a window, as Caffe does, in which it was published: at
224 pixels the maps are 54, 13 and 6 wide after the poolings.

The local response normalisation is that of Krizhevsky, Sutskever, Hinton, "ImageNet Classification
with Deep Convolutional Neural Networks", NIPS 2012, section 3.3: k = 2, n = 5, alpha = 1e-4, beta =
0.75. torch, like Caffe, divides alpha by n, so it is given 5e-4.
"""

from typing import NamedTuple

import torch
from torch import nn

from .initial_weights import draw_for_relu

SMALLEST = 41
"""The least height and width, in pixels, of which the last pooling leaves anything."""


class Widths(NamedTuple):
    """The width of each layer of a CNN-M; `third` is that of the third, fourth and fifth."""

    first: int
    second: int
    third: int
    fc6: int
    fc7: int


CNN_M_2048 = Widths(first=96, second=256, third=512, fc6=4096, fc7=2048)
CNN_M_TINY = Widths(first=16, second=32, third=64, fc6=128, fc7=64)
"""The same at a sixth to a thirty-second of the width."""


class CNNM(nn.Module):
    """Five convolutions and three fully connected layers; the last gives the logits."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        size: int,
        *,
        widths: Widths = CNN_M_2048,
        second_norm: bool = True,
        dropout: float = 0.5,
    ) -> None:
        """Build for pictures `[N, in_channels, size, size]`, 41x41 or more.

        Args:
            in_channels: 3 for a frame; 2(T - 1) for stacked flow.
            num_classes: Length of the logits.
            size: Height and width, in pixels; fc6 has weights for each place of the last map.
            widths: Widths of the layers.
            second_norm: True if a normalisation follows the second convolution.
            dropout: Share of fc6's and of fc7's outputs that is dropped in training.
        """
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, widths.first, kernel_size=7, stride=2),
            nn.ReLU(True),
            _norm(),
            _pool(),
            nn.Conv2d(widths.first, widths.second, kernel_size=5, stride=2, padding=1),
            nn.ReLU(True),
            _norm() if second_norm else nn.Identity(),
            _pool(),
            nn.Conv2d(widths.second, widths.third, kernel_size=3, padding=1),
            nn.ReLU(True),
            nn.Conv2d(widths.third, widths.third, kernel_size=3, padding=1),
            nn.ReLU(True),
            nn.Conv2d(widths.third, widths.third, kernel_size=3, padding=1),
            nn.ReLU(True),
            _pool(),
        )
        last = nn.Linear(widths.fc7, num_classes)
        self.classifier = nn.Sequential(
            nn.Linear(widths.third * last_side(size) ** 2, widths.fc6),
            nn.ReLU(True),
            nn.Dropout(dropout),
            nn.Linear(widths.fc6, widths.fc7),
            nn.ReLU(True),
            nn.Dropout(dropout),
            last,
        )
        draw_for_relu(self, last)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """`pictures: [N, in_channels, size, size]`, float -> logits `[N, num_classes]`."""
        return self.classifier(self.features(pictures).flatten(1))


def last_side(size: int) -> int:
    """Return how wide the map after the last pooling is, for pictures `size` wide."""
    first = _pooled((size - 7) // 2 + 1)
    second = _pooled((first + 2 - 5) // 2 + 1)
    return _pooled(second)


def _pooled(side: int) -> int:
    return max(0, -(-(side - 3) // 2) + 1)


def _norm() -> nn.Module:
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def _pool() -> nn.Module:
    return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
