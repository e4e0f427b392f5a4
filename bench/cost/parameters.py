"""Parameters and bytes of a network, also where its layers keep weights in another form."""

from collections.abc import Iterator

import msgspec
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from .layouts import class_of, element_count, kept_bytes, unpacked


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """What a network keeps.

    Attributes:
        params: Number of parameters, each shared one once; of a sparse one, those that it keeps.
            None if that can't be known.
        matrix_params: The number of those in tensors of two or more dimensions: the others are
            biases, and the scales and shifts of normalisations.
        total_bytes: Bytes of parameters and buffers, with the scales and zero points of quantised
            ones and the indices of sparse ones; None likewise.
        reason: Reason why they can't be known.
    """

    params: int | None
    matrix_params: int | None
    total_bytes: int | None
    reason: str | None = None


def weights_of(module: nn.Module) -> Weights:
    """Count a network's parameters and bytes.

    A layer that torch.ao has quantised keeps its weight and its bias in an object that is neither a
    parameter nor a buffer: both count as parameters, as before. A tensor that wraps others, such as
    torchao's, has the parameters of its own shape, and the bytes of the tensors in it.
    """
    lazy = [name for name, each in module.named_parameters() if is_lazy(each)]
    if lazy:
        return _unknown(f"{', '.join(lazy)}: lazy, its size is known after a first forward")
    parameters: list[torch.Tensor] = list(module.parameters())
    for name, packed in _packed_in(module):
        tensors = unpacked(packed)
        if tensors is None:
            kind = class_of(packed)
            return _unknown(f"{name} keeps its weights in a {kind}, which isn't known here")
        parameters += tensors
    return Weights(
        params=sum(map(element_count, parameters)),
        matrix_params=sum(element_count(each) for each in parameters if each.dim() > 1),
        total_bytes=sum(map(kept_bytes, (*parameters, *module.buffers()))),
    )


UNREGISTERED = (
    "layers in plain Python lists or dicts are neither counted nor loaded, placed or trained; keep "
    "them in an nn.ModuleList or an nn.ModuleDict"
)


def unregistered_layers(module: nn.Module) -> list[str]:
    """Return the names of layers with parameters that a network keeps in plain lists or dicts.

    To torch they are no part of it: they are neither counted, loaded, placed nor trained.
    """
    known, found = set(module.modules()), []
    for layer, part in module.named_modules():
        for name, value in vars(part).items():
            if name in ("_modules", "_parameters", "_buffers"):
                continue
            for key, each in _entries(value):
                if isinstance(each, nn.Module) and each not in known and list(each.parameters()):
                    found.append(f"{layer}.{name}.{key}".strip("."))
    return found


def _entries(value: object) -> list[tuple[object, object]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list | tuple) else []


def _unknown(reason: str) -> Weights:
    return Weights(params=None, matrix_params=None, total_bytes=None, reason=reason)


def _packed_in(module: nn.Module) -> Iterator[tuple[str, torch.ScriptObject]]:
    """Yield each object of TorchScript that a layer keeps, once, with its dotted name."""
    seen: list[torch.ScriptObject] = []
    for layer, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue
        for name, value in vars(part).items():
            if isinstance(value, torch.ScriptObject) and all(value is not each for each in seen):
                seen.append(value)
                yield f"{layer}.{name}".strip("."), value
