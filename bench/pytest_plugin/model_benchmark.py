"""One network's forward under pytest-benchmark, as `run` would call it."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypedDict, Unpack

import msgspec
import torch

from ...datasets.errors import KinobenchError
from ...zoo import registry
from ...zoo.spec import input_shapes
from ..cost.apart import DiedApartError
from ..gate.benchmark_json import about_case, about_machine, about_peak
from ..machine.allocator import memory_kept
from ..machine.environment import describe, require_device
from ..measure.latency import INPUTS_IN_ROTATION, warm_up
from ..measure.peak import measure_peak
from ..measure.sampling import Sample
from ..network.jit_warnings import jit_unmentioned
from ..network.network import Network
from ..network.outputs import logits_of
from ..network.runtimes.known import versions_of
from ..records.case import Device, Hint, Mode, Precision, Provider, Runtime
from ..records.record import Environment
from ..run.plan import plan
from ..run.settings import Settings, argument, one_runtime, settings_of
from ..run.suite import Suite

WARMUP_MAX_S = 30.0


class Within(TypedDict, total=False):
    """What executes a network, as keyword arguments of `model_benchmark`.

    Attributes:
        runtime: Library that executes it; None is torch.
        provider: What the runtime runs on; None is its usual one for the device.
        hint: OpenVINO's hint, `"latency"` or `"throughput"`.
    """

    runtime: Runtime | None
    provider: Provider | None
    hint: Hint | None


def refuse_unknown(within: Within) -> None:
    """Raise TypeError for an argument that there isn't, as Python does."""
    for name in within:
        if name not in Within.__annotations__:
            raise TypeError(f"model_benchmark() got an unexpected keyword argument {name!r}")


class ModelBenchmark:
    """The value of the fixture `model_benchmark`."""

    def __init__(self, benchmark: Any) -> None:
        """Time by pytest-benchmark's fixture of the same test."""
        self._benchmark = benchmark

    def __call__(
        self,
        model: str,
        *,
        batch: int = 1,
        device: Device = "cpu",
        precision: Precision = "fp32",
        mode: Mode = "eager",
        protocol: str = "common-224",
        weights: str | None = None,
        classes: int | None = None,
        threads: int | None = None,
        warmup_max_s: float = WARMUP_MAX_S,
        **within: Unpack[Within],
    ) -> torch.Tensor:
        """Time forwards of a network by the wall clock; a forward ends when the device has done it.

        The network is in eval and inference mode, takes random clips in rotation, and is warm: see
        `latency.warm_up`. Options of pytest-benchmark decide the number of rounds
        (`--benchmark-min-rounds`, `--benchmark-max-time`); with `--benchmark-disable` there is one
        forward. `extra_info` describes the case and the machine. It has the peak of a reference
        kernel, which is timed before the warm-up (under a second), and by which `check --against`
        divides times. A test that names no group is in the group of the family and the device.

        Args:
            model: A name that `kinobench list models` shows, or that `@register` gave.
            batch: Clips in a forward.
            device: The same as the option of `kinobench run`, as are the next two.
            precision: Precision of the arithmetic.
            mode: Mode in which torch runs the network.
            protocol: Protocol that decides the frames and the size of a clip.
            weights: A published checkpoint's name, or a path; None is an untrained network.
            classes: Outputs; None is the checkpoint's number, or 400.
            threads: Threads of one operator on the CPU; None is all physical cores.
            warmup_max_s: Seconds after which the warm-up ends, settled or not.
            within: The runtime, as `runtime="openvino"`: see `Within`. The export is not timed.

        Returns:
            The logits of the last forward, `[batch, classes]` (of one frame, in mode `stream`).

        Raises:
            UnknownNameError: No model, or protocol, is named so; the message has the nearest name.
            KinobenchError: Settings contradict each other, the runtime isn't installed, or the
                network can't be exported to it.
            UnfitEnvironmentError: There is no such device here.
        """
        __tracebackhide__ = True
        try:
            refuse_unknown(within)
            asked = settings_of(
                argument,
                protocol=protocol,
                weights=weights,
                classes=classes,
                device=device,
                **within,
                precision=precision,
                mode=mode,
                batch=(batch,),
                threads=threads,
            )
            one_runtime(asked, argument)
            with jit_unmentioned():
                network, about = _settled(model, asked)
        except Exception as error:
            self._benchmark.skipped = True  # else it also complains that it was not used
            if isinstance(error, KinobenchError):
                error.__traceback__ = None  # the user's own line is at fault
            raise
        with torch.inference_mode(), memory_kept() as allocator:
            once = _forward(network)
            about["allocator"] = allocator
            if self._benchmark.enabled:
                about |= _reference(network)
                calls, settled = warm_up(_timed(once), warmup_max_s)
                about |= {"warmup_calls": calls, "warm": settled}
            if self._benchmark.group is None:
                runtime = network.case.runtime
                place = device if runtime == "torch" else f"{device} in {runtime}"
                self._benchmark.group = f"{registry.get(model).family} on {place}"
            self._benchmark.extra_info.update(about)
            try:
                logits: torch.Tensor = self._benchmark(once)
            finally:
                network.let_go()
        return logits


