"""Multiply-adds of the graph that a runtime executes, and which of them run in int8.

Both runtimes say of each node what it takes and gives, after they have fused and moved what they
like. Element-wise nodes, pooling and normalisation count nothing, as in `cost`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

_EIGHT_BITS = ("int8", "uint8", "i8", "u8")
Shape = Sequence[int]


class Macs(NamedTuple):
    """Multiply-adds of a node, or of many.

    Attributes:
        every: All of them.
        int8: Those in int8.
    """

    every: int
    int8: int

    @property
    def share(self) -> float | None:
        """The share in int8; None if nothing is multiplied."""
        return self.int8 / self.every if self.every else None


def total(each: Iterable[Macs]) -> Macs:
    """Return the sum of many."""
    found = list(each)
    return Macs(sum(one.every for one in found), sum(one.int8 for one in found))


def of_convolution(weights: Shape, gives: Shape, channels: int) -> int:
    """Return the multiply-adds: each output is of the weights of its channel.

    `weights` are those of all channels, in whatever order, and so are the places of `gives`; with
    groups they are of the inputs in the group alone.
    """
    return prod(gives) * prod(weights) // channels


def of_transposed_convolution(takes: Shape, weights: Shape, channels: int) -> int:
    """Return the multiply-adds: each input is multiplied by the weights of its channel."""
    return prod(takes) * prod(weights) // channels


def of_product(left: Shape, gives: Shape) -> int:
    """Return the multiply-adds of matrices, the left one transposed or not: `[..., M, K]`."""
    if len(left) < 2 or len(gives) < 2:
        return prod(gives) * left[-1]
    inner = left[-1] if left[-2] == gives[-2] else left[-2]
    return prod(gives) * inner


def of_recurrence(takes: Shape, weights: Iterable[Shape]) -> int:
    """Return the multiply-adds of an LSTM or GRU: every step multiplies by all its weights.

    `takes: [T, B, in]` in any order of time and batch; `weights` each with the directions first.
    """
    return prod(takes[:2]) * sum(map(prod, weights))


def of_onnx_profile(file: Path) -> Macs:
    """Return the multiply-adds of the nodes in a profile of one run by ONNX Runtime.

    The session has to keep its weights as they are (`session.disable_prepacking`), or the profile
    doesn't show their shapes.
    """
    nodes: dict[str, Macs] = {}
    for event in json.loads(file.read_text()):
        args = event.get("args", {})
        if "input_type_shape" in args and "op_name" in args:
            nodes[event["name"]] = _of_onnx_node(
                args["op_name"], _typed(args["input_type_shape"]), _typed(args["output_type_shape"])
            )
    return total(nodes.values())


def _typed(given: Sequence[Mapping[str, Shape]]) -> list[tuple[str, Shape]]:
    return [next(iter(each.items())) if each else ("", ()) for each in given]


def _of_onnx_node(
    operator: str, takes: list[tuple[str, Shape]], gives: list[tuple[str, Shape]]
) -> Macs:
    kind = next((kind for kind in _ONNX if kind in operator), None)
    if kind is None or not takes or not gives:
        return Macs(0, 0)
    left, right = takes[0], _second(operator, takes)
    out = gives[0][1]
    if kind == "ConvTranspose":
        macs = of_transposed_convolution(left[1], right, right[0])
    elif kind == "Conv":
        macs = of_convolution(right, out, right[0])  # channels may come last in `out`
    elif kind in ("LSTM", "GRU", "RNN"):
        macs = of_recurrence(left[1], [each[1] for each in takes[1:3]])
    else:
        macs = of_product(left[1], out)
    in_int8 = left[0] in _EIGHT_BITS or operator.startswith("Dynamic")
    return Macs(macs, macs if in_int8 else 0)


_ONNX = ("ConvTranspose", "Conv", "LSTM", "GRU", "RNN", "MatMul", "Gemm")
"""Parts of the names of operators that multiply; ONNX Runtime has fused and quantised ones."""


def _second(operator: str, takes: list[tuple[str, Shape]]) -> Shape:
    """Return the shape of the weights: `QLinear...` take a scale and a zero after each tensor."""
    place = 3 if operator.startswith("QLinear") else 1
    return takes[place][1] if len(takes) > place else ()


def of_openvino(runtime_model: Any, model: Any) -> Macs:
    """Return the multiply-adds of a compiled network.

    Args:
        runtime_model: What `CompiledModel.get_runtime_model` gives.
        model: The network that was compiled; its products may be inside of a fused node.
    """
    products = {
        node.get_friendly_name(): of_product(_shape(node.input_value(0)), _shape(node.output(0)))
        for node in model.get_ops()
        if node.get_type_name() == "MatMul"
    }
    return total(_of_openvino_node(node, products) for node in runtime_model.get_ordered_ops())


def _of_openvino_node(node: Any, products: Mapping[str, int]) -> Macs:
    about = node.get_rt_info()
    kind = _text(about, "layerType")
    takes = [_shape(each) for each in node.input_values()]
    if kind == "Convolution":
        gives = _shape(node.output(0))
        macs = of_convolution(takes[1], gives, gives[1])
    elif kind == "Deconvolution":
        macs = of_transposed_convolution(takes[0], takes[1], takes[0][1])
    elif kind == "FullyConnected":
        macs = prod(_shape(node.output(0))) * takes[0][-1]
    elif kind == "MatMul":
        macs = of_product(takes[0], _shape(node.output(0)))
    elif kind in ("RNNSeq", "RNNCell", "LSTMSequence", "GRUSequence"):
        macs = of_recurrence(takes[0], [each for each in takes if len(each) == 3][-2:])
    else:
        names = _text(about, "originalLayersNames").split(",")
        macs = sum(products.get(name, 0) for name in names)
    return Macs(macs, macs if _text(about, "runtimePrecision") in _EIGHT_BITS else 0)


def _text(about: Any, name: str) -> str:
    return str(about[name].astype(str)) if name in about else ""


def _shape(value: Any) -> list[int]:
    shape = value.get_partial_shape()
    return list(shape.to_shape()) if shape.is_static else []
