"""The 2D residual networks that look at single frames, or at frames stacked as channels.

ResNet-50: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, as
torchvision has it (stride in the 3x3 convolution), with torchvision's parameter names.
"""

from functools import partial

import torch
from torch import nn

from .backbones import Backbone, build_2d

TINY_WIDTHS = (16, 32, 64, 128)


class TinyResNet(nn.Module):
    """ResNet-10 at a quarter of the width: a block of two convolutions a stage, 16 to 128 channels.

    The layout (7x7 stem, max pooling, four stages, average pooling) is torchvision's; its `ResNet`
    class fixes the widths at 64 to 512, hence this one.
    """

    def __init__(self, in_channels: int, num_classes: int | None) -> None:
        """Build for `[N, in_channels, H, W]`; `num_classes` None leaves the classifier out."""
        super().__init__()
        first, second, third, fourth = TINY_WIDTHS
        self.conv1 = nn.Conv2d(in_channels, first, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = ResidualBlock(first, first)
        self.layer2 = ResidualBlock(first, second, stride=2)
        self.layer3 = ResidualBlock(second, third, stride=2)
        self.layer4 = ResidualBlock(third, fourth, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc: nn.Module = nn.Identity()
        if num_classes is not None:
            self.fc = nn.Linear(fourth, num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                he_initialise(layer)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """`frames: [N, in_channels, H, W]`, float -> `[N, num_classes]`, or features `[N, 128]`."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(frames))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return self.fc(self.avgpool(maps).flatten(1))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, projected where the size halves (figure 5, left).

    Parameters are named as those of torchvision's `BasicBlock`, which takes seconds to import: it
    comes with detection's operators, and these with torch's compiler.
    """

    def __init__(self, width_in: int, width_out: int, stride: int = 1) -> None:
        """Build for maps `[N, width_in, H, W]`, which become `[N, width_out, H / stride, ...]`."""
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width_out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width_out)
        self.downsample: nn.Module | None = None
        if stride > 1:
            shortcut = nn.Conv2d(width_in, width_out, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width_out))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [N, width_in, H, W]` -> `[N, width_out, H / stride, W / stride]`."""
        residue = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(maps)))))
        residue += maps if self.downsample is None else self.downsample(maps)
        return self.relu(residue)


def he_initialise(layer: nn.Conv2d) -> None:
    """Draw filters as He et al., "Delving Deep into Rectifiers", ICCV 2015, by the fan-out."""
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


RESNET50 = Backbone(build=partial(build_2d, "resnet50", 224), width=2048)
TINY_RESNET = Backbone(build=TinyResNet, width=TINY_WIDTHS[-1])
