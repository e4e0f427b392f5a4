"""The reference product in a runtime: one large matrix product, as a file that it loads.

The right matrix is a constant, as a layer's weights are, so that a runtime may lay it out as it
likes before it is timed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch

from ....datasets.protocol import preset
from ...records.case import Case, Precision, Runtime
from .known import is_installed, problem_of
from .onnxruntime import OnnxRuntimeSession
from .openvino import OpenVinoSession
from .session import Session

IN_RUNTIMES: tuple[Runtime, ...] = ("onnxruntime", "openvino")
"""Runtimes with products of their own. TensorRT and AOTInductor call those of torch's libraries."""


def libraries(precision: Precision) -> tuple[Runtime, ...]:
    """Return the installed runtimes that have a product of their own in a precision, on a CPU."""
    return tuple(
        each
        for each in IN_RUNTIMES
        if is_installed(each) and problem_of(_case(each, precision)) is None
    )


def product_of(
    runtime: Runtime, rows: int, precision: Precision, threads: int, folder: Path
) -> Callable[[], object]:
    """Return a call that multiplies two square matrices of random numbers in a runtime on the CPU.

    Args:
        runtime: One of `libraries`.
        rows: Rows of each matrix.
        precision: Precision of the product; in int8 the sums are wider.
        threads: Threads of the runtime.
        folder: Where the file for the runtime is written.

    Raises:
        KinobenchError: The runtime can't run it in that precision, or elsewhere than asked for.
    """
    made = _PRODUCTS[runtime]
    file = made.write(folder / f"{runtime}-{rows}", rows, precision)
    session = made.load(file, _case(runtime, precision), threads)
    drawn = np.random.default_rng(0).standard_normal((rows, rows), np.float32)
    left = torch.from_numpy(drawn)
    if precision == "int8" and runtime == "onnxruntime":
        left = (left * 40).clamp(0, 255).to(torch.uint8)
    return lambda: session(left)


def _case(runtime: Runtime, precision: Precision) -> Case:
    """Return a case whose settings are those of the product."""
    return Case(
        model="the reference product",
        classes=1,
        protocol=preset("pointlight"),
        runtime=runtime,
        precision=precision,
    )


def _weights(rows: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((rows, rows), np.float32)


def _write_onnx(stem: Path, rows: int, precision: Precision) -> Path:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights, element, operator, result = _weights(rows), TensorProto.FLOAT, "MatMul", None
    if precision == "int8":
        weights = np.clip(weights * 40, -127, 127).astype(np.int8)
        element, operator, result = TensorProto.UINT8, "MatMulInteger", TensorProto.INT32
    shape = [rows, rows]
    graph = helper.make_graph(
        [helper.make_node(operator, ["left", "right"], ["product"])],
        "reference product",
        [helper.make_tensor_value_info("left", element, shape)],
        [helper.make_tensor_value_info("product", result or element, shape)],
        [numpy_helper.from_array(weights, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    file = stem.with_suffix(".onnx")
    onnx.save(model, str(file))
    return file


def _write_openvino(stem: Path, rows: int, precision: Precision) -> Path:
    import openvino
    from openvino import opset13 as operators

    left = operators.parameter([rows, rows], np.float32, name="left")
    one, other = left, operators.constant(_weights(rows))
    if precision == "int8":
        ends = [np.float32(end) for end in (-4, 4, -4, 4)]
        one, other = (
            operators.fake_quantize(each, *ends, levels)
            for each, levels in ((one, 256), (other, 255))
        )
    model = openvino.Model([operators.matmul(one, other, False, False)], [left], "product")
    file = stem.with_suffix(".xml")
    openvino.save_model(model, str(file), compress_to_fp16=False)
    return file


class _Product(NamedTuple):
    write: Callable[[Path, int, Precision], Path]
    load: Callable[[Path, Case, int], Session]


_PRODUCTS: Mapping[Runtime, _Product] = {
    "onnxruntime": _Product(_write_onnx, OnnxRuntimeSession),
    "openvino": _Product(_write_openvino, cast(Callable[..., Session], OpenVinoSession)),
}
