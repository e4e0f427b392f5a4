"""SlowFast: one pathway for what is there, at a low frame rate, and a thin one for how it moves.

Feichtenhofer, Fan, Malik, He, "SlowFast Networks for Video Recognition", ICCV 2019. `slowfast_r50`
is SlowFast 8x8, R50, with alpha = 4 and beta = 1/8, as facebookresearch/pytorchvideo has it in
pytorchvideo/models/hub/slowfast.py, with the same parameter names.

The clip holds the frames of the fast pathway (32, stride 2); the slow pathway takes T / alpha of
them, spread evenly from the first to the last: `torch.linspace(0, T - 1, T // alpha).long()`, as in
facebookresearch/SlowFast, slowfast/datasets/utils.py, `pack_pathway_output`. That is not every
fourth frame: of 32 it takes 0, 4, 8, 13, 17, 22, 26, 31.

The output is logits. Where the feature map is larger than the head's window of 7x7 (at 256 pixels
it is 8x8), the origin's hub network averages the logits of the window's positions, and so does
this one.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
from pytorchvideo.models.slowfast import create_slowfast
from torch import nn

from .input_limits import check_build_arguments
from .registry import register
from .resnet3d import origin_window

PAPER = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"
ALPHA = 4
"""Frames of the fast pathway for each of the slow one."""


class Variant(NamedTuple):
    """What sets one SlowFast apart from another; `depth` 18 is pytorchvideo's one block a stage."""

    depth: int
    slow_width: int
    inverse_beta: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "slowfast_r50": Variant(depth=50, slow_width=64, inverse_beta=8, native=(32, 2, 256)),
    # With an eighth of so few channels, the fast pathway would start from one.
    "slowfast_tiny": Variant(depth=18, slow_width=12, inverse_beta=4, native=(16, 1, 64)),
}


class SlowFast(nn.Module):
    """Pytorchvideo's two-pathway network behind the cut of a clip into its pathways."""

    slow_frames: torch.Tensor

    def __init__(self, blocks: nn.ModuleList, frames: int) -> None:
        """Take the blocks of `create_slowfast`, for clips of `frames` frames."""
        super().__init__()
        self.blocks = blocks
        slow_frames = torch.linspace(0, frames - 1, frames // ALPHA).long()
        self.register_buffer("slow_frames", slow_frames, persistent=False)

    def pathways(self, clip: torch.Tensor) -> list[torch.Tensor]:
        """`clip: [B, 3, T, H, W]` -> slow `[B, 3, T / 4, H, W]` and fast `[B, 3, T, H, W]`."""
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
    slow_width: int = 64,
    inverse_beta: int = 8,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; frames a multiple of 4, 32x32 or more.

    Args:
        num_classes: Length of the logits.
        frames: Frames of the fast pathway.
        size: Height and width of a frame, in pixels.
        depth: 50, 101, 152, or 18 (which pytorchvideo makes of one bottleneck block a stage).
        slow_width: Channels of the slow pathway's stem.
        inverse_beta: Channels of the slow pathway for each of the fast one.

    Raises:
        KinobenchError: The clip is too small, or its length is no multiple of 4.
    """
    check_build_arguments(
        "slowfast", num_classes, frames, size, min_frames=ALPHA, frames_multiple=ALPHA
    )
    side = origin_window(size)
    network = create_slowfast(
        model_depth=depth,
        model_num_class=num_classes,
        slowfast_channel_reduction_ratio=(inverse_beta,),
        slowfast_fusion_conv_kernel_size=(7, 1, 1),
        slowfast_fusion_conv_stride=(ALPHA, 1, 1),
        stem_dim_outs=(slow_width, slow_width // inverse_beta),
        head_pool_kernel_sizes=((frames // ALPHA, side, side), (frames, side, side)),
    )
    return SlowFast(network.blocks, frames)


for _name, _variant in VARIANTS.items():
    register(_name, family="slowfast", paper=PAPER, year=2019, native=_variant.native)(
        partial(
            build,
            depth=_variant.depth,
            slow_width=_variant.slow_width,
            inverse_beta=_variant.inverse_beta,
        )
    )
