"""Quantisation by torchao (PT2E), of a network as `torch.export` gives it, for inductor on x86."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from ....datasets.errors import KinobenchError
from ...records.case import Case
from ...records.export import Quantised
from ..inputs import Inputs
from .errors import export_error
from .executed_macs import (
    Macs,
    of_convolution,
    of_product,
    of_transposed_convolution,
    total,
)
from .program import exported_program
from .quantising import Task, has_vnni, quantised

packages = ("torchao",)


def recipe(case: Case) -> str:
    """Return the method with its settings."""
    bits = "8" if has_vnni() else "7 (the processor has no VNNI)"
    return (
        "torchao PT2E: X86InductorQuantizer's default configuration, static, activations uint8, "
        f"weights int8 per channel in {bits} bits"
    )


def quantised_program(
    module: nn.Module, inputs: Inputs, task: Task, folder: Path
) -> tuple[ExportedProgram, Quantised, tuple[str, ...]]:
    """Export a network, quantise it with training clips, and export that.

    Compile it with `torch._inductor.config.freezing`, else inductor keeps the weights in fp32.

    Args:
        module: The network in eval mode, on the CPU.
        inputs: Its arguments, of `task.batch` clips.
        task: What is quantised.
        folder: A folder for a file that is gone when this process ends.

    Returns:
        The quantised program, what the record says of it, and remarks on the clips.

    Raises:
        ExportError: It can't be exported or quantised; the message names the operator.
        KinobenchError: No training clip can be read.
    """
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    begin, model = time.perf_counter(), task.case.model
    program = exported_program(module, inputs, model)
    try:
        with _quiet(), torch.no_grad(), torch.inference_mode(False):
            quantizer = x86.X86InductorQuantizer()
            quantizer.set_global(
                x86.get_default_x86_inductor_quantization_config(reduce_range=not has_vnni())
            )
            prepared = prepare_pt2e(program.module(), quantizer)
            for given in task.batches(folder):
                prepared(*given)
            converted = convert_pt2e(prepared)
    except KinobenchError:  # of the clips
        raise
    except Exception as error:
        raise export_error(model, "quantised by torchao", error) from error
    made = exported_program(converted, inputs, model)
    found, notes = quantised(task, recipe(task.case), begin, macs_of(made).share)
    return made, found, notes


def macs_of(program: ExportedProgram) -> Macs:
    """Return the multiply-adds of a program; those in int8 are of arguments that were bytes.

    Inductor's patterns take a product to int8 if both of its arguments come from bytes.
    """
    with _quiet():
        decomposed = program.run_decompositions()
    return total(_of_node(node) for node in decomposed.graph.nodes if node.op == "call_function")


def _of_node(node: torch.fx.Node) -> Macs:
    name = str(getattr(node.target, "_opname", ""))
    if name == "convolution":
        takes, weights = node.args[:2]
        transposed = bool(node.args[6])
        macs = (
            of_transposed_convolution(_shape(takes), _shape(weights), _shape(weights)[0])
            if transposed
            else of_convolution(_shape(weights), _shape(node), _shape(weights)[0])
        )
    elif name in ("mm", "bmm", "addmm", "baddbmm"):
        takes, weights = node.args[-2:]
        macs = of_product(_shape(takes), _shape(node))
    elif "scaled_dot_product" in name and "attention" in name:
        query, takes, weights = (_shape(each) for each in node.args[:3])
        macs = prod(query[:-1]) * takes[-2] * (query[-1] + weights[-1])
        return Macs(macs, 0)
    else:
        return Macs(0, 0)
    return Macs(macs, macs if _was_bytes(takes) and _was_bytes(weights) else 0)


_MOVES = ("view", "reshape", "permute", "transpose", "expand", "clone", "t", "unsqueeze", "squeeze")


def _was_bytes(value: Any) -> bool:
    """Return whether a value was bytes before it was brought into another shape."""
    while isinstance(value, torch.fx.Node):
        name = str(getattr(value.target, "_opname", ""))
        if name.startswith("dequantize_per"):
            return True
        if name not in _MOVES:
            return False
        value = value.args[0]
    return False


def _shape(value: Any) -> list[int]:
    return list(value.meta["val"].shape)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep libraries from writing about their own deprecations: a failure is an exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
