"""`verify`: what papers and repositories printed of the networks, beside what they cost here."""

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ...datasets.errors import KinobenchError
from ...zoo import registry
from ...zoo.spec import Architecture
from ...zoo.tables.published import published
from ...zoo.tables.rows import Published
from ..cost.conventions import COUNTED_BY_LAYER, Layers, counted_as, watch_layers
from ..cost.flops import analyse
from ..cost.models import build_without_memory
from ..cost.shape import Shape
from ..records.record import Cost
from .printed import Comparison, shape_of

if TYPE_CHECKING:
    import torch
    from torch import nn


def verify(
    names: Iterable[str] | None = None, progress: Callable[[int, int], None] | None = None
) -> list[Comparison]:
    """Count the named networks, or all, at every input for which a cost was printed.

    Nothing takes memory or arithmetic: the networks have shapes alone. Where parameters are printed
    without an input, they are those at the network's own. `progress` is told how many of how many
    rows are compared.

    Raises:
        UnknownNameError: No network is named so.
    """
    chosen = None if names is None else list(names)
    for name in chosen or ():
        registry.check(name)
    rows = published() if chosen is None else [row for name in chosen for row in published(name)]
    compared = []
    for row in rows:
        compared.append(compare(row))
        if progress is not None:
            progress(len(compared), len(rows))
    return compared


def compare(row: Published) -> Comparison:
    """Count what a row printed, at its input and under its convention."""
    if row.gmacs is None and row.mparams is None:
        return Comparison(published=row, macs=None, params=None)
    architecture = registry.get(row.model)
    shape = shape_of(row, architecture)
    try:
        params, weights = count_params(architecture, shape)
        macs = None if row.gmacs is None else _macs(architecture, shape, row.convention)
    except KinobenchError as error:  # an extra that isn't installed
        return Comparison(published=row, macs=None, params=None, error=str(error))
    if row.mparams is None:
        return Comparison(published=row, macs=macs, params=None)
    return Comparison(published=row, macs=macs, params=weights if row.params_convention else params)


def _macs(architecture: Architecture, shape: Shape, convention: str | None) -> int:
    cost, _ = count(architecture, shape)
    layers = _layers(architecture, shape) if convention in COUNTED_BY_LAYER else None
    return counted_as(convention, cost, layers)


@cache
def count(architecture: Architecture, shape: Shape) -> tuple[Cost, dict[str, int]]:
    """Return the cost of one view, and the MACs of each module; see `analyse`."""
    module, inputs = _built(architecture, shape)
    return analyse(module, *inputs)


@cache
def _layers(architecture: Architecture, shape: Shape) -> Layers:
    module, inputs = _built(architecture, shape)
    return watch_layers(module, shape.classes, *inputs)


@cache
def count_params(architecture: Architecture, shape: Shape) -> tuple[int, int]:
    """Return how many parameters there are, and how many in tensors of two dimensions or more.

    The rest are biases, and what normalisations scale and shift by.
    """
    module, _ = _built(architecture, shape)
    sizes = [(parameter.numel(), parameter.dim()) for parameter in module.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, dimensions in sizes if dimensions > 1)


@lru_cache(maxsize=2)
def _built(
    architecture: Architecture, shape: Shape
) -> "tuple[nn.Module, tuple[torch.Tensor, ...]]":
    return build_without_memory(architecture, shape)
