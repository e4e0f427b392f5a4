"""The process that measures one case: a Job comes in on stdin, Events leave, a line each."""

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.protocol import preset
from ...datasets.split import Split
from ..evaluation.resume import Claim
from ..machine.environment import (
    available_memory_bytes,
    library_versions,
    physical_cores,
    usable_cpus,
)
from ..network.failures import error_text, failure_of, limit_memory
from ..records.job import (
    Built,
    Cluster,
    Event,
    Failed,
    Finished,
    Job,
    Measured,
    Note,
    Progress,
    ShardFailedError,
)
from ..records.record import GRAPH_MODES, Case, Cost, Failure, Latency, Peak

if TYPE_CHECKING:
    from ..evaluation.accuracy import MeasureShards
    from ..evaluation.shards import Shard, ShardLogits
    from ..network.network import Forward, Network
    from ..records.fitted_weights import Fitted

Emit = Callable[[Event], None]


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
        _compare_classes(case, split, emit)
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
        _score(job, network, split, emit)
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


def _score(job: Job, network: "Network", split: Split, emit: Emit) -> None:
    """Measure the accuracy, from where a killed run of the same case stopped."""
    from ...datasets.flow.cache import FlowCache
    from ...datasets.flow_methods import DEFAULT
    from ..evaluation.accuracy import measure_accuracy, score_split

    def note(text: str) -> None:
        emit(Note(text=f"accuracy: {text}"))

    case, results = job.case, Path(job.results)
    emit(Progress(stage="accuracy"))
    flow_cache = None if job.flow_cache == "none" else FlowCache(job.flow_cache)

    def progress(done: int, total: int) -> None:
        emit(Progress(stage="accuracy", done=done, total=total))

    with _claim(job, split, network, emit) as claimed:
        for text in claimed.notes:
            note(text)
        if job.cluster is None:
            accuracy = measure_accuracy(
                network.classify,
                split,
                case.protocol,
                device=network.device,
                dtype=network.dtype,
                batch=case.eval_batch,
                readers=len(usable_cpus()),
                decoder=case.decoder,
                kinds=network.kinds,
                flow=case.flow or DEFAULT,
                flow_cache=flow_cache,
                probe=case.probe,
                beside=_copies(network, split),
                predictions=claimed.folder,
                logits=job.logits,
                progress=progress,
                note=note,
            )
        else:
            network.let_go()  # a worker may be given the same GPU
            accuracy = score_split(
                _on_cluster(job, job.cluster, split, network.weights_digest, note, emit),
                split,
                case.protocol,
                batch=case.eval_batch,
                predictions=claimed.folder,
                logits=job.logits,
                progress=progress,
                note=note,
            )
    if case.mode in GRAPH_MODES:
        note("forwards are eager: a graph keeps algorithms that were chosen by timing them")
    if flow_cache is not None and flow_cache.fault is not None:
        note(f"{flow_cache.fault}; the flow was not kept")
    kept = claimed.folder.relative_to(results).as_posix()
    emit(Measured(accuracy=msgspec.structs.replace(accuracy, predictions=kept)))
    for text in split.notes:
        emit(Note(text=f"{split.dataset}: {text}"))
    if job.logits != "float32":
        note(f"logits are kept as {job.logits}, and scored as they are kept")
    if accuracy.not_finite:
        note(
            f"the network gives NaN or infinity for {accuracy.not_finite} of {accuracy.scored} "
            "videos"
        )
    unreadable = len(accuracy.unreadable)
    if unreadable and not (job.skip_unreadable and accuracy.scored):
        first = accuracy.unreadable[0]
        message = (
            f"{unreadable} of {accuracy.expected} videos could not be read; the first is "
            f"{first.path}: {first.reason}. The record names them all. Replace them and run this "
            "again, which measures only their shards, or let them be with --skip-unreadable"
        )
        emit(Failed(failure=Failure(kind="unreadable", message=message)))


