"""Time of each module of a network, by hooks before and after its forward."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import torch
from torch import nn

from ...datasets.errors import KinobenchError
from ...datasets.protocol import Protocol
from ..cost.flops import count_traffic
from ..cost.shape import Shape
from ..cost.traffic import Traffic
from ..machine.environment import require_device
from ..network.kernels import missing_kernels, refusal
from ..network.network import Network
from ..records.case import Case, Device, Precision
from ..records.results import Bound, Peak, Roofline
from .gpu_spin import Spin
from .other_work_watch import quiet_expected
from .peak import larger, measure_peak
from .roofline import bound, roofline

LEAST_FORWARDS = 10
PROFILED_S = 2.0
"""Seconds for which forwards are timed; there are at least `LEAST_FORWARDS`."""


class ModuleTime(msgspec.Struct, frozen=True, kw_only=True):
    """A module in one forward of the batch.

    Attributes:
        name: Dotted name of the module.
        macs: MACs of its convolutions and matrix products.
        bound: Bound by its operators' FLOPs and bytes; None if they move nothing.
        median_s: Median time from its begin to its end, all its calls of a forward together, with
            what it calls; None where the forward doesn't call it as a module.
    """

    name: str
    macs: int
    bound: Bound | None
    median_s: float | None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A network's forward, whole and by module, in mode eager.

    Attributes:
        threads: Threads of one operator; None on a GPU.
        forwards: Number of forwards timed with all modules; as many were timed without.
        median_s: Median time of the whole forward, without timing the modules.
        host_gaps: Times on a GPU include gaps in which it waits for the host.
        notes: Remarks for the reader, such as other work that ran meanwhile.
    """

    device: Device
    precision: Precision
    batch: int
    threads: int | None
    forwards: int
    median_s: float
    peak: Peak
    roofline: Roofline
    modules: tuple[ModuleTime, ...]
    host_gaps: bool = False
    notes: tuple[str, ...] = ()


Mark = Callable[[], Any]
"""Takes down an instant."""
Between = Callable[[Any, Any], float]
"""Seconds from one instant to another, once the device has done all."""


class ForwardTimes(NamedTuple):
    """Seconds of each whole forward; of each by name, all its calls of a forward added up.

    `host_gaps` is True if times on a GPU include gaps in which it waits for the host.
    """

    whole: list[float]
    by_module: dict[str, list[float]]
    host_gaps: bool


def profile_network(
    name: str,
    shape: Shape,
    depth: int,
    *,
    device: Device = "cpu",
    precision: Precision = "fp32",
    batch: int = 1,
    threads: int | None = None,
) -> Profile:
    """Build a network and time its forward, whole and by module, on random views.

    Times are wall times on a CPU. On a GPU they are those between CUDA events around a module,
    behind a spin in which the host enqueues the whole forward: no launch is waited for, unless the
    forward itself waits for the GPU, which is noted.

    Args:
        name: A name of the registry.
        shape: The input and the head.
        depth: Levels of modules that are timed.
        device: The device on which it runs.
        precision: Precision of its arithmetic.
        batch: Views in a forward.
        threads: Threads of one operator on the CPU; None leaves them as they are.

    Raises:
        UnfitEnvironmentError: There is no such device.
        KinobenchError: No such network, or it can't take that input or run in that precision.
    """
    require_device(device)
    if device == "cpu" and (kernels := missing_kernels(name, shape, precision)):
        raise KinobenchError(refusal(precision, kernels, (name,)))
    if threads is not None:
        torch.set_num_threads(threads)
    network = Network(case_of(name, shape, device, precision, batch, threads))
    network.settle(reference=False)
    (inputs,) = network.inputs(1)
    macs, traffic = count_traffic(network.module, *inputs)
    timed = _timed_modules(network.module, depth)
    notes: list[str] = []
    with torch.inference_mode(), quiet_expected(notes.append):
        rotation = network.inputs(2)

        def forward(turn: int) -> None:
            network.module(*network.fresh(rotation[turn % 2]))

        whole, by_module, host_gaps = time_modules(
            network.module, timed, forward, *_instants(network.device), on=network.device
        )
    median_s = statistics.median(whole)
    times = {"": median_s} | {name: statistics.median(each) for name, each in by_module.items()}
    work = [(2 * macs.get(name, 0), time_s) for name, time_s in times.items()]
    peak = _peak_above(work, network.device, precision)
    found = (
        _module_time(each, macs, traffic, by_module.get(each, ()), peak) for each in timed.values()
    )
    return Profile(
        device=device,
        precision=precision,
        batch=batch,
        threads=None if device == "cuda" else torch.get_num_threads(),
        forwards=len(whole),
        median_s=median_s,
        host_gaps=host_gaps,
        peak=peak,
        roofline=roofline(2 * macs.get("", 0), traffic, peak, median_s),
        modules=tuple(each for each in found if each is not None),
        notes=tuple(notes),
    )


