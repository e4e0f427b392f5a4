"""The 2D residual networks that look at single frames, or at frames stacked as channels.

ResNet-50: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, as
torchvision has it (stride in the 3x3 convolution), with torchvision's parameter names.
"""

import torch
from torch import nn
from torchvision.models import resnet

from .backbones import Backbone, backbone

TINY_WIDTHS = (16, 32, 64, 128)


class TinyResNet(nn.Module):
    """ResNet-10 at a quarter of the width: a torchvision `BasicBlock` a stage, 16 to 128 channels.

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
        self.layer1 = resnet.BasicBlock(first, first)
        self.layer2 = _halving_block(first, second)
        self.layer3 = _halving_block(second, third)
        self.layer4 = _halving_block(third, fourth)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc: nn.Module = nn.Identity()
        if num_classes is not None:
            self.fc = nn.Linear(fourth, num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                _he_initialise(layer)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """`frames: [N, in_channels, H, W]`, float -> `[N, num_classes]`, or features `[N, 128]`."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(frames))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return self.fc(self.avgpool(maps).flatten(1))


def _halving_block(width_in: int, width_out: int) -> nn.Module:
    shortcut = nn.Sequential(
        nn.Conv2d(width_in, width_out, kernel_size=1, stride=2, bias=False),
        nn.BatchNorm2d(width_out),
    )
    return resnet.BasicBlock(width_in, width_out, stride=2, downsample=shortcut)


def _he_initialise(layer: nn.Conv2d) -> None:
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


RESNET50 = backbone("resnet50")
TINY_RESNET = Backbone(build=TinyResNet, width=TINY_WIDTHS[-1])