def _copies(network: "Network", split: Split) -> "list[Forward]":
    """Return copies of the network, so that threads may use all cores, each on other shards.

    A copy each, since a network may keep something in its forward. Only where each thread has as
    many cores as the case has threads, and a shard, and the network is small beside the memory.
    """
    import copy

    from ..evaluation.shards import shards_of

    case = network.case
    if case.device != "cpu" or case.threads is None or case.mode != "eager":
        return []
    shards = len(shards_of(split, case.protocol.views))
    beside = min(physical_cores() // case.threads, shards) - 1
    small = network.weights_bytes() * beside < available_memory_bytes() / 8
    return [copy.deepcopy(network.module) for _ in range(beside)] if small else []


def _on_cluster(
    job: Job,
    cluster: Cluster,
    split: Split,
    weights: str | None,
    note: Callable[[str], None],
    emit: Emit,
) -> "MeasureShards":
    """Return what measures shards on a cluster as `measure_accuracy` would here."""
    import torch

    from ..cluster.driver import measure_on_cluster
    from ..cluster.shard import Order, sizes_of
    from ..evaluation.accuracy import views_in_a_forward

    case, source = job.case, _source(job)
    versions = library_versions(case.decoder)

    def order_of(shard: "Shard", at_most: int | None) -> Order:
        return Order(
            job=job,
            number=shard.number,
            videos=shard.videos,
            sizes=sizes_of(shard.videos),
            folder=str(Path.cwd()),
            classes=len(split.classes),
            batch=views_in_a_forward(case.eval_batch, split, case.protocol),
            at_most=at_most,
            threads=case.threads or torch.get_num_threads(),
            weights=weights,
            source=source,
            versions=versions,
        )

    def measure(
        shards: "Sequence[Shard]", at_most: int | None, done: Callable[[int], None]
    ) -> "Iterator[tuple[Shard, str, ShardLogits]]":
        return measure_on_cluster(
            cluster,
            shards,
            order_of,
            at_most=at_most,
            progress=done,
            note=note,
            quiet=lambda: emit(Progress(stage="waiting for the cluster")),
        )

    return measure


def _source(job: Job) -> str:
    from ...zoo import registry
    from ..evaluation.resume import source_digest

    return source_digest(registry.get(job.case.model).build, *map(Path, job.plugins))


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


def _claim(job: Job, split: Split, network: "Network", emit: Emit) -> AbstractContextManager[Claim]:
    """Find the folder of the case's logits that a killed run left, or begin one."""
    from ..evaluation.conditions import conditions_of
    from ..evaluation.resume import claim

    case = job.case
    conditions = conditions_of(
        case,
        split,
        weights=network.weights_digest,
        network=network.digest,
        plugins=job.plugins,
        machine=job.machine,
        data_root=job.data_root,
        logits=job.logits,
    )
    name = f"{case.model}-{case.digest}-{split.manifest}"
    folder = Path(job.results) / "predictions" / name

    def waiting(text: str) -> None:
        emit(Progress(stage=text))

    return claim(folder, job.predictions, conditions, fresh=job.fresh, waiting=waiting)


def _compare_classes(case: Case, split: Split | None, emit: Emit) -> None:
    """See that the weights' classes are the split's; say loudly where that can't be known."""
    from ...zoo.checkpoints.named import find_weights, refuse_other_classes, refuse_other_order
    from ..records.fitted_weights import fitted_header

    if split is None:
        return
    fitted = fitted_header(case.model, case.weights)
    if fitted is not None:
        told = f"{case.weights!r} of {case.model}"
        refuse_other_order(told, fitted.classes, fitted.dataset, split.dataset, split.classes)
        for text in _remarks_on(fitted, case, split):
            emit(Note(text=f"accuracy: weights {case.weights!r} {text}"))
        return
    published = find_weights(case.model, case.weights)
    if published is None or published.classes is None:
        emit(
            Note(
                text=f"accuracy: NOT CHECKED that the classes of weights {case.weights!r} are in "
                f"the order of {split.dataset}; if they aren't, it is wrong"
            )
        )
    else:
        refuse_other_classes(published, split.dataset, split.classes)
    if published is not None and published.notes:
        emit(Note(text=f"accuracy: weights {published.name}: {published.notes}"))


def _remarks_on(fitted: "Fitted", case: Case, split: Split) -> Iterator[str]:
    """Yield what is to be known of an accuracy from how its weights were trained."""
    same_split = fitted.dataset == split.dataset and fitted.split in (split.name, split.part_of)
    if same_split or fitted.manifest == split.manifest:
        yield "were trained on these very videos; it says nothing of others"
    with suppress(KinobenchError):  # a protocol that isn't known here
        theirs, these = preset(fitted.protocol), case.protocol
        for what in ("frames", "stride", "size"):
            trained, tested = getattr(theirs, what), getattr(these, what)
            if trained != tested:
                yield f"were trained on clips of {what} {trained}, not {tested}"


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
