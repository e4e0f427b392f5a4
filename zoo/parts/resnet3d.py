"""Bottleneck residual networks over space and time, from pytorchvideo's stem, blocks and head.

`pytorchvideo.models.resnet.create_resnet` assembles the same parts, but only 50, 101 and 152 layers
deep, never strided in time at the stem, and with the same 3x3 convolution in all blocks of a stage.
Parameter names are the same as its own.
"""

from collections.abc import Sequence
from itertools import cycle, islice
from typing import NamedTuple

from pytorchvideo.models.head import create_res_basic_head
from pytorchvideo.models.net import Net
from pytorchvideo.models.resnet import ResStage, create_bottleneck_block, create_res_block
from pytorchvideo.models.stem import create_res_basic_stem
from torch import nn

from .frames import MeanPrediction
from .pytorchvideo import with_plain_integers

R50_DEPTHS = (3, 4, 6, 3)
R101_DEPTHS = (3, 4, 23, 3)


class TemporalPool(NamedTuple):
    """A max pooling over time, `extent` frames long, every `stride` frames."""

    extent: int
    stride: int

    @property
    def padding(self) -> int:
        """Frames added at either end, so that an odd window stays centred."""
        return (self.extent - 1) // 2

    def shorten(self, frames: int) -> int:
        """Return how many of `frames` it leaves."""
        return (frames + 2 * self.padding - self.extent) // self.stride + 1


NO_POOL = TemporalPool(1, 1)


