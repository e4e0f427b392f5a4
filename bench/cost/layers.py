"""The layers of a network in one forward, from which the conventions by layer are counted."""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from .apart import apart
from .conventions import Layers
from .meta import move_to_meta

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_ACTIVATIONS = (nn.ReLU, nn.PReLU, nn.ELU, nn.LeakyReLU, nn.ReLU6)
_POOLINGS = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
)
_AVERAGES = (
    *(functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d),
    functional.adaptive_avg_pool3d,
)
"""torchvision calls such a function before its classifier; mmaction2's head has a layer for it."""
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_NORMS = (*_BATCH_NORMS, nn.GroupNorm, nn.LayerNorm)
_SQUEEZE = "SqueezeExcitation"
"""The layer of fvcore and pytorchvideo takes the mean by a function; mmaction2's has a pooling."""


def watch_layers(module: nn.Module, num_classes: int, *inputs: torch.Tensor) -> Layers:
    """Watch the layers in one forward of `module(*inputs)`, on the meta device.

    That happens in a process of its own; where there can't be one, the module is as after
    `watch_layers_here`.

    Args:
        module: The network, in eval mode, on any device.
        num_classes: Length of its logits.
        *inputs: The arguments of the module, such as `clip: [1, 3, T, H, W]`.
    """
    return apart(lambda: watch_layers_here(module, num_classes, *inputs), Layers)


def watch_layers_here(module: nn.Module, num_classes: int, *inputs: torch.Tensor) -> Layers:
    """Watch them in this process: the module stays on the meta device, and its heads are changed.

    The arguments are those of `watch_layers`.
    """
    inputs = tuple(tensor.to("meta") for tensor in inputs)
    replaced = move_to_meta(module)
    with _watched(module, num_classes) as seen:
        module(*inputs)
    with _watched(_with_one_position(module), num_classes) as whole:
        module(*inputs)
    del replaced
    return Layers(
        mmcv=sum(
            whole[kind] for kind in ("convolution", "linear", "activation", "pooling", "norm")
        ),
        batch_norm_elements=seen["batch_norm_elements"],
        layer_norm_elements=seen["layer_norm_elements"],
        classifier_macs=seen["classifier"],
    )


@contextmanager
def _watched(module: nn.Module, num_classes: int) -> Iterator[Counter[str]]:
    """Count by kind of layer within the context."""
    seen: Counter[str] = Counter()

    class Averages(TorchFunctionMode):
        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if function in _AVERAGES:
                seen["pooling"] += args[0].numel()
            return function(*args, **(kwargs or {}))

    def watch(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        seen.update(_cost_of(layer, inputs, output))
        if isinstance(layer, _BATCH_NORMS):
            seen["batch_norm_elements"] += output.numel()
        elif isinstance(layer, nn.LayerNorm):
            seen["layer_norm_elements"] += output.numel()
        elif isinstance(layer, nn.Linear) and layer.out_features == num_classes:
            seen["classifier"] += output.numel() * layer.in_features

    hooks = [layer.register_forward_hook(watch) for layer in module.modules()]
    try:
        with torch.inference_mode(), Averages():
            yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _cost_of(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> dict[str, int]:
    """Return what `mmcv` counts for one call of a layer, by its kind."""
    if isinstance(layer, _CONVOLUTIONS):
        macs = output.numel() * layer.in_channels // layer.groups * math.prod(layer.kernel_size)
        return {"convolution": macs + (0 if layer.bias is None else output.numel())}
    if isinstance(layer, nn.Linear):
        return {"linear": inputs[0].numel() * layer.out_features}
    if isinstance(layer, _ACTIVATIONS):
        return {"activation": output.numel()}
    if isinstance(layer, _POOLINGS) or type(layer).__name__ == _SQUEEZE:
        return {"pooling": inputs[0].numel()}
    if isinstance(layer, _NORMS):
        scaled = next(layer.parameters(recurse=False), None) is not None
        return {"norm": inputs[0].numel() * (2 if scaled else 1)}
    return {}


def _with_one_position(module: nn.Module) -> nn.Module:
    """Make the heads' windows, which have a stride of 1, average the whole map instead."""
    for parent in module.modules():
        for name, layer in parent.named_children():
            if isinstance(layer, nn.AvgPool3d) and layer.stride in (1, (1, 1, 1)):
                setattr(parent, name, nn.AdaptiveAvgPool3d(1))
    return module
