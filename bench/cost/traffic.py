"""Bytes that operators must move: each input and weight is read once, each result written once.

No operator can move less, however large the caches are.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch._ops import HigherOrderOperator, OpOverload
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass
from torch.utils._pytree import tree_leaves

from .formulas import attention, first_result, normalisation
from .layouts import kept_bytes, plain_parts, unpacked
from .operators import FORMULAS, HIGHER_ORDER, name_of

_FIRST_ALONE = (attention, first_result, normalisation)
"""Formulas of operators whose other results (indices, statistics, sums) are not needed."""
_UNTOUCHED = ("empty", "new_empty", "set", "resize")
"""Beginnings of the names of operators that reserve or reshape memory, and write nothing."""
_OVERWRITING = frozenset(("copy", "zero", "fill", "normal", "uniform", "bernoulli"))
"""Operators that, in place, overwrite a tensor without reading it."""
_CHOOSING = frozenset(
    ("embedding", "index", "_unsafe_index", "index_select", "gather", "take", "masked_select")
)
"""These operators read only as much of their first argument as they return."""
_PLACING = frozenset(
    ("index_put", "_index_put_impl", "index_copy", "index_fill", "scatter", "masked_scatter")
)
"""These operators write into chosen places of their first argument, and read none of it."""


class Access(NamedTuple):
    """The bytes that one operator moves.

    Attributes:
        read: Tensors, and the bytes that are read of each; shared memory is there once.
        written_bytes: Bytes of its results.
        packed_bytes: Bytes read of weights that a quantised layer keeps in an object of its own.
    """

    read: tuple[tuple[torch.Tensor, int], ...] = ()
    written_bytes: int = 0
    packed_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """Bytes read and written."""
        return sum(count for _, count in self.read) + self.written_bytes + self.packed_bytes


class Traffic(NamedTuple):
    """Bytes of one forward.

    Attributes:
        weights_bytes: Bytes of the parameters and buffers that the forward reads, each once.
        input_bytes: Bytes of the arguments that it reads, each once.
        output_bytes: Bytes of its result.
        operator_bytes: Sum of the bytes that its operators move.
        by_module: The same for each module that runs any, by its dotted name; "" is the network.
    """

    weights_bytes: int
    input_bytes: int
    output_bytes: int
    operator_bytes: int
    by_module: dict[str, int]

    @property
    def network_bytes(self) -> int:
        """The least bytes of any implementation: weights, input and output."""
        return self.weights_bytes + self.input_bytes + self.output_bytes


class Ledger:
    """Adds up the bytes that the operators of a forward move, by module.

    Attributes:
        by_scope: Bytes read and written, by module.
    """

    def __init__(self, weights: Iterable[torch.Tensor], inputs: Iterable[torch.Tensor]) -> None:
        """Begin before a forward of a network with these weights, on these inputs."""
        self.by_scope: Counter[str] = Counter()
        self._weights = {storage: size for each in weights for storage, size in _storages(each)}
        self._inputs = {storage: size for each in inputs for storage, size in _storages(each)}
        self._read: Counter[int] = Counter()
        self._packed_bytes = 0

    def add(self, scope: str, access: Access) -> None:
        """Add the bytes of an operator that the module `scope` runs."""
        self.by_scope[scope] += access.total_bytes
        self._packed_bytes += access.packed_bytes
        for tensor, count in access.read:
            self._read[_storage(tensor)] += count

    def read_of_weights(self) -> int:
        """Return the bytes of weights that were read, each once; packed ones as often as used."""
        return self._read_once(self._weights) + self._packed_bytes

    def read_of_inputs(self) -> int:
        """Return the bytes of inputs that were read, each once."""
        return self._read_once(self._inputs)

    def _read_once(self, sizes: dict[int, int]) -> int:
        return sum(min(size, self._read[storage]) for storage, size in sizes.items())


def access_of(
    operator: OpOverload | HigherOrderOperator, args: Any, kwargs: Any, result: Any
) -> Access:
    """Return the bytes that an operator moves, from its arguments and its result.

    Views and queries move nothing. An operator in place reads and writes the tensor that it
    changes. The elements of an expanded tensor count once.
    """
    if isinstance(operator, HigherOrderOperator):
        first = operator.name() in HIGHER_ORDER
        return _access(list(_tensors((args, kwargs))), list(_tensors(result)), first)
    name = name_of(operator)
    if name.startswith(_UNTOUCHED):
        return Access()
    access = _access_of_tensors(operator, name, args, kwargs, result)
    packed = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.ScriptObject)]
    if not packed:
        return access
    return access._replace(packed_bytes=sum(map(_packed_bytes, packed)))


def _access_of_tensors(
    operator: OpOverload, name: str, args: Any, kwargs: Any, result: Any
) -> Access:
    changed, overwritten = _changed(operator, name, args, kwargs)
    inputs = [each for each in _tensors((args, kwargs)) if id(each) not in overwritten]
    if name.endswith("_like") or name.startswith("new_"):
        inputs = []  # only their shapes are read
    if changed:
        if name in _PLACING:
            elements = _placed(operator, name, args, kwargs)
            size = elements * changed[0].element_size()
            return Access(_once(inputs), min(byte_count(changed[0]), size))
        return Access(_once(inputs), sum(map(byte_count, changed)))
    limit = None
    if name in _CHOOSING:
        limit = sum(map(byte_count, _tensors(result)))
    return _access(inputs, list(_tensors(result)), FORMULAS.get(name) in _FIRST_ALONE, limit)


def byte_count(tensor: torch.Tensor) -> int:
    """Return the bytes of the distinct elements of `tensor: [...]`, of any shape and layout."""
    if not _is_plain(tensor):
        return kept_bytes(tensor)
    places = zip(tensor.shape, tensor.stride(), strict=True)
    elements = math.prod(size for size, stride in places if stride or not size)
    return min(elements * tensor.element_size(), tensor.untyped_storage().nbytes())


def _is_plain(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is a view of one piece of memory by its shape and strides."""
    wrapped = is_traceable_wrapper_subclass(tensor) or tensor.is_nested
    return tensor.layout is torch.strided and not wrapped


