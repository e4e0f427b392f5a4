"""The type of a precision, and networks in it."""

import torch
from torch import nn

from ..records.case import Case, Precision

DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "int8": torch.float32,
}
"""The type of a network's arguments and parameters; a quantised one has scales inside."""


def dtype_of(case: Case) -> torch.dtype:
    """Return the type of a case's arguments: OpenVINO takes float32 and converts inside."""
    return torch.float32 if case.runtime == "openvino" else DTYPES[case.precision]


def in_dtype(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Give a network's real floating-point parameters and buffers a type, in place.

    Complex ones stay as they are: `Module.to(dtype)` would make them real, and drop their
    imaginary parts.
    """
    return module._apply(lambda each: each.to(dtype) if each.is_floating_point() else each)