def _settled(model: str, asked: Settings) -> tuple[Network, dict[str, Any]]:
    """Build the network as a case of `run`, and return it with its description."""
    (planned,) = plan(Suite(), asked, (model,))
    case = planned.case
    require_device(case.device)
    if case.threads is not None:
        torch.set_num_threads(case.threads)
    network = Network(case)
    about = {
        **about_case(case),
        "weights_digest": network.weights_digest,
        "params": network.params,
        **_macs(network),
        "inputs": _shapes(network),
        "clock": "wall",
        **about_machine(_machine(case.device, case.runtime)),
    }
    network.settle(reference=False)
    if network.export is not None:
        about["export"] = msgspec.to_builtins(network.export)
    return network, about


def _forward(network: Network) -> Callable[[], torch.Tensor]:
    """Return a call of the forward that ends when the device has done its work."""
    rotation, turn = network.inputs(INPUTS_IN_ROTATION), 0
    forward, on_gpu = network.forward, network.device.type == "cuda"

    def once() -> torch.Tensor:
        nonlocal turn
        inputs = network.fresh(rotation[turn])
        turn = (turn + 1) % INPUTS_IN_ROTATION
        logits = logits_of(forward(*inputs))
        if on_gpu:
            torch.cuda.synchronize()
        return logits

    return once


def _timed(once: Callable[[], torch.Tensor]) -> Callable[[], Sample]:
    def sample() -> Sample:
        cpu, begin = time.process_time(), time.perf_counter()
        once()
        wall_s = time.perf_counter() - begin
        return Sample(wall_s, wall_s, time.process_time() - cpu)

    return sample


def _macs(network: Network) -> dict[str, Any]:
    """Count one view (one frame, in mode `stream`); a failure of counting doesn't stop the timing.

    As in `run`: a network with a fault of its own fails again when it is called.
    """
    try:
        cost = network.cost()
    except DiedApartError as error:
        return {"macs": None, "macs_missing": str(error)}
    except KinobenchError:
        raise
    except Exception as error:
        return {"macs": None, "macs_missing": f"{type(error).__name__}: {error}"}
    remarks = {"uncounted": cost.uncounted, "macs_notes": list(cost.notes)}
    return {"macs": cost.macs} | {name: value for name, value in remarks.items() if value}


def _shapes(network: Network) -> dict[str, list[int]]:
    case = network.case
    frames, size = case.protocol.frames, case.protocol.size
    if case.mode == "stream":
        return {"rgb": [case.batch, 3, size, size]}
    shapes = input_shapes(network.kinds, case.batch, frames, size)
    return {str(kind): list(shape) for kind, shape in zip(network.kinds, shapes, strict=True)}


@cache
def _machine(device: Device, runtime: Runtime) -> Environment:
    return describe(device, runtime=versions_of(runtime))


def _reference(network: Network) -> dict[str, Any]:
    """Time the kernel that never changes: `check --against` divides times by it."""
    try:
        return about_peak(measure_peak(network.device, network.case.precision))
    except RuntimeError as error:  # no product in that precision, or no memory
        return {**about_peak(None), "peak_missing": str(error)}
