"""The accuracy of a case: the weights' classes, the folder of its logits, its shards."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.protocol import preset
from ...datasets.split import Split
from ..machine.environment import available_memory_bytes, physical_cores, usable_cpus
from ..records.job import Cluster, Emit, Failed, Job, Measured, Note, Progress
from ..records.record import GRAPH_MODES, Case, Failure

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..network.network import Forward, Network
    from ..records.fitted_weights import Fitted
    from .accuracy import MeasureShards
    from .resume import Claim

Report = Callable[[str], None]
"""Takes a note."""


def score(
    job: Job,
    network: "Network",
    split: Split,
    emit: Emit,
    on_cluster: "Callable[[Job, Cluster, Split, str | None, Report, Emit], MeasureShards]",
) -> None:
    """Measure the accuracy, from where a killed run of the same case stopped."""
    from ...datasets.flow.cache import FlowCache
    from ...datasets.names import DEFAULT_FLOW
    from .accuracy import measure_accuracy, score_split

    def note(text: str) -> None:
        emit(Note(text=f"accuracy: {text}"))

    case, results = job.case, Path(job.results)
    emit(Progress(stage="accuracy"))
    flow_cache = None if job.flow_cache == "none" else FlowCache(job.flow_cache)

    def progress(done: int, total: int) -> None:
        emit(Progress(stage="accuracy", done=done, total=total))

    with claim_logits(job, split, network, emit) as claimed:
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
                flow=case.flow or DEFAULT_FLOW,
                flow_cache=flow_cache,
                probe=case.probe,
                beside=copies(network, split),
                predictions=claimed.folder,
                logits=job.logits,
                progress=progress,
                note=note,
            )
        else:
            network.let_go()  # a worker may be given the same GPU
            accuracy = score_split(
                on_cluster(job, job.cluster, split, network.weights_digest, note, emit),
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


def copies(network: "Network", split: Split) -> "list[Forward]":
    """Return copies of the network, so that threads may use all cores, each on other shards.

    A copy each, since a network may keep something in its forward. Only where each thread has as
    many cores as the case has threads, and a shard, and the network is small beside the memory.
    """
    import copy

    from .shards import shards_of

    case = network.case
    if case.device != "cpu" or case.threads is None or case.mode != "eager":
        return []
    shards = len(shards_of(split, case.protocol.views))
    beside = min(physical_cores() // case.threads, shards) - 1
    small = network.weights_bytes() * beside < available_memory_bytes() / 8
    return [copy.deepcopy(network.module) for _ in range(beside)] if small else []


def claim_logits(
    job: Job, split: Split, network: "Network", emit: Emit
) -> "AbstractContextManager[Claim]":
    """Find the folder of the case's logits that a killed run left, or begin one."""
    from .conditions import conditions_of
    from .resume import claim

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


def compare_classes(case: Case, split: Split | None, emit: Emit) -> None:
    """See that the weights' classes are the split's; say loudly where that can't be known."""
    from ...zoo.checkpoints.named import find_weights, refuse_other_classes, refuse_other_order
    from ..records.fitted_weights import fitted_header

    if split is None:
        return
    fitted = fitted_header(case.model, case.weights)
    if fitted is not None:
        told = f"{case.weights!r} of {case.model}"
        refuse_other_order(told, fitted.classes, fitted.dataset, split.dataset, split.classes)
        for text in remarks_on(fitted, case, split):
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


def remarks_on(fitted: "Fitted", case: Case, split: Split) -> Iterator[str]:
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
