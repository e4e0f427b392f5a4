"""The peak of the machine: a large matrix product and a large copy, timed here and now.

A number from a data sheet belongs to another clock, another power limit and another library.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from operator import attrgetter

import msgspec
import torch

from ...datasets.their_errors import error_text
from ..machine.environment import available_memory_bytes
from ..machine.processor import last_level_cache_bytes
from ..records.case import Precision
from ..records.latency import Latency
from ..records.results import Bound, Peak
from .context import Context
from .roofline import beaten, case_traffic, roofline, utilisation

_DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,  # with what `Network` allows
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}

ROUNDS = 4
"""Rounds of products and a copy, spread over about a second: a busy moment spoils one or two."""
PAUSE_S = 0.1
"""Between two rounds: the period in which Linux grants a control group its processor time again
(`cpu.max`, 100 ms by default)."""
LONGEST_S = 4.0
"""No further round is begun after so much work, on a machine that is busy all the time."""
REPEATS = 2
"""Repeats of each product in a round; the very first call of each warms up."""
ROWS = {"cpu": (256, 512, 1024, 2048, 4096), "cuda": (1024, 2048, 4096, 8192, 16384)}
"""Larger and larger, until a device is full or time is up; the best counts."""
PRODUCTS_S = 0.5
"""Time of the products of all rounds, if each took its fastest time."""
COPIED_BYTES = {"cpu": 2**27, "cuda": 2**30}
"""Least number of bytes to copy, if there is memory for it. On a GPU it is above any cache."""
CACHES = 4
"""Least size of a copy on a CPU, as a multiple of the caches of the last level together (1 GB in
servers): a smaller copy would stay in them."""
FREE_SHARE = 8
"""A tensor takes at most this part of the free memory, and the one that it is copied to as much.
The largest product takes twice this part: tensors are kept between the rounds."""
_STEP_BYTES = 2**18

TimeCall = Callable[[Callable[[], object]], float]
"""Seconds of one call on the device."""


def run(context: Context) -> None:
    """Report the share of the machine's peak that the forward reaches, and its roofline.

    The peak is measured, unless an earlier case of the run did it. No forward does more than the
    machine can, so a share above 1 puts the peak in doubt: it is measured again, and the larger one
    counts, also for later cases. Where the share stays above 1 it is None, and a note says so.
    """
    network, latency = context.network, context.found["latency"]
    assert isinstance(latency, Latency)
    if network.case.precision not in _DTYPES:
        context.note(f"not measured: torch has no product in {network.case.precision}")
        return
    flops = context.found["cost"].flops * network.case.batch

    def measured() -> Peak:
        return measure_peak(network.device, network.case.precision)

    try:
        peak = context.job.peak or measured()
    except RuntimeError as error:  # no product in that precision, or no memory
        context.note(f"could not be measured: {error_text(error)}")
        return
    if utilisation(flops, latency.median_s, peak) > 1:
        peak = _again(peak, measured)
    _keep(context, latency, flops, peak)
    try:
        traffic = case_traffic(network)
    except Exception as error:  # it ran, so this is about counting
        context.note(f"bytes could not be counted: {error_text(error)}", about="roofline")
        _explain_mfu(context, latency, flops, peak)
        return
    if not traffic.operator_bytes:
        context.note(
            "no operator moves a byte: the logits don't depend on the clip", about="roofline"
        )
        _explain_mfu(context, latency, flops, peak)
        return
    found = roofline(flops, traffic, peak, latency.median_s)
    # Of bytes this is usual where a cache holds them: a second look is enough for a whole run.
    if beaten(found, latency.median_s) and peak.measured == 1:
        peak = _again(peak, measured)
        _keep(context, latency, flops, peak)
        found = roofline(flops, traffic, peak, latency.median_s)
    context.keep(roofline=found)
    _explain_mfu(context, latency, flops, peak)
    for name, bound in beaten(found, latency.median_s).items():
        context.note(_of_bound(name, bound, latency.median_s), about="roofline")


def _keep(context: Context, latency: Latency, flops: int, peak: Peak) -> None:
    share = utilisation(flops, latency.median_s, peak)
    mfu = share if share <= 1 else None
    context.keep(latency=msgspec.structs.replace(latency, mfu=mfu), peak=peak)


def _explain_mfu(context: Context, latency: Latency, flops: int, peak: Peak) -> None:
    """Say why there is no MFU, if there is none."""
    if (share := utilisation(flops, latency.median_s, peak)) > 1:
        context.note(_of_mfu(share, flops / latency.median_s, peak))


def _again(peak: Peak, measured: Callable[[], Peak]) -> Peak:
    """Return the larger one of a peak and one that is measured now, if it can be."""
    try:
        return larger(peak, measured())
    except RuntimeError:  # memory has become scarce
        return peak


def larger(one: Peak, other: Peak) -> Peak:
    """Return the larger figures of two measurements of the same peak, counted together."""
    fast, wide = (
        max(one, other, key=attrgetter(figure)) for figure in ("flops_per_s", "bytes_per_s")
    )
    return msgspec.structs.replace(
        fast,
        bytes_per_s=wide.bytes_per_s,
        copied_bytes=wide.copied_bytes,
        measured=one.measured + other.measured,
    )


def _of_mfu(share: float, flops_per_s: float, peak: Peak) -> str:
    times = "once" if peak.measured == 1 else f"{peak.measured} times"
    return (
        f"MFU is left out, since it would be {100 * share:.0f} %: the forward's "
        f"{flops_per_s / 1e9:.4g} GFLOP/s over the peak's {peak.flops_per_s / 1e9:.4g}, measured "
        f"{times}. Either other work on the machine made the peak too small, or an algorithm "
        "(Winograd, FFT) needs fewer multiplications than the FLOPs that are counted"
    )


def _of_bound(name: str, bound: Bound, time_s: float) -> str:
    reason = "a cache holds bytes that count as moved, or the copy's peak is too small"
    if bound.limit == "compute":
        reason = "see the note on MFU"
    return (
        f"{name}: share is left out, since it would be {100 * bound.least_s / time_s:.0f} %: at "
        f"least {1e3 * bound.least_s:.4g} ms by {bound.limit}, {1e3 * time_s:.4g} ms measured; "
        f"{reason}"
    )


def measure_peak(
    device: torch.device, precision: Precision, time_call: TimeCall | None = None
) -> Peak:
    """Time products and copies of random numbers, in rounds; the fastest of each counts.

    Other work only ever makes a call slower. It takes about a second, or some where caches are
    large or the machine is busy, and leaves no memory behind.

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
    copied_bytes = _to_copy(COPIED_BYTES[device.type], cache_bytes, free_bytes)
    with torch.inference_mode():
        rows, product_s, copy_s = _fastest(
            device, _DTYPES[precision], timed, free_bytes, copied_bytes
        )
    if on_gpu:
        torch.cuda.empty_cache()
    return Peak(
        flops_per_s=2 * rows**3 / product_s,
        bytes_per_s=2 * copied_bytes / copy_s,
        precision=precision,
        rows=rows,
        copied_bytes=copied_bytes,
        threads=None if on_gpu else torch.get_num_threads(),
    )


