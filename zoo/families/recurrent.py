"""CNN + LSTM and CNN + GRU: each frame's features feed a recurrent layer, which predicts at each.

Donahue, Hendricks, Guadarrama, Rohrbach, Venugopalan, Saenko, Darrell, "Long-term Recurrent
Convolutional Networks for Visual Recognition and Description", CVPR 2015, section 4 (activity
recognition): one LSTM of 256 units; the class probabilities of all time steps are averaged. As in
LisaAnne/lisa-caffe-public, examples/LRCN_activity_recognition/train_test_lstm_RGB.prototxt, nine
tenths of the features and half of the LSTM's outputs are dropped in training.

- `lrcn_caffenet`: LRCN as published, on fc6 of its CaffeNet hybrid; `lrcn_alexnet`: the same on fc6
  of torchvision's AlexNet.
- `cnn_lstm_r50`, `cnn_gru_r50`: the same on the pooled features of a ResNet-50, where half of them
  are dropped. The GRU is that of Cho et al., EMNLP 2014.
- `cnn_lstm_googlenet`: as Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017,
  section 2.1 have it for comparison: 512 units on the pooled features of Inception-v1, 25 frames 5
  apart, the dropouts of `cnn_lstm_r50`, and the last time step's prediction alone. Theirs has
  batch normalisation inside the LSTM as well; this has none.
- `cnn_lstm_tiny`, `cnn_gru_tiny`: on a small map that isn't pooled (tiny_map.py), as fc6 isn't; the
  last time step's prediction alone, by which they learn in fewer steps.

All of them stream: `step` takes one frame, and their memory is the state.
"""

from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import nn

from ..parts.backbones import Backbone, backbone
from ..parts.caffenet import ALEXNET_FC6, SMALLEST, hybrid_caffenet
from ..parts.frames import PerFrame, log_mean_softmax
from ..parts.limits import check_build_arguments
from ..parts.resnet2d import RESNET50
from ..parts.tiny_map import TINY_MAP
from ..registry import register

LRCN = (
    "Donahue et al., Long-term Recurrent Convolutional Networks for Visual Recognition and "
    "Description, CVPR 2015"
)
QUO_VADIS = "Carreira and Zisserman, Quo Vadis, Action Recognition?, CVPR 2017"

Cell = Literal["lstm", "gru"]
Memory = torch.Tensor | tuple[torch.Tensor, torch.Tensor]


class Variant(NamedTuple):
    """The settings of one recurrent network.

    Attributes:
        backbone: The 2D network of the frames; None: LRCN's own, whose weights depend on the size.
        cell: The recurrent layer.
        hidden: Units of the recurrent layer.
        dropout: Share of the features that is dropped in training.
        averaged: True if the steps' probabilities are averaged; else the last step's counts.
        smallest: The least height and width of a frame, in pixels.
    """

    backbone: Backbone | None
    native: tuple[int, int, int]
    cell: Cell = "lstm"
    hidden: int = 256
    dropout: float = 0.5
    averaged: bool = True
    smallest: int = 32
    paper: str = LRCN
    year: int = 2015


VARIANTS = {
    "cnn_lstm_r50": Variant(RESNET50, native=(16, 1, 224)),
    "cnn_gru_r50": Variant(RESNET50, native=(16, 1, 224), cell="gru"),
    "cnn_lstm_googlenet": Variant(
        backbone("googlenet"),
        native=(25, 5, 224),
        hidden=512,
        averaged=False,
        paper=QUO_VADIS,
        year=2017,
    ),
    "lrcn_caffenet": Variant(None, native=(16, 1, 227), dropout=0.9, smallest=SMALLEST),
    "lrcn_alexnet": Variant(ALEXNET_FC6, native=(16, 1, 227), dropout=0.9, smallest=63),
    "cnn_lstm_tiny": Variant(TINY_MAP, native=(16, 1, 64), averaged=False),
    "cnn_gru_tiny": Variant(TINY_MAP, native=(16, 1, 64), cell="gru", averaged=False),
}


