"""2D networks that give their maps at several depths; parameters are named as torchvision's."""

from typing import Any

import torch
from torch import nn


class VGG16Depths(nn.Module):
    """VGG-16 (Simonyan, Zisserman, ICLR 2015, configuration D), without its last layer."""

    def __init__(self) -> None:
        """Build for frames of 32x32 or more."""
        super().__init__()
        from torchvision.models import vgg16  # takes seconds

        network = vgg16(num_classes=1)
        self.features = network.features
        self.avgpool = network.avgpool
        # fc6, ReLU, dropout, fc7, ReLU; the dropout after fc7 is the classifiers' own.
        self.classifier = network.classifier[:5]

    def forward(self, frames: torch.Tensor) -> list[torch.Tensor]:
        """`frames: [N, 3, H, W]`, float -> pool2 to pool5, and fc7 `[N, 4096, 1, 1]`."""
        pooled = []
        maps = frames
        for layer in self.features:
            maps = layer(maps)
            if isinstance(layer, nn.MaxPool2d):
                pooled.append(maps)
        fc7 = self.classifier(self.avgpool(maps).flatten(1))
        return [*pooled[1:], fc7[:, :, None, None]]


class ResNetDepths(nn.Module):
    """A ResNet in torchvision's layout, without its classifier."""

    def __init__(self, network: Any) -> None:
        """Take the network; its stem, its four stages and its pooling are used."""
        super().__init__()
        self.conv1, self.bn1, self.relu = network.conv1, network.bn1, network.relu
        self.maxpool = network.maxpool
        self.layer1, self.layer2 = network.layer1, network.layer2
        self.layer3, self.layer4 = network.layer3, network.layer4
        self.avgpool = network.avgpool

    def forward(self, frames: torch.Tensor) -> list[torch.Tensor]:
        """`frames: [N, 3, H, W]`, float -> the maps of each stage, and the last ones averaged."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(frames))))
        stages = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps = stage(maps)
            stages.append(maps)
        return [*stages, self.avgpool(maps)]
