"""Counts of a forward on a real device, beside those on torch's meta device.

A network may ask where its tensors are (`x.device`, `x.is_cuda`), and go a way on the meta device
that it goes nowhere else. Only a forward on the device itself shows that.
"""

import torch
from torch import nn

from ..records.results import Cost
from .apart import apart, can_be_apart
from .flops import Count, Counted, count_apart, count_first, first_line


def count_on_device(module: nn.Module, *inputs: torch.Tensor, device: str = "cpu") -> Cost:
    """Count a forward with real numbers: the second one, as `count_cost` does.

    It runs in a process of its own. A GPU is the exception if this process uses CUDA already: then
    the network runs here, and what a forward leaves behind in it stays.

    Args:
        module: The network, in eval mode, on any device but meta; it stays where it is.
        *inputs: Its arguments, such as `clip: [1, 3, T, H, W]`.
        device: `cpu` or `cuda`.

    Raises:
        DiedApartError: The process that counts crashed or was killed.
        Exception: Whatever the network raises on these inputs.
    """
    return _count(module, inputs, device, _count_second).cost


def compare_counts(on_meta: Cost, on_device: Cost, device: str = "cpu") -> str | None:
    """Return in words how two counts of a network differ; None if their MACs are the same.

    Args:
        on_meta: Its count on the meta device.
        on_device: Its count on the device, which is the one to go by.
        device: `cpu` or `cuda`.
    """
    if on_meta.macs == on_device.macs:
        return None
    return (
        f"counted on the {device.upper()}, where the forward takes {on_device.macs} MACs; on the "
        f"meta device it takes {on_meta.macs}: the network asks where its tensors are"
    )


def count_anybodys(
    module: nn.Module, *inputs: torch.Tensor, device: str = "cpu", count: Count | None = None
) -> Counted:
    """Count a network that may ask for its device: on the meta device and on the real one.

    Where the two differ, the count on the device is returned, and a note says so.

    Args:
        module: The network, in eval mode; it stays as it is.
        *inputs: Its arguments; the real device needs their content.
        device: `cpu` or `cuda`; or `meta`, if the network has no content.
        count: See `count_apart`.

    Raises:
        Exception: As `count_cost`.
    """
    counted = count_apart(module, *inputs, count=count)
    if counted.device != "meta" or device == "meta":
        return counted
    expected = counted.cost.macs

    def first_or_second(network: nn.Module, *given: torch.Tensor) -> Counted:
        first = count_first(network, *given)
        return first if first.cost.macs == expected else count_first(network, *given)

    try:
        real = _count(module, inputs, device, count or first_or_second)
    except Exception as error:
        return counted.noted(not_compared(device, error))
    return chosen(counted, real, device)


def chosen(counted: Counted, real: Counted, device: str) -> Counted:
    """Return the count on the meta device if that on the device is the same, else the latter."""
    difference = compare_counts(counted.cost, real.cost, device)
    return counted if difference is None else real.noted(difference)


def not_compared(device: str, error: Exception) -> str:
    """Return the note on a count that a real device could not confirm."""
    return (
        f"counted on the meta device alone: on the {device.upper()} a forward fails: "
        f"{type(error).__name__}: {first_line(error)}"
    )


def _count_second(module: nn.Module, *inputs: torch.Tensor) -> Counted:
    count_first(module, *inputs)
    return count_first(module, *inputs)


def _count(
    module: nn.Module, inputs: tuple[torch.Tensor, ...], device: str, count: Count
) -> Counted:
    def run() -> Counted:
        return count(module.to(device), *(each.to(device) for each in inputs))

    if can_be_apart() and not (device == "cuda" and torch.cuda.is_initialized()):
        return apart(run, Counted)
    before = next((each.device for each in module.parameters()), torch.device("cpu"))
    try:
        return run()
    finally:
        module.to(before)