class Predictions(NamedTuple):
    """The predictions of a stream so far, summed up.

    Attributes:
        log_sum: `[B, num_classes]`, float32 or wider: log of the sum of their probabilities.
        steps: `[]`, of the same type: their number.
    """

    log_sum: torch.Tensor
    steps: torch.Tensor


class State(NamedTuple):
    """The state of a stream: the recurrent layer's memory, and the predictions if averaged."""

    memory: Memory
    predictions: tuple[Predictions, ...]


class Recurrent(nn.Module):
    """Per-frame features, a recurrent layer over time, and a linear classifier at each step."""

    def __init__(
        self,
        backbone: nn.Module,
        width: int,
        num_classes: int,
        *,
        cell: Cell = "lstm",
        hidden: int = 256,
        dropout: float = 0.5,
        averaged: bool = True,
    ) -> None:
        """Take a backbone `[N, 3, H, W]` -> `[N, width]`; the rest is as in `build`."""
        super().__init__()
        self.per_frame = PerFrame(backbone)
        self.dropout_features = nn.Dropout(dropout)
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.recurrent = kind(width, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(hidden, num_classes)
        self.averaged = averaged

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        logits, _ = self._predict(self.per_frame(clip), None)
        return log_mean_softmax(logits, dim=1) if self.averaged else logits[:, -1]

    def step(self, frame: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
        """Take one more frame.

        `frame: [B, 3, H, W]`, float, normalised, and the state of the frames before it, or None ->
        logits `[B, num_classes]` of all frames so far, and the new state.
        """
        features = self.per_frame.network(frame).unsqueeze(1)
        logits, memory = self._predict(features, None if state is None else state.memory)
        logits = logits[:, -1]
        if not self.averaged:
            return logits, State(memory, ())
        so_far = _add(logits, None if state is None else state.predictions[0])
        return (so_far.log_sum - so_far.steps.log()).to(logits.dtype), State(memory, (so_far,))

    def _predict(
        self, features: torch.Tensor, memory: Memory | None
    ) -> tuple[torch.Tensor, Memory]:
        """`features: [B, T, width]` -> the logits of each step `[B, T, num_classes]`, and memory.

        `memory`: `[1, B, hidden]`, of an LSTM two of these; None is all zeros.
        """
        outputs, memory = self.recurrent(self.dropout_features(features), memory)
        return self.classifier(self.dropout(outputs)), memory


def _add(logits: torch.Tensor, before: Predictions | None) -> Predictions:
    """Add one prediction, `logits: [B, num_classes]`, to those before."""
    wide = logits.float() if logits.element_size() < 4 else logits
    latest = wide.log_softmax(dim=-1)
    if before is None:
        return Predictions(latest, latest.new_ones(()))
    return Predictions(torch.logaddexp(before.log_sum, latest), before.steps + 1)


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    backbone: Backbone | None = RESNET50,
    cell: Cell = "lstm",
    hidden: int = 256,
    dropout: float = 0.5,
    averaged: bool = True,
    smallest: int = 32,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip.
        size: Height and width of a frame, in pixels.
        backbone: The 2D network of the frames; None is LRCN's CaffeNet hybrid.
        cell: The recurrent layer, `lstm` or `gru`.
        hidden: Units of the recurrent layer.
        dropout: Share of the features that is dropped in training.
        averaged: True if the steps' probabilities are averaged; else the last step's prediction is
            the clip's.
        smallest: The least `size` that the backbone takes.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("recurrent", num_classes, frames, size, min_size=smallest)
    kind = hybrid_caffenet(size) if backbone is None else backbone
    return Recurrent(
        kind.build(3, None),
        kind.width,
        num_classes,
        cell=cell,
        hidden=hidden,
        dropout=dropout,
        averaged=averaged,
    )


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="recurrent",
        paper=_variant.paper,
        year=_variant.year,
        native=_variant.native,
    )(
        partial(
            build,
            backbone=_variant.backbone,
            cell=_variant.cell,
            hidden=_variant.hidden,
            dropout=_variant.dropout,
            averaged=_variant.averaged,
            smallest=_variant.smallest,
        )
    )