def _packed_bytes(packed: torch.ScriptObject) -> int:
    return sum(map(kept_bytes, unpacked(packed) or ()))


def _placed(operator: OpOverload, name: str, args: Any, kwargs: Any) -> int:
    """Return the number of elements that an operator of `_PLACING` writes."""
    names = (argument.name for argument in operator._schema.arguments)
    given = dict(zip(names, args, strict=False)) | dict(kwargs)
    whole: torch.Tensor = given["self"]
    if "indices" in given:
        return _indexed(whole, given["indices"], given["values"])
    if "mask" in given:
        mask, source = given["mask"], given["source"]
        return source.numel() if mask.is_meta else int(mask.expand_as(whole).count_nonzero())
    places: int = given["index"].numel()
    if name == "scatter" or not whole.dim():
        return places
    along = whole.shape[given["dim"]]  # the others write slices across that dimension
    return places * (whole.numel() // along) if along else 0


def _indexed(
    whole: torch.Tensor, indices: Iterable[torch.Tensor | None], values: torch.Tensor
) -> int:
    """Return the number of elements that `whole[indices] = values` writes.

    On the meta device, the number of elements that a mask chooses is unknown. It is then taken as
    the number of values, or as all elements of the mask if there is only one value.
    """
    shapes: list[tuple[int, ...]] = []
    kept, dimension = 1, 0
    for index in indices:
        if index is None:
            kept *= whole.shape[dimension]
            dimension += 1
        elif index.dtype in (torch.bool, torch.uint8):
            if index.is_meta and values.numel() > 1:
                return values.numel()
            shapes.append((index.numel() if index.is_meta else int(index.count_nonzero()),))
            dimension += index.dim()
        else:
            shapes.append(tuple(index.shape))
            dimension += 1
    kept *= math.prod(whole.shape[dimension:])
    return int(math.prod(torch.broadcast_shapes(*shapes))) * kept


def _access(
    inputs: list[torch.Tensor],
    results: list[torch.Tensor],
    first_alone: bool,
    most_of_first: int | None = None,
) -> Access:
    given = {_storage(each) for each in inputs}
    fresh = [each for each in results[: 1 if first_alone else None] if _storage(each) not in given]
    if not fresh:
        return Access()  # views of the inputs, or no tensor at all
    read = _once(inputs)
    if most_of_first is not None and read:
        (source, size), *rest = read
        read = ((source, min(size, most_of_first)), *rest)
    return Access(read, sum(count for _, count in _once(fresh)))


def _changed(
    operator: OpOverload, name: str, args: Any, kwargs: Any
) -> tuple[list[torch.Tensor], set[int]]:
    """Return the tensors that are changed in place, and the ids of those that aren't read first."""
    changed: list[torch.Tensor] = []
    overwritten: set[int] = set()
    for place, argument in enumerate(operator._schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = args[place] if place < len(args) else kwargs.get(argument.name)
        tensors = list(_tensors(value))
        changed += tensors
        if argument.kwarg_only or name in _OVERWRITING | _PLACING:
            overwritten |= {id(each) for each in tensors}
    return changed, overwritten


def _once(tensors: Iterable[torch.Tensor]) -> tuple[tuple[torch.Tensor, int], ...]:
    """Return each tensor with its bytes; tensors that view the same memory count once."""
    different: dict[tuple[Any, ...], torch.Tensor] = {}
    for each in tensors:
        plain = _is_plain(each)
        place = (each.storage_offset(), tuple(each.shape), each.stride()) if plain else ()
        different.setdefault((_storage(each), place), each)
    return tuple((each, byte_count(each)) for each in different.values())


def _storage(tensor: torch.Tensor) -> int:
    """Return an identifier of a tensor's memory, unique among all live tensors."""
    if not _is_plain(tensor):
        *_, tensor = plain_parts(tensor)
    return int(tensor.untyped_storage()._cdata)


def _storages(tensor: torch.Tensor) -> Iterator[tuple[int, int]]:
    """Yield each piece of memory that a weight or an input is read from, and its bytes."""
    if is_lazy(tensor):
        return
    if is_traceable_wrapper_subclass(tensor):
        for part in plain_parts(tensor):
            yield from _storages(part)
    elif _is_plain(tensor):
        yield _storage(tensor), tensor.untyped_storage().nbytes()
    else:
        yield _storage(tensor), kept_bytes(tensor)


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor))
