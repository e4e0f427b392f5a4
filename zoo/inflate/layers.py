"""The 3D twins of 2D layers, weights included, for `inflate`."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops import Permute, StochasticDepth

Boundary = Literal["replicate", "zeros"]


class Temporal(NamedTuple):
    """The number of frames that a layer looks at, and their distance."""

    extent: int = 1
    stride: int = 1

    @property
    def padding(self) -> tuple[int, int]:
        """Frames added before and after, so that a stride of 1 gives as many as there were."""
        return (self.extent - 1) // 2, self.extent // 2


class NotInflatable(Exception):
    """A layer or an operation that has no twin; the message names it."""


class ReplicatingConv3d(nn.Conv3d):
    """A convolution that repeats the first and the last frame before and after the clip."""

    def __init__(self, *args: object, time_padding: tuple[int, int], **options: object) -> None:
        """Take what `nn.Conv3d` takes, with no padding in time, and the frames to repeat."""
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.time_padding = time_padding

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B, C, T, H, W]`, float -> as `nn.Conv3d`."""
        before, after = self.time_padding
        if before or after:
            maps = functional.pad(maps, (0, 0, 0, 0, before, after), mode="replicate")
        return super().forward(maps)

    def extra_repr(self) -> str:
        """Return the text of `nn.Conv3d`, and the frames that are repeated."""
        return f"{super().extra_repr()}, time_padding={self.time_padding}"


class LayerNorm3d(nn.LayerNorm):
    """Layer normalisation over the channels of `[B, C, T, H, W]`: torchvision's LayerNorm2d."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B, C, T, H, W]`, float -> the same shape."""
        return super().forward(maps.movedim(1, -1)).movedim(-1, 1)


def inflate_layer(layer: nn.Module, temporal: Temporal, boundary: Boundary) -> nn.Module:
    """Return the layer's twin for maps `[B, C, T, H, W]`.

    Raises:
        NotInflatable: There is none.
    """
    for kind, twin in TWINS.items():
        # The type must be that very one: a subclass may do something else.
        if type(layer) is kind:
            return twin(layer, temporal, boundary)
    raise NotInflatable(f"a layer of type {type(layer).__name__}")


def has_twin(layer: nn.Module) -> bool:
    """Return whether `inflate_layer` knows layers of that type."""
    return type(layer) in TWINS


def default_extent(layer: nn.Module) -> int:
    """Return the height of a convolution with an odd, square window; 1 of anything else."""
    if isinstance(layer, nn.Conv2d):
        height, width = layer.kernel_size
        if height == width and height % 2:
            return height
    return 1


def pair(extents: int | Sequence[int]) -> tuple[int, int]:
    """Return `(height, width)` from one number or two, as torch takes them."""
    if isinstance(extents, int):
        return extents, extents
    height, width = extents
    return height, width


def _conv(layer: nn.Module, temporal: Temporal, boundary: Boundary) -> nn.Module:
    assert isinstance(layer, nn.Conv2d)
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise NotInflatable(
            f"a convolution with padding={layer.padding!r}, padding_mode={layer.padding_mode!r}"
        )
    before, after = temporal.padding
    options = {
        "stride": (temporal.stride, *layer.stride),
        "dilation": (1, *layer.dilation),
        "groups": layer.groups,
        "bias": layer.bias is not None,
        "device": "meta",
    }
    sizes = (layer.in_channels, layer.out_channels, (temporal.extent, *layer.kernel_size))
    if boundary == "zeros":
        if before != after:
            raise NotInflatable(f"zeros around an even extent of {temporal.extent}")
        twin = nn.Conv3d(*sizes, padding=(before, *layer.padding), **options)  # type: ignore[arg-type]
    else:
        twin = ReplicatingConv3d(
            *sizes, padding=(0, *layer.padding), time_padding=(before, after), **options
        )
    weight = layer.weight.detach().unsqueeze(2) / temporal.extent
    weight = weight.repeat(1, 1, temporal.extent, 1, 1)
    twin.weight = nn.Parameter(weight, requires_grad=layer.weight.requires_grad)
    twin.bias = layer.bias
    return twin


