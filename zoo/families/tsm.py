"""TSM: a 2D network whose frames hand some of their channels to the frames before and after.

Lin, Gan, Han, "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019, in the
offline (bidirectional), residual form: inside a residual branch, before its first convolution, an
eighth of the channels is replaced by those of the next frame and another eighth by those of the
previous one; beyond the clip's ends there are zeros. The shift has no weights and no arithmetic.
The frames' class scores are averaged.

Where it is shifted is as in mit-han-lab/temporal-shift-module, ops/temporal_shift.py: in every
residual block of a ResNet, or in every second one where the third stage has 23 blocks or more; in
MobileNetV2 in every expanding block with a shortcut (ops/models.py there). The first weights of the
classifier are those of the same repository, and the dropout before it is that of
open-mmlab/mmaction2, configs/recognition/tsm. There are also the networks with five non-local
blocks across the clip's frames (`tsm_nl_*`), behind every second block of the second and third
stage, which neither divide the embedded Gaussian by the root of its channels nor pool first.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from ...datasets.errors import KinobenchError
from ..parts.backbones import Backbone, for_size
from ..parts.frames import FrameClassifier
from ..parts.limits import check_build_arguments
from ..parts.non_local_block import Pairwise, insert_non_local
from ..parts.papers import LIN_2019
from ..parts.resnet2d import RESNET50, TINY_RESNET
from ..registry import register

FRACTION = 1 / 8
DEEP_STAGE = 23
"""Blocks in the third stage from which on only every second block is shifted: ResNet-101, -152."""

DROPOUT = 0.5
INITIAL_SPREAD = 0.001


class Variant(NamedTuple):
    """The settings of one TSM; a backbone that is a name is torchvision's."""

    backbone: Backbone | str
    native: tuple[int, int, int]
    non_local: tuple[str, ...] = ()
    pairwise: Pairwise = "embedded_gaussian"


FIVE_BLOCKS = ("layer2.0", "layer2.2", "layer3.0", "layer3.2", "layer3.4")
"""Blocks of a ResNet-50, behind which mmaction2 has non-local ones."""


VARIANTS = {
    "tsm_r50": Variant(backbone=RESNET50, native=(8, 1, 224)),
    "tsm_r101": Variant(backbone="resnet101", native=(8, 1, 256)),
    "tsm_mobilenet_v2": Variant(backbone="mobilenet_v2", native=(8, 1, 256)),
    "tsm_nl_r50": Variant(RESNET50, (8, 1, 224), FIVE_BLOCKS),
    "tsm_nl_gaussian_r50": Variant(RESNET50, (8, 1, 224), FIVE_BLOCKS, "gaussian"),
    "tsm_nl_dot_product_r50": Variant(RESNET50, (8, 1, 224), FIVE_BLOCKS, "dot_product"),
    "tsm_tiny": Variant(backbone=TINY_RESNET, native=(16, 1, 64)),
    "tsm_nl_tiny": Variant(TINY_RESNET, (16, 1, 64), ("layer2", "layer3")),
}


def shift(maps: torch.Tensor, frames: int, fraction: float) -> torch.Tensor:
    """Replace channels of each frame by those of its neighbours in time.

    `maps: [B * T, C, H, W]`, clip by clip, T being `frames` -> the same shape. The first
    `int(C * fraction)` channels of frame t are those of frame t + 1, the next as many those of
    frame t - 1, the rest its own; zeros stand in for a frame that isn't there.
    """
    moved = int(maps.shape[1] * fraction)
    if moved == 0:
        return maps
    clips = maps.unflatten(0, (-1, frames))
    after, before, own = clips.split([moved, moved, maps.shape[1] - 2 * moved], dim=2)
    none = torch.zeros_like(after[:, :1])
    shifted = torch.cat(
        [
            torch.cat([after[:, 1:], none], dim=1),
            torch.cat([none, before[:, :-1]], dim=1),
            own,
        ],
        dim=2,
    )
    return shifted.flatten(0, 1)


