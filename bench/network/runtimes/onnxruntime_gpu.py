"""ONNX Runtime on an NVIDIA GPU: by its CUDA or its TensorRT provider, without copies to the host.

Nodes that another provider executes are found out: ONNX Runtime gives the CPU, without a word,
whatever the provider has no kernel for.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch

from ....datasets.errors import KinobenchError
from ...records.case import GRAPH_MODES, Case
from ...text.toml import one_of
from .cache import ABOUT, Entry, Made
from .errors import export_error
from .known import provider_of
from .onnxruntime import NAMES, bind, bound_outputs, refuse_absent, refuse_fallback
from .own_stream import OwnStream

_CUDA, _TENSORRT, _CPU = NAMES["cuda"], NAMES["tensorrt"], NAMES["cpu"]
COMPUTING = {
    *("Conv", "ConvTranspose", "FusedConv", "NhwcFusedConv", "MatMul", "FusedMatMul"),
    *("Gemm", "FusedGemm", "Einsum", "Attention", "MultiHeadAttention", "LSTM", "GRU", "RNN"),
}
"""Operators that a network is made for; a case that has one of them elsewhere is refused."""


class OnnxRuntimeGpuSession:
    """A session whose inputs and outputs are torch's tensors on the GPU; see `session.Session`.

    In mode `cudagraph` ONNX Runtime captures its own graph in the first call: arguments are then
    copied to where that call had them.
    """

    captures = True
    threads: int | None = None
    streams: int | None = None

    def __init__(self, file: Path, case: Case, threads: int) -> None:
        """Load a file.

        Args:
            file: The ONNX file; next to it lie TensorRT's engines, if it has been built for that.
            case: Its precision, provider and mode.
            threads: Threads of what the host does.

        Raises:
            ExportError: The provider can't load the network.
            KinobenchError: This build has no such provider, it fell back to another one, or another
                one executes operators that compute.
        """
        import onnxruntime

        provider = NAMES[provider_of(case)]
        refuse_absent(case)
        self._stream = OwnStream()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                str(file),
                options,
                providers=providers_for(case, self._stream.address, file.parent),
                enable_fallback=0,
            )
        except Exception as error:  # each of its kinds derives from Exception alone
            raise export_error(case.model, f"loaded by {provider}", error) from error
        self._session.disable_fallback()
        refuse_fallback(provider, self._session.get_providers())
        placed = placed_nodes(self._session)
        self.notes = notes_on(case.model, provider, placed)
        self.runs_on: tuple[str, ...] = (
            provider,
            *(each for each in placed or () if each != provider),
        )
        self.arithmetic: str = case.precision
        self._device = torch.cuda.current_device()
        self._is_graph = case.mode in GRAPH_MODES
        self._binding = self._session.io_binding()
        self._run_options = onnxruntime.RunOptions()
        # As torch's forward, a call returns when all is on the stream.
        self._run_options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        self._outputs = bound_outputs(self._session, self._binding, f"cuda:{self._device}")
        self._names = [each.name for each in self._session.get_inputs()]
        self._given: tuple[torch.Tensor, ...] = ()

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments on the GPU -> outputs there, the logits first, where the next call writes."""
        if self._is_graph and self._given:
            for kept, each in zip(self._given, inputs, strict=True):
                kept.copy_(each)
        else:
            copied = (each.clone() if self._is_graph else each for each in inputs)
            self._given = tuple(each.contiguous() for each in copied)
            for name, each in zip(self._names, self._given, strict=True):
                bind(self._binding.bind_input, name, each)
        with self._stream.in_order():
            self._session.run_with_iobinding(self._binding, self._run_options)
        return self._outputs


def write_engines(folder: Path, onnx: Entry, case: Case, threads: int) -> Made:
    """Have the TensorRT provider build its engines next to a copy of the ONNX file.

    Args:
        folder: An empty folder.
        onnx: The network in ONNX.
        case: Its precision and mode.
        threads: Threads of what the host does.

    Raises:
        ExportError: The provider can't load the network.
        KinobenchError: It doesn't execute it; see `OnnxRuntimeGpuSession`.
    """
    for file in onnx.folder.iterdir():
        if file.name != ABOUT:
            shutil.copy2(file, folder)
    OnnxRuntimeGpuSession(folder / onnx.made.file, case, threads)
    return msgspec.structs.replace(
        onnx.made,
        path=f"{onnx.made.path}, TensorRT",
        before_s=onnx.earlier_s,
    )


def providers_for(case: Case, stream: int, folder: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the providers of a case with their options.

    What TensorRT has no operator for is CUDA's, as ONNX Runtime's documentation has it.

    Args:
        case: Its precision, provider and mode.
        stream: Address of the CUDA stream on which they run.
        folder: Folder of TensorRT's engines.
    """
    is_graph = case.mode in GRAPH_MODES
    common = {"device_id": str(torch.cuda.current_device()), "user_compute_stream": str(stream)}
    cuda = common | {
        "use_tf32": "1" if case.precision == "tf32" else "0",
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "cudnn_conv_use_max_workspace": "1",
        "do_copy_in_default_stream": "1",
    }
    if NAMES[provider_of(case)] == _CUDA:
        return [(_CUDA, cuda | {"enable_cuda_graph": "1" if is_graph else "0"})]
    tensorrt = common | {
        "has_user_compute_stream": "1",
        "trt_fp16_enable": "1" if case.precision == "fp16" else "0",
        "trt_bf16_enable": "1" if case.precision == "bf16" else "0",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_cuda_graph_enable": "1" if is_graph else "0",
    }
    return [(_TENSORRT, tensorrt), (_CUDA, cuda)]


def placed_nodes(session: Any) -> dict[str, Counter[str]] | None:
    """Return how many nodes of each operator each provider executes; None if it isn't known."""
    try:
        graphs = session.get_provider_graph_assignment_info()
    except AttributeError:  # before ONNX Runtime 1.24
        return None
    placed: dict[str, Counter[str]] = {}
    for graph in graphs:
        nodes = placed.setdefault(graph.ep_name, Counter())
        nodes.update(node.op_type for node in graph.get_nodes())
    return placed


def notes_on(model: str, asked: str, placed: Mapping[str, Counter[str]] | None) -> tuple[str, ...]:
    """Say which nodes another provider executes than the one that was asked for.

    Raises:
        KinobenchError: Operators that compute run on the CPU, or none runs where it should.
    """
    if placed is None:
        return (
            f"{asked}: this version of ONNX Runtime doesn't say which nodes run on the CPU; it "
            "takes 1.24",
        )
    others = {provider: nodes for provider, nodes in placed.items() if provider != asked}
    computing = sorted(COMPUTING & set(others.get(_CPU, ())))
    if computing or not placed.get(asked):
        where = "; ".join(f"{name} has {_listed(nodes)}" for name, nodes in others.items())
        raise KinobenchError(
            f"ONNX Runtime doesn't execute {model} by {asked}: {where}; the provider has no "
            f"kernels of {one_of(computing) if computing else 'any of them'} for these types and "
            "shapes; give another --precision or --provider"
        )
    return tuple(
        f"{asked}: {name} executes {_listed(nodes)}" for name, nodes in others.items() if nodes
    )


def _listed(nodes: Mapping[str, int]) -> str:
    each: Iterable[str] = (f"{count} {operator}" for operator, count in sorted(nodes.items()))
    return ", ".join(each)
