"""Any 2D classification network of torchvision as the backbone of a video network's frames.

`backbone("convnext_tiny", 224)` is the network of torchvision's builder `convnext_tiny`. With three
input channels and class logits it stays unchanged, so torchvision's checkpoints fit. For another
number of channels, its first convolution is replaced. To give features, its last layer is removed,
with a dropout right before it, because the new classifier has its own. Auxiliary classifiers are
left out, and `transform_input` (another normalisation, which torchvision's weights of GoogLeNet and
Inception-v3 need) is off.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ...datasets.errors import KinobenchError, UnknownNameError

MIN_SIZES = {"alexnet": 63, "inception_v3": 75}
"""The smallest frames of these networks, from torchvision (`meta["min_size"]` of the weights)."""

SIZE_STEPS = {
    "maxvit_t": 224,  # 7x7 partitions, on a map that was halved five times
    "vit_b_16": 16,
    "vit_b_32": 32,
    "vit_h_14": 14,
    "vit_l_16": 16,
    "vit_l_32": 32,
}
"""Networks that are built for one size, and the number that it must be a multiple of."""

FEWEST_PIXELS = 32


class Backbone(NamedTuple):
    """A kind of 2D network.

    Attributes:
        build: `(in_channels, num_classes)` -> a network `[N, in_channels, H, W]` -> `[N,
            num_classes]`, or pooled features `[N, width]` if `num_classes` is None.
        width: Length of the pooled features.
    """

    build: Callable[[int, int | None], nn.Module]
    width: int


def torchvision_names() -> list[str]:
    """Return the names of torchvision's builders of 2D classification networks."""
    from torchvision import models  # takes seconds, and many networks don't need it

    names: list[str] = models.list_models(module=models)
    return names


def named_after(prefix: str, name: str) -> str | None:
    """Return the builder in an architecture's name, after the prefix; None if there is none."""
    builder = name.removeprefix(prefix)
    return builder if builder != name and builder in torchvision_names() else None


def native_size(name: str) -> int:
    """Return the height and width of frames for torchvision's default weights of a network."""
    from torchvision import models

    return int(models.get_model_weights(name).DEFAULT.transforms.keywords["crop_size"])


def backbone(name: str, size: int = 224) -> Backbone:
    """Return torchvision's 2D network of that name, for frames of `size` x `size` pixels.

    Only vision transformers and MaxViT are built differently for different sizes.

    Raises:
        UnknownNameError: torchvision has no 2D classification network of that name.
        KinobenchError: The network can't take frames of that size.
    """
    if name not in torchvision_names():
        raise UnknownNameError("2D network of torchvision", name, torchvision_names())
    smallest, step = MIN_SIZES.get(name, FEWEST_PIXELS), SIZE_STEPS.get(name, 1)
    if size < smallest:
        smallest = math.ceil(smallest / step) * step
        raise KinobenchError(
            f"{name}: a frame of {size}x{size} is too small; give {smallest}x{smallest} or more"
        )
    if size % step:
        above = size - size % step + step
        nearest = f"{above - step} or {above}" if above - step >= smallest else str(above)
        raise KinobenchError(
            f"{name}: a frame of {size}x{size} is not a multiple of {step} wide; give {nearest}"
        )
    return Backbone(build=partial(build_2d, name, size), width=_width(name))


def for_size(kind: Backbone | str, size: int) -> Backbone:
    """Return a backbone unchanged, or torchvision's network of that name for a size of frames.

    Raises:
        UnknownNameError, KinobenchError: The errors of `backbone`.
    """
    return backbone(kind, size) if isinstance(kind, str) else kind


def replace_stem(network: nn.Module, in_channels: int) -> None:
    """Replace the first convolution of `network` by a new one that takes `in_channels` channels."""
    name, old = next(
        (name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)
    )
    new = nn.Conv2d(
        in_channels,
        old.out_channels,
        kernel_size=_pair(old.kernel_size),
        stride=_pair(old.stride),
        padding=old.padding if isinstance(old.padding, str) else _pair(old.padding),
        bias=old.bias is not None,
    )
    if old.kernel_size == old.stride:
        # Patches of a transformer or a ConvNeXt: no ReLU follows, so the fan-in matters.
        nn.init.trunc_normal_(new.weight, std=math.sqrt(1 / new.weight[0].numel()))
    else:
        nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    _set(network, name, new)


class _NumbersOnCPU(TorchFunctionMode):
    """Keeps new tensors on the CPU: RegNet reads its widths from them, impossible on meta."""

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        kwargs = dict(kwargs or {})
        if func in (torch.arange, torch.tensor):
            kwargs.setdefault("device", "cpu")
        return func(*args, **kwargs)


def build_2d(name: str, size: int, in_channels: int, num_classes: int | None) -> nn.Module:
    """Return torchvision's network, with another stem or without its classifier if necessary."""
    from torchvision import models

    options: dict[str, Any] = {"weights": None, "num_classes": num_classes or 1}
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "transform_input": False, "init_weights": True}
    elif name.startswith("vit_"):
        options["image_size"] = size
    elif name.startswith("maxvit_"):
        options["input_size"] = (size, size)
    if name.startswith("regnet_"):
        with _NumbersOnCPU():
            network = models.get_model(name, **options)
    else:
        network = models.get_model(name, **options)
    if in_channels != 3:
        replace_stem(network, in_channels)
    if num_classes is None:
        _remove_head(network)
    return network


def _remove_head(network: nn.Module) -> None:
    head = _head(network)[0]
    leaves = [name for name, layer in network.named_modules() if not any(layer.children())]
    before = leaves[leaves.index(head) - 1]
    if isinstance(network.get_submodule(before), nn.Dropout):
        _set(network, before, nn.Identity())
    _set(network, head, nn.Identity())


@cache
def _width(name: str) -> int:
    """Return the number of features that the last layer of torchvision's network takes."""
    with torch.device("meta"):
        _, head = _head(build_2d(name, 224, 3, 1))
    return head.in_features if isinstance(head, nn.Linear) else head.in_channels


def _head(network: nn.Module) -> tuple[str, nn.Linear | nn.Conv2d]:
    """Return the last linear layer with its name; for SqueezeNet, which has none, a convolution."""
    for kind in (nn.Linear, nn.Conv2d):
        layers = [(name, layer) for name, layer in network.named_modules() if type(layer) is kind]
        if layers:
            return layers[-1]
    raise KinobenchError(f"{type(network).__name__} has no layer that could be its classifier")


def _set(network: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, attribute = name.rpartition(".")
    setattr(network.get_submodule(parent), attribute, layer)


def _pair(numbers: tuple[int, ...]) -> tuple[int, int]:
    return numbers[0], numbers[1]
