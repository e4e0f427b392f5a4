"""Cost: multiply-adds of a forward, checked against torch's own counter.

A network is counted in a process of its own, so that counting leaves nothing behind. It runs there
on the meta device, where tensors have shapes but no content: a forward of the largest takes a
second or two and no memory. A network that needs the content of a tensor is counted in a forward on
its own device. What counts is the second forward: tables that the first one makes, and layers that
it gives their sizes, are there by then.

Where processes can't be forked (see `apart`), the network runs in this process on its own device,
and what its first forward leaves behind stays.
"""

from collections.abc import Callable
from contextlib import suppress

import msgspec
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ...zoo.build import no_late_layers
from ..records.results import Cost
from .apart import HungApartError, apart, can_be_apart
from .dispatch import DispatchAnalysis
from .formulas import ELEMENTWISE, NORM
from .meta import move_to_meta, without_content
from .parameters import Weights, weights_of
from .seeds import seeded
from .traffic import Traffic

NORM_OPERATIONS = 2
"""Operations for each normalised element in `other_flops`: one scale, one shift."""
SEED = 0
"""Seed of all generators before each counted forward, for networks that draw numbers."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """All counts of one forward.

    Attributes:
        cost: Its cost.
        macs_by_module: MACs of every submodule that has any, by its dotted name; "" is the network.
        device: `meta`, `cpu` or `cuda`: the device on which it was counted.
        traffic: The bytes that it must move.
        weights: Parameters and bytes of the network.
    """

    cost: Cost
    macs_by_module: dict[str, int]
    traffic: Traffic
    weights: Weights
    device: str

    def noted(self, note: str) -> "Counted":
        """Return the same, with one more note on how it was counted."""
        cost = msgspec.structs.replace(self.cost, notes=(*self.cost.notes, note))
        return msgspec.structs.replace(self, cost=cost)


Count = Callable[..., Counted]
"""Counts a forward of a module with its inputs in this process, as `count_here` does."""


def count_cost(module: nn.Module, *inputs: torch.Tensor) -> Cost:
    """Count one forward of `module(*inputs)`, such as `clip: [1, 3, T, H, W]`.

    The module must be in eval mode. Module and inputs may be on any device, the meta device too.
    Only the shapes of the inputs matter, unless the network needs their content: then `notes` says
    so. A causal attention counts in full, as without a mask.

    `torch_macs` may differ from `macs`: torch's counter leaves out vector products (`mv`, `dot`),
    `addbmm`, nn.Bilinear and the second part of complex numbers, and it adds the branch of a
    `torch.cond` that doesn't run. It is None if the network doesn't run on the meta device, because
    on the CPU torch's counter would miss attention and LSTM.

    Raises:
        DiedApartError: The process that counts crashed or was killed.
        Exception: Whatever the network raises on these inputs.
    """
    return count_apart(module, *inputs).cost


def macs_by_module(module: nn.Module, *inputs: torch.Tensor) -> dict[str, int]:
    """Return the MACs of every submodule that has any, by its dotted name; "" is the network."""
    return count_apart(module, *inputs).macs_by_module


def count_traffic(module: nn.Module, *inputs: torch.Tensor) -> tuple[dict[str, int], Traffic]:
    """Count the MACs by module, as `macs_by_module` does, and the bytes of the same forward.

    Module and inputs, such as `clip: [B, 3, T, H, W]`, may be on any device. Bytes are those of
    their own types and shapes.
    """
    counted = count_apart(module, *inputs)
    return counted.macs_by_module, counted.traffic


def count_apart(module: nn.Module, *inputs: torch.Tensor, count: Count | None = None) -> Counted:
    """Count a forward in a process of its own: on the meta device, else on the module's device.

    Args:
        module: The network, in eval mode; it stays as it is.
        *inputs: Its arguments.
        count: Counts a forward in that process; None is `count_here`.

    Raises:
        Exception: As `count_cost`.
    """
    counting = count or count_here
    device = device_of(module, *inputs)
    if device == "meta":
        return apart(lambda: _on_meta(counting, module, inputs), Counted)
    if not can_be_apart():
        return counting(module, *inputs)
    try:
        return apart(lambda: _on_meta(counting, module, inputs), Counted)
    except HungApartError:  # so it would on its own device
        raise
    except Exception as error:  # if the network itself fails, it fails on its own device, too
        reason = f"{type(error).__name__}: {first_line(error)}"
    if device == "cuda":  # which a fork can't use
        counted = counting(module, *inputs)
    else:
        counted = apart(lambda: counting(module, *inputs), Counted)
    return counted.noted(why_not_meta(device, reason))


def why_not_meta(device: str, reason: str) -> str:
    """Return the note on a count on another device than torch's meta device."""
    return f"counted on the {device.upper()}, since on the meta device it fails: {reason}"