def _batch_norm(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    assert isinstance(layer, nn.BatchNorm2d)
    twin = nn.BatchNorm3d(
        layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats
    )
    return _with_state_of(layer, twin)


def _layer_norm_2d(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    assert isinstance(layer, nn.LayerNorm)
    twin = LayerNorm3d(layer.normalized_shape, layer.eps, layer.elementwise_affine)
    return _with_state_of(layer, twin)


def _layer_norm(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    assert isinstance(layer, nn.LayerNorm)
    if len(layer.normalized_shape) != 1:
        raise NotInflatable(f"a layer normalisation over {tuple(layer.normalized_shape)}")
    return layer


def _max_pool(layer: nn.Module, temporal: Temporal, _: Boundary) -> nn.Module:
    assert isinstance(layer, nn.MaxPool2d)
    if layer.return_indices:
        raise NotInflatable("a max pooling that returns indices")
    return nn.MaxPool3d(
        (temporal.extent, *pair(layer.kernel_size)),
        (temporal.stride, *pair(layer.stride)),
        (temporal.padding[0], *pair(layer.padding)),
        (1, *pair(layer.dilation)),
        ceil_mode=layer.ceil_mode,
    )


def _average_pool(layer: nn.Module, temporal: Temporal, _: Boundary) -> nn.Module:
    assert isinstance(layer, nn.AvgPool2d)
    if layer.divisor_override is not None:
        raise NotInflatable("an average pooling with a divisor of its own")
    # No padding in time: the zeros would lower the average at both ends.
    return nn.AvgPool3d(
        (temporal.extent, *pair(layer.kernel_size)),
        (temporal.stride, *pair(layer.stride)),
        (0, *pair(layer.padding)),
        ceil_mode=layer.ceil_mode,
        count_include_pad=layer.count_include_pad,
    )


def _adaptive_average_pool(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    assert isinstance(layer, nn.AdaptiveAvgPool2d)
    return nn.AdaptiveAvgPool3d((1, *pair(layer.output_size)))  # type: ignore[arg-type]


def _adaptive_max_pool(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    assert isinstance(layer, nn.AdaptiveMaxPool2d)
    return nn.AdaptiveMaxPool3d((1, *pair(layer.output_size)))  # type: ignore[arg-type]


def _dropout_2d(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    assert isinstance(layer, nn.Dropout2d)
    return nn.Dropout3d(layer.p, layer.inplace)


def permuted(order: Sequence[int]) -> tuple[int, ...]:
    """Return the order of `[B, C, T, H, W]`, or of `[B, T, H, W, C]`, for one of four dimensions.

    Raises:
        NotInflatable: It does anything else than move the channels to the end, or back.
    """
    known: dict[tuple[int, ...], tuple[int, ...]] = {
        (0, 2, 3, 1): (0, 2, 3, 4, 1),
        (0, 3, 1, 2): (0, 4, 1, 2, 3),
    }
    if tuple(order) not in known:
        raise NotInflatable(f"a permutation to {tuple(order)}")
    return known[tuple(order)]


def _permute(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    assert isinstance(layer, Permute)
    return Permute(list(permuted(layer.dims)))


def _flatten(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    assert isinstance(layer, nn.Flatten)
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise NotInflatable(f"flattening from {layer.start_dim} to {layer.end_dim}")
    return layer


def _same(layer: nn.Module, _: Temporal, __: Boundary) -> nn.Module:
    return layer


def _with_state_of(layer: nn.Module, twin: nn.Module) -> nn.Module:
    for name, parameter in layer.named_parameters():
        setattr(twin, name, parameter)
    for name, buffer in layer.named_buffers():
        setattr(twin, name, buffer)
    return twin


TWINS: dict[type[nn.Module], Callable[[nn.Module, Temporal, Boundary], nn.Module]] = {
    nn.Conv2d: _conv,
    nn.BatchNorm2d: _batch_norm,
    LayerNorm2d: _layer_norm_2d,
    nn.LayerNorm: _layer_norm,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _average_pool,
    nn.AdaptiveAvgPool2d: _adaptive_average_pool,
    nn.AdaptiveMaxPool2d: _adaptive_max_pool,
    nn.Dropout2d: _dropout_2d,
    Permute: _permute,
    nn.Flatten: _flatten,
    **dict.fromkeys(
        (
            nn.Dropout,
            nn.ELU,
            nn.GELU,
            nn.GroupNorm,
            nn.Hardsigmoid,
            nn.Hardswish,
            nn.Identity,
            nn.LeakyReLU,
            nn.Linear,
            nn.Mish,
            nn.PReLU,
            nn.ReLU,
            nn.ReLU6,
            nn.SiLU,
            nn.Sigmoid,
            nn.Tanh,
            StochasticDepth,
        ),
        _same,
    ),
}
"""The twin of each kind of layer; a layer that works in any number of dimensions stays."""
