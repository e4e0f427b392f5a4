"""Memory: what the weights take, and what a forward takes on top of them.

On a CPU the kernel's own marks are read. It counts pages apart for each processor, so that they
are right to some hundred kibibytes. The size of a heap differs from the need of a forward:
a heap keeps freed blocks, splits them, and takes new pages next to the pieces. `blocks_apart`
leaves that out.
"""

import ctypes
import gc
import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import torch

from ..machine.allocator import MOST_MMAP_BYTES, MOST_TRIM_BYTES, set_thresholds
from ..machine.nvml import nvml_device
from ..network.cuda_graph import CapturedForward
from ..network.gpu_memory import GpuMemory, OnGpu
from ..network.inputs import Inputs
from ..network.network import Network
from ..records.results import Memory
from .context import Context

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""Writing 5 sets VmHWM to the present size (Linux, Documentation/filesystems/proc.rst)."""
_MARKS = (3, 5)
"""The least and the most forwards on a CPU, whose median is kept; short ones are repeated more."""
_MARKS_S = 1.0

_PAGE_BYTES = 4096


def run(context: Context) -> None:
    """Measure the memory of a case; on a CPU nothing may be timed afterwards."""
    with blocks_apart():
        memory, notes = measure_memory(context.network)
    context.keep(memory=memory)
    context.notes(notes)


@contextmanager
def blocks_apart() -> Iterator[None]:
    """Have glibc map each block of a page or more by itself, and give it back when it is freed.

    So a peak is that of the bytes in use, the same in every process, as on a GPU that of the bytes
    allocated. The top of a thread's heap, which `malloc_trim` leaves alone, is given back by the
    first forward that frees a block: a thread that ended may have left megabytes there. It slows
    every allocation, and glibc doesn't adapt its thresholds any more after it: nothing is to be
    timed within or after. Elsewhere than on glibc it does nothing.
    """
    set_thresholds(mmap_bytes=_PAGE_BYTES, trim_bytes=_PAGE_BYTES)
    try:
        yield
    finally:
        set_thresholds(mmap_bytes=MOST_MMAP_BYTES, trim_bytes=MOST_TRIM_BYTES)


def measure_memory(network: Network) -> tuple[Memory, list[str]]:
    """Measure one forward of the case's batch, after two that warm up.

    Returns:
        The bytes, and why any of them is missing.
    """
    if isinstance(network.forward, CapturedForward):
        return _of_graph(network, network.forward)
    if network.device.type == "cpu":
        # A thread of its own has a heap of its own, without free blocks that would be filled first.
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(_on_cpu, network).result()
    with torch.inference_mode():
        memory = _on_cuda(network, _warmed_up(network))
    notes = [] if memory.peak_process_bytes is not None else [_NO_PROCESS_BYTES]
    if network.on_gpu is not None:
        memory, of_runtime = _with_runtime(memory, network.on_gpu)
        notes += of_runtime
    return memory, notes


def _warmed_up(network: Network) -> Inputs:
    """Return the arguments of a forward, after two forwards with them."""
    (inputs,) = network.inputs(1)
    for _ in range(2):
        network.forward(*network.fresh(inputs))
    return inputs


_NO_PROCESS_BYTES = "memory: NVML doesn't report the memory of this process"


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
    return memory, notes if process_bytes is not None else [*notes, _NO_PROCESS_BYTES]


def _on_cuda(network: Network, inputs: Inputs) -> Memory:
    inputs = network.fresh(inputs)
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


def _with_runtime(memory: Memory, on_gpu: OnGpu) -> tuple[Memory, list[str]]:
    """Return what torch's allocator says with what a runtime has taken past it."""
    taken = GpuMemory.now().taken_since(on_gpu.before)
    own, activations = on_gpu.activation_bytes(), memory.peak_activation_bytes
    notes = [
        f"memory: {taken / 1e6:.1f} MB of the reserved bytes are the runtime's own (weights, "
        "workspaces, kernels): what the GPU had less after loading and two forwards, so another "
        "process on it would count"
    ]
    if own is None:
        notes.append("memory: the runtime doesn't say what a forward takes")
    reserved = memory.peak_reserved_bytes
    return msgspec.structs.replace(
        memory,
        peak_activation_bytes=None if own is None or activations is None else activations + own,
        peak_allocated_bytes=None,
        peak_reserved_bytes=None if reserved is None else reserved + taken,
    ), notes


def _process_bytes_on_gpu() -> int | None:
    """Return NVML's figure for this process, or None if it has none."""
    import pynvml

    try:
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(nvml_device()):
            if process.pid == os.getpid():
                return process.usedGpuMemory
    except pynvml.NVMLError:
        return None
    return None  # inside a container NVML may number processes as the host does


@torch.inference_mode()
def _on_cpu(network: Network) -> tuple[Memory, list[str]]:
    memory = Memory(
        weights_bytes=network.weights_bytes(), peak_activation_bytes=None, peak_process_bytes=None
    )
    inputs = _warmed_up(network)
    try:
        marks = _all_marks(network, inputs)
    except OSError as error:
        peak = psutil.Process().memory_info().rss
        notes = [f"memory: the kernel's high-water mark can't be reset here ({error})"]
        return msgspec.structs.replace(memory, peak_process_bytes=peak), notes
    taken, peaks = zip(*marks, strict=True)
    return (
        msgspec.structs.replace(
            memory,
            peak_activation_bytes=statistics.median_low(taken),
            peak_process_bytes=statistics.median_low(peaks),
        ),
        [],
    )


def _all_marks(network: Network, inputs: Inputs) -> list[tuple[int, int]]:
    """Return what `_marked` says of one forward after another."""
    marks: list[tuple[int, int]] = []
    begin = time.monotonic()
    least, most = _MARKS
    while len(marks) < least or (len(marks) < most and time.monotonic() - begin < _MARKS_S):
        marks.append(_marked(network, inputs))
    return marks


def _marked(network: Network, inputs: Inputs) -> tuple[int, int]:
    """Return what a forward takes beyond what was resident before it, and the process at its peak.

    A runtime keeps what its first forward took. So it loads the network once more, and what is
    resident before that, and the weights, is all that doesn't count.

    Raises:
        OSError: The mark can't be reset or read.
    """
    inputs = network.fresh(inputs)
    _give_back_free_pages()
    resident, forward = _status_bytes("VmRSS"), network.forward
    if (loaded := network.loaded_again()) is not None:
        forward = loaded
        resident += network.weights_bytes() or 0
        _give_back_free_pages()  # what loading alone took
    _CLEAR_REFS.write_text(_RESET_PEAK)
    forward(*inputs)
    peak = _status_bytes("VmHWM")
    return max(peak - resident, 0), peak


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
