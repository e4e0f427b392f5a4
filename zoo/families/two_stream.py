"""Two-stream: what a frame shows and how the frames move, classified apart and then averaged.

Simonyan, Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos", NIPS
2014. The spatial stream sees one frame of the clip, the middle one. The temporal stream sees the
optical flow between all neighbouring frames, stacked as channels (section 3.1, "optical flow
stacking"): L = 10 flows, so 11 frames and 20 channels. From each flow its mean vector is subtracted
("mean flow subtraction"; the paper's is that of the frame, here it is that of the crop that the
network is given), so that the camera's movement counts less. The two streams' class probabilities
are averaged (section 2), here with a weight for each stream; yjxiong/temporal-segment-networks
gives the temporal stream 1.5.

- `*_cnn_m`: the paper's own streams, CNN-M-2048, the temporal one without the second normalisation
  (section 5 leaves it out to save memory).
- `*_googlenet`: as Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017, section 2.3
  have it for comparison, on Inception-v1.
- `*_r50`: ResNet-50 streams.

Each stream alone is a network too: `spatial_stream_*` takes a clip, `temporal_stream_*` takes flow.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from ...datasets.errors import KinobenchError
from ..parts.backbones import Backbone, backbone
from ..parts.cnn_m import CNN_M_TINY, CNNM, SMALLEST
from ..parts.limits import check_build_arguments
from ..parts.resnet2d import RESNET50
from ..registry import register
from ..spec import Input

PAPER = (
    "Simonyan and Zisserman, Two-Stream Convolutional Networks for Action Recognition in Videos, "
    "NIPS 2014"
)


class Streams(NamedTuple):
    """A kind of two-stream network.

    Attributes:
        spatial, temporal: `(in_channels, num_classes, size)` -> a network `[B, in_channels, size,
            size]` -> logits `[B, num_classes]`.
        smallest: The least height and width of a frame, in pixels.
        native: The clip that the paper used.
    """

    spatial: Callable[[int, int, int], nn.Module]
    temporal: Callable[[int, int, int], nn.Module]
    smallest: int
    native: tuple[int, int, int]


class Variant(NamedTuple):
    """The settings of one network: its streams, and which of them it has."""

    streams: Streams
    inputs: tuple[Input, ...]


def _of_backbone(kind: Backbone, in_channels: int, num_classes: int, size: int) -> nn.Module:
    return kind.build(in_channels, num_classes)


def _alike(kind: Backbone, native: tuple[int, int, int]) -> Streams:
    stream = partial(_of_backbone, kind)
    return Streams(spatial=stream, temporal=stream, smallest=32, native=native)


CNN_M_STREAMS = Streams(
    spatial=CNNM,
    temporal=partial(CNNM, second_norm=False),
    smallest=SMALLEST,
    native=(11, 1, 224),
)
TINY_STREAMS = Streams(
    spatial=partial(CNNM, widths=CNN_M_TINY),
    temporal=partial(CNNM, widths=CNN_M_TINY, second_norm=False),
    smallest=SMALLEST,
    native=(16, 1, 64),
)
R50_STREAMS = _alike(RESNET50, native=(11, 1, 224))
GOOGLENET_STREAMS = _alike(backbone("googlenet"), native=(11, 1, 224))

VARIANTS = {
    "two_stream_cnn_m": Variant(CNN_M_STREAMS, inputs=("rgb", "flow")),
    "two_stream_googlenet": Variant(GOOGLENET_STREAMS, inputs=("rgb", "flow")),
    "two_stream_r50": Variant(R50_STREAMS, inputs=("rgb", "flow")),
    "two_stream_tiny": Variant(TINY_STREAMS, inputs=("rgb", "flow")),
    "spatial_stream_cnn_m": Variant(CNN_M_STREAMS, inputs=("rgb",)),
    "spatial_stream_r50": Variant(R50_STREAMS, inputs=("rgb",)),
    "spatial_stream_tiny": Variant(TINY_STREAMS, inputs=("rgb",)),
    "temporal_stream_cnn_m": Variant(CNN_M_STREAMS, inputs=("flow",)),
    "temporal_stream_r50": Variant(R50_STREAMS, inputs=("flow",)),
    "temporal_stream_tiny": Variant(TINY_STREAMS, inputs=("flow",)),
}


class SpatialStream(nn.Module):
    """A 2D network on the middle frame of a clip."""

    def __init__(self, network: nn.Module) -> None:
        """Take the classifier of frames `[B, 3, H, W]` -> `[B, num_classes]`."""
        super().__init__()
        self.network = network

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]` of frame T//2."""
        return self.network(clip[:, :, clip.shape[2] // 2])


class TemporalStream(nn.Module):
    """A 2D network on the flow of a clip, stacked as channels."""

    def __init__(self, network: nn.Module, *, mean_subtraction: bool = True) -> None:
        """Take the classifier of flow `[B, 2(T-1), H, W]` -> `[B, num_classes]`.

        `mean_subtraction` is whether it is given the flow less the mean over H and W.
        """
        super().__init__()
        self.network = network
        self.mean_subtraction = mean_subtraction

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """`flow: [B, 2(T-1), H, W]`, float, from -1 to 1 -> logits `[B, num_classes]`."""
        if self.mean_subtraction:
            flow = flow - flow.mean(dim=(2, 3), keepdim=True)
        return self.network(flow)


class TwoStream(nn.Module):
    """The weighted mean of the class probabilities of a spatial and a temporal stream."""

    def __init__(
        self, spatial: nn.Module, temporal: nn.Module, weights: tuple[float, float] = (1.0, 1.0)
    ) -> None:
        """Take a stream of clips, a stream of flow, and the weight of each."""
        super().__init__()
        self.spatial = spatial
        self.temporal = temporal
        self.weights = weights

    def forward(self, clip: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        """Return the log of the weighted mean probability, `[B, num_classes]`.

        `clip: [B, 3, T, H, W]`, float, normalised; `flow: [B, 2(T-1), H, W]`, float, from -1 to 1.
        """
        return fuse(self.spatial(clip), self.temporal(flow), self.weights)


def fuse(
    spatial: torch.Tensor, temporal: torch.Tensor, weights: tuple[float, float]
) -> torch.Tensor:
    """Return the log of the weighted mean of two softmaxes: `[..., C]` twice -> `[..., C]`.

    Weights count relative to their sum, so that the softmax of what is returned is that mean. The
    work is done in float32 or better, where a probability that underflows doesn't become log(0).
    """
    total = sum(weights)
    low = torch.float32 if spatial.element_size() < 4 else spatial.dtype
    one, other = (
        logits.to(low).log_softmax(dim=-1) + math.log(weight / total)
        for logits, weight in zip((spatial, temporal), weights, strict=True)
    )
    return torch.logaddexp(one, other).to(spatial.dtype)


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    streams: Streams = CNN_M_STREAMS,
    inputs: tuple[Input, ...] = ("rgb", "flow"),
    weights: tuple[float, float] = (1.0, 1.0),
    mean_subtraction: bool = True,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]` and flow `[B, 2 * (frames - 1), size, size]`.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; two or more, unless only the spatial stream is built.
        size: Height and width of a frame, in pixels; 41 or more for CNN-M, 32 for the others.
        streams: The networks of the two streams.
        inputs: Streams to build: `("rgb", "flow")` both, `("rgb",)` or `("flow",)` one.
        weights: Weights of the spatial and of the temporal stream's probabilities; above 0.
        mean_subtraction: True if each flow's mean over H and W is subtracted from it, for each of
            its two components.

    Raises:
        KinobenchError: The clip is too short or too small, or a weight is not above 0.
    """
    least = 2 if "flow" in inputs else 1
    check_build_arguments(
        "two_stream", num_classes, frames, size, min_frames=least, min_size=streams.smallest
    )
    if not all(0 < weight < math.inf for weight in weights):
        raise KinobenchError(f"two_stream: weights is {weights}; give two numbers above 0")
    if inputs == ("rgb",):
        return SpatialStream(streams.spatial(3, num_classes, size))
    temporal = TemporalStream(
        streams.temporal(2 * (frames - 1), num_classes, size), mean_subtraction=mean_subtraction
    )
    if inputs == ("flow",):
        return temporal
    return TwoStream(SpatialStream(streams.spatial(3, num_classes, size)), temporal, weights)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="two_stream",
        paper=PAPER,
        year=2014,
        inputs=_variant.inputs,
        native=_variant.streams.native,
    )(partial(build, streams=_variant.streams, inputs=_variant.inputs))