class TemporalLayout(NamedTuple):
    """Places where a network shortens time before its stages: the stem, and after the first stage.

    Attributes:
        stem_stride: Temporal stride of the stem's convolution.
        stem_pool: Temporal part of the stem's 3x3 max pooling.
        stage_pool: Max pooling over time after the first stage; None for none.
    """

    stem_stride: int
    stem_pool: TemporalPool
    stage_pool: TemporalPool | None

    def left(self, frames: int) -> int:
        """Return how many of `frames` reach the head; 0 or less if the clip is too short."""
        frames = self.stem_pool.shorten(-(-frames // self.stem_stride))
        return frames if self.stage_pool is None else self.stage_pool.shorten(frames)

    @property
    def min_frames(self) -> int:
        """The shortest clip, in frames, that leaves one for the head."""
        return next(frames for frames in range(1, 100) if self.left(frames) > 0)


HUB = TemporalLayout(1, NO_POOL, TemporalPool(2, 2))
"""facebookresearch/pytorchvideo, pytorchvideo/models/hub/resnet.py; also the released code of the
non-local networks (facebookresearch/video-nonlocal-net, lib/models/resnet_video.py)."""

NO_POOLING = TemporalLayout(1, NO_POOL, None)
"""facebookresearch/SlowFast, slowfast/models/video_model_builder.py, `c2d_nopool`."""

WANG_TABLE_1 = TemporalLayout(2, TemporalPool(3, 2), TemporalPool(3, 2))
"""Wang, Girshick, Gupta, He, "Non-local Neural Networks", CVPR 2018, table 1: 32 frames to 4."""

MMACTION2 = TemporalLayout(2, TemporalPool(1, 2), TemporalPool(2, 2))
"""open-mmlab/mmaction2, mmaction/models/backbones/resnet3d.py and configs/_base_/models/i3d_r50.py:
32 frames to 4, by poolings that are no longer than their strides."""


def resnet3d(
    num_classes: int,
    *,
    depths: Sequence[int],
    stem_width: int,
    stem_kernel: int,
    kernels: Sequence[Sequence[int]],
    head_window: tuple[int, int, int],
    layout: TemporalLayout = NO_POOLING,
    strides: Sequence[int] = (1, 1, 1, 1),
    middle_kernels: Sequence[Sequence[int]] = ((1,),) * 4,
    dropout: float = 0.5,
) -> nn.Module:
    """Return a network `[B, 3, T, H, W]`, float -> logits `[B, num_classes]`.

    In space it is a ResNet: the stem, its max pooling and each stage but the first halve the map.
    The head averages each window of `head_window` and classifies it. If the window has several
    positions, the logits are the log of their mean probability.

    Args:
        num_classes: Length of the logits.
        depths: Bottleneck blocks in each stage.
        stem_width: Channels of the stem; a stage gives 4, 8, 16, 32 times as many.
        stem_kernel: Temporal extent of the stem's convolution, odd.
        kernels: Temporal extents, odd, of the blocks' first convolutions, for each stage; a stage
            with more blocks repeats them.
        head_window: Frames, height and width that the head averages at once.
        layout: Places where time is shortened before the second stage.
        strides: Temporal stride of the first block of each stage.
        middle_kernels: The same as `kernels`, for the blocks' 3x3 convolutions.
        dropout: Dropout before the classifier.
    """
    blocks = [_stem(stem_width, stem_kernel, layout)]
    width_in, inner = stem_width, stem_width
    for stage, depth in enumerate(depths):
        blocks.append(
            _stage(
                width_in,
                inner,
                list(islice(cycle(kernels[stage]), depth)),
                list(islice(cycle(middle_kernels[stage]), depth)),
                strides[stage],
                1 if stage == 0 else 2,
            )
        )
        if stage == 0 and layout.stage_pool is not None:
            blocks.append(_max_pool(layout.stage_pool))
        width_in, inner = 4 * inner, 2 * inner
    head = create_res_basic_head(
        in_features=width_in,
        out_features=num_classes,
        pool=nn.AvgPool3d,
        pool_kernel_size=head_window,
        dropout_rate=dropout,
    )
    head.output_pool = MeanPrediction()
    return with_plain_integers(Net(blocks=nn.ModuleList([*blocks, head])))


def map_size(size: int) -> int:
    """Return the height and width of the last feature map of a frame of `size`: five halvings."""
    return -(-size // 32)


def origin_window(size: int) -> int:
    """Return the side of the head's window: 7, as trained at 224, or the whole of a smaller map.

    At 256 the 8x8 map has four such positions: the origin's fully convolutional test
    (facebookresearch/pytorchvideo, pytorchvideo/models/resnet.py, `head_pool_kernel_size`).
    """
    return min(7, map_size(size))


def _stem(width: int, kernel: int, layout: TemporalLayout) -> nn.Module:
    """Return a convolution of `kernel` x 7 x 7 and a max pooling of 3x3, each halving in space."""
    pool = layout.stem_pool
    stem: nn.Module = create_res_basic_stem(
        in_channels=3,
        out_channels=width,
        conv_kernel_size=(kernel, 7, 7),
        conv_stride=(layout.stem_stride, 2, 2),
        conv_padding=(kernel // 2, 3, 3),
        pool_kernel_size=(pool.extent, 3, 3),
        pool_stride=(pool.stride, 2, 2),
        pool_padding=(pool.padding, 1, 1),
    )
    return stem


def _stage(
    width_in: int,
    inner: int,
    kernels: Sequence[int],
    middle_kernels: Sequence[int],
    stride: int,
    halving: int,
) -> nn.Module:
    """Return bottleneck blocks of those temporal extents; the first has the strides."""
    res_blocks = nn.ModuleList()
    for first, middle in zip(kernels, middle_kernels, strict=True):
        start = not res_blocks
        res_blocks.append(
            create_res_block(
                dim_in=width_in if start else 4 * inner,
                dim_inner=inner,
                dim_out=4 * inner,
                bottleneck=create_bottleneck_block,
                conv_a_kernel_size=(first, 1, 1),
                conv_a_stride=(stride if start else 1, 1, 1),
                conv_a_padding=(first // 2, 0, 0),
                conv_b_kernel_size=(middle, 3, 3),
                conv_b_stride=(1, halving, halving) if start else (1, 1, 1),
                conv_b_padding=(middle // 2, 1, 1),
            )
        )
    stage: nn.Module = ResStage(res_blocks=res_blocks)
    return stage


def _max_pool(pool: TemporalPool) -> nn.MaxPool3d:
    return nn.MaxPool3d(
        kernel_size=(pool.extent, 1, 1),
        stride=(pool.stride, 1, 1),
        padding=(pool.padding, 0, 0),
    )
