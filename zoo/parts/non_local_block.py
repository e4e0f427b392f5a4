"""Non-local blocks, and a function that inserts them into a network.

Wang, Girshick, Gupta, He, "Non-local Neural Networks", CVPR 2018, section 3. A position i of the
feature map becomes x_i + W_z y_i, where y_i is the mean over all positions j, in space and time, of
g(x_j), weighted by a pairwise function f(x_i, x_j):

| `pairwise` | f | weights |
|---|---|---|
| `embedded_gaussian` | exp(theta(x_i) . phi(x_j) / sqrt(inner)) | softmax over j |
| `gaussian` | exp(x_i . x_j) | softmax over j |
| `dot_product` | theta(x_i) . phi(x_j) | divided by the number of j |
| `concatenation` | ReLU(w_f . [theta(x_i), phi(x_j)]) | divided by the number of j |

These are equations 1 to 7. theta, phi, g and W_z are 1x1x1 convolutions, the first three to half
the channels. The division by sqrt(inner) is not in the paper's equation 4, but in its released code
(facebookresearch/video-nonlocal-net, lib/core/config.py, `USE_SCALE`); `scale=False` leaves it out.
After W_z comes a batch normalisation whose weight starts at zero, so that a block starts as the
identity. W_z has no bias, which would have no effect. phi and g see a map that max pooling has
halved in space (section 3.3). An odd last row or column is left out, as in the released code
(lib/models/nonlocal_helper.py), unless it is the only one. That code pools the inputs of phi and g;
open-mmlab/mmcv, mmcv/cnn/bricks/non_local.py, pools their outputs (`pool_last`).
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn

from ...datasets.errors import KinobenchError, nearest_name
from ...datasets.plurals import quantity

Pairwise = Literal["embedded_gaussian", "gaussian", "dot_product", "concatenation"]
PAIRWISE: tuple[Pairwise, ...] = get_args(Pairwise)


class NonLocal(nn.Module):
    """A non-local block `[B, C, T, H, W]` -> the same shape."""

    def __init__(
        self,
        channels: int,
        *,
        pairwise: Pairwise = "embedded_gaussian",
        subsample: bool = True,
        pool_last: bool = False,
        scale: bool = True,
    ) -> None:
        """Build for `[B, channels, T, H, W]`.

        Args:
            channels: Channels in and out; half as many inside.
            pairwise: Function that compares two positions.
            subsample: True if j goes over a map halved in space, by max pooling of 1x2x2.
            pool_last: True if that pooling follows phi and g, not the other way round.
            scale: True if an embedded Gaussian divides by the root of its channels.

        Raises:
            KinobenchError: The pairwise function is unknown, or there is only one channel.
        """
        super().__init__()
        if pairwise not in PAIRWISE:
            raise KinobenchError(f"pairwise is {pairwise!r}; give one of {', '.join(PAIRWISE)}")
        if channels < 2:
            raise KinobenchError(
                f"a non-local block of {quantity(channels, 'channel')} has no half; give 2 or more"
            )
        inner = channels // 2
        self.pairwise = pairwise
        self.pool_last = pool_last
        self.factor = inner**-0.5 if pairwise == "embedded_gaussian" and scale else 1.0
        self.pool = _Halve() if subsample else nn.Identity()
        self.conv_g = nn.Conv3d(channels, inner, 1)
        self.conv_theta: nn.Module = nn.Identity()
        self.conv_phi: nn.Module = nn.Identity()
        if pairwise != "gaussian":
            self.conv_theta = nn.Conv3d(channels, inner, 1)
            self.conv_phi = nn.Conv3d(channels, inner, 1)
        if pairwise == "concatenation":
            # w_f . [theta, phi] is the sum of two products: no pair is ever concatenated.
            self.from_theta = nn.Linear(inner, 1, bias=False)
            self.from_phi = nn.Linear(inner, 1, bias=False)
        self.conv_out = nn.Conv3d(inner, channels, 1, bias=False)
        self.norm = nn.BatchNorm3d(channels)
        self._initialise()

    def weights(self, theta: torch.Tensor, phi: torch.Tensor) -> torch.Tensor:
        """`theta: [B, N, D]`, `phi: [B, M, D]` -> the weight of each pair, `[B, N, M]`."""
        if self.pairwise == "concatenation":
            pairs = self.from_theta(theta) + self.from_phi(phi).transpose(1, 2)
            return pairs.relu() / phi.shape[1]
        products = theta @ phi.transpose(1, 2)
        if self.pairwise == "dot_product":
            return products / phi.shape[1]
        return (products * self.factor).softmax(dim=2)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B, C, T, H, W]`, float -> the same shape."""
        theta = self.conv_theta(maps)
        if self.pool_last:
            phi, values = self.pool(self.conv_phi(maps)), self.pool(self.conv_g(maps))
        else:
            seen = self.pool(maps)
            phi, values = self.conv_phi(seen), self.conv_g(seen)
        mixed = self.weights(_positions(theta), _positions(phi)) @ _positions(values)
        mixed = mixed.transpose(1, 2).unflatten(2, maps.shape[2:])
        return maps + self.norm(self.conv_out(mixed))

    def _initialise(self) -> None:
        # facebookresearch/video-nonlocal-net, lib/core/config.py: CONV_INIT_STD, BN_INIT_GAMMA.
        for layer in self.modules():
            if isinstance(layer, nn.Conv3d | nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.norm.weight)


