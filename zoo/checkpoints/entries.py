"""The entries of a checkpoint that are loaded: dense tensors, in the network's own type."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from .network_entries import Expected, first_few

if TYPE_CHECKING:
    import torch


def check_entries(
    file: str, entries: Mapping[Any, Any], names: Mapping[str, str], expected: Mapping[str, Any]
) -> None:
    """Check that the entries of a state dict are tensors with values.

    Args:
        file: The path, for messages.
        entries: The entries by the file's names.
        names: The network's name of each.
        expected: The network's own; where one is no dense tensor, the file's may be another, too.

    Raises:
        KinobenchError: One is something else; it is named.
    """
    for name, entry in entries.items():
        fault = _fault(name, entry)
        if fault and not (names.get(name) in expected and _is_special(expected[names[name]])):
            raise KinobenchError(f"weights {file!r}: entry {name!r} is {fault}")


def _fault(name: object, entry: object) -> str:
    import torch

    if not isinstance(name, str) or not isinstance(entry, torch.Tensor):
        kind = getattr(entry, "name", "") or type(entry).__name__
        return f"a {kind}, not a tensor; save the state dict alone"
    if entry.is_quantized:
        return f"quantised ({_short(entry.dtype)}); save it as numbers, by dequantize()"
    if entry.layout != torch.strided:
        return f"sparse ({_short(entry.layout)}); save it dense, by to_dense()"
    if entry.is_nested or type(entry) not in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer):
        return f"a {type(entry).__name__}, not a plain tensor; save its values as one"
    if entry.is_meta:
        return "without values, on the meta device; save the network when it has its weights"
    return ""


def _is_special(own: object) -> bool:
    """Return whether a network's own entry is no dense tensor: extra state, or quantised."""
    return bool(_fault("", own))


def in_own_type(
    file: str, state: Mapping[str, Any], expected: Mapping[str, Any]
) -> "Iterator[tuple[str, torch.Tensor]]":
    """Yield entries in the type of the network's, which changes no value of theirs but rounds it.

    Raises:
        KinobenchError: A type can't be: complex or whole numbers for floating-point ones, or whole
            numbers that are too large.
    """
    import torch

    for name, entry in state.items():
        own = expected[name]
        if not isinstance(own, torch.Tensor) or not isinstance(entry, torch.Tensor):
            yield name, entry
            continue
        if _is_special(own) or entry.dtype == own.dtype:
            yield name, entry
            continue
        if _kind(entry) != _kind(own):
            raise KinobenchError(
                f"weights {file!r}: entry {name!r} is {_short(entry.dtype)}, and the network's is "
                f"{_short(own.dtype)}; one doesn't stand for the other: give weights whose entry "
                f"is {_kind(own)}"
            )
        converted = entry.to(own.dtype)
        if _kind(own) == "of whole numbers" and not torch.equal(converted.to(entry.dtype), entry):
            raise KinobenchError(
                f"weights {file!r}: entry {name!r} has numbers that the network's "
                f"{_short(own.dtype)} can't hold"
            )
        yield name, converted


def _kind(entry: "torch.Tensor") -> str:
    if entry.is_complex():
        return "complex"
    return "floating-point" if entry.is_floating_point() else "of whole numbers"


def refuse_untied(file: str, state: Mapping[str, Any], expected: Expected) -> None:
    """Check that entries which are one tensor in the network are the same in a file.

    Raises:
        KinobenchError: They differ: loading one would overwrite the other.
    """
    import torch

    first: dict[int, str] = {}
    for name, entry in state.items():
        twin = first.setdefault(expected.tensors[name], name)
        if twin == name or not isinstance(entry, torch.Tensor):
            continue
        if not torch.equal(entry.nan_to_num(), state[twin].nan_to_num()):
            raise KinobenchError(
                f"weights {file!r}: entries {twin!r} and {name!r} differ, and are one tensor in "
                "the network; give weights of a network that ties them"
            )


def notes_on_values(given: Mapping[str, Any], state: Mapping[str, Any]) -> Iterator[str]:
    """Yield notes on values: what is no finite number, and what the network's type rounded.

    Args:
        given: The entries as the file has them.
        state: The same in the network's types.
    """
    import torch

    floating = {
        name: entry
        for name, entry in state.items()
        if isinstance(entry, torch.Tensor) and entry.is_floating_point() and not entry.is_quantized
    }
    odd = [name for name, entry in floating.items() if not bool(torch.isfinite(entry).all())]
    if odd:
        some = quantity(len(odd), "entry has", "entries have")
        yield f"{some} NaN or infinite values ({first_few(odd)})"
    rounded = [
        name
        for name, entry in floating.items()
        if entry.dtype != given[name].dtype
        and not torch.equal(entry.to(given[name].dtype).nan_to_num(), given[name].nan_to_num())
    ]
    if rounded:
        one = rounded[0]
        yield (
            f"{quantity(len(rounded), 'entry was', 'entries were')} rounded from "
            f"{_short(given[one].dtype)} to {_short(state[one].dtype)} ({first_few(rounded)})"
        )


def _short(kind: object) -> str:
    return str(kind).removeprefix("torch.")
