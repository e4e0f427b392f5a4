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

from .averaging import MeanPrediction
from .pytorchvideo import with_plain_integers

R50_DEPTHS = (3, 4, 6, 3)
R101_DEPTHS = (3, 4, 23, 3)


class TemporalPool(NamedTuple):
    """A max pooling over time, `extent` frames long, every `stride` frames."""

    extent: int
    stride: int

    @property
    def padding(self) -> int:
        """Frames added at either end: as many as keep an odd window centred."""
        return (self.extent - 1) // 2

    def shorten(self, frames: int) -> int:
        """Return how many frames it leaves of `frames`."""
        return (frames + 2 * self.padding - self.extent) // self.stride + 1


NO_POOL = TemporalPool(1, 1)


def resnet3d(
    num_classes: int,
    *,
    depths: Sequence[int],
    stem_width: int,
    stem_kernel: int,
    stem_stride: int,
    kernels: Sequence[Sequence[int]],
    strides: Sequence[int],
    pool_after_first_stage: TemporalPool | None,
    head_window: tuple[int, int, int],
    stem_pool: TemporalPool = NO_POOL,
    middle_kernels: Sequence[Sequence[int]] = ((1,),) * 4,
    dropout: float = 0.5,
) -> nn.Module:
    """Return a network `[B, 3, T, H, W]`, float -> logits `[B, num_classes]`.

    In space it is a ResNet: stem and max pooling halve, and so does each stage but the first.
    The head averages every window of `head_window` and classifies each; of several positions of
    the window it gives the log of the mean probability.

    Args:
        num_classes: Length of the logits.
        depths: Bottleneck blocks in each stage.
        stem_width: Channels of the stem; a stage gives 4, 8, 16, 32 times as many.
        stem_kernel: Temporal extent of the stem's convolution, odd.
        stem_stride: Temporal stride of the stem's convolution.
        kernels: For each stage, the temporal extents, odd, of its blocks' first convolutions;
            shorter than the stage, they are repeated.
        strides: For each stage, the temporal stride of its first block.
        pool_after_first_stage: Max pooling over time; None for none.
        head_window: Frames, height and width that the head averages at once.
        stem_pool: What the stem's max pooling does in time.
        middle_kernels: As `kernels`, of the blocks' 3x3 convolutions.
        dropout: Before the classifier.
    """
    blocks = [
        create_res_basic_stem(
            in_channels=3,
            out_channels=stem_width,
            conv_kernel_size=(stem_kernel, 7, 7),
            conv_stride=(stem_stride, 2, 2),
            conv_padding=(stem_kernel // 2, 3, 3),
            pool_kernel_size=(stem_pool.extent, 3, 3),
            pool_stride=(stem_pool.stride, 2, 2),
            pool_padding=(stem_pool.padding, 1, 1),
        )
    ]
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
        if stage == 0 and pool_after_first_stage is not None:
            blocks.append(_max_pool(pool_after_first_stage))
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


def _stage(
    width_in: int,
    inner: int,
    kernels: Sequence[int],
    middle_kernels: Sequence[int],
    stride: int,
    halving: int,
) -> nn.Module:
    """Return bottleneck blocks of those temporal extents, strided at the first of them."""
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
    return ResStage(res_blocks=res_blocks)


def _max_pool(pool: TemporalPool) -> nn.MaxPool3d:
    return nn.MaxPool3d(
        kernel_size=(pool.extent, 1, 1),
        stride=(pool.stride, 1, 1),
        padding=(pool.padding, 0, 0),
    )
