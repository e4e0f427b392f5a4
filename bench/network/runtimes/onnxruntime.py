"""ONNX Runtime: an ONNX file, by the execution provider that was asked for and no other."""

from pathlib import Path
from typing import Any

import torch

from ....datasets.errors import KinobenchError
from ...records.case import Case, Provider
from .known import provider_of

NAMES: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}


class OnnxRuntimeSession:
    """A session on the CPU; see `session.Session`."""

    streams: int | None = None

    def __init__(self, file: Path, case: Case, threads: int) -> None:
        """Load a file.

        Args:
            file: The ONNX file.
            case: Its device, precision and provider.
            threads: Threads of one operator.

        Raises:
            KinobenchError: This build has no such provider, or another one executes the network.
        """
        import onnxruntime

        provider = NAMES[provider_of(case)]
        refuse_absent(onnxruntime, provider)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        self._session = onnxruntime.InferenceSession(str(file), options, providers=[provider])
        refuse_fallback(provider, self._session.get_providers())
        self.runs_on: tuple[str, ...] = (provider,)
        self.threads: int | None = threads
        self.arithmetic: str = case.precision
        self._names = [each.name for each in self._session.get_inputs()]

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments on the CPU -> outputs, the logits first."""
        feeds = {name: each.numpy() for name, each in zip(self._names, inputs, strict=True)}
        return tuple(map(torch.from_numpy, self._session.run(None, feeds)))


def refuse_absent(onnxruntime: Any, provider: str) -> None:
    """Raise KinobenchError if this build of ONNX Runtime has no such provider."""
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
