"""Cost: multiply-adds of a forward, counted by fvcore and checked against torch's own counter."""

import copy
import math
from collections import Counter
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import Handle, get_shape
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from .record import Cost

MATRIX_OPERATORS = frozenset({"conv", "addmm", "bmm", "einsum", "linear", "matmul", "mm"})
"""What fvcore calls the operators that it counts as multiply-adds, and counts right."""

_NORMS = ("batch_norm", "group_norm", "instance_norm", "layer_norm")

_PER_OUTPUT_ELEMENT = (
    *("add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "neg", "rsub", "maximum"),
    *("exp", "log", "sqrt", "pow", "sigmoid", "sigmoid_", "tanh", "silu", "silu_", "gelu", "elu"),
    *("hardtanh", "hardtanh_", "hardswish", "hardswish_", "hardsigmoid", "leaky_relu"),
    *("softmax", "log_softmax", "logsumexp", "mean", "sum", "amax", "logical_not", "where"),
    *("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
    *("adaptive_max_pool2d", "adaptive_max_pool3d"),
    *("upsample_nearest2d", "upsample_bilinear2d", "upsample_nearest3d", "upsample_trilinear3d"),
)
"""Operators without a matrix product: one operation per output element, in `other_flops`."""

_PYTORCHVIDEO_SWISH = "prim::PythonOp.SwishFunction"
"""pytorchvideo's x * sigmoid(x), which the trace shows as a call into Python."""

_MOVES_NOTHING = (
    "alias",
    "clone",
    "repeat",
    "repeat_interleave",
    "index_select",
    "movedim",
    "unflatten",
)
"""Copies and views that fvcore's own list of costless operators lacks."""


def count_cost(module: nn.Module, clip: torch.Tensor) -> Cost:
    """Count one forward of `clip: [1, 3, T, H, W]`; the module must be in eval mode, on the CPU."""
    analysis = _analysis(module, clip)
    counted: Counter[str] = Counter(analysis.by_operator())
    matrix = {name: int(counted[name]) for name in sorted(MATRIX_OPERATORS & counted.keys())}
    norm_elements = int(sum(counted[name] for name in _NORMS))
    elementwise = sum(counted.values()) - sum(matrix.values()) - norm_elements
    macs = sum(matrix.values())
    return Cost(
        macs=macs,
        flops=2 * macs,
        other_flops=int(elementwise + 2 * norm_elements),
        norm_elements=norm_elements,
        by_operator=matrix,
        uncounted=dict(sorted(analysis.unsupported_ops().items())),
        torch_macs=_macs_by_torch(module, clip),
    )


def macs_by_module(module: nn.Module, clip: torch.Tensor) -> dict[str, int]:
    """Return the MACs of every submodule that has any, by its dotted name; "" is the whole."""
    by_module = _analysis(module, clip).by_module_and_operator()
    totals = {
        name: int(sum(counts[operator] for operator in MATRIX_OPERATORS))
        for name, counts in by_module.items()
    }
    return {name: total for name, total in totals.items() if total}


def _analysis(module: nn.Module, clip: torch.Tensor) -> FlopCountAnalysis:
    analysis = FlopCountAnalysis(module, clip)
    analysis.unsupported_ops_warnings(False)
    analysis.uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    for name in (*_PER_OUTPUT_ELEMENT, *_NORMS):
        analysis.set_op_handle(f"aten::{name}", _elements(name))
    analysis.set_op_handle(_PYTORCHVIDEO_SWISH, _elements("swish"))
    for name in _MOVES_NOTHING:
        analysis.set_op_handle(f"aten::{name}", None)
    analysis.total()  # traces here; the results are kept
    return analysis


def _elements(name: str) -> Handle:
    """Return a handle of fvcore's that counts the elements of the first output."""

    def count(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
        return Counter({name: math.prod(get_shape(outputs[0]) or ())})

    return count


def _macs_by_torch(module: nn.Module, clip: torch.Tensor) -> int | None:
    """Count with torch's counter, on the meta device, where a forward costs no arithmetic."""
    try:
        twin = copy.deepcopy(module).to("meta")
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            twin(clip.to("meta"))
    except (NotImplementedError, RuntimeError, TypeError):  # an operator without a meta kernel
        return None
    return counter.get_total_flops() // 2