class TemporalShift(nn.Module):
    """A layer that sees the shifted maps; named `net`, as in the origin."""

    def __init__(self, net: nn.Module, frames: int, fraction: float) -> None:
        """Take a layer of `[B * T, C, H, W]`, T being `frames`; `fraction` goes each way."""
        super().__init__()
        self.net = net
        self.frames = frames
        self.fraction = fraction

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B * T, C, H, W]`, clip by clip -> what `net` makes of the shifted maps."""
        return self.net(shift(maps, self.frames, self.fraction))


class TSM(FrameClassifier):
    """The mean, over the frames, of the class scores of frames that see their neighbours."""

    def __init__(self, backbone: nn.Module, width: int, num_classes: int) -> None:
        """Take a shifting backbone `[N, 3, H, W]` -> `[N, width]`."""
        super().__init__(backbone, width, num_classes, dropout=DROPOUT, spread=INITIAL_SPREAD)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        return self.classifier(self.dropout(self.per_frame(clip))).mean(dim=1)


def add_shifts(network: nn.Module, frames: int, fraction: float) -> None:
    """Put a shift before the first convolution of the residual branches of `network`.

    Raises:
        KinobenchError: It has neither the blocks of torchvision's ResNet nor of its MobileNetV2.
    """
    if type(network).__name__ == "MobileNetV2":
        block: Any
        for block in network.modules():
            # A block with a shortcut is never the first one, the only one that does not expand.
            if getattr(block, "use_res_connect", False):
                block.conv[0] = TemporalShift(block.conv[0], frames, fraction)
        return
    stages = [_residual_blocks(getattr(network, f"layer{k}", None)) for k in (1, 2, 3, 4)]
    if not all(stages):
        raise KinobenchError(
            f"TSM has no place for its shifts in a {type(network).__name__}; "
            "take a ResNet, a ResNeXt or mobilenet_v2"
        )
    every = 2 if len(stages[2]) >= DEEP_STAGE else 1
    for blocks in stages:
        for block in blocks[::every]:
            block.conv1 = TemporalShift(block.conv1, frames, fraction)


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    backbone: Backbone | str = RESNET50,
    fraction: float = FRACTION,
    non_local: Sequence[str] = (),
    pairwise: Pairwise = "embedded_gaussian",
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; the network takes no other number.
        size: Height and width of a frame, in pixels.
        backbone: The 2D network of the frames, or the name of torchvision's: a ResNet, a ResNeXt
            or `mobilenet_v2`.
        fraction: Share of the channels that goes each way, 0 to 0.5.
        non_local: The backbone's modules that have a non-local block behind them.
        pairwise: Function that compares two positions in those.

    Raises:
        KinobenchError: The clip is too small, the fraction is none, or the backbone has no place
            for shifts or non-local blocks.
    """
    check_build_arguments("tsm", num_classes, frames, size)
    if not 0 <= fraction <= 0.5:
        raise KinobenchError(f"tsm: fraction is {fraction}; give 0 to 0.5 of the channels")
    build_backbone, width = for_size(backbone, size)
    network = build_backbone(3, None)
    add_shifts(network, frames, fraction)
    insert_non_local(
        network, non_local, pairwise=pairwise, pool_last=True, scale=False, frames=frames
    )
    return TSM(network, width, num_classes)


def _residual_blocks(stage: object) -> list[Any]:
    """Return the blocks of a stage that are laid out as those of a ResNet."""
    if not isinstance(stage, nn.Module):
        return []
    return [b for b in stage.modules() if hasattr(b, "conv1") and hasattr(b, "downsample")]


for _name, _variant in VARIANTS.items():
    register(_name, family="tsm", paper=LIN_2019, year=2019, native=_variant.native)(
        partial(
            build,
            backbone=_variant.backbone,
            non_local=_variant.non_local,
            pairwise=_variant.pairwise,
        )
    )
