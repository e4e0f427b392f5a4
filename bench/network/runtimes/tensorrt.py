"""TensorRT: an engine built from an ONNX file, for the GPU on which it will run.

Networks are strongly typed: each tensor has the type that it has in the file, so that TensorRT
chooses no other precision. Float32 is computed by TF32 in precision `tf32` alone.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ....datasets.errors import KinobenchError
from ...records.case import Case
from .cache import Entry, Made
from .errors import ExportError, export_error
from .own_stream import OwnStream

ENGINE_FILE = "model.engine"
_TYPES = {
    "FLOAT": torch.float32,
    "HALF": torch.float16,
    "BF16": torch.bfloat16,
    "INT32": torch.int32,
    "INT64": torch.int64,
    "BOOL": torch.bool,
}


def built_for() -> dict[str, str | int | None]:
    """Return what decides an engine, besides the network and the versions: the GPU and CUDA.

    Raises:
        KinobenchError: There is no GPU.
    """
    _refuse_no_gpu()
    return {"gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda}


def write_engine(folder: Path, onnx: Entry, case: Case) -> Made:
    """Build an engine.

    Args:
        folder: An empty folder.
        onnx: The network in ONNX.
        case: Its name, for messages, and its precision.

    Raises:
        ExportError: TensorRT can't read the file, or can't build an engine; the message names the
            operator.
    """
    import tensorrt

    said = _Said(tensorrt)
    builder = tensorrt.Builder(said.logger)
    typed = tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED  # since TensorRT 11 always so
    network = builder.create_network(1 << int(typed))
    parser = tensorrt.OnnxParser(network, said.logger)
    if not parser.parse_from_file(str(onnx.file)):
        errors = [parser.get_error(number) for number in range(parser.num_errors)]
        raise _unread(case.model, errors)
    config = builder.create_builder_config()
    if case.precision == "tf32":
        config.set_flag(tensorrt.BuilderFlag.TF32)
    else:
        config.clear_flag(tensorrt.BuilderFlag.TF32)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise export_error(case.model, "built by TensorRT", RuntimeError(said.last()))
    (folder / ENGINE_FILE).write_bytes(plan)
    return Made(
        file=ENGINE_FILE,
        format="tensorrt",
        path="torch.export, torch.onnx, TensorRT",
        opset=onnx.made.opset,
        before_s=onnx.earlier_s,
    )


class TensorRtSession:
    """A loaded engine that reads and writes torch's tensors on the GPU; see `session.Session`.

    Attributes:
        activation_bytes: Memory that TensorRT keeps for the tensors between the network's layers.
    """

    threads: int | None = None
    streams: int | None = None

    def __init__(self, file: Path, case: Case, threads: int) -> None:
        """Load an engine.

        Args:
            file: The engine.
            case: Its name, for messages, and its precision.
            threads: Threads on the CPU, which has nothing to do.

        Raises:
            ExportError: TensorRT can't load it.
            KinobenchError: There is no GPU.
        """
        import tensorrt

        _refuse_no_gpu()
        self._said = _Said(tensorrt)
        self._runtime = tensorrt.Runtime(self._said.logger)
        self._engine = self._runtime.deserialize_cuda_engine(file.read_bytes())
        # Its memory for activations is reserved here, not in the first call.
        context = self._engine.create_execution_context() if self._engine else None
        if context is None:
            raise export_error(case.model, "loaded by TensorRT", RuntimeError(self._said.last()))
        self._context: Any = context
        self._model = case.model
        self._stream = OwnStream()
        self.activation_bytes = int(self._engine.device_memory_size_v2)
        self.runs_on: tuple[str, ...] = ("TensorRT",)
        self.arithmetic: str = case.precision
        names = [self._engine.get_tensor_name(each) for each in range(self._engine.num_io_tensors)]
        given = tensorrt.TensorIOMode.INPUT
        self._inputs = [each for each in names if self._engine.get_tensor_mode(each) == given]
        self._outputs = tuple(self._bound(each) for each in names if each not in self._inputs)

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments on the GPU -> outputs there, the logits first, where the next call writes.

        Raises:
            RuntimeError: TensorRT can't execute it.
        """
        given = [each.contiguous() for each in inputs]
        for name, each in zip(self._inputs, given, strict=True):
            self._context.set_tensor_address(name, each.data_ptr())
        with self._stream.in_order():
            done = self._context.execute_async_v3(self._stream.address)
        if not done:
            raise RuntimeError(f"TensorRT can't execute {self._model}: {self._said.last()}")
        return self._outputs

    def _bound(self, name: str) -> torch.Tensor:
        """Return the tensor of an output, in the memory that the engine writes."""
        shape, kind = self._engine.get_tensor_shape(name), self._engine.get_tensor_dtype(name)
        made = torch.empty(tuple(shape), dtype=_TYPES[kind.name], device="cuda")
        self._context.set_tensor_address(name, made.data_ptr())
        return made


class _Said:
    """Keeps the errors that TensorRT writes to its log, and prints nothing.

    Attributes:
        logger: What TensorRT writes to.
    """

    def __init__(self, tensorrt: Any) -> None:
        self._lines: list[str] = []
        self.logger = _logger(tensorrt, self._lines.append)

    def last(self) -> str:
        """Return the last error."""
        return self._lines[-1] if self._lines else "it doesn't say why"


def _logger(tensorrt: Any, keep: Callable[[str], None]) -> Any:
    severe = (tensorrt.ILogger.Severity.INTERNAL_ERROR, tensorrt.ILogger.Severity.ERROR)

    class Logger(tensorrt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in severe:
                keep(message)

    return Logger()


def _unread(model: str, errors: Sequence[Any]) -> ExportError:
    """Return why TensorRT can't read a file; the operator is that of ONNX."""
    first = errors[0] if errors else None
    at = f" at operator {first.node_operator()}" if first and first.node_operator() else ""
    said = first.desc().strip().splitlines()[0] if first else "it doesn't say why"
    return ExportError(
        f"{model} can't be read by TensorRT from ONNX{at}: {said[:300]}",
        "measure it with --runtime torch, or another runtime",
    )


def _refuse_no_gpu() -> None:
    if not torch.cuda.is_available():
        raise KinobenchError(
            "runtime 'tensorrt' needs an NVIDIA GPU, and torch finds none here; give another "
            "--runtime"
        )
