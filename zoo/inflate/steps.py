"""The inflation of the steps between a 2D network's layers, in its fx graph."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from .layers import NotInflatable, pair, permuted

ANYWHERE: set[object] = {
    operator.add,
    operator.iadd,
    operator.imul,
    operator.mul,
    operator.sub,
    operator.truediv,
    torch.add,
    torch.mul,
    torch.relu,
    torch.sigmoid,
    functional.gelu,
    functional.hardsigmoid,
    functional.hardswish,
    functional.relu,
    functional.relu6,
    functional.sigmoid,
    functional.silu,
}
"""Functions, and below methods of a tensor, that work in any number of dimensions."""

ANYWHERE_METHODS = {"add", "add_", "clone", "contiguous", "mul", "mul_", "relu", "relu_", "sigmoid"}

FLAT_POOLINGS: dict[object, Callable[..., torch.Tensor]] = {
    functional.max_pool2d: functional.max_pool3d,
    functional.avg_pool2d: functional.avg_pool3d,
}


def inflate_function(root: nn.Module, node: fx.Node) -> None:
    """Make a call of a function fit maps `[B, C, T, H, W]`.

    Raises:
        NotInflatable: The call has no known counterpart.
    """
    function: Any = node.target
    name = getattr(function, "__name__", str(function))
    if function in ANYWHERE:
        return
    if function in (torch.cat, torch.unsqueeze):
        _require(_argument(node, 1, "dim", 0) == 1, f"{name} along other than the channels")
    elif function is operator.getitem:
        index = node.args[1]
        _require(isinstance(index, tuple) and len(index) <= 2, f"an index of {index}")
    elif function is torch.flatten:
        _check_flattening(node)
    elif function is functional.dropout:
        # The trace fixes dropout to evaluation; a module follows the network's mode.
        module_name = f"{node.name}_module"
        root.add_module(module_name, nn.Dropout(_argument(node, 1, "p", 0.5)))
        node.op, node.target = "call_module", module_name
        node.args, node.kwargs = (node.args[0],), {}
    elif function is functional.adaptive_avg_pool2d:
        size = pair(_argument(node, 1, "output_size", None))
        node.target = functional.adaptive_avg_pool3d
        node.args, node.kwargs = (node.args[0],), {"output_size": (1, *size)}
    elif function in FLAT_POOLINGS:
        _inflate_pooling(node)
    elif function is torch.mean:
        _inflate_mean(node)
    else:
        raise NotInflatable(f"the function {name}")


def inflate_method(node: fx.Node) -> None:
    """Make a call of a tensor's method fit maps `[B, C, T, H, W]`.

    Raises:
        NotInflatable: The call has no known counterpart.
    """
    method = str(node.target)
    if method in ANYWHERE_METHODS:
        return
    if method == "mean":
        _inflate_mean(node)
    elif method == "flatten":
        _check_flattening(node)
    elif method == "permute":
        order: Any = node.args[1] if isinstance(node.args[1], tuple | list) else node.args[1:]
        node.args = (node.args[0], *permuted(order))
    else:
        raise NotInflatable(f"the method {method}")


def inflate_attribute(root: nn.Module, target: str) -> None:
    """Give a parameter or buffer `[C, 1, 1]` or `[1, C, 1, 1]` a dimension for time.

    Raises:
        NotInflatable: It has another shape.
    """
    owner_name, _, name = target.rpartition(".")
    owner = root.get_submodule(owner_name)
    tensor = getattr(owner, name)
    if tensor.ndim == 0:
        return
    shape = tuple(tensor.shape)
    _require(tensor.ndim in (3, 4) and shape[-2:] == (1, 1), f"a tensor of {shape}")
    longer = tensor.detach().unsqueeze(-1)
    if isinstance(tensor, nn.Parameter):
        setattr(owner, name, nn.Parameter(longer, requires_grad=tensor.requires_grad))
    else:
        owner.register_buffer(name, longer)


def _inflate_pooling(node: fx.Node) -> None:
    """Make a pooling work in each frame alone, with the same window."""
    names = ("kernel_size", "stride", "padding")
    _require(len(node.args) <= 4, "a pooling with more than its padding by position")
    given: dict[str, Any] = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
    options: dict[str, Any] = {
        key: given.pop(key) for key in ("ceil_mode", "count_include_pad") if key in given
    }
    usual = {"dilation": 1, "return_indices": False, "divisor_override": None}
    for key in set(given) - set(names):
        _require(key in usual and given[key] == usual[key], f"a pooling with {key}={given[key]}")
    window = pair(given["kernel_size"])
    stride = given.get("stride")
    node.target = FLAT_POOLINGS[node.target]
    node.args = (node.args[0],)
    node.kwargs = {
        "kernel_size": (1, *window),
        "stride": (1, *(window if stride is None else pair(stride))),
        "padding": (0, *pair(given.get("padding", 0))),
        **options,
    }


def _inflate_mean(node: fx.Node) -> None:
    """Extend a mean over height and width to time."""
    dims = _argument(node, 1, "dim", None)
    known = {(2, 3): (2, 3, 4), (-2, -1): (-3, -2, -1), (-1, -2): (-1, -2, -3)}
    _require(isinstance(dims, Sequence) and tuple(dims) in known, f"a mean over {dims}")
    keep = _argument(node, 2, "keepdim", False)
    node.args = (node.args[0],)
    node.kwargs = {"dim": known[tuple(dims)], "keepdim": keep}


def _check_flattening(node: fx.Node) -> None:
    start, end = _argument(node, 1, "start_dim", 0), _argument(node, 2, "end_dim", -1)
    _require((start, end) == (1, -1), f"flattening from {start} to {end}")


def _argument(node: fx.Node, position: int, name: str, default: Any) -> Any:
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def _require(right: bool, otherwise: str) -> None:
    if not right:
        raise NotInflatable(otherwise)
