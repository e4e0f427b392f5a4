"""The peak of the machine: a large matrix product and a large copy, timed here and now.

A number from a data sheet belongs to another clock, another power limit and another library. The
product is that of the fastest library that is installed, so that a slow one isn't flattered.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch

from ...datasets.errors import KinobenchError
from ...datasets.their_errors import error_text
from ..machine.environment import available_memory_bytes
from ..machine.processor import last_level_cache_bytes
from ..network.runtimes.product import libraries, product_of
from ..records.case import QUANTISED, Precision, Runtime
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

AGREE = 0.03
"""Two measurements of a peak that differ by less were not disturbed, as a share of the larger; so
are two rounds of one."""
MOST_TIMES, AGAIN_S = 4, 8.0
"""A machine that disturbs them all isn't measured more often, nor again after so many seconds."""
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

    The peak is that of the run, which was measured before its cases; without one, as for a single
    network in the caller's process, torch's is measured here. No forward does more than the machine
    can, so a share above 1 puts the peak in doubt: it is measured again, and the larger one
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
    """Say why there is no MFU, if there is none, and whose peak it is of, if not torch's."""
    if (share := utilisation(flops, latency.median_s, peak)) > 1:
        context.note(_of_mfu(share, flops / latency.median_s, peak))
    elif peak.library != "torch":
        context.note(
            f"reached by {peak.library}, the fastest of "
            + ", ".join(f"{name} {rate / 1e9:.4g}" for name, rate in peak.libraries.items())
            + " GFLOP/s"
        )


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
        libraries={
            name: max(each.libraries.get(name, 0.0) for each in (one, other))
            for name in (*one.libraries, *other.libraries)
        },
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


def machine_peak(
    device: torch.device,
    precision: Precision,
    once: Callable[[torch.device, Precision], "Tried"] | None = None,
) -> Peak:
    """Measure the peak of the fastest library, and again if it was disturbed.

    Other work makes it smaller, and never larger. It counts once the two fastest of its rounds
    agree, or two measurements do, or it was tried often enough.

    Args:
        device: Device to measure; a CPU uses torch's present number of threads.
        precision: Precision of the products.
        once: Measures it once; None: by torch, and on a CPU by every installed runtime.

    Raises:
        RuntimeError: No library has a product in that precision, or there is no memory for one.
    """
    measure, end_s = once or peak_of_libraries, time.perf_counter() + AGAIN_S
    best, steady = measure(device, precision)
    while not steady and best.measured < MOST_TIMES and time.perf_counter() < end_s:
        again, steady = measure(device, precision)
        low, high = sorted((best.flops_per_s, again.flops_per_s))
        steady = (steady and again.flops_per_s == high) or low >= (1 - AGREE) * high
        best = larger(best, again)
    return best


class Tried(NamedTuple):
    """A peak, and whether the two fastest rounds of its product agree."""

    peak: Peak
    steady: bool


def peak_of_libraries(
    device: torch.device, precision: Precision, time_call: TimeCall | None = None
) -> Tried:
    """Measure the peak of torch, and on a CPU of each runtime that has a product of its own.

    Raises:
        RuntimeError: torch has no product in that precision, or there is no memory for a small one.
    """
    peak, steady = _torch_peak(device, precision, time_call)
    rates: dict[Runtime, float] = {"torch": peak.flops_per_s}
    if device.type != "cpu":
        return Tried(msgspec.structs.replace(peak, libraries=dict(rates)), steady)
    found: dict[Runtime, tuple[int, bool]] = {"torch": (peak.rows, steady)}
    for library in libraries(precision):
        try:
            best = _fastest_in(library, precision, time_call or _on_cpu)
        except (KinobenchError, RuntimeError, ImportError):  # it has none in this precision here
            continue
        rates[library] = best.flops_per_s
        found[library] = (best.rows, best.steady)
    fastest = max(rates, key=lambda name: rates[name])
    rows, steady = found[fastest]
    changed = {"flops_per_s": rates[fastest], "rows": rows, "library": fastest}
    return Tried(msgspec.structs.replace(peak, **changed, libraries=dict(rates)), steady)


def _fastest_in(library: Runtime, precision: Precision, timed: TimeCall) -> "_Best":
    """Return the product that did most a second in a runtime."""
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:

        def product(rows: int) -> Callable[[], object]:
            return product_of(library, rows, precision, threads, Path(folder))

        products: dict[int, _Repeated] = {}
        _rounds(products, product, ROWS["cpu"], _itemsize(precision), timed, _free_bytes())
    return _best(products)


def measure_peak(
    device: torch.device, precision: Precision, time_call: TimeCall | None = None
) -> Peak:
    """Measure torch's peak alone; see `_torch_peak`."""
    return _torch_peak(device, precision, time_call).peak


