"""Operators of a network that the CPU has no kernel for in a precision, found by trying them.

The network runs on the meta device, where tensors have shapes and no content. Of each operator that
it calls, the smallest call is made again on the CPU, on zeros: that takes milliseconds.
"""

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from ...zoo import registry
from ..cost.apart import DiedApartError, apart
from ..cost.architectures import build_without_memory
from ..cost.dispatch import on_one_device
from ..cost.operators import name_of
from ..cost.shape import Shape
from ..records.case import Mode, Precision
from .dtypes import DTYPES, in_dtype
from .layout import laid_out, lay_out_weights
from .settings import settings_restored

TRIED: tuple[Mode, ...] = ("eager", "channels_last_3d")
"""Modes that call the operators of a whole clip one by one. Torch's compiler makes kernels of its
own, but for some calls, such as a pool over more than 25 elements: which ones is known only when it
has compiled them. The steps of a stream have other operators."""

_NO_KERNEL = "not implemented for"
"""What torch says of a type that an operator's kernels leave out, as in `"avg_pool3d_out_frame" not
implemented for 'BFloat16'`."""


class _Call(NamedTuple):
    """A call of an operator on the meta device."""

    operator: OpOverload
    arguments: Any
    elements: int


class _Calls(TorchDispatchMode):
    """Keeps the smallest call of each operator, for each number of dimensions and types."""

    def __init__(self) -> None:
        super().__init__()
        self.smallest: dict[Any, _Call] = {}

    def __torch_dispatch__(
        self, operator: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        args, kwargs = on_one_device(args, kwargs or {})
        if isinstance(operator, OpOverload):
            tensors = [leaf for leaf in tree_leaves((args, kwargs)) if _is_tensor(leaf)]
            kind = (operator, *((tensor.dtype, tensor.dim()) for tensor in tensors))
            elements = sum(tensor.numel() for tensor in tensors)
            if kind not in self.smallest or elements < self.smallest[kind].elements:
                self.smallest[kind] = _Call(operator, (args, kwargs), elements)
        return operator(*args, **kwargs)


@cache
def missing_kernels(
    model: str, shape: Shape, precision: Precision, mode: Mode = "eager"
) -> tuple[str, ...]:
    """Return the operators of a network's forward that the CPU can't compute in a precision.

    Args:
        model: The registry's name.
        shape: Frames and size of the clip, and the outputs of the head.
        precision: Precision of weights and clips.
        mode: One of `TRIED`.

    Returns:
        Their names, such as `avg_pool3d`, in the order of their calls. There are none for float32,
        and where the network can't run without content, so that nothing is known.
    """
    if DTYPES[precision] == torch.float32:
        return ()
    try:
        return apart(lambda: _missing(model, shape, DTYPES[precision], mode), tuple[str, ...])
    except DiedApartError:  # the case itself will show why
        return ()


def _missing(model: str, shape: Shape, dtype: torch.dtype, mode: Mode) -> tuple[str, ...]:
    calls = _Calls()
    with settings_restored(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the case will show them
        with suppress(Exception):  # the case itself will show why, with its message
            _run(model, shape, dtype, mode, calls)
        with torch.inference_mode():
            lacking = [call for call in calls.smallest.values() if not _has_kernel(call)]
    return tuple(dict.fromkeys(name_of(call.operator) for call in lacking))


def refusal(precision: Precision, kernels: Sequence[str], models: Sequence[str]) -> str:
    """Return why networks can't be run on the CPU in a precision, and the cure."""
    these = "this network" if len(models) == 1 else "these networks"
    return (
        f"precision {precision!r} on device 'cpu': torch has no kernel of {' or '.join(kernels)} "
        f"for it, which {', '.join(models)} would need; give precision 'fp32' or device 'cuda', or "
        f"leave {these} out"
    )


def _run(model: str, shape: Shape, dtype: torch.dtype, mode: Mode, calls: _Calls) -> None:
    """Run the network on the meta device, as `Network.settle` would on a CPU."""
    module, inputs = build_without_memory(registry.get(model), shape)
    module, inputs = in_dtype(module, dtype), tuple(each.to(dtype) for each in inputs)
    if mode == "channels_last_3d":
        lay_out_weights(module)
        inputs = laid_out(inputs)
    with torch.inference_mode(), calls:  # only there are composite operators shown whole
        module(*inputs)


def _has_kernel(call: _Call) -> bool:
    """Make a call on the CPU; return False if torch has no kernel for its types."""
    args, kwargs = tree_map(_on_the_cpu, call.arguments)
    try:
        call.operator(*args, **kwargs)
    except RuntimeError as error:
        return _NO_KERNEL not in str(error)
    except Exception:  # zeros may be no arguments of it: that says nothing of its kernels
        return True
    return True


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor)


def _on_the_cpu(leaf: Any) -> Any:
    """Return zeros for a tensor without content, the CPU for the meta device, all else as it is."""
    if isinstance(leaf, torch.device):
        return torch.device("cpu") if leaf.type == "meta" else leaf
    if not isinstance(leaf, torch.Tensor) or leaf.device.type != "meta":
        return leaf
    reach = sum((size - 1) * step for size, step in zip(leaf.shape, leaf.stride(), strict=True))
    room = reach + 1 if leaf.numel() else 0
    return torch.zeros(room, dtype=leaf.dtype).as_strided(leaf.shape, leaf.stride())
