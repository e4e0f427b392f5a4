"""The plain tensors in which sparse, nested, quantised and wrapping tensors keep their numbers."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass
from torch.utils._pytree import tree_leaves

_COMPRESSED = {
    torch.sparse_csr: ("crow_indices", "col_indices"),
    torch.sparse_bsr: ("crow_indices", "col_indices"),
    torch.sparse_csc: ("ccol_indices", "row_indices"),
    torch.sparse_bsc: ("ccol_indices", "row_indices"),
}
"""The compressed layouts, and the methods that return their indices."""

_UNPACKERS = {
    "LinearPackedParamsBase": "linear_unpack",
    "Conv2dPackedParamsBase": "conv2d_unpack",
    "Conv3dPackedParamsBase": "conv3d_unpack",
    "EmbeddingPackedParamsBase": "embedding_bag_unpack",
}
"""The classes in which torch.ao's layers keep weight and bias, and the operators that return them.
A convolution of one dimension keeps a weight of two."""


def is_sparse(tensor: torch.Tensor) -> bool:
    """Return whether a tensor keeps chosen elements alone."""
    return tensor.layout is torch.sparse_coo or tensor.layout in _COMPRESSED


def values_of(tensor: torch.Tensor) -> torch.Tensor:
    """Return the elements that a tensor keeps: of a sparse one `[nnz, ...]`, else itself."""
    if tensor.layout is torch.sparse_coo:
        return tensor._values()
    return tensor.values() if tensor.layout in _COMPRESSED else tensor


def element_count(tensor: torch.Tensor) -> int:
    """Return the number of elements that a tensor keeps; in a block layout, whole blocks."""
    return values_of(tensor).numel()


def kept_bytes(tensor: torch.Tensor) -> int:
    """Return the bytes of all that a tensor keeps: values, indices, scales and zero points.

    The scale of a whole tensor is a number of Python's, which takes none.
    """
    return sum(part.numel() * part.element_size() for part in plain_parts(tensor))


def plain_parts(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield the tensors, each one piece of memory, that a tensor consists of."""
    if is_traceable_wrapper_subclass(tensor):
        for name in tensor.__tensor_flatten__()[0]:
            yield from plain_parts(getattr(tensor, name))
        return
    if tensor.is_nested:
        yield tensor.values()
        return
    if tensor.layout is torch.sparse_coo:
        yield tensor._indices()
    for name in _COMPRESSED.get(tensor.layout, ()):
        yield getattr(tensor, name)()
    if tensor.is_quantized and tensor.qscheme() in _PER_CHANNEL:
        yield tensor.q_per_channel_scales()
        yield tensor.q_per_channel_zero_points()
    yield values_of(tensor)


_PER_CHANNEL = (torch.per_channel_affine, torch.per_channel_symmetric)


def unpacked(packed: torch.ScriptObject) -> tuple[torch.Tensor, ...] | None:
    """Return weights and biases of a layer that torch.ao has quantised, weights first.

    Args:
        packed: The object that the layer keeps, of a class of `torch.classes.quantized` or `rnn`.

    Returns:
        The tensors in their kept precision; None if the class is unknown here, or belongs to an
        engine that this machine doesn't have.
    """
    name = class_of(packed)
    if name == "CellParamsBase":
        return _of_cell(packed)
    if name not in _UNPACKERS:
        return None
    try:
        found = getattr(torch.ops.quantized, _UNPACKERS[name])(packed)
    except RuntimeError:  # another engine's
        return None
    weight, *biases = found if isinstance(found, list | tuple) else (found,)
    # Half precision is unpacked to single.
    kept = weight if weight.is_quantized else weight.half()
    return (kept, *(bias for bias in biases if isinstance(bias, torch.Tensor)))


def class_of(packed: torch.ScriptObject) -> str:
    """Return the name of the class of such an object, without its namespace."""
    kind: Any = packed._type()
    return str(kind.name())


def _of_cell(packed: torch.ScriptObject) -> tuple[torch.Tensor, ...] | None:
    """Return the tensors of one direction of a recurrent layer.

    Its packed weights have biases of their own; where the cell keeps them too, they are the same.
    """
    state = tree_leaves(packed.__getstate__())
    biases = [part for part in state if isinstance(part, torch.Tensor)]
    weights = [unpacked(part) for part in state if isinstance(part, torch.ScriptObject)]
    found: list[torch.Tensor] = []
    for parts in weights:
        if parts is None:
            return None
        found += parts[: 1 if biases else None]
    return (*found, *biases)
