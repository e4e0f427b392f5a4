"""A network's export by torch, and from there to ONNX."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from ...records.case import Device
from ..inputs import Inputs
from .cache import Made
from .errors import ExportError, export_error
from .pure import to_trace

ONNX_FILE = "model.onnx"


def exported_program(module: nn.Module, inputs: Inputs, model: str) -> ExportedProgram:
    """Export a network by `torch.export`, for arguments of these shapes alone.

    Args:
        module: The network in eval mode, in the type and on the device of its arguments.
        inputs: Its arguments.
        model: Its name, for messages.

    Raises:
        ExportError: It can't be exported; the message names the operator.
    """
    try:
        with quiet(), torch.inference_mode(False), torch.no_grad(), redirect_stderr(StringIO()):
            return torch.export.export(module, to_trace(inputs), strict=False)
    except Exception as error:
        raise export_error(model, "exported by torch.export", error) from error


@contextmanager
def on_device(
    module: nn.Module, inputs: Inputs, device: Device
) -> Iterator[tuple[nn.Module, Inputs]]:
    """Give a network and arguments of it on a device, and put the network back on the CPU.

    Args:
        module: The network, on the CPU.
        inputs: Its arguments, on the CPU.
        device: The device for which it is exported.
    """
    if device == "cpu":
        yield module, inputs
        return
    try:
        yield module.to(device), tuple(each.to(device) for each in inputs)
    finally:
        module.to("cpu")


def write_onnx(
    folder: Path,
    module: nn.Module,
    inputs: Inputs,
    names: tuple[Sequence[str], Sequence[str]],
    model: str,
) -> Made:
    """Export a network to ONNX, by `torch.export` and torch's exporter, and check the file.

    Args:
        folder: An empty folder; the file in it is `ONNX_FILE`, and large weights lie beside it.
        module: The network in eval mode.
        inputs: Its arguments; the file takes these shapes alone.
        names: Names of the inputs and of the outputs in the file.
        model: Its name, for messages.

    Raises:
        ExportError: It can't be exported; the message names the operator.
    """
    import onnx

    given, gives = names
    program = exported_program(module, inputs, model)
    file = folder / ONNX_FILE
    try:
        with quiet():
            torch.onnx.export(
                program,
                f=str(file),
                dynamo=True,
                external_data=True,
                verbose=False,
                input_names=list(given),
                output_names=list(gives),
            )
        onnx.checker.check_model(str(file))  # by its path: it may exceed what protobuf takes
        written = onnx.load(str(file), load_external_data=False)
        _forget_places(written)
        onnx.save_model(written, str(file))
    except ExportError:
        raise
    except Exception as error:
        raise export_error(model, "exported to ONNX", error) from error
    return Made(
        file=ONNX_FILE, format="onnx", path="torch.export, torch.onnx", opset=_opset(written)
    )


def _forget_places(model: Any) -> None:
    """Remove the traces of the code's lines from an ONNX model.

    Its file has another size wherever the code lies in another folder, and names that folder.
    """
    for node in model.graph.node:
        del node.metadata_props[:]


def _opset(model: "object") -> int | None:
    imports = getattr(model, "opset_import", ())
    return next((each.version for each in imports if each.domain in ("", "ai.onnx")), None)


_LOGGERS = (
    *("torch.onnx", "torch.export", "torch.fx", "torch._dynamo", "torch._inductor"),
    *("torch.utils.cpp_extension", "onnxscript", "onnx_ir"),
)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep exporters from writing about their own deprecations: a failure is an exception."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
