"""SlowFast: one pathway for what is there, at a low frame rate, and a thin one for how it moves.

Feichtenhofer, Fan, Malik, He, "SlowFast Networks for Video Recognition", ICCV 2019. A TxS of a name
is the slow pathway's: T frames, S apart. The networks are put together by
facebookresearch/pytorchvideo, pytorchvideo/models/slowfast.py, with the same parameter names; its
hub (pytorchvideo/models/hub/slowfast.py) has `slowfast_r50` (8x8, alpha 4, beta 1/8),
`slowfast_r101` (8x8; all 23 blocks of res4 look across time) and `slowfast_16x8_r101_50_50` (only 6
of them do), its model zoo `slowfast_4x16_r50` (alpha 8). The others are of PySlowFast
(facebookresearch/SlowFast, configs/Kinetics):

- `slowfast_8x8_r101_50_50`: the paper's 8x8 R101 (c2/SLOWFAST_8x8_R101_50_50).
- `slowfast_nl_*`: with non-local blocks of the dot product in the slow pathway: behind every second
  block of res3 and res4 of an R50 (SLOWFAST_NLN_8x8_R50), behind the 7th, 14th and 21st of an
  R101's res4 (c2/SLOWFAST_NLN_16x8_R101_50_50).
- `slowfast_4x16_beta*_r50`: the paper's table 5c, with another share of channels. Its 1/6 and 1/12
  are missing: 64 channels don't divide by them, and the paper doesn't give the rounding.

The clip has the frames of the fast pathway; the slow one takes T / alpha of them, spread evenly
from the first to the last: `torch.linspace(0, T - 1, T // alpha).long()`, as in
facebookresearch/SlowFast, slowfast/datasets/utils.py, `pack_pathway_output`. These are not every
fourth frame: of 32 it takes 0, 4, 8, 13, 17, 22, 26, 31 at alpha 4.

The output is logits. Where the feature map is larger than the head's window of 7x7 (at 256 pixels
it is 8x8), it is the log of the mean probability of the window's positions: the published test.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from pytorchvideo.models.slowfast import create_slowfast
from torch import nn

from ..parts.frames import MeanPrediction
from ..parts.limits import check_build_arguments
from ..parts.non_local_block import insert_non_local
from ..parts.pytorchvideo import with_plain_integers
from ..parts.resnet3d import origin_window
from ..registry import register

PAPER = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"
NATIVE_32X2 = (32, 2, 256)

Place = tuple[int, int]
"""A stage, counted as the paper does (res2 to res5), and a residual block of it, from 0."""

R50_PLACES: tuple[Place, ...] = ((3, 1), (3, 3), (4, 1), (4, 3), (4, 5))
R101_PLACES: tuple[Place, ...] = ((4, 6), (4, 13), (4, 20))


class Variant(NamedTuple):
    """The settings of one SlowFast.

    Attributes:
        depth: Layers; 18 is pytorchvideo's one bottleneck block a stage.
        alpha: Frames of the fast pathway for each of the slow one.
        fusion_kernel: Temporal extent of the convolutions from fast to slow.
        native: Frames of the fast pathway, their stride, and the size.
        res4_temporal: Number of blocks of res4 that look across time; None for all.
        inverse_beta: Channels of the slow pathway for each of the fast one.
        slow_width: Channels of the slow pathway's stem.
        non_local: Blocks of the slow pathway that have non-local ones behind them.
    """

    depth: int
    alpha: int
    fusion_kernel: int
    native: tuple[int, int, int]
    res4_temporal: int | None = None
    inverse_beta: int = 8
    slow_width: int = 64
    non_local: tuple[Place, ...] = ()


VARIANTS = {
    "slowfast_r50": Variant(50, 4, 7, NATIVE_32X2),
    "slowfast_4x16_r50": Variant(50, 8, 5, NATIVE_32X2),
    "slowfast_r101": Variant(101, 4, 5, NATIVE_32X2),
    "slowfast_8x8_r101_50_50": Variant(101, 4, 5, NATIVE_32X2, 6),
    "slowfast_16x8_r101_50_50": Variant(101, 4, 5, (64, 2, 256), 6),
    "slowfast_nl_4x16_r50": Variant(50, 8, 5, NATIVE_32X2, non_local=R50_PLACES),
    "slowfast_nl_8x8_r50": Variant(50, 4, 5, NATIVE_32X2, non_local=R50_PLACES),
    "slowfast_nl_8x8_r101": Variant(101, 4, 5, NATIVE_32X2, 6, non_local=R101_PLACES),
    "slowfast_nl_16x8_r101": Variant(101, 4, 5, (64, 2, 256), 6, non_local=R101_PLACES),
    "slowfast_4x16_beta4_r50": Variant(50, 8, 5, NATIVE_32X2, inverse_beta=4),
    "slowfast_4x16_beta16_r50": Variant(50, 8, 5, NATIVE_32X2, inverse_beta=16),
    "slowfast_4x16_beta32_r50": Variant(50, 8, 5, NATIVE_32X2, inverse_beta=32),
    # With an eighth of so few channels, the fast pathway would start from one; with a half, from 4.
    "slowfast_tiny": Variant(18, 4, 7, (16, 1, 64), inverse_beta=2, slow_width=8),
    "slowfast_nl_tiny": Variant(
        18, 4, 7, (16, 1, 64), inverse_beta=4, slow_width=8, non_local=((3, 0), (4, 0))
    ),
}


class SlowFast(nn.Module):
    """Pytorchvideo's two-pathway network behind the cut of a clip into its pathways."""

    slow_frames: torch.Tensor

    def __init__(self, blocks: nn.ModuleList, frames: int, alpha: int) -> None:
        """Take the blocks of `create_slowfast`, for clips of `frames` frames."""
        super().__init__()
        self.blocks = blocks
        slow_frames = torch.linspace(0, frames - 1, frames // alpha).long()
        self.register_buffer("slow_frames", slow_frames, persistent=False)

    def pathways(self, clip: torch.Tensor) -> list[torch.Tensor]:
        """`clip: [B, 3, T, H, W]` -> slow `[B, 3, T / alpha, H, W]` and fast `[B, 3, T, H, W]`."""
        return [clip.index_select(2, self.slow_frames), clip]

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
        features: Any = self.pathways(clip)
        for block in self.blocks:
            features = block(features)
        return features


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    depth: int = 50,
    alpha: int = 4,
    fusion_kernel: int = 7,
    res4_temporal: int | None = None,
    inverse_beta: int = 8,
    slow_width: int = 64,
    non_local: Sequence[Place] = (),
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; frames a multiple of alpha, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames of the fast pathway.
        size: Height and width of a frame, in pixels.
        depth: 50, 101, 152, or 18 (which pytorchvideo makes of one bottleneck block a stage).
        alpha: Frames of the fast pathway for each of the slow one.
        fusion_kernel: Temporal extent of the convolutions from fast to slow, odd.
        res4_temporal: Number of blocks of res4 that look across time, in both pathways; None for
            all.
        inverse_beta: Channels of the slow pathway for each of the fast one.
        slow_width: Channels of the slow pathway's stem.
        non_local: Blocks of the slow pathway that have non-local ones (dot product) behind them.

    Raises:
        KinobenchError: The clip is too small, or its length is no multiple of alpha.
    """
    check_build_arguments(
        "slowfast", num_classes, frames, size, min_frames=alpha, frames_multiple=alpha
    )
    side = origin_window(size)
    network: Any = create_slowfast(
        model_depth=depth,
        model_num_class=num_classes,
        slowfast_channel_reduction_ratio=(inverse_beta,),
        slowfast_fusion_conv_kernel_size=(fusion_kernel, 1, 1),
        slowfast_fusion_conv_stride=(alpha, 1, 1),
        stem_dim_outs=(slow_width, slow_width // inverse_beta),
        stage_conv_a_kernel_sizes=_kernels(res4_temporal),
        head_pool_kernel_sizes=((frames // alpha, side, side), (frames, side, side)),
    )
    network.blocks[-1].output_pool = MeanPrediction()
    insert_non_local(
        network,
        [
            f"blocks.{stage - 1}.multipathway_blocks.0.res_blocks.{index}"
            for stage, index in non_local
        ],
        pairwise="dot_product",
    )
    with_plain_integers(network)
    return SlowFast(network.blocks, frames, alpha)


def _kernels(res4_temporal: int | None) -> tuple[tuple[Any, ...], ...]:
    """Return the extents of every stage's first convolutions, of the slow and the fast pathway."""
    flat, temporal = (1, 1, 1), (3, 1, 1)
    # Longer than any stage; pytorchvideo takes as many as the stage has blocks.
    res4 = temporal if res4_temporal is None else (temporal,) * res4_temporal + (flat,) * 36
    return (flat, flat, res4, temporal), (temporal, temporal, res4, temporal)


for _name, _variant in VARIANTS.items():
    register(_name, family="slowfast", paper=PAPER, year=2019, native=_variant.native)(
        partial(
            build,
            depth=_variant.depth,
            alpha=_variant.alpha,
            fusion_kernel=_variant.fusion_kernel,
            res4_temporal=_variant.res4_temporal,
            inverse_beta=_variant.inverse_beta,
            slow_width=_variant.slow_width,
            non_local=_variant.non_local,
        )
    )
