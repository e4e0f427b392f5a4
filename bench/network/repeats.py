"""Whether a network gives one clip the same logits each time: what it keeps may change them."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from .network import Forward, Network
from .outputs import logits_of


class Probed(NamedTuple):
    """Two forwards of one clip.

    Attributes:
        logits: Those of the first, `[1, classes]`, float32 on the CPU; None where none was run, or
            one fails.
        difference: The difference between the two, in words; None if there is none.
    """

    logits: torch.Tensor | None
    difference: str | None


def probe(network: Network) -> Probed:
    """Run one random clip twice, eagerly or in the case's runtime, and compare logits and buffers.

    What a network keeps outside its buffers shows in its logits, if it changes them at once.

    Args:
        network: It has settled.
    """
    if (left := _left_in_training(network.module)) is not None:
        return Probed(None, f"eval mode leaves its {left} in training mode")
    forward = network.eager(network.module)
    if network.case.runtime != "torch":
        forward = network.classify
    try:
        first = logits_of_one(network, forward)
        before = _buffers(network.module)
        again = logits_of_one(network, forward)
    except Exception:  # the evaluation will show why, with its message
        return Probed(None, None)
    if not same_logits(first, again, network.dtype):
        largest = float((first - again).abs().max())
        return Probed(first, f"the logits of one clip differ by {largest:.2g} from run to run")
    after = _buffers(network.module)
    changed = [name for name in before if name not in after or _differ(before[name], after[name])]
    if changed:
        return Probed(first, f"each forward changes its buffer {changed[0]}")
    return Probed(first, None)


def logits_of_one(network: Network, forward: Forward) -> torch.Tensor:
    """Return the logits `[1, classes]` of `Network.one_clip`, float32 on the CPU."""
    with torch.inference_mode():
        return logits_of(forward(*network.one_clip()), network.case.model).float().cpu()


def same_logits(first: torch.Tensor, other: torch.Tensor, dtype: torch.dtype) -> bool:
    """Return whether logits agree to half the digits of a precision.

    Sums in another order change the last digits; dropout, a counter or other weights change more.
    """
    if first.shape != other.shape:
        return False
    room = torch.finfo(dtype).eps ** 0.5 * float(first.nan_to_num(0, 0, 0).abs().max())
    return torch.allclose(first, other, rtol=0, atol=room, equal_nan=True)


def _left_in_training(module: nn.Module) -> str | None:
    """Return the name and the class of a layer that depends on its mode and is in training."""
    for name, part in module.named_modules():
        depends = (isinstance(part, _NormBase) and part.track_running_stats) or (
            isinstance(part, _DropoutNd) and part.p > 0
        )
        if part.training and depends:
            return f"{name} ({type(part).__name__})"
    return None


def _buffers(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


def _differ(before: torch.Tensor, after: torch.Tensor) -> bool:
    return before.shape != after.shape or not bool(torch.equal(before, after))