class _Halve(nn.MaxPool3d):
    """Max pooling of 1x2x2 that leaves a single row or column as it is.

    It extends the pooling layer, so that counters that go by kinds of layers count it.
    """

    def __init__(self) -> None:
        super().__init__((1, 2, 2))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B, C, T, H, W]` -> `[B, C, T, max(1, H // 2), max(1, W // 2)]`."""
        height, width = maps.shape[3:]
        return nn.functional.max_pool3d(maps, (1, min(2, height), min(2, width)))


def insert_non_local(
    network: nn.Module,
    places: Sequence[str],
    *,
    pairwise: Pairwise = "embedded_gaussian",
    subsample: bool = True,
    pool_last: bool = False,
    scale: bool = True,
    frames: int | None = None,
) -> nn.Module:
    """Put a non-local block behind each of the named modules, and return the network.

    The block becomes the named module's `non_local`, and the module's output goes through it. Every
    other parameter keeps its name, so the checkpoint of the network without blocks fits all but
    the new ones.

    Args:
        network: Changed in place.
        places: Names of modules, as in `network.named_modules()`, whose last normalisation has as
            many channels as their output: residual blocks, for instance `blocks.4.res_blocks.1`.
        pairwise: Function that compares two positions.
        subsample: True if j goes over a map halved in space.
        pool_last: True if that pooling follows phi and g, not the other way round.
        scale: True if an embedded Gaussian divides by the root of its channels.
        frames: Frames of a clip, for a 2D network whose batch is `[B * frames, C, H, W]`, clip by
            clip; None for maps `[B, C, T, H, W]`.

    Raises:
        KinobenchError: A place is not a module of the network, is named twice, or has no batch
            normalisation that gives its channels.
    """
    modules = dict(network.named_modules())
    for place in places:
        if place not in modules or not place:
            near = nearest_name(place, modules)
            cure = f"did you mean {near!r}?" if near else "see network.named_modules()"
            raise KinobenchError(f"the network has no module {place!r}; {cure}")
        module = modules[place]
        if hasattr(module, "non_local"):
            raise KinobenchError(f"{place!r} has a non-local block already; name each place once")
        norms = [
            layer
            for name, layer in module.named_modules()
            if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d) and "downsample" not in name
        ]
        if not norms:
            raise KinobenchError(
                f"{place!r} has no batch normalisation that gives its channels; name a residual "
                "block"
            )
        block = NonLocal(
            norms[-1].num_features,
            pairwise=pairwise,
            subsample=subsample,
            pool_last=pool_last,
            scale=scale,
        )
        module.non_local = block.to(norms[-1].weight).train(module.training)
        module.register_forward_hook(_apply if frames is None else _FoldedApply(frames))
    return network


class _FoldedApply:
    """Applies a module's block to `[B * frames, C, H, W]`, across the frames of a clip."""

    def __init__(self, frames: int) -> None:
        self.frames = frames

    def __call__(self, module: nn.Module, _: object, maps: torch.Tensor) -> torch.Tensor:
        """`maps: [B * frames, C, H, W]` -> the same shape."""
        clips = maps.unflatten(0, (-1, self.frames)).transpose(1, 2)
        return _apply(module, _, clips).transpose(1, 2).flatten(0, 1)


def _apply(module: nn.Module, _: object, maps: torch.Tensor) -> torch.Tensor:
    """`maps: [B, C, T, H, W]`, the module's output -> the output of its block."""
    block = module.non_local
    assert isinstance(block, NonLocal)
    return block(maps)


def _positions(maps: torch.Tensor) -> torch.Tensor:
    """`maps: [B, C, T, H, W]` -> `[B, T * H * W, C]`."""
    return maps.flatten(2).transpose(1, 2)
