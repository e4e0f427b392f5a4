"""Bottleneck residual networks over space and time, from pytorchvideo's stem, stages and head.

`pytorchvideo.models.resnet.create_resnet` assembles the same parts, but only 50, 101 and 152 layers
deep, and never strided in time at the stem. Parameter names are the same as its own.
"""

from collections.abc import Sequence

from pytorchvideo.models.head import create_res_basic_head
from pytorchvideo.models.net import Net
from pytorchvideo.models.resnet import create_bottleneck_block, create_res_stage
from pytorchvideo.models.stem import create_res_basic_stem
from torch import nn

R50_DEPTHS = (3, 4, 6, 3)


def resnet3d(
    num_classes: int,
    *,
    depths: Sequence[int],
    stem_width: int,
    stem_kernel: int,
    stem_stride: int,
    kernels: Sequence[Sequence[int]],
    strides: Sequence[int],
    pool_after_first_stage: int | None,
    head_window: tuple[int, int, int],
    dropout: float = 0.5,
) -> nn.Module:
    """Return a network `[B, 3, T, H, W]`, float -> logits `[B, num_classes]`.

    In space it is a ResNet: stem and max pooling halve, and so does each stage but the first.
    The head averages every window of `head_window`, classifies each, and averages the logits of
    all positions of the window.

    Args:
        num_classes: Length of the logits.
        depths: Bottleneck blocks in each stage.
        stem_width: Channels of the stem; a stage gives 4, 8, 16, 32 times as many.
        stem_kernel: Temporal extent of the stem's convolution, odd.
        stem_stride: Temporal stride of the stem's convolution.
        kernels: For each stage, the temporal extents, odd, of its blocks' first convolutions;
            shorter than the stage, they are repeated.
        strides: For each stage, the temporal stride of its first block.
        pool_after_first_stage: Max pooling over time, this long and this far apart; None for none.
        head_window: Frames, height and width that the head averages at once.
        dropout: Before the classifier.
    """
    blocks = [
        create_res_basic_stem(
            in_channels=3,
            out_channels=stem_width,
            conv_kernel_size=(stem_kernel, 7, 7),
            conv_stride=(stem_stride, 2, 2),
            conv_padding=(stem_kernel // 2, 3, 3),
        )
    ]
    width_in, inner = stem_width, stem_width
    for stage, (depth, stage_kernels, stride) in enumerate(
        zip(depths, kernels, strides, strict=True)
    ):
        halving = 1 if stage == 0 else 2
        blocks.append(
            create_res_stage(
                depth=depth,
                dim_in=width_in,
                dim_inner=inner,
                dim_out=4 * inner,
                bottleneck=create_bottleneck_block,
                conv_a_kernel_size=[(extent, 1, 1) for extent in stage_kernels],
                conv_a_stride=(stride, 1, 1),
                conv_a_padding=[(extent // 2, 0, 0) for extent in stage_kernels],
                conv_b_stride=(1, halving, halving),
            )
        )
        if stage == 0 and pool_after_first_stage is not None:
            blocks.append(nn.MaxPool3d((pool_after_first_stage, 1, 1)))
        width_in, inner = 4 * inner, 2 * inner
    blocks.append(
        create_res_basic_head(
            in_features=width_in,
            out_features=num_classes,
            pool=nn.AvgPool3d,
            pool_kernel_size=head_window,
            dropout_rate=dropout,
        )
    )
    return Net(blocks=nn.ModuleList(blocks))


def map_size(size: int) -> int:
    """Return the height and width of the last feature map of a frame of `size`: five halvings."""
    return -(-size // 32)


def origin_window(size: int) -> int:
    """Return the side of the head's window: 7, as trained at 224, or the whole of a smaller map.

    At 256 the 8x8 map has four such positions: the origin's fully convolutional test
    (facebookresearch/pytorchvideo, pytorchvideo/models/resnet.py, `head_pool_kernel_size`).
    """
    return min(7, map_size(size))
