"""The conventions by which printed costs were counted, so that each is compared with the same one.

Every convention counts a multiply-add once. They differ in what they add to convolutions and
matrix products, and in what they leave out:

- `matmul`: nothing added. torchvision's `_ops`, the papers of SlowFast and X3D, and half of
  pytorchvideo's table.
- `matmul+5norm`: 5 for each element of a normalisation's output: fvcore in 2021, and with it the
  other half of facebookresearch/pytorchvideo, docs/source/model_zoo.md.
- `mmcv`: open-mmlab/mmaction2 0.x, tools/analysis/get_flops.py, by open-mmlab/mmcv 1.x,
  mmcv/cnn/utils/flops_counter.py. It hooks layers, so a function or a product of tensors (the
  attention of a non-local block) costs nothing. It adds 1 for each output of a convolution with a
  bias, 2 for each element of a normalisation with a scale (1 without), 1 for each output of a ReLU,
  and 1 for each input of a pooling. Its recognisers average the whole map before the classifier,
  even if a crop is larger than in training.
- `mmengine`: open-mmlab/mmaction2 1.x, tools/analysis_tools/get_flops.py, by open-mmlab/mmengine,
  mmengine/analysis/complexity_analysis.py, a port of fvcore. It adds 2 for each element of a batch
  normalisation and 5 for each of a layer normalisation, and leaves the classifier out.
"""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ..records.results import Cost
from .apart import apart
from .meta import move_to_meta

NORM_OPERATIONS_2021 = 5
"""Operations that fvcore added for each element of a normalisation when pytorchvideo's table was
made."""
BATCH_NORM_OPERATIONS = 2
LAYER_NORM_OPERATIONS = 5
"""Operations that mmengine's counter adds for each element, as fvcore does since then."""

COUNTED_BY_LAYER = ("mmcv", "mmengine")
"""Conventions that need `Layers`."""

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


class Layers(NamedTuple):
    """Counts from the inputs and outputs of the layers in one forward, for the conventions.

    Attributes:
        mmcv: The whole cost under `mmcv`.
        batch_norm_elements, layer_norm_elements: Outputs of the normalisations.
        classifier_macs: Multiply-adds of the linear layers that give the classes' scores.
    """

    mmcv: int
    batch_norm_elements: int
    layer_norm_elements: int
    classifier_macs: int


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


def counted_as(convention: str | None, cost: Cost, layers: Layers | None = None) -> int:
    """Return a forward's cost under a convention; None is `matmul`.

    Args:
        convention: The convention, one of those above.
        cost: The cost, as counted here.
        layers: The counts of layers, needed for `COUNTED_BY_LAYER`.

    Raises:
        ValueError: The convention is unknown, or it needs the layers.
    """
    match convention, layers:
        case None | "matmul", _:
            return cost.macs
        case "matmul+5norm", _:
            return cost.macs + NORM_OPERATIONS_2021 * cost.norm_elements
        case "mmcv", Layers():
            return layers.mmcv
        case "mmengine", Layers():
            norms = BATCH_NORM_OPERATIONS * layers.batch_norm_elements
            norms += LAYER_NORM_OPERATIONS * layers.layer_norm_elements
            return cost.macs - layers.classifier_macs + norms
    if convention in COUNTED_BY_LAYER:
        raise ValueError(f"convention {convention!r} needs the counts of layers")
    raise ValueError(f"convention {convention!r} is unknown")


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
