"""The formulas of operators on quantised tensors and on weights that are packed for them.

The packed weights of torch.ao's layers are objects without a shape; `unpacked` gives their tensors.
"""

import math
from collections import Counter
from typing import Any

import torch

from .formulas import Formula, one_per_element
from .layouts import unpacked


def packed_linear(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count `input: [..., K]` times the weight `[N, K]`, from the input and the result alone."""
    return Counter({"linear": arguments[0].numel() * result.shape[-1]})


def packed_convolution(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count `input: [B, C, ...]` and `weight: [O, C / groups, ...]`, padded zeros included.

    In a transposed one, each element of the input meets all weights of its channel.
    """
    inputs = arguments[0]
    packed: Any = next(each for each in arguments if isinstance(each, torch.ScriptObject))
    weights = unpacked(packed)
    assert weights is not None  # it has just run
    weight = weights[0]
    if packed.transpose():
        return Counter({"conv_transpose": inputs.numel() * weight.numel() // weight.shape[0]})
    return Counter({"conv": result.numel() * math.prod(weight.shape[1:])})


def packed_cell(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count a step of a recurrent cell on `input: [B, I]`: both weights."""
    weights = [unpacked(each) for each in arguments if isinstance(each, torch.ScriptObject)]
    macs = sum(each[0].numel() for each in weights if each is not None)
    return Counter({"lstm": arguments[0].shape[0] * macs})


def packed_rnn(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count a recurrent layer on `input: [T, B, I]` or `[B, T, I]`: all weights at every step."""
    steps = math.prod(arguments[0].shape[:-1])
    cells = [unpacked(each) for each in arguments[2] if isinstance(each, torch.ScriptObject)]
    weights = (part for cell in cells if cell is not None for part in cell if part.dim() > 1)
    return Counter({"lstm": steps * sum(part.numel() for part in weights)})


def into_result(name: str) -> Formula:
    """Return the formula of a product `[..., K] @ W`, whose packed W gives `[..., N]`."""

    def count(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
        return Counter({name: arguments[0].numel() * result.shape[-1]})

    return count


def grouped_product(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count the products of groups of rows, or of columns, each with a matrix of its own.

    They are `[M, K] @ [G, K, N]`, where groups of the M rows meet one matrix each; `[G, M, K] @
    [G, K, N]`; `[G, M, K] @ [K, N]`, where groups of the N columns do; and `[M, K] @ [K, N]`, where
    the K are grouped. Each of M x K x N products is made once, and G times in the second.
    """
    left, right = arguments[:2]
    macs = left.shape[-2] * left.shape[-1] * right.shape[-1]
    groups = left.shape[0] if left.dim() == right.dim() == 3 else 1
    return Counter({"grouped_mm": groups * macs})


_LINEAR = (
    *("linear", "linear_relu", "linear_leaky_relu", "linear_tanh", "linear_dynamic"),
    *("linear_relu_dynamic", "linear_dynamic_fp16", "linear_relu_dynamic_fp16"),
    *("linear_dynamic_fp16_unpacked_weight", "linear_with_input_q_dq_qweight_dq_output_fp32"),
    "linear_with_input_q_dq_qweight_dq_relu_output_fp32",
)
_CONVOLUTIONS = (
    *(f"conv{n}d{suffix}" for n in (1, 2, 3) for suffix in ("", "_relu", "_dynamic")),
    *("conv2d_add", "conv2d_add_relu"),
    *(f"conv_transpose{n}d{suffix}" for n in (1, 2, 3) for suffix in ("", "_dynamic")),
)
_CELLS = ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
_ELEMENTWISE = (
    *("add", "add_relu", "add_scalar", "add_scalar_relu", "mul", "mul_relu", "mul_scalar"),
    *("mul_scalar_relu", "celu", "elu", "hardswish", "leaky_relu", "prelu", "sigmoid", "softmax"),
)

QUANTISED: dict[str, Formula] = {
    **dict.fromkeys((f"quantized::{name}" for name in _LINEAR), packed_linear),
    **dict.fromkeys((f"quantized::{name}" for name in _CONVOLUTIONS), packed_convolution),
    **dict.fromkeys((f"quantized::quantized_{name}_dynamic" for name in _CELLS), packed_cell),
    **dict.fromkeys(("quantized_lstm", "quantized_gru"), packed_rnn),
    **dict.fromkeys((f"quantized::{name}" for name in _ELEMENTWISE), one_per_element),
    **dict.fromkeys(
        (
            *("quantize_per_tensor", "quantize_per_tensor_dynamic", "quantize_per_channel"),
            *("dequantize", "quantized::max_pool1d", "quantized::max_pool2d"),
            *("quantized_max_pool1d", "quantized_max_pool2d", "quantized_max_pool3d"),
            *(f"quantized_decomposed::{each}quantize_per_tensor" for each in ("", "de")),
            *(f"quantized_decomposed::{each}quantize_per_channel" for each in ("", "de")),
        ),
        one_per_element,
    ),
    **dict.fromkeys(
        (
            *("_weight_int8pack_mm", "_weight_int4pack_mm", "_weight_int4pack_mm_for_cpu"),
            *("_weight_int4pack_mm_with_scales_and_zeros", "_dyn_quant_matmul_4bit"),
            "_scaled_mm",
        ),
        into_result("mm"),
    ),
    **dict.fromkeys(("_grouped_mm", "_scaled_grouped_mm"), grouped_product),
}
"""The formula of each operator; those of normalisations and copies are in the common tables."""
