"""The peak of the machine: a large matrix product and a large copy, timed here and now.

A number from a data sheet belongs to another clock, another power limit and another library.
"""

import time
from collections.abc import Callable

import msgspec
import torch

from ..machine.environment import available_memory_bytes
from ..machine.processor import last_level_cache_bytes
from ..network.failures import error_text
from ..records.case import Precision
from ..records.latency import Latency
from ..records.results import Peak
from .context import Context
from .roofline import case_traffic, roofline, utilisation

_DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,  # with what `Network` allows
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}

REPEATS = 4
"""Repeats of each product and of the copy, after one that warms up."""
ROWS = {"cpu": (256, 512, 1024, 2048, 4096), "cuda": (1024, 2048, 4096, 8192, 16384)}
"""Larger and larger, until a device is full or time is up; the best counts."""
PRODUCTS_S = 0.5
COPIED_BYTES = {"cpu": 2**27, "cuda": 2**30}
"""Least number of bytes to copy, if there is memory for it. On a GPU it is above any cache."""
CACHES = 4
"""Least size of a copy on a CPU, as a multiple of the caches of the last level together (1 GB in
servers): a smaller copy would stay in them."""
FREE_SHARE = 8
"""A tensor takes at most this part of the free memory, and the one that it is copied to as much."""
_STEP_BYTES = 2**18

TimeCall = Callable[[Callable[[], object]], float]
"""Seconds of one call on the device."""


def run(context: Context) -> None:
    """Report the share of the machine's peak that the forward reaches, and its roofline.

    The peak is measured, unless an earlier case of the run did it.
    """
    network, latency = context.network, context.found["latency"]
    assert isinstance(latency, Latency)
    flops = context.found["cost"].flops * network.case.batch
    try:
        peak = context.job.peak or measure_peak(network.device, network.case.precision)
    except RuntimeError as error:  # no product in that precision, or no memory
        context.note(f"could not be measured: {error_text(error)}")
        return
    share = utilisation(flops, latency.median_s, peak)
    context.keep(latency=msgspec.structs.replace(latency, mfu=share), peak=peak)
    try:
        traffic = case_traffic(network)
    except Exception as error:  # it ran, so this is about counting
        context.note(f"bytes could not be counted: {error_text(error)}", about="roofline")
        return
    context.keep(roofline=roofline(flops, traffic, peak, latency.median_s))


def measure_peak(
    device: torch.device, precision: Precision, time_call: TimeCall | None = None
) -> Peak:
    """Time products and copies of random numbers; the fastest of each counts.

    It takes about a second, or some where caches are large, and leaves no memory behind.

    Args:
        device: Device to measure; a CPU uses torch's present number of threads.
        precision: Precision of the products. The caller sets whether TF32 is allowed.
        time_call: Returns the seconds of one call on the device.

    Raises:
        RuntimeError: The device has no product in that precision, or no memory for a small one.
    """
    on_gpu = device.type == "cuda"
    timed = time_call or (_on_cuda if on_gpu else _on_cpu)
    if on_gpu:
        torch.cuda.empty_cache()  # what the allocator keeps would not be free
        free_bytes, cache_bytes = torch.cuda.mem_get_info(device)[0], 0
    else:
        free_bytes, cache_bytes = _free_bytes(), last_level_cache_bytes()
    with torch.inference_mode():
        rows, flops_per_s = _products(device, _DTYPES[precision], timed, free_bytes)
        copied_bytes = _to_copy(COPIED_BYTES[device.type], cache_bytes, free_bytes)
        bytes_per_s = _copies(device, copied_bytes, timed)
    if on_gpu:
        torch.cuda.empty_cache()
    return Peak(
        flops_per_s=flops_per_s,
        bytes_per_s=bytes_per_s,
        precision=precision,
        rows=rows,
        copied_bytes=copied_bytes,
        threads=None if on_gpu else torch.get_num_threads(),
    )


def _products(
    device: torch.device, dtype: torch.dtype, timed: TimeCall, free_bytes: int
) -> tuple[int, float]:
    """Return the rows of the product that did most a second, and its FLOPs a second."""
    best_rows, best = 0, 0.0
    spent_s, last_s = 0.0, 0.0
    for rows in ROWS[device.type]:
        expected_s = 8 * last_s * (1 + REPEATS)
        too_large = 3 * rows**2 * dtype.itemsize > free_bytes / 2
        if best_rows and (too_large or spent_s + expected_s > PRODUCTS_S):
            break
        left, right = (
            torch.randn(rows, rows, device=device, dtype=torch.float32).to(dtype) for _ in range(2)
        )
        result = torch.empty(rows, rows, device=device, dtype=dtype)
        warm_s, last_s = _fastest(lambda: torch.mm(left, right, out=result), timed)  # noqa: B023
        spent_s += warm_s + REPEATS * last_s
        if 2 * rows**3 / last_s > best:
            best_rows, best = rows, 2 * rows**3 / last_s
    return best_rows, best


def _to_copy(least_bytes: int, cache_bytes: int, free_bytes: int) -> int:
    """Return the bytes of the tensor to copy."""
    wanted = min(max(least_bytes, CACHES * cache_bytes), free_bytes // FREE_SHARE)
    return max(wanted // _STEP_BYTES, 1) * _STEP_BYTES


def _copies(device: torch.device, size: int, timed: TimeCall) -> float:
    """Return how many bytes a second are read and written by the copy of a tensor of `size`."""
    # Drawing all of them would take longer than copying.
    few = torch.randn(_STEP_BYTES // 4, device=device)
    source = few.repeat(size // _STEP_BYTES)
    target = torch.empty_like(source)
    return 2 * size / _fastest(lambda: target.copy_(source), timed)[1]


def _free_bytes() -> int:
    """Return the memory that is free for this process, or as much as it may allocate in all."""
    free = available_memory_bytes()
    try:
        import resource
    except ImportError:  # not on Windows
        return free
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return free if limit == resource.RLIM_INFINITY else min(free, limit)


def _fastest(call: Callable[[], object], timed: TimeCall) -> tuple[float, float]:
    """Return the time of a call that warms up, and the least of those after it."""
    warm_s = timed(call)
    return warm_s, min(timed(call) for _ in range(REPEATS))


def _on_cpu(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _on_cuda(call: Callable[[], object]) -> float:
    start = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3
