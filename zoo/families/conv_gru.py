"""Recurrent convolutional networks: a convolutional GRU at each of several depths of a 2D network.

Ballas, Yao, Pal, Courville, "Delving Deeper into Convolutional Networks for Learning Video
Representations", ICLR 2016. A GRU whose matrix products are convolutions (section 3.1, equations 5
to 8) keeps the layout of a frame's maps, so that it can see small motions in shallow, large maps.
One runs on each of pool2, pool3, pool4, pool5 and fc7 of VGG-16, with 64, 128, 256, 256 and 512
channels (section 5.1.1). After the last frame each one's hidden maps are averaged over space and
classified on their own, with a dropout of 0.7; the five classifiers' probabilities are averaged.

In the stacked form (section 3.2, equations 9 to 12) the gates of each GRU also see the hidden maps
of the one below at the same time, max-pooled to their size.

- `conv_gru_vgg16`, `conv_gru_stacked_vgg16`: the paper's.
- `conv_gru_r50`: the same on a ResNet-50, whose four stages have the strides of pool2 to pool5 (4,
  8, 16, 32), its pooled features in the place of fc7.

The equations have no biases; here the convolutions of the input have one. The first hidden maps are
zeros. All stream: `step` takes one frame, and the hidden maps are the state.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

import torch
from torch import nn

from ..parts.conv_gru_maps import ResNetDepths, VGG16Depths
from ..parts.frames import frames_into_batch, log_mean_softmax
from ..parts.limits import check_build_arguments
from ..parts.resnet2d import RESNET50, TINY_RESNET
from ..registry import register

PAPER = (
    "Ballas et al., Delving Deeper into Convolutional Networks for Learning Video "
    "Representations, ICLR 2016"
)
DROPOUT = 0.7
PAPER_WIDTHS = (64, 128, 256, 256, 512)

State = tuple[torch.Tensor, ...]
"""The hidden maps of each GRU, `[B, hidden, h, w]`, shallowest first."""


class Depth(NamedTuple):
    """One depth of a 2D network: the channels of its maps, and the kernel of the GRU on them."""

    channels: int
    kernel: int = 3


class Variant(NamedTuple):
    """The settings of one recurrent convolutional network.

    Attributes:
        maps: Builds `[N, 3, H, W]` -> one `[N, channels, h, w]` for each of `depths`.
        depths: Depths at which a GRU is, the shallowest first.
        widths: Channels of the hidden maps at each depth.
        stacked: True if each GRU sees the one below.
    """

    maps: Callable[[], nn.Module]
    depths: tuple[Depth, ...]
    widths: tuple[int, ...]
    native: tuple[int, int, int]
    stacked: bool = False


# fc7 and pooled features have no height and width, so their kernel is 1.
VGG16 = (Depth(128), Depth(256), Depth(512), Depth(512), Depth(4096, kernel=1))
R50 = (Depth(256), Depth(512), Depth(1024), Depth(2048), Depth(2048, kernel=1))
# There are as many channels on large maps as on small ones: only large maps show small motions.
TINY = (Depth(16), Depth(32), Depth(64), Depth(128), Depth(128, kernel=1))
TINY_WIDTHS = (16, 16, 16, 16, 32)


def _resnet50_depths() -> nn.Module:
    return ResNetDepths(RESNET50.build(3, None))


def _tiny_depths() -> nn.Module:
    return ResNetDepths(TINY_RESNET.build(3, None))


VARIANTS = {
    "conv_gru_vgg16": Variant(VGG16Depths, VGG16, PAPER_WIDTHS, native=(10, 1, 224)),
    "conv_gru_stacked_vgg16": Variant(
        VGG16Depths, VGG16, PAPER_WIDTHS, native=(10, 1, 224), stacked=True
    ),
    "conv_gru_r50": Variant(_resnet50_depths, R50, PAPER_WIDTHS, native=(10, 1, 224)),
    "conv_gru_tiny": Variant(_tiny_depths, TINY, TINY_WIDTHS, native=(16, 1, 64)),
    "conv_gru_stacked_tiny": Variant(
        _tiny_depths, TINY, TINY_WIDTHS, native=(16, 1, 64), stacked=True
    ),
}


class ConvGRU(nn.Module):
    """A gated recurrent unit of convolutions.

    With an input x, the previous hidden maps h and, if stacked, the hidden maps b of the GRU below:

        z = sigmoid(Wz x + Vz b + Uz h)          the share that is new
        r = sigmoid(Wr x + Vr b + Ur h)          the share of h that is used
        n = tanh(W x + U (r h))
        h' = (1 - z) h + z n
    """

    def __init__(self, channels: int, hidden: int, kernel: int, below: int | None = None) -> None:
        """Build for inputs of `channels`; `below` are the channels of the GRU below, if any."""
        super().__init__()
        self.hidden = hidden
        padding = kernel // 2
        self.from_input = nn.Conv2d(channels, 3 * hidden, kernel, padding=padding)
        self.from_hidden = nn.Conv2d(hidden, 2 * hidden, kernel, padding=padding, bias=False)
        self.candidate = nn.Conv2d(hidden, hidden, kernel, padding=padding, bias=False)
        self.from_below = None
        if below is not None:
            self.from_below = nn.Conv2d(below, 2 * hidden, kernel, padding=padding, bias=False)

    def forward(
        self, drive: torch.Tensor, hidden: torch.Tensor | None, below: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the next hidden maps `[B, hidden, h, w]`.

        `drive: [B, 3 * hidden, h, w]` is `from_input` of the input: Wz x, Wr x and W x; `hidden`
        are the hidden maps before, None for zeros; `below: [B, below, h', w']` those of the GRU
        below.
        """
        if hidden is None:
            hidden = drive.new_zeros(drive.shape[0], self.hidden, *drive.shape[2:])
        gates, new = drive.split([2 * self.hidden, self.hidden], dim=1)
        gates = gates + self.from_hidden(hidden)
        if self.from_below is not None and below is not None:
            fitted = nn.functional.adaptive_max_pool2d(below, list(drive.shape[2:]))
            gates = gates + self.from_below(fitted)
        update, reset = gates.sigmoid().chunk(2, dim=1)
        new = torch.tanh(new + self.candidate(reset * hidden))
        return (1 - update) * hidden + update * new


