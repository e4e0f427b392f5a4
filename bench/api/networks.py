"""Networks themselves: a model of the zoo as a module, and what any module costs."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from .bench.cost.flops import SEED
from .bench.cost.on_device import count_anybodys
from .bench.cost.shape import Shape, native_shape
from .bench.network.build import build_network
from .bench.network.jit_warnings import jit_unmentioned
from .bench.network.settings import settings_restored
from .bench.records.fitted_weights import fitted_header
from .bench.records.results import Cost
from .datasets.errors import KinobenchError
from .datasets.protocol import preset
from .zoo import registry
from .zoo.checkpoints.named import fetch_weights, find_weights, head_classes, named_weights

Clip = torch.Tensor | Sequence[int]
"""A tensor, or its shape alone."""


def load_model(
    name: str,
    weights: str | Path | None = None,
    *,
    classes: int | None = None,
    frames: int | None = None,
    size: int | None = None,
) -> nn.Module:
    """Build a network of the zoo, with weights if you like, in eval mode on the CPU.

    The module takes `clip: [B, 3, frames, size, size]`, normalised float32, and gives logits
    `[B, classes]`. One with optical flow takes `flow: [B, 2 * (frames - 1), size, size]` too.

    Args:
        name: A name of `models()`, or one that you registered.
        weights: A name of published weights (`kinetics400`; fetched once), of weights that come
            with kinobench (`pointlight`), or the path of a checkpoint; `FILE#ema` takes one of
            several state dicts in it. None leaves the network untrained, the same each time. A
            warning says what was left out of a checkpoint.
        classes: Outputs of the head; by default those of the weights, or the network's own.
        frames: Frames of a clip; by default those the weights were tested with, or its own.
        size: Height and width of a clip in pixels; the same.

    Raises:
        UnknownNameError: No network is named so; the message has the nearest name.
        KinobenchError: The weights are not there, can't be fetched, or don't fit.

    Example:
        >>> import kinobench, torch
        >>> model = kinobench.load_model("c3d_tiny", weights="pointlight")
        >>> with torch.inference_mode():
        ...     logits = model(torch.zeros(2, 3, 16, 64, 64))
        >>> logits.shape[0], model.training
        (2, False)
    """
    given = None if weights is None else str(weights)
    with jit_unmentioned():
        own = _shape_of(name, given)
        shape = Shape(frames or own.frames, size or own.size, classes or own.classes)
        entry = named_weights(name, given)
        if entry is not None:
            fetch_weights(entry)
        with settings_restored():
            built = build_network(name, shape, given)
    for note in built.notes:
        warnings.warn(f"{name}: {note}", stacklevel=2)
    return built.module


def _shape_of(name: str, weights: str | None) -> Shape:
    """Return the clip and the head that weights belong to, or the network's own."""
    own = native_shape(registry.get(name))
    if weights is None:
        return own
    published = find_weights(name, weights)
    if published is not None:
        protocol = None if published.protocol is None else preset(published.protocol)
        classes = head_classes(published)
    else:
        fitted = fitted_header(name, weights)
        protocol = None if fitted is None else preset(fitted.protocol)
        classes = None if fitted is None else len(fitted.classes)
    return Shape(
        own.frames if protocol is None else protocol.frames,
        own.size if protocol is None else protocol.size,
        classes or own.classes,
    )


def count(model: nn.Module | str, *inputs: Clip) -> Cost:
    """Count the multiply-adds of one forward, by formulas; torch's own counter checks them.

    A network of kinobench is counted on torch's meta device, where the largest takes a second or
    two and no memory. A module of your own also runs once on its own device, on one thread, for it
    may ask where its tensors are: where the two counts differ, that on the device is returned, and
    `notes` says so. All of it happens in a process of its own: the module stays as it is.

    Args:
        model: Any module, on any device; or a name of `models()`.
        inputs: The arguments of its forward, such as a clip `[B, 3, T, H, W]`: tensors, or shapes,
            for which random ones are drawn. None for a name: its own clip, of one view.

    Returns:
        MACs, FLOPs (2 x MACs) and other work of the whole batch; `uncounted` names operators that
        no formula knows: where there are any, the counts are too low.

    Raises:
        KinobenchError: There is no network or no clip, an argument is no tensor and no shape, or
            the network fails on it.

    Example:
        >>> import kinobench
        >>> from torch import nn
        >>> conv = nn.Conv3d(3, 8, kernel_size=3, padding=1, bias=False)
        >>> kinobench.count(conv, (1, 3, 16, 64, 64)).macs == 8 * 3 * 27 * 16 * 64 * 64
        True
    """
    if isinstance(model, str):
        return _count_named(model, inputs)
    if not isinstance(model, nn.Module):
        raise KinobenchError(
            f"count: model is {model!r}; give a module, or a name of kinobench.models()"
        )
    if not inputs:
        raise KinobenchError(
            "count(model): there is no clip; give a tensor or a shape, such as (1, 3, 16, 224, 224)"
        )
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    tensors = [_tensor(each, device) for each in inputs]
    with jit_unmentioned(), _evaluating(model):
        return _counted(
            type(model).__name__,
            tensors,
            lambda: count_anybodys(model, *tensors, device=device.type).cost,
        )


def _counted(name: str, inputs: Sequence[torch.Tensor], count: Callable[[], Cost]) -> Cost:
    """Count a network.

    Raises:
        KinobenchError: It fails on these inputs.
    """
    try:
        return count()
    except KinobenchError:
        raise
    except Exception as error:  # the network's own
        shapes = " and ".join(str(list(each.shape)) for each in inputs)
        raise KinobenchError(
            f"{name} fails on {shapes}: {type(error).__name__}: {error}; give what its forward "
            "takes, such as a clip (1, 3, 16, 224, 224)"
        ) from error


def _count_named(name: str, inputs: Sequence[Clip]) -> Cost:
    from .bench.cost.architectures import count_architecture, is_own

    architecture = registry.get(name)
    own = native_shape(architecture)
    with jit_unmentioned():
        if not inputs:
            return _counted(name, (), lambda: count_architecture(architecture, own).cost)
        device = torch.device("meta" if is_own(architecture) else "cpu")
        given = tuple(_tensor(each, device) for each in inputs)
        clip = given[0]
        if clip.dim() != 5:
            raise KinobenchError(
                f"count({name!r}): the clip is {list(clip.shape)}; give [B, 3, T, H, W]"
            )
        # Layers may depend on the clip's frames and size.
        shape = Shape(clip.shape[2], clip.shape[3], own.classes)
        return _counted(
            name, given, lambda: count_architecture(architecture, shape, inputs=given).cost
        )


def _tensor(given: Clip, device: torch.device) -> torch.Tensor:
    if isinstance(given, torch.Tensor):
        return given.to(device)
    sides = isinstance(given, Sequence) and not isinstance(given, str)
    if sides and all(isinstance(side, int) and side > 0 for side in given):
        if device.type == "meta":
            return torch.empty(tuple(given), device=device)
        generator = torch.Generator().manual_seed(SEED)
        return torch.randn(tuple(given), generator=generator).to(device)
    raise KinobenchError(
        f"clip {given!r}: give a tensor, or a shape of whole numbers such as (1, 3, 16, 224, 224)"
    )


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module into eval mode while the context lasts, and each part back into its own."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
