"""`verify`: what papers and repositories printed of the networks, beside what they cost here."""

from collections.abc import Iterable
from functools import cache

from ..datasets.errors import KinobenchError
from ..zoo import registry
from ..zoo.published import published
from ..zoo.spec import Architecture, Published
from .conventions import Layers, counted_as, watch_layers
from .flops import count_cost
from .models import build_without_memory
from .printed import Comparison, shape_of
from .record import Cost
from .shape import Shape


def verify(names: Iterable[str] | None = None) -> list[Comparison]:
    """Count the named networks, or all, at every input for which a cost was printed.

    Nothing takes memory or arithmetic: the networks have shapes alone. Where parameters are printed
    without an input, they are those at the network's own.

    Raises:
        UnknownNameError: No network is named so.
    """
    chosen = None if names is None else list(names)
    for name in chosen or ():
        registry.check(name)
    rows = published() if chosen is None else [row for name in chosen for row in published(name)]
    return [compare(row) for row in rows]


def compare(row: Published) -> Comparison:
    """Count what a row printed, at its input and under its convention."""
    if row.gmacs is None and row.mparams is None:
        return Comparison(published=row, macs=None, params=None)
    architecture = registry.get(row.model)
    shape = shape_of(row, architecture)
    try:
        params, weights = _params(architecture, shape)
        macs = None if row.gmacs is None else _macs(architecture, shape, row.convention)
    except KinobenchError as error:  # an extra that isn't installed
        return Comparison(published=row, macs=None, params=None, error=str(error))
    if row.mparams is None:
        return Comparison(published=row, macs=macs, params=None)
    return Comparison(published=row, macs=macs, params=weights if row.params_convention else params)


def _macs(architecture: Architecture, shape: Shape, convention: str | None) -> int:
    return counted_as(convention, *_count(architecture, shape))


@cache
def _count(architecture: Architecture, shape: Shape) -> tuple[Cost, Layers]:
    module, inputs = build_without_memory(architecture, shape)
    return count_cost(module, *inputs), watch_layers(module, shape.classes, *inputs)


@cache
def _params(architecture: Architecture, shape: Shape) -> tuple[int, int]:
    """Return how many parameters there are, and how many in tensors of two dimensions or more.

    The rest are biases, and what normalisations scale and shift by.
    """
    module, _ = build_without_memory(architecture, shape)
    sizes = [(parameter.numel(), parameter.dim()) for parameter in module.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, dimensions in sizes if dimensions > 1)
