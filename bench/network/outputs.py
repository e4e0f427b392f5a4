"""The logits in what a forward gives: a tensor, or a dict, an object or a tuple with one."""

from collections.abc import Mapping
from typing import Any

import torch

from ...datasets.errors import KinobenchError
from ...zoo.build import named_model

FORMS = (
    "a tensor [B, classes], a dict or an object with `logits`, or a tuple whose first entry is the "
    "logits"
)
"""What a forward may give, as messages and documents say it."""


def logits_of(output: Any, model: str = "the network") -> torch.Tensor:
    """Return the logits in what a forward gives.

    That is the tensor itself; the entry or the attribute `logits`, as of a `ModelOutput` of
    transformers; or the first entry of a tuple or a list.

    Args:
        output: Whatever a forward gives.
        model: The network's name, for the message.

    Raises:
        KinobenchError: It is something else; the message shows what came, and from where.
    """
    found: Any = None
    if isinstance(output, torch.Tensor):
        found = output
    elif isinstance(output, Mapping):
        found = output.get("logits")
    elif hasattr(output, "logits"):  # a named tuple, too, which may begin with a loss
        found = output.logits
    elif isinstance(output, tuple | list):
        found = next(iter(output), None)
    if isinstance(found, torch.Tensor) and found.is_floating_point():
        return found
    cure = "; does it lack a `return`?" if output is None else ""
    if isinstance(found, torch.Tensor):
        cure = ", in floating point"
    raise KinobenchError(
        f"the forward of {named_model(model)} gives {described(output)}; it must give {FORMS}{cure}"
    )


def described(output: Any) -> str:
    """Return an output for a message: its type, its keys, and the shapes of its tensors."""
    if isinstance(output, torch.Tensor):
        return _entry(output)
    kind = type(output).__name__
    if isinstance(output, Mapping):
        entries = ", ".join(f"{name}: {_entry(each)}" for name, each in output.items())
        return f"a {kind} {{{entries}}}"
    if isinstance(output, tuple | list):
        return f"a {kind} ({', '.join(map(_entry, output))})"
    return "None" if output is None else f"a {kind}"


def _entry(each: Any) -> str:
    if isinstance(each, torch.Tensor):
        kind = "" if each.is_floating_point() else f"{str(each.dtype).removeprefix('torch.')} "
        return f"{kind}{list(each.shape)}"
    return type(each).__name__
