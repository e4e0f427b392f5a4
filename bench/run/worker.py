"""The process that measures one case: a Job comes in on stdin, Events leave, a line each."""

import importlib
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.split import Split
from ..cluster.case import on_cluster
from ..evaluation.case import compare_classes, score
from ..machine.environment import (
    physical_cores,
    usable_cpus,
)
from ..network.failures import error_text, failure_of, limit_memory
from ..records.job import (
    Built,
    Emit,
    Event,
    Failed,
    Finished,
    Job,
    Measured,
    Note,
    Progress,
    ShardFailedError,
)
from ..records.record import Cost, Failure, Latency, Peak

if TYPE_CHECKING:
    from ..network.network import Network


def main(model: str | None = None) -> None:
    """Measure the case that stdin describes.

    Args:
        model: The network that it will be about, whose libraries are loaded while stdin is silent.
    """
    _end_with(os.getppid())
    emit = _events_to(_private_stdout())
    emit(Progress(stage="importing torch"))
    load_libraries(model)
    given = sys.stdin.buffer.read()
    if not given:  # a worker held ready that no case was left for
        return
    job = msgspec.json.decode(given, type=Job)
    limit_memory(job.memory_limit_bytes)
    import torch

    torch.set_num_interop_threads(1)
    measure_case(job, emit)


def measure_case(job: Job, emit: Emit) -> None:
    """Measure a case in this process; whatever fails is an event, too, and `Finished` the last."""
    try:
        _measure(job, emit)
    except KinobenchError as error:
        emit(Failed(failure=Failure(kind="refused", message=str(error))))
    except ShardFailedError as error:
        emit(Failed(failure=error.failure))
    except Exception as error:
        emit(Failed(failure=failure_of(error)))
    emit(Finished())


def _end_with(parent: int) -> None:
    """End this process, and its group, once the command that started it is gone, however so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # with what it started, as a local Ray
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def load_libraries(model: str | None) -> None:
    """Import what the case needs, which takes seconds, while nothing is being timed."""
    import pandas  # noqa: F401  (pyarrow imports it when it writes the first shard)
    import torch._dynamo  # noqa: F401  (torch imports it at the first convolution)

    from ...zoo import registry
    from ..cost import flops, traffic  # noqa: F401
    from ..evaluation import accuracy  # noqa: F401
    from ..measure import latency, memory, peak, sweep  # noqa: F401
    from ..network import network  # noqa: F401

    # A plugin's network comes with the case; a mistake is told then.
    with suppress(KinobenchError, ImportError):
        for library in registry.get(model or "").libraries:
            importlib.import_module(library)


def _measure(job: Job, emit: Emit) -> None:
    import torch

    from ...zoo.registry import load_plugin
    from ..network.network import Network

    case = job.case
    if case.threads is not None:
        torch.set_num_threads(case.threads)
    for plugin in job.plugins:
        load_plugin(plugin)
    split = None
    if case.weights is not None:
        split = _split(job)
        compare_classes(case, split, emit)
    emit(Progress(stage="building"))
    network = Network(case)
    emit(Built(params=network.params, weights_digest=network.weights_digest))
    uncounted: tuple[str, ...] = ()
    cost: Cost | None = None
    if "flops" in job.measures:
        emit(Progress(stage="counting"))
        cost = _count(network, emit)
        uncounted = ("the whole network",) if cost is None else tuple(cost.uncounted)
    if "accuracy" in job.measures and case.dataset is not None:
        _ = network.digest  # before it is settled
    if job.needs_device:
        network.settle(reference=not {"latency", "sweep"}.isdisjoint(job.measures))
        for text in network.notes:
            emit(Note(text=text))
    on_cpu = case.device == "cpu"
    if "memory" in job.measures and not on_cpu:
        _take_memory(network, emit)
    if "latency" in job.measures:
        from ..measure.latency import latency_remarks, measure_latency

        emit(Progress(stage="latency"))
        latency = measure_latency(network, job.budget)
        emit(Measured(latency=latency))
        for remark in latency_remarks(latency):
            emit(Note(text=f"latency: {remark}"))
        if case.flow is not None:
            from ..measure.flow_time import measure_flow_time

            emit(Progress(stage="optical flow"))
            threads = case.threads or physical_cores()
            timed = measure_flow_time(case.protocol, case.flow, threads, job.budget.max_s / 2)
            emit(Measured(flow_time=timed))
        if cost is not None:
            emit(Progress(stage="peak"))
            _hold_against_peak(network, cost, latency, job.peak, emit)
    if "energy" in job.measures:
        from ..measure.energy import measure_energy

        emit(Progress(stage="energy"))
        energy, notes = measure_energy(network)
        emit(Measured(energy=energy))
        if case.flow is not None and energy is not None:
            emit(Note(text="energy: what the CPU takes for the optical flow is not in it"))
        for text in notes:
            emit(Note(text=text))
    if "sweep" in job.measures:
        from ..measure.sweep import measure_sweep

        emit(Progress(stage="batch sweep"))
        sweep, notes = measure_sweep(
            network, job.budget, job.max_batch, lambda so_far: emit(Measured(sweep=so_far))
        )
        emit(Measured(sweep=sweep))
        for text in notes:
            emit(Note(text=text))
    if "pipeline" in job.measures and case.dataset is not None:
        _time_pipeline(job, network, emit)
    if "memory" in job.measures and on_cpu:  # after all that is timed: see blocks_apart
        _take_memory(network, emit)
    split = split or _split(job)
    if split is not None:
        score(job, network, split, emit, on_cluster)
    if uncounted and job.strict:
        message = f"operators that can't be counted: {', '.join(uncounted)}"
        emit(Failed(failure=Failure(kind="uncounted", message=message)))


def _take_memory(network: "Network", emit: Emit) -> None:
    from ..measure.memory import blocks_apart, measure_memory

    emit(Progress(stage="memory"))
    with blocks_apart():
        memory, notes = measure_memory(network)
    emit(Measured(memory=memory))
    for text in notes:
        emit(Note(text=text))


def _count(network: "Network", emit: Emit) -> Cost | None:
    """Count the cost; where that can't be done, the rest is measured still."""
    try:
        cost = network.cost()
    except KinobenchError:
        raise
    except Exception as error:  # if the network is at fault, it fails again in what follows
        emit(Note(text=f"cost: could not be counted: {error_text(error)}"))
        return None
    emit(Measured(cost=cost))
    if network.case.flow is not None:
        emit(Note(text="cost: the optical flow's is not in it; its time is told apart"))
    if cost.uncounted:
        listed = ", ".join(f"{name} ({count})" for name, count in cost.uncounted.items())
        emit(Note(text=f"cost: not counted, so MACs are too low: {listed}"))
    if cost.torch_macs is not None and cost.torch_macs != cost.macs:
        emit(Note(text=f"cost: torch's own counter gives {cost.torch_macs} MACs"))
    return cost