def case_of(
    name: str, shape: Shape, device: Device, precision: Precision, batch: int, threads: int | None
) -> Case:
    """Return a case whose clips have the shape; nothing else of the protocol counts."""
    protocol = Protocol(
        name="profile",
        frames=shape.frames,
        stride=1,
        short_side=shape.size,
        size=shape.size,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    return Case(
        model=name,
        classes=shape.classes,
        protocol=protocol,
        device=device,
        precision=precision,
        batch=batch,
        threads=threads,
    )


def _peak_above(
    work: Sequence[tuple[int, float]], device: torch.device, precision: Precision
) -> Peak:
    """Measure the peak, and again if some work, FLOPs in seconds, was faster: the larger counts."""
    peak = measure_peak(device, precision)
    if any(flops > time_s * peak.flops_per_s for flops, time_s in work):
        peak = larger(peak, measure_peak(device, precision))
    return peak


def _module_time(
    name: str, macs: Mapping[str, int], traffic: Traffic, times_s: Sequence[float], peak: Peak
) -> ModuleTime | None:
    """Return the time and the bound of a module; None if it is not run, or does nothing."""
    moved, work = traffic.by_module.get(name, 0), macs.get(name, 0)
    if not moved and name not in macs:
        return None
    time_s = statistics.median(times_s) if times_s else None
    limit = bound(2 * work, moved, peak, time_s) if moved else None
    return ModuleTime(name=name, macs=work, bound=limit, median_s=time_s)


def time_modules(
    module: nn.Module,
    timed: dict[nn.Module, str],
    forward: Callable[[int], None],
    mark: Mark,
    between: Between,
    *,
    on: torch.device,
    least_s: float = PROFILED_S,
    clock: Callable[[], float] = time.perf_counter,
) -> ForwardTimes:
    """Time forwards in turns, one whole, one by module; the first two of each warm up.

    Args:
        module: The module that `forward` runs.
        timed: Its modules that are timed, and their names.
        forward: Called with the number of the turn.
        mark: Takes down an instant on the device.
        between: Returns the seconds between two of them.
        on: The device.
        least_s: Least seconds for which forwards are timed; there are at least `LEAST_FORWARDS`.
        clock: Returns the host's time in seconds.
    """
    whole: list[float] = []
    by_module: dict[str, list[float]] = defaultdict(list)
    spin = Spin() if on.type == "cuda" else None
    gaps: list[bool] = []
    warm_ups, turn, begin_s = 2, 0, clock()
    while turn < warm_ups + LEAST_FORWARDS or clock() - begin_s < least_s:
        for hooked in ({}, timed):
            spans: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
            with _marked(hooked, spans, mark):
                if spin is not None and turn >= warm_ups:
                    spin.enqueue()
                forward_s, first = clock(), mark()
                forward(turn)
                last = mark()
                if spin is not None and turn < warm_ups:
                    spin.fit(clock() - forward_s)  # the last one is by module, and the slower one
                elif spin is not None:
                    gaps.append(spin.was_late(first))
            _wait(on)
            if turn < warm_ups:
                continue
            if not hooked:
                whole.append(between(first, last))
            for name, marks in spans.items():
                by_module[name].append(sum(between(*pair) for pair in marks))
        turn += 1
        if turn == warm_ups:
            begin_s = clock()
    return ForwardTimes(whole, dict(by_module), bool(gaps) and statistics.fmean(gaps) > 0.5)


@contextmanager
def _marked(
    timed: dict[nn.Module, str], spans: dict[str, list[tuple[Any, Any]]], mark: Mark
) -> Iterator[None]:
    """Take down when each module begins and ends."""
    begun: dict[str, list[Any]] = defaultdict(list)

    def begin(module: nn.Module, inputs: Any) -> None:
        begun[timed[module]].append(mark())

    def end(module: nn.Module, inputs: Any, outputs: Any) -> None:
        name = timed[module]
        spans[name].append((begun[name].pop(), mark()))

    hooks = []
    for module in timed:
        hooks.append(module.register_forward_pre_hook(begin))
        hooks.append(module.register_forward_hook(end))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _timed_modules(module: nn.Module, depth: int) -> dict[nn.Module, str]:
    """Return the modules down to a level, under the names that MACs and bytes have."""
    return {
        each: name
        for name, each in module.named_modules()
        if name and name.count(".") < depth and not isinstance(each, torch.jit.ScriptModule)
    }


def _instants(device: torch.device) -> tuple[Mark, Between]:
    if device.type != "cuda":
        return time.perf_counter, lambda begin, end: end - begin

    def mark() -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    return mark, lambda begin, end: begin.elapsed_time(end) / 1e3


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