def _torch_peak(
    device: torch.device, precision: Precision, time_call: TimeCall | None = None
) -> Tried:
    """Time torch's products and copies of random numbers, in rounds; the fastest of each counts.

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
    products: dict[int, _Repeated] = {}
    copy = _Repeated(_copy(device, copied_bytes))
    with torch.inference_mode():
        _rounds(
            products,
            _product_in(device, precision),
            ROWS[device.type],
            _itemsize(precision),
            timed,
            free_bytes,
            copy,
        )
    best = _best(products)
    copy_s = copy.fastest_s
    products.clear()
    del copy
    if on_gpu:
        torch.cuda.empty_cache()
    peak = Peak(
        flops_per_s=best.flops_per_s,
        bytes_per_s=2 * copied_bytes / copy_s,
        precision=precision,
        rows=best.rows,
        copied_bytes=copied_bytes,
        threads=None if on_gpu else torch.get_num_threads(),
    )
    return Tried(peak, best.steady)


@dataclass
class _Repeated:
    """A call, its fastest time so far, and the time of all its calls; the first one warms up.

    `rounds_s` has the fastest time of each round.
    """

    call: Callable[[], object]
    fastest_s: float = inf
    spent_s: float = 0.0
    rounds_s: list[float] = field(default_factory=list)

    def repeat(self, times: int, timed: TimeCall) -> None:
        if not self.spent_s:
            self.spent_s += timed(self.call)
        took_s = [timed(self.call) for _ in range(times)]
        self.spent_s += sum(took_s)
        self.rounds_s.append(min(took_s))
        self.fastest_s = min(self.fastest_s, self.rounds_s[-1])


def _rounds(
    products: dict[int, _Repeated],
    product: Callable[[int], Callable[[], object]],
    sizes: Sequence[int],
    itemsize: int,
    timed: TimeCall,
    free_bytes: int,
    copy: _Repeated | None = None,
) -> None:
    """Time products of some rows, and a copy, in rounds.

    Args:
        products: What was timed, by rows.
        product: Makes the product of so many rows.
        sizes: The rows, smallest first.
        itemsize: Bytes of a number.
        timed: Times a call.
        free_bytes: Memory that may be taken.
        copy: The copy; None: there is none.
    """
    for number in range(ROUNDS):
        if number:
            time.sleep(PAUSE_S)
        _round(products, product, sizes, itemsize, timed, free_bytes)
        if copy is not None:
            copy.repeat(1, timed)
        spent_s = sum(each.spent_s for each in products.values())
        if spent_s + (0.0 if copy is None else copy.spent_s) > LONGEST_S:
            break


class _Best(NamedTuple):
    """The product that did most a second, and whether its two fastest rounds agree."""

    rows: int
    flops_per_s: float
    steady: bool


def _best(products: dict[int, _Repeated]) -> _Best:
    rows = max(products, key=lambda rows: rows**3 / products[rows].fastest_s)
    first, *others = sorted(products[rows].rounds_s)
    steady = bool(others) and first >= (1 - AGREE) * others[0]
    return _Best(rows, 2 * rows**3 / first, steady)


def _round(
    products: dict[int, _Repeated],
    product: Callable[[int], Callable[[], object]],
    sizes: Sequence[int],
    itemsize: int,
    timed: TimeCall,
    free_bytes: int,
) -> None:
    """Repeat the products, and add larger ones as long as there is memory and time.

    Each round decides again how far to go, from the fastest times so far: where the machine was
    busy in the first one, the products that fit no longer seem too slow in the next.
    """
    spent_s = last_s = 0.0
    for rows in sizes:
        if rows not in products:
            too_large = 3 * rows**2 * itemsize > 2 * free_bytes / FREE_SHARE
            too_slow = spent_s + 8 * last_s * REPEATS > PRODUCTS_S / ROUNDS
            if products and (too_large or too_slow):
                return
            products[rows] = _Repeated(product(rows))
        products[rows].repeat(REPEATS, timed)
        last_s = products[rows].fastest_s
        spent_s += REPEATS * last_s


def _itemsize(precision: Precision) -> int:
    return 4 if precision in QUANTISED else _DTYPES[precision].itemsize  # the results of int8


def _product_in(
    device: torch.device, precision: Precision
) -> Callable[[int], Callable[[], object]]:
    """Return what makes a product of torch.

    Raises:
        RuntimeError: torch has none in that precision.
    """
    if precision == "int8":
        return lambda rows: _int8_product(rows, device)
    if precision not in _DTYPES:
        raise RuntimeError(f"torch has no product of two matrices in {precision} to compare with")
    return lambda rows: _product(rows, device, _DTYPES[precision])


def _int8_product(rows: int, device: torch.device) -> Callable[[], object]:
    left, right = (
        torch.randint(-127, 128, (rows, rows), device=device, dtype=torch.int8) for _ in range(2)
    )
    return lambda: torch._int_mm(left, right)


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
