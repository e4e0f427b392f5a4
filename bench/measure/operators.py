"""Time of each operator of a network in a runtime other than torch, as the runtime measures it."""

import statistics
import time

import msgspec
import torch

from ...datasets.errors import KinobenchError
from ..machine.environment import require_device
from ..network.network import Network
from ..network.runtimes.known import KNOWN, problem_of, provider_of, require
from ..records.case import Case, Device, Hint, Precision, Provider, Runtime
from . import modules
from .other_work_watch import quiet_expected

WARM_UPS = 2


class OperatorTime(msgspec.Struct, frozen=True, kw_only=True):
    """An operator in one forward of the batch.

    Attributes:
        name: Name of the node in the runtime's graph.
        kind: Its type, such as `Conv`.
        kernel: The code that computes it, as the runtime names it; empty where it doesn't.
        median_s: Median of its time.
        share: Its part of the sum of all operators' times.
    """

    name: str
    kind: str
    kernel: str
    median_s: float
    share: float


class RuntimeProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A network's forward in a runtime, whole and by operator.

    Attributes:
        provider: What the runtime runs on.
        threads: Threads of the runtime; None on a GPU.
        forwards: Number of forwards timed by operator, and as many at least without.
        median_s: Median time of the whole forward, without timing the operators.
        operators: In the order in which they run.
        notes: Remarks for the reader, such as other work that ran meanwhile.
    """

    runtime: Runtime
    provider: Provider
    hint: Hint | None
    device: Device
    precision: Precision
    batch: int
    threads: int | None
    forwards: int
    median_s: float
    operators: tuple[OperatorTime, ...]
    notes: tuple[str, ...] = ()


def refuse(case: Case) -> None:
    """Raise KinobenchError unless a case's runtime is there, can run it, and times operators."""
    problem = problem_of(case)
    if problem is not None:
        raise KinobenchError(problem)
    if why := KNOWN[case.runtime].no_profile:
        raise KinobenchError(f"--profile --runtime {case.runtime}: it isn't offered, because {why}")
    require(case.runtime)
    require_device(case.device)


def profile_operators(case: Case) -> RuntimeProfile:
    """Export and load a network, and time its forward on random views, whole and by operator.

    Args:
        case: The network, its clips, and where it runs.

    Raises:
        UnfitEnvironmentError: There is no such device.
        KinobenchError: The runtime can't run it, or doesn't say how long its operators take.
    """
    refuse(case)
    if case.threads is not None:
        torch.set_num_threads(case.threads)
    network = Network(case)
    network.settle(reference=False)
    notes: list[str] = [*network.notes]
    with torch.inference_mode(), quiet_expected(notes.append):
        rotation = network.inputs(2)
        whole: list[float] = []
        begin_s = time.perf_counter()
        while len(whole) < modules.LEAST_FORWARDS or (
            time.perf_counter() - begin_s < modules.PROFILED_S
        ):
            forward_s = time.perf_counter()
            network.forward(*rotation[len(whole) % 2])
            if network.device.type == "cuda":
                torch.cuda.synchronize()
            whole.append(time.perf_counter() - forward_s)
        rounds = [rotation[turn % 2] for turn in range(WARM_UPS + modules.LEAST_FORWARDS)]
        timed = network.operator_times(rounds)
    medians = [statistics.median(each.times_s[WARM_UPS:]) for each in timed]
    total_s = sum(medians) or 1.0
    assert network.export is not None
    return RuntimeProfile(
        runtime=case.runtime,
        provider=provider_of(case),
        hint=case.hint,
        device=case.device,
        precision=case.precision,
        batch=case.batch,
        threads=network.export.threads,
        forwards=modules.LEAST_FORWARDS,
        median_s=statistics.median(whole),
        operators=tuple(
            OperatorTime(
                name=each.name,
                kind=each.kind,
                kernel=each.kernel,
                median_s=median_s,
                share=median_s / total_s,
            )
            for each, median_s in zip(timed, medians, strict=True)
        ),
        notes=tuple(notes),
    )
