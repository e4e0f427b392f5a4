"""The per-frame networks of LRCN, up to their sixth layer, fc6.

- `hybrid_caffenet`: what LRCN was published with, between CaffeNet and the network of Zeiler and
  Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014: convolutions of 96
  filters of 7x7 with stride 2, 384 of 5x5 with stride 2, 512, 512 and 384 of 3x3, with two groups
  in the second, fourth and fifth; a pooling of 3x3 with stride 2 and a local response normalisation
  after the first two, a pooling after the fifth. The layers are those of LisaAnne/
  lisa-caffe-public, examples/LRCN_activity_recognition/train_test_lstm_RGB.prototxt. At its 227
  pixels the maps are 55, 13 and 6 wide after the poolings.
- `ALEXNET_FC6`: torchvision's AlexNet, whose published ImageNet weights fit. Its dropout before
  fc6 is left out, as in LRCN's file, where dropouts only follow the fully connected layers.
"""

from functools import partial

import torch
from torch import nn

from .backbones import Backbone, replace_stem

FC6_WIDTH = 4096
SMALLEST = 49
"""The least height and width of a frame, in pixels, of which the last pooling leaves anything."""


class HybridCaffeNet(nn.Module):
    """Five convolutions and fc6, with its ReLU."""

    def __init__(self, in_channels: int, num_classes: int | None, size: int) -> None:
        """Build for pictures `[N, in_channels, size, size]`, 49x49 or more.

        `num_classes` None leaves the classifier out.
        """
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 96, kernel_size=7, stride=2),
            nn.ReLU(True),
            _pool(),
            _norm(),
            nn.Conv2d(96, 384, kernel_size=5, stride=2, groups=2),
            nn.ReLU(True),
            _pool(),
            _norm(),
            nn.Conv2d(384, 512, kernel_size=3, padding=1),
            nn.ReLU(True),
            nn.Conv2d(512, 512, kernel_size=3, padding=1, groups=2),
            nn.ReLU(True),
            nn.Conv2d(512, 384, kernel_size=3, padding=1, groups=2),
            nn.ReLU(True),
            _pool(),
        )
        self.fc6 = nn.Linear(384 * last_side(size) ** 2, FC6_WIDTH)
        self.relu6 = nn.ReLU(True)
        self.fc: nn.Module = nn.Identity()
        for parameter in self.parameters():
            if parameter.ndim == 1:
                nn.init.zeros_(parameter)
            else:
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        if num_classes is not None:
            self.fc = nn.Linear(FC6_WIDTH, num_classes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """`pictures: [N, in_channels, size, size]`, float -> `[N, 4096]`, or logits."""
        return self.fc(self.relu6(self.fc6(self.features(pictures).flatten(1))))


def hybrid_caffenet(size: int) -> Backbone:
    """Return LRCN's own network for frames of `size` x `size` pixels; its features are fc6."""
    return Backbone(build=partial(_build_hybrid, size), width=FC6_WIDTH)


def last_side(size: int) -> int:
    """Return how wide the map after the last pooling is, for pictures `size` wide."""
    first = _pooled((size - 7) // 2 + 1)
    second = _pooled((first - 5) // 2 + 1)
    return _pooled(second)


def _build_hybrid(size: int, in_channels: int, num_classes: int | None) -> nn.Module:
    return HybridCaffeNet(in_channels, num_classes, size)


def _build_alexnet(in_channels: int, num_classes: int | None) -> nn.Module:
    """Return AlexNet up to fc6 and its ReLU, with torchvision's names of the parameters."""
    from torchvision.models import alexnet  # takes seconds

    network = alexnet(num_classes=1)
    if in_channels != 3:
        replace_stem(network, in_channels)
    network.classifier = network.classifier[:3]
    network.classifier[0] = nn.Identity()
    if num_classes is not None:
        network.classifier.append(nn.Linear(FC6_WIDTH, num_classes))
    return network


ALEXNET_FC6 = Backbone(build=_build_alexnet, width=FC6_WIDTH)


def _pooled(side: int) -> int:
    return max(0, -(-(side - 3) // 2) + 1)


def _norm() -> nn.Module:
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)


def _pool() -> nn.Module:
    return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