def _hold_against_peak(
    network: "Network", cost: Cost, latency: Latency, peak: Peak | None, emit: Emit
) -> None:
    """Tell which share the forward reaches of what the machine can do, measured unless given."""
    from ..measure.peak import measure_peak
    from ..measure.roofline import case_traffic, roofline, utilisation

    flops = cost.flops * network.case.batch
    try:
        peak = peak or measure_peak(network.device, network.case.precision)
    except RuntimeError as error:  # no product in that precision, or no memory
        emit(Note(text=f"peak: could not be measured: {error_text(error)}"))
        return
    latency = msgspec.structs.replace(latency, mfu=utilisation(flops, latency.median_s, peak))
    emit(Measured(latency=latency, peak=peak))
    try:
        traffic = case_traffic(network)
    except Exception as error:  # it ran, so this is about counting
        emit(Note(text=f"roofline: bytes could not be counted: {error_text(error)}"))
        return
    emit(Measured(roofline=roofline(flops, traffic, peak, latency.median_s)))


def _time_pipeline(job: Job, network: "Network", emit: Emit) -> None:
    """Time videos of the dataset from the file to the prediction."""
    from ..measure.end_to_end import measure_pipeline

    emit(Progress(stage="pipeline"))
    split = _load_split(job)
    assert split is not None
    measured, notes = measure_pipeline(network, split, readers=len(usable_cpus()))
    emit(Measured(pipeline=measured))
    for text in notes:
        emit(Note(text=text))


def _split(job: Job) -> Split | None:
    """Load what accuracy is measured on, if it is."""
    return _load_split(job) if "accuracy" in job.measures else None


def _load_split(job: Job) -> Split | None:
    from ...datasets import catalog

    if job.case.dataset is None:
        return None
    root = None if job.data_root is None else Path(job.data_root)
    return catalog.get(job.case.dataset).load(root, job.case.split)


def _private_stdout() -> IO[bytes]:
    """Keep stdout for events alone: whatever a network prints goes to stderr."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr  # which keeps no line back: a network that crashes loses no word
    return events


def _events_to(stream: IO[bytes]) -> Emit:
    encoder = msgspec.json.Encoder()

    def emit(event: Event) -> None:
        stream.write(encoder.encode(event) + b"\n")

    return emit
