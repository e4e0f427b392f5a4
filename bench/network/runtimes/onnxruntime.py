"""ONNX Runtime: an ONNX file, by the execution provider that was asked for and no other."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch

from ....datasets.errors import KinobenchError
from ....datasets.unfinished import temporary_folder
from ...records.case import Case, Provider
from ..inputs import Inputs
from .errors import export_error
from .known import provider_of
from .session import OperatorTimes

NAMES: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
_TYPES = {
    "tensor(float)": (1, torch.float32),
    "tensor(uint8)": (2, torch.uint8),
    "tensor(int8)": (3, torch.int8),
    "tensor(int32)": (6, torch.int32),
    "tensor(int64)": (7, torch.int64),
    "tensor(bool)": (9, torch.bool),
    "tensor(float16)": (10, torch.float16),
    "tensor(double)": (11, torch.float64),
    "tensor(bfloat16)": (16, torch.bfloat16),
}
"""Types as ONNX Runtime names them, as ONNX numbers them (onnx.proto, DataType), and torch's."""
_NUMBERS = {dtype: number for number, dtype in _TYPES.values()}


class OnnxRuntimeSession:
    """A session on the CPU; see `session.Session`."""

    streams: int | None = None

    def __init__(
        self, file: Path, case: Case, threads: int, *, profile: Path | None = None
    ) -> None:
        """Load a file.

        Args:
            file: The ONNX file.
            case: Its device, precision and provider.
            threads: Threads of one operator.
            profile: Beginning of the path of a file for the times of its nodes; None: they aren't
                measured.

        Raises:
            KinobenchError: This build has no such provider, or another one executes the network.
        """
        import onnxruntime

        refuse_absent(case)
        provider = NAMES[provider_of(case)]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        if profile is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(profile)
        # Between two calls its threads leave the processors to others, such as the decoder.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, providers=[provider])
        except Exception as error:  # each of its kinds derives from Exception alone
            raise export_error(case.model, "loaded by ONNX Runtime", error) from error
        self._session.disable_fallback()  # or a provider that fails would be replaced, silently
        refuse_fallback(provider, self._session.get_providers())
        self.runs_on: tuple[str, ...] = (provider,)
        self.threads: int | None = threads
        self.arithmetic: str = case.precision
        self._file = file
        self._names = [each.name for each in self._session.get_inputs()]
        self._given: list[torch.Tensor | None] = [None] * len(self._names)
        self._bound: list[torch.Tensor | None] = [None] * len(self._names)
        self._binding = self._session.io_binding()
        self._outputs = bound_outputs(self._session, self._binding, "cpu")

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments on the CPU -> outputs, the logits first, in memory that the next call writes.

        `run` of ONNX Runtime's Python takes up to 0.03 ms more a call than bound memory.
        """
        for place, each in enumerate(inputs):
            if each is not self._given[place]:
                self._give(place, each)
        self._session.run_with_iobinding(self._binding)
        return self._outputs

    def _give(self, place: int, given: torch.Tensor) -> None:
        """Let an argument be read where it lies, in each call that gives it again."""
        self._bound[place] = dense = given.contiguous()
        bind(self._binding.bind_input, self._names[place], dense)
        self._given[place] = given if dense is given else None

    def nodes(self) -> dict[str, int]:
        """Return how many nodes of each type the file has; ONNX Runtime then fuses some."""
        import onnx

        graph = onnx.load(str(self._file), load_external_data=False).graph
        return dict(sorted(Counter(node.op_type for node in graph.node).items()))

    def end_profile(self) -> bytes:
        """Return the content of the file of times, and measure no more."""
        return Path(self._session.end_profiling()).read_bytes()


def bound_outputs(session: Any, binding: Any, device: str) -> tuple[torch.Tensor, ...]:
    """Return tensors on a device into which each forward by a binding writes a file's outputs."""
    made = []
    for output in session.get_outputs():
        made.append(torch.empty(output.shape, dtype=_TYPES[output.type][1], device=device))
        bind(binding.bind_output, output.name, made[-1])
    return tuple(made)


def bind(method: Any, name: str, tensor: torch.Tensor) -> None:
    """Let an input be read, or an output written, where a dense tensor lies.

    Args:
        method: `bind_input` or `bind_output` of a binding.
        name: Name of the input or output.
        tensor: It; its memory must outlive the binding.
    """
    method(
        name=name,
        device_type=tensor.device.type,
        device_id=tensor.device.index or 0,
        element_type=_NUMBERS[tensor.dtype],
        shape=tuple(tensor.shape),
        buffer_ptr=tensor.data_ptr(),
    )


def operator_times(
    file: Path, case: Case, threads: int, rounds: Sequence[Inputs]
) -> list[OperatorTimes]:
    """Return the times of each node, in the order in which they run; one forward for each round."""
    with temporary_folder() as folder:
        session = OnnxRuntimeSession(file, case, threads, profile=folder / "profile")
        for inputs in rounds:
            session(*inputs)
        return read_profile(session.end_profile())


def read_profile(content: bytes) -> list[OperatorTimes]:
    """Return the times of each node in ONNX Runtime's file of them, in Chrome's trace format."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for event in msgspec.json.decode(content, type=list[_Event]):
        if event.cat == "Node" and event.name.endswith(_KERNEL):
            name = event.name.removesuffix(_KERNEL)
            key = (name, event.args.get("op_name", ""), event.args.get("provider", ""))
            found.setdefault(key, []).append(event.dur / 1e6)
    return [OperatorTimes(*key, tuple(times_s)) for key, times_s in found.items()]


class _Event(msgspec.Struct):
    name: str
    cat: str = ""
    dur: float = 0.0
    args: dict[str, Any] = {}


_KERNEL = "_kernel_time"


def refuse_absent(case: Case) -> None:
    """Raise KinobenchError if this build of ONNX Runtime lacks a case's provider."""
    import onnxruntime

    provider = NAMES[provider_of(case)]
    offered = onnxruntime.get_available_providers()
    if provider in offered:
        return
    raise KinobenchError(
        f"this build of ONNX Runtime ({onnxruntime.__version__}) has no {provider}, only "
        f"{', '.join(offered)}; for a GPU replace it: `pip uninstall onnxruntime`, then "
        "`pip install onnxruntime-gpu`"
    )


def refuse_fallback(asked: str, used: list[str]) -> None:
    """Raise KinobenchError if ONNX Runtime took another provider than the one asked for.

    It does so with nothing but a line in its log when a provider's libraries can't be loaded.
    """
    if used[:1] != [asked]:
        raise KinobenchError(
            f"ONNX Runtime fell back to {', '.join(used)}, though {asked} was asked for: the "
            "libraries of that provider can't be loaded (CUDA, cuDNN or TensorRT of the version "
            "that this build needs)"
        )