class ConvGRUNetwork(nn.Module):
    """Convolutional GRUs on the maps of a 2D network, each with a classifier of its own."""

    def __init__(
        self,
        maps: nn.Module,
        depths: Sequence[Depth],
        widths: Sequence[int],
        num_classes: int,
        stacked: bool,
    ) -> None:
        """Take the 2D network `[N, 3, H, W]` -> maps at `depths`, and the GRUs' `widths`."""
        super().__init__()
        self.maps = maps
        belows = [None, *widths[:-1]] if stacked else [None] * len(widths)
        self.grus = nn.ModuleList(
            ConvGRU(depth.channels, hidden, depth.kernel, below)
            for depth, hidden, below in zip(depths, widths, belows, strict=True)
        )
        self.dropout = nn.Dropout(DROPOUT)
        self.classifiers = nn.ModuleList(nn.Linear(hidden, num_classes) for hidden in widths)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        batch, _, frames = clip.shape[:3]
        drives = self._drives(frames_into_batch(clip))
        in_time = [drive.unflatten(0, (batch, frames)).unbind(dim=1) for drive in drives]
        state: State | None = None
        for at_once in zip(*in_time, strict=True):
            state = self._next(at_once, state)
        assert state is not None
        return self._predict(state)

    def step(self, frame: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
        """Take one more frame.

        `frame: [B, 3, H, W]`, float, normalised, and the state of the frames before it, or None ->
        logits `[B, num_classes]` of all frames so far, and the new state.
        """
        state = self._next(self._drives(frame), state)
        return self._predict(state), state

    def _drives(self, frames: torch.Tensor) -> list[torch.Tensor]:
        """`frames: [N, 3, H, W]` -> the inputs of each GRU, `[N, 3 * hidden, h, w]`."""
        pairs = zip(self.grus, self.maps(frames), strict=True)
        return [cast(ConvGRU, gru).from_input(maps) for gru, maps in pairs]

    def _next(self, drives: Sequence[torch.Tensor], state: State | None) -> State:
        """`drives: [B, 3 * hidden, h, w]` of one time, and the state -> the state after it."""
        hidden: list[torch.Tensor] = []
        for depth, (gru, drive) in enumerate(zip(self.grus, drives, strict=True)):
            before = None if state is None else state[depth]
            hidden.append(gru(drive, before, hidden[-1] if hidden else None))
        return tuple(hidden)

    def _predict(self, state: State) -> torch.Tensor:
        """Return the log of the mean probability of the classifiers, `[B, num_classes]`."""
        pooled = [self.dropout(hidden.mean(dim=(2, 3))) for hidden in state]
        logits = [
            classify(features) for classify, features in zip(self.classifiers, pooled, strict=True)
        ]
        return log_mean_softmax(torch.stack(logits, dim=1), dim=1)


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    maps: Callable[[], nn.Module] = VGG16Depths,
    depths: Sequence[Depth] = VGG16,
    widths: Sequence[int] = PAPER_WIDTHS,
    stacked: bool = False,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip.
        size: Height and width of a frame, in pixels.
        maps: Builds the 2D network `[N, 3, H, W]` -> its maps at `depths`.
        depths: The channels of these maps, and the kernels on them.
        widths: Channels of the hidden maps at each depth.
        stacked: True if each GRU sees the one below.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("conv_gru", num_classes, frames, size)
    return ConvGRUNetwork(maps(), depths, widths, num_classes, stacked)


for _name, _variant in VARIANTS.items():
    register(_name, family="conv_gru", paper=PAPER, year=2016, native=_variant.native)(
        partial(
            build,
            maps=_variant.maps,
            depths=_variant.depths,
            widths=_variant.widths,
            stacked=_variant.stacked,
        )
    )
