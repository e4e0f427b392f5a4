"""Memory: what the weights take, and what a forward takes on top of them.

On a CPU the kernel's own marks are read. It counts pages apart for each processor, so that they
are right to about a mebibyte.
"""

import ctypes
import gc
import os
from pathlib import Path

import psutil
import torch

from .cuda_graph import CapturedForward
from .gpu import nvml_device
from .inputs import Inputs
from .network import Network
from .record import Memory

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""Writing 5 sets VmHWM to the present size (Linux, Documentation/filesystems/proc.rst)."""


def measure_memory(network: Network) -> tuple[Memory, list[str]]:
    """Measure one forward of the case's batch, after a forward that warms up.

    Returns:
        The bytes, and why any of them is missing.
    """
    if isinstance(network.forward, CapturedForward):
        return _of_graph(network, network.forward)
    with torch.inference_mode():
        (inputs,) = network.inputs(1)
        for _ in range(2):
            network.forward(*inputs)
        if network.device.type == "cuda":
            on_gpu = _on_cuda(network, inputs)
            return on_gpu, [] if on_gpu.peak_process_bytes is not None else [_UNTOLD]
        return _on_cpu(network, inputs)


_UNTOLD = "memory: NVML doesn't tell what this process takes"


def _of_graph(network: Network, forward: CapturedForward) -> tuple[Memory, list[str]]:
    """Return what was taken when the graph was captured: a replay would look free of cost."""
    process_bytes, pool_bytes = _process_bytes_on_gpu(), forward.pool_bytes()
    memory = Memory(
        weights_bytes=network.weights_bytes(),
        peak_activation_bytes=forward.peak_activation_bytes,
        peak_allocated_bytes=forward.peak_allocated_bytes,
        peak_reserved_bytes=forward.peak_reserved_bytes,
        graph_pool_bytes=pool_bytes,
        peak_process_bytes=process_bytes,
    )
    notes = ["memory: activations are those of the capture; a replay takes nothing more"]
    return memory, notes if process_bytes is not None else [*notes, _UNTOLD]


def _on_cuda(network: Network, inputs: Inputs) -> Memory:
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    resident = torch.cuda.memory_allocated()
    network.forward(*inputs)
    torch.cuda.synchronize()
    allocated = torch.cuda.max_memory_allocated()
    return Memory(
        weights_bytes=network.weights_bytes(),
        peak_activation_bytes=allocated - resident,
        peak_allocated_bytes=allocated,
        peak_reserved_bytes=torch.cuda.max_memory_reserved(),
        peak_process_bytes=_process_bytes_on_gpu(),
    )


def _process_bytes_on_gpu() -> int | None:
    """Return NVML's figure for this process, or None where it can't tell."""
    import pynvml

    try:
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(nvml_device()):
            if process.pid == os.getpid():
                return process.usedGpuMemory
    except pynvml.NVMLError:
        return None
    return None  # inside a container NVML may number processes as the host does


def _on_cpu(network: Network, inputs: Inputs) -> tuple[Memory, list[str]]:
    notes = []
    peak: int | None = None
    activation: int | None = None
    try:
        _give_back_free_pages()
        _CLEAR_REFS.write_text(_RESET_PEAK)
        resident = _status_bytes("VmRSS")
        network.forward(*inputs)
        peak = _status_bytes("VmHWM")
        activation = max(peak - resident, 0)
    except OSError as error:
        peak = psutil.Process().memory_info().rss
        notes.append(f"memory: the kernel's high-water mark can't be reset here ({error})")
    memory = Memory(
        weights_bytes=network.weights_bytes(),
        peak_activation_bytes=activation,
        peak_process_bytes=peak,
    )
    return memory, notes


def _give_back_free_pages() -> None:
    """Return what the allocator keeps of earlier forwards, or the next would look free of cost."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)


def _status_bytes(field: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} has no {field}")
