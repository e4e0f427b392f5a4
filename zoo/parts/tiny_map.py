"""A small 2D network whose features show where something is in a frame, not only that it is.

Some networks see each frame alone and compare frames only by their features (late fusion, CNN +
LSTM or GRU). They can recognise motion only if the features change with position. Pooled features
of a ResNet hardly do. fc6 of CaffeNet does, on which the first of these networks were built,
because it is computed from a whole map. `TINY_MAP` is the same at the size of a test: a map of 8 x
8 cells with 2 channels each, flattened.

Its first normalisation works on each frame alone (Ulyanov et al., "Instance Normalization", 2016).
The brightness and the contrast of a frame vary far more than the positions of its dots, and in
features that aren't pooled nothing else would remove them.
"""

import torch
from torch import nn

from .backbones import Backbone
from .resnet2d import TINY_WIDTHS, ResidualBlock, he_initialise

CELLS, CHANNELS = 8, 2


class TinyMap(nn.Module):
    """The stem and two of the four stages of TinyResNet, and a map of 8 x 8 cells.

    Frames of 64 pixels give that map as it is; of others it is pooled to it.
    """

    def __init__(self, in_channels: int, num_classes: int | None) -> None:
        """Build for `[N, in_channels, H, W]`; `num_classes` None leaves the classifier out."""
        super().__init__()
        first, second = TINY_WIDTHS[:2]
        self.conv1 = nn.Conv2d(in_channels, first, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm1 = nn.InstanceNorm2d(first, affine=True)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = ResidualBlock(first, first)
        self.layer2 = ResidualBlock(first, second, stride=2)
        self.reduce = nn.Conv2d(second, CHANNELS, kernel_size=1)
        self.cells = nn.AdaptiveAvgPool2d(CELLS)
        self.fc: nn.Module = nn.Identity()
        if num_classes is not None:
            self.fc = nn.Linear(TINY_MAP.width, num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d) and layer is not self.reduce:  # no ReLU follows it
                he_initialise(layer)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """`frames: [N, in_channels, H, W]`, float -> `[N, num_classes]`, or features `[N, 128]`."""
        maps = self.maxpool(self.relu(self.norm1(self.conv1(frames))))
        maps = self.reduce(self.layer2(self.layer1(maps)))
        return self.fc(self.cells(maps).flatten(1))


TINY_MAP = Backbone(build=TinyMap, width=CHANNELS * CELLS**2)
