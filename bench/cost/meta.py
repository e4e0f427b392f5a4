"""torch's meta device, where tensors have shapes but no content."""

from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass


def move_to_meta(module: nn.Module) -> list[torch.Tensor]:
    """Replace a module's tensors by those without content, for good; do it in a process apart.

    None of them needs a gradient: torch's counter fails on one that is the input of a layer.

    Parts that are TorchScript's keep theirs, and so do lists and dicts of tensors.

    Returns:
        The tensors that were replaced. Keep them: a fork must not free those of a GPU.

    Raises:
        ValueError: A tensor has no twin without content: it is sparse, nested or quantised.
    """
    twins: dict[int, torch.Tensor] = {}
    replaced: list[torch.Tensor] = []

    def twin_of(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in twins:
            replaced.append(tensor)
            twins[id(tensor)] = without_content(tensor)
        return twins[id(tensor)]

    for part in module.modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue
        tables: tuple[dict[str, Any], ...] = (vars(part), part._parameters, part._buffers)
        for table in tables:
            for name, value in table.items():
                if isinstance(value, torch.Tensor):
                    table[name] = twin_of(value)
    return replaced


def without_content(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor of the same shape, strides and dtype on the meta device.

    Raises:
        ValueError: It is sparse, nested or quantised: its work depends on more than its shape.
    """
    if is_lazy(tensor):
        parameter = isinstance(tensor, nn.Parameter)
        kind: Any = UninitializedParameter if parameter else UninitializedBuffer
        return kind(device="meta", dtype=tensor.dtype)
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_quantized:
        raise ValueError(
            f"a tensor of layout {tensor.layout}, {tensor.dtype}, is more than a shape"
        )
    if is_traceable_wrapper_subclass(tensor):
        empty = tensor.detach().to("meta")
    else:  # nothing is asked of the device: a fork can't use a GPU
        size, stride = tensor.size(), tensor.stride()
        empty = torch.empty_strided(size, stride, dtype=tensor.dtype, device="meta")
    return nn.Parameter(empty, False) if isinstance(tensor, nn.Parameter) else empty
