"""OpenVINO: a network from ONNX, or from `torch.export` where ONNX can't be read, in its own IR."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ....datasets.errors import KinobenchError
from ...records.case import Case, Hint, Precision, Provider
from ..inputs import Inputs
from .cache import Entry, Made
from .errors import ExportError, export_error
from .known import provider_of
from .session import OperatorTimes
from .telemetry import without_telemetry

IR_FILE = "model.xml"
_DEVICES: dict[Provider, str] = {"cpu": "CPU", "gpu": "GPU"}
_HINTS: dict[Hint, str] = {"latency": "LATENCY", "throughput": "THROUGHPUT"}
_ARITHMETIC: dict[Precision, str] = {
    "fp32": "f32",
    "bf16": "bf16",
    "fp16": "f16",
    "int8": "f32",  # of what is not quantised
}


def write_ir(folder: Path, onnx: Entry | None, program: Callable[[], Any], model: str) -> Made:
    """Convert a network to OpenVINO's own format, with its weights as they are.

    Args:
        folder: An empty folder.
        onnx: The network in ONNX; None if it can't be exported to that.
        program: Returns the network as `torch.export` gives it; it is converted if OpenVINO can't
            read the ONNX file.
        model: Its name, for messages.

    Raises:
        ExportError: OpenVINO can convert neither.
    """
    with without_telemetry():
        import openvino

    path, notes, converted = "torch.export, torch.onnx, OpenVINO", [], None
    if onnx is None:
        notes.append(f"export: {model} can't be exported to ONNX, so OpenVINO converted it itself")
    else:
        try:
            converted = openvino.Core().read_model(str(onnx.file))
        except RuntimeError as error:
            first = export_error(model, "read by OpenVINO from ONNX", error)
            if isinstance(first, MemoryError):
                raise first from error
            notes.append(f"export: {first.reason}; so OpenVINO converted it itself")
    if converted is None:
        path = "torch.export, OpenVINO"
        exported = program()
        try:
            with without_telemetry():
                converted = openvino.convert_model(exported)
        except ExportError:
            raise
        except Exception as error:
            raise export_error(model, "converted by OpenVINO", error) from error
    # By default it would store the weights in fp16.
    openvino.save_model(converted, str(folder / IR_FILE), compress_to_fp16=False)
    return Made(
        file=IR_FILE,
        format="openvino",
        path=path,
        opset=None if onnx is None else onnx.made.opset,
        notes=tuple(notes),
        before_s=0.0 if onnx is None else onnx.earlier_s,
    )


class OpenVinoSession:
    """A compiled network with one request; see `session.Session`."""

    def __init__(self, file: Path, case: Case, threads: int, *, profile: bool = False) -> None:
        """Load and compile a file.

        Args:
            file: The file in OpenVINO's format.
            case: Its precision, provider and hint.
            threads: Threads on the CPU.
            profile: Measure the time of each node.

        Raises:
            KinobenchError: There is no such device, another one executes the network, or it
                computes in another precision than the case's.
        """
        with without_telemetry():
            import openvino

        device, wanted = _DEVICES[provider_of(case)], _ARITHMETIC[case.precision]
        core = openvino.Core()
        _refuse_absent(core.available_devices, device)
        config: dict[str, Any] = {
            "PERFORMANCE_HINT": _HINTS[case.hint or "latency"],
            "INFERENCE_PRECISION_HINT": wanted,
            "PERF_COUNT": profile,
        }
        if device == "CPU":
            config["INFERENCE_NUM_THREADS"] = threads
        try:
            compiled = core.compile_model(str(file), device, config)
        except RuntimeError as error:
            raise export_error(case.model, f"compiled by OpenVINO for {device}", error) from error
        self.runs_on: tuple[str, ...] = tuple(compiled.get_property("EXECUTION_DEVICES"))
        self.arithmetic: str = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.threads: int | None = None
        if device == "CPU":
            self.threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        self.streams: int | None = int(compiled.get_property("NUM_STREAMS"))
        _refuse_other(case, self.runs_on, device, self.arithmetic)
        self._compiled, self._tensor = compiled, openvino.Tensor
        self._request = compiled.create_infer_request()
        self._given: list[torch.Tensor | None] = [None] * len(compiled.inputs)
        self._bound: list[torch.Tensor | None] = [None] * len(compiled.inputs)
        self._outputs = tuple(self._output(place) for place in range(len(compiled.outputs)))

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments in host memory -> outputs, in memory that the next call writes."""
        for place, each in enumerate(inputs):
            if each is not self._given[place]:
                self._give(place, each)
        self._request.infer({}, share_outputs=True)
        return self._outputs

    def _give(self, place: int, given: torch.Tensor) -> None:
        """Let an argument be read where it lies, in each call that gives it again."""
        dense = given.contiguous()
        self._bound[place] = dense
        self._request.set_input_tensor(place, self._tensor(dense.numpy(), shared_memory=True))
        self._given[place] = given if dense is given else None

    def _output(self, place: int) -> torch.Tensor:
        """Return the tensor into which each call writes an output."""
        own = self._request.get_output_tensor(place).data
        output = torch.from_numpy(np.empty(own.shape, own.dtype))
        self._request.set_output_tensor(place, self._tensor(output.numpy(), shared_memory=True))
        return output

    def nodes(self) -> dict[str, int]:
        """Return how many nodes of each type the compiled graph has."""
        graph = self._compiled.get_runtime_model()
        types = (node.get_rt_info()["layerType"].astype(str) for node in graph.get_ops())
        return dict(sorted(Counter(types).items()))

    def node_times(self) -> dict[tuple[str, str, str], float]:
        """Return the seconds of each node of the last forward, by its name, type and kernel.

        What was fused into another node isn't among them.
        """
        return {
            (each.node_name, each.node_type, each.exec_type): each.real_time.total_seconds()
            for each in self._request.profiling_info
            if each.status.name == "EXECUTED"
        }


def operator_times(
    file: Path, case: Case, threads: int, rounds: Sequence[Inputs]
) -> list[OperatorTimes]:
    """Return the times of each node, in the order in which they run; one forward for each round."""
    session = OpenVinoSession(file, case, threads, profile=True)
    found: dict[tuple[str, str, str], list[float]] = {}
    for inputs in rounds:
        session(*inputs)
        for node, time_s in session.node_times().items():
            found.setdefault(node, []).append(time_s)
    return [OperatorTimes(*node, tuple(times_s)) for node, times_s in found.items()]


def refuse_absent(case: Case) -> None:
    """Raise KinobenchError if OpenVINO doesn't find a case's device here."""
    with without_telemetry():
        import openvino

    _refuse_absent(openvino.Core().available_devices, _DEVICES[provider_of(case)])


def _refuse_absent(offered: list[str], device: str) -> None:
    if not any(each.partition(".")[0] == device for each in offered):
        raise KinobenchError(
            f"OpenVINO finds no device {device} here, only {', '.join(offered)}; for Intel's GPU "
            "install its driver (intel-opencl-icd), or give --provider cpu"
        )


def _refuse_other(case: Case, used: tuple[str, ...], device: str, arithmetic: str) -> None:
    """Raise KinobenchError if OpenVINO runs elsewhere, or in another precision."""
    if any(each.partition(".")[0] != device for each in used):
        raise KinobenchError(
            f"OpenVINO executes {case.model} on {', '.join(used)}, though {device} was asked for"
        )
    if arithmetic != _ARITHMETIC[case.precision]:
        raise KinobenchError(
            f"OpenVINO computes in {arithmetic}, though --precision {case.precision} was asked "
            "for: this processor has no instructions for it; give --precision fp32"
        )