def device_of(module: nn.Module, *inputs: torch.Tensor) -> str:
    """Return the kind of device that a network is on; of one without weights, that of its inputs.

    It is the meta device as soon as one of its tensors is there.
    """
    kinds = {each.device.type for each in (*module.parameters(), *module.buffers())}
    kinds = kinds or {each.device.type for each in inputs} or {"cpu"}
    return "meta" if "meta" in kinds else sorted(kinds)[-1]


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return next(iter(str(error).strip().splitlines()), "no message")


def _on_meta(count: Count, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Counted:
    replaced = move_to_meta(module)
    counted = count(module, *map(without_content, inputs))
    del replaced
    return counted


def count_here(module: nn.Module, *inputs: torch.Tensor) -> Counted:
    """Count the second forward of `module(*inputs)`, such as `clip: [1, 3, T, H, W]`, right here.

    The module must be in eval mode, on the device of the inputs. On the meta device torch counts
    the first forward too, and if it counts otherwise, the third.
    """
    device = device_of(module, *inputs)
    with no_late_layers(module, type(module).__name__):
        by_torch = _macs_by_torch(module, inputs) if device == "meta" else None
        if by_torch is None:
            _analysed(module, inputs)
    analysis = _analysed(module, inputs)
    macs = _matrix_work(analysis).get("", 0)
    if by_torch not in (None, macs):
        by_torch = _macs_by_torch(module, inputs)
    return _counted(analysis, module, device, by_torch)


def count_first(module: nn.Module, *inputs: torch.Tensor) -> Counted:
    """Count the first forward, as `count_here` counts the second."""
    device = device_of(module, *inputs)
    with no_late_layers(module, type(module).__name__):
        analysis = _analysed(module, inputs)
    return _counted(analysis, module, device, None)


def _counted(
    analysis: DispatchAnalysis, module: nn.Module, device: str, torch_macs: int | None
) -> Counted:
    counted = analysis.by_operator()
    matrix = {name: counted[name] for name in sorted(counted.keys() - {ELEMENTWISE, NORM})}
    macs = sum(matrix.values())
    cost = Cost(
        macs=macs,
        flops=2 * macs,
        other_flops=counted[ELEMENTWISE] + NORM_OPERATIONS * counted[NORM],
        norm_elements=counted[NORM],
        by_operator=matrix,
        uncounted=dict(sorted(analysis.unsupported_ops().items())),
        torch_macs=torch_macs,
    )
    return Counted(
        cost=cost,
        macs_by_module=_matrix_work(analysis),
        traffic=analysis.traffic(),
        weights=weights_of(module),
        device=device,
    )


def _matrix_work(analysis: DispatchAnalysis) -> dict[str, int]:
    by_module = {
        name: sum(counts.values()) - counts[ELEMENTWISE] - counts[NORM]
        for name, counts in analysis.by_module_and_operator().items()
    }
    return {name: total for name, total in by_module.items() if total}


def _analysed(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> DispatchAnalysis:
    """Run a forward, and return its analysis."""
    with seeded(SEED):
        analysis = DispatchAnalysis(module, _own(inputs))
        analysis.total()
    return analysis


def _macs_by_torch(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> int | None:
    """Count a forward with torch's counter on the meta device; None if it fails there."""
    with suppress(Exception):  # if it is the network's own failure, it fails again
        with seeded(SEED), FlopCounterMode(display=False) as counter, torch.no_grad():
            module(*_own(inputs))
        return int(counter.get_total_flops()) // 2
    return None


def _own(inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Return inputs that a forward may write into."""
    return tuple(each.clone() for each in inputs)
