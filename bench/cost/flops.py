"""Cost: multiply-adds of a forward, checked against torch's own counter.

Both run on the meta device, where tensors have shapes but no content. There, a forward of the
largest network takes a second or two and no memory. A network that needs the content of a tensor
is counted in a forward on the CPU.
"""

from contextlib import suppress

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..records.results import Cost
from .dispatch import DispatchAnalysis, meta_twin
from .formulas import ELEMENTWISE, NORM
from .traffic import Traffic

NORM_OPERATIONS = 2
"""Operations for each normalised element in `other_flops`: one scale, one shift."""


def count_cost(module: nn.Module, *inputs: torch.Tensor) -> Cost:
    """Count one forward of `module(*inputs)`, such as `clip: [1, 3, T, H, W]`.

    The module must be in eval mode. Module and inputs must be on the CPU or on the meta device;
    only the shapes of the inputs matter. A causal attention counts in full, as without a mask.

    `torch_macs` may differ from `macs`: torch's counter leaves out vector products (`mv`, `dot`),
    `addbmm`, nn.Bilinear and the second part of complex numbers, and it adds the branch of a
    `torch.cond` that doesn't run. It is None if the network doesn't run on the meta device, because
    on the CPU torch's counter would miss attention and LSTM.
    """
    return analyse(module, *inputs)[0]


def macs_by_module(module: nn.Module, *inputs: torch.Tensor) -> dict[str, int]:
    """Return the MACs of every submodule that has any, by its dotted name; "" is the network."""
    return analyse(module, *inputs)[1]


def analyse(module: nn.Module, *inputs: torch.Tensor) -> tuple[Cost, dict[str, int]]:
    """Return the results of `count_cost` and `macs_by_module`, from one forward."""
    analysis = _analysis(module, inputs)
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
        torch_macs=_macs_by_torch(module, inputs),
    )
    return cost, _matrix_work(analysis)


def count_traffic(module: nn.Module, *inputs: torch.Tensor) -> tuple[dict[str, int], Traffic]:
    """Count the MACs by module, as `macs_by_module` does, and the bytes of the same forward.

    Module and inputs, such as `clip: [B, 3, T, H, W]`, may be on any device. Bytes are those of
    their own types and shapes.
    """
    analysis = _analysis(module, inputs)
    return _matrix_work(analysis), analysis.traffic()


def _matrix_work(analysis: DispatchAnalysis) -> dict[str, int]:
    by_module = {
        name: sum(counts.values()) - counts[ELEMENTWISE] - counts[NORM]
        for name, counts in analysis.by_module_and_operator().items()
    }
    return {name: total for name, total in by_module.items() if total}


def _analysis(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> DispatchAnalysis:
    with suppress(Exception):  # if the network itself fails, it fails on the CPU, too
        analysis = DispatchAnalysis(meta_twin(module), tuple(clip.to("meta") for clip in inputs))
        analysis.total()
        return analysis
    analysis = DispatchAnalysis(module, inputs)
    analysis.total()
    return analysis


def _macs_by_torch(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> int | None:
    """Count with torch's counter on the meta device; None if the network doesn't run there."""
    try:
        twin = meta_twin(module)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            twin(*(clip.to("meta") for clip in inputs))
    except Exception:  # our own count has succeeded, so this is due to the meta device
        return None
    return int(counter.get_total_flops()) // 2