@dataclass
class _Repeated:
    """A call, its fastest time so far, and the time of all its calls; the first one warms up."""

    call: Callable[[], object]
    fastest_s: float = inf
    spent_s: float = 0.0

    def repeat(self, times: int, timed: TimeCall) -> None:
        if not self.spent_s:
            self.spent_s += timed(self.call)
        for _ in range(times):
            took_s = timed(self.call)
            self.spent_s += took_s
            self.fastest_s = min(self.fastest_s, took_s)


def _fastest(
    device: torch.device, dtype: torch.dtype, timed: TimeCall, free_bytes: int, copied_bytes: int
) -> tuple[int, float, float]:
    """Return the rows of the product that did most a second, its time, and that of the copy."""
    products: dict[int, _Repeated] = {}
    copy = _Repeated(_copy(device, copied_bytes))
    for number in range(ROUNDS):
        if number:
            time.sleep(PAUSE_S)
        _round(products, device, dtype, timed, free_bytes)
        copy.repeat(1, timed)
        if copy.spent_s + sum(product.spent_s for product in products.values()) > LONGEST_S:
            break
    rows = max(products, key=lambda rows: rows**3 / products[rows].fastest_s)
    return rows, products[rows].fastest_s, copy.fastest_s


def _round(
    products: dict[int, _Repeated],
    device: torch.device,
    dtype: torch.dtype,
    timed: TimeCall,
    free_bytes: int,
) -> None:
    """Repeat the products, and add larger ones as long as there is memory and time.

    Each round decides again how far to go, from the fastest times so far: where the machine was
    busy in the first one, the products that fit no longer seem too slow in the next.
    """
    spent_s = last_s = 0.0
    for rows in ROWS[device.type]:
        if rows not in products:
            too_large = 3 * rows**2 * dtype.itemsize > 2 * free_bytes / FREE_SHARE
            too_slow = spent_s + 8 * last_s * REPEATS > PRODUCTS_S / ROUNDS
            if products and (too_large or too_slow):
                return
            products[rows] = _Repeated(_product(rows, device, dtype))
        products[rows].repeat(REPEATS, timed)
        last_s = products[rows].fastest_s
        spent_s += REPEATS * last_s


def _product(rows: int, device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
    left, right = (
        torch.randn(rows, rows, device=device, dtype=torch.float32).to(dtype) for _ in range(2)
    )
    result = torch.empty(rows, rows, device=device, dtype=dtype)
    return lambda: torch.mm(left, right, out=result)


def _to_copy(least_bytes: int, cache_bytes: int, free_bytes: int) -> int:
    """Return the bytes of the tensor to copy."""
    wanted = min(max(least_bytes, CACHES * cache_bytes), free_bytes // FREE_SHARE)
    return max(wanted // _STEP_BYTES, 1) * _STEP_BYTES


def _copy(device: torch.device, size: int) -> Callable[[], object]:
    """Return a call that copies a tensor of `size` bytes: as many are read, and as many written."""
    # Drawing all of them would take longer than copying.
    few = torch.randn(_STEP_BYTES // 4, device=device)
    source = few.repeat(size // _STEP_BYTES)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def _free_bytes() -> int:
    """Return the memory that is free for this process, or as much as it may allocate in all."""
    free = available_memory_bytes()
    try:
        import resource
    except ImportError:  # not on Windows
        return free
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return free if limit == resource.RLIM_INFINITY else min(free, limit)


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
