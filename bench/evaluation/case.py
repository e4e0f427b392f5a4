"""The accuracy of a case: it checks the weights' classes, claims a folder and scores the split."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.lists.split_names import number_of
from ...datasets.names import file_name
from ...datasets.own import OWN
from ...datasets.plurals import quantity, some
from ...datasets.protocol import Protocol, preset
from ...datasets.protocol.cropping import with_mirror_images
from ...datasets.sides import sided_classes
from ...datasets.split import Split
from ..machine.environment import available_memory_bytes, physical_cores, usable_cpus
from ..records.case import GRAPH_MODES, Case
from ..records.inside import inside
from ..records.job import Cluster, Emit, Failed, Job, Measured, Note, Progress, Reading
from ..records.record import Failure
from ..records.results import Accuracy, Unreadable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..network.network import Forward, Network
    from ..records.computed import Computed
    from ..records.fitted_weights import Fitted
    from .accuracy import MeasureShards
    from .guard import Guard
    from .resume import Claim

Report = Callable[[str], None]
"""Called with a note."""

OnCluster = Callable[
    [Job, Cluster, Split, str | None, "Computed | None", Report, Emit], "MeasureShards"
]
"""Called with the job, its cluster, the split, the digest of the weights, what the network
computes, and functions that take notes and events; returns a function that measures shards on the
cluster."""


def score(job: Job, network: "Network", split: Split, emit: Emit, on_cluster: OnCluster) -> None:
    """Measure the accuracy, from the shard on at which a killed run of the same case stopped."""
    from ...datasets.flow.cache import FlowCache
    from .accuracy import evaluate, score_split
    from .evaluation import Sink, evaluation_of

    def note(text: str) -> None:
        emit(Note(text=f"accuracy: {text}"))

    def progress(done: int, total: int) -> None:
        emit(Progress(stage="accuracy", done=done, total=total))

    case = job.case
    emit(Progress(stage="accuracy"))
    flow_cache = None if job.flow_cache == "none" else FlowCache(job.flow_cache)
    with claim_logits(job, split, network, emit) as claimed, ExitStack() as stack:
        for text in claimed.notes:
            note(text)
        sink = Sink(
            claimed.folder, job.logits, progress, note, job.recorded.digest, network.weights_digest
        )
        guard = stack.enter_context(guard_of(job, claimed.folder, split, emit, note))
        if job.cluster is None:
            evaluation = evaluation_of(
                network, readers=len(usable_cpus()), flow_cache=flow_cache, guard=guard
            )
            others = others_like(network, split, note)
            accuracy = evaluate(network.classify, split, evaluation, sink, copies=others)
        else:
            network.let_go()  # a worker may be given the same GPU
            asked = msgspec.structs.replace(job, given_up=guard.given_up)
            measure = on_cluster(
                asked, job.cluster, split, network.weights_digest, network.computed, note, emit
            )
            accuracy = score_split(measure, split, case.protocol, case.eval_batch, sink)
    if case.mode in GRAPH_MODES:
        note("forwards are eager: a graph keeps algorithms that were chosen by timing them")
    if flow_cache is not None and flow_cache.fault is not None:
        note(f"{flow_cache.fault}; the flow was not kept")
    kept = claimed.folder.relative_to(job.results).as_posix()
    emit(Measured(accuracy=msgspec.structs.replace(accuracy, predictions=kept)))
    for text in (*split.notes, *mirror_notes(case.protocol, split)):
        emit(Note(text=f"{split.dataset}: {text}"))
    if job.logits != "float32":
        note(f"logits are kept as {job.logits}, and scored as they are kept")
    if accuracy.not_finite:
        note(
            f"the network gives NaN or infinity for {accuracy.not_finite} of {accuracy.scored} "
            "videos"
        )
    bad = [each for each in accuracy.unreadable if not each.is_missing]
    if accuracy.scored == 0:
        bad = list(accuracy.unreadable)
    if bad and not (job.skip_unreadable and accuracy.scored):
        emit(Failed(failure=_unreadable(accuracy, bad)))


def mirror_notes(protocol: Protocol, split: Split) -> tuple[str, ...]:
    """Return a note if views are mirrored though left and right distinguish classes."""
    sided = sided_classes(split.classes)
    if not sided or not with_mirror_images(protocol.crops):
        return ()
    number = quantity(len(sided), "class", "classes")
    return (
        f"{protocol.name} also shows each view mirrored, though left and right distinguish "
        f"{number}: {some(sided)}",
    )


@contextmanager
def guard_of(
    job: Job, folder: Path, split: Split, emit: Emit, note: Report, stage: str = "accuracy"
) -> "Iterator[Guard]":
    """Guard the reading of a split's videos, and report the log that names those being read.

    On a cluster, workers read. No video is the reason if this process dies, so no other goes on.
    """
    from .alone import LoneReader
    from .guard import guarded
    from .reading_log import SUFFIX

    case = job.case

    def on_alone(count: int) -> None:
        files = quantity(count, "file")
        emit(Progress(stage=f"reading {files} alone, as a process died at one of them"))

    log, kept = folder / f"{job.predictions}{SUFFIX}", inside(Path(job.results), "predictions")
    alone = LoneReader(case.protocol, case.decoder, job.file_limits)
    guarding = guarded(
        log,
        kept,
        split.videos,
        alone,
        note,
        on_alone,
        again=job.fresh,
        may_end=job.may_end,
        unlimited=job.unlimited,
    )
    with guarding as (guard, given_up):
        if job.cluster is None:
            reading = Reading(
                log=str(log), given_up=given_up, unlimited=guard.unlimited, measurement=stage
            )
            emit(reading)
        emit(Progress(stage=stage))
        yield guard


def _unreadable(accuracy: Accuracy, bad: Sequence[Unreadable]) -> Failure:
    """Return the failure of a case some of whose videos, the bad ones, could not be read."""
    first, videos = bad[0], quantity(accuracy.expected, "video")
    message = (
        f"{len(bad)} of {videos} could not be read; the first is "
        f"{first.path}: {first.reason}. The record names them all. Replace them and run this "
        "again, which measures only their shards, or leave them out with --skip-unreadable"
    )
    return Failure(kind="unreadable", message=message)


def others_like(network: "Network", split: Split, note: Report) -> "list[Forward]":
    """Build the network again for threads that use the other cores, each for other shards.

    Each thread has a network of its own, because it may store something in its forward. There are
    others only if each thread has as many cores as the case has threads, and a shard, and if the
    networks are small compared with the memory; and only if all give the same logits each time.
    Otherwise the videos go through one network in order, and a note says so.
    """
    from ...datasets.their_errors import error_text
    from ..network.repeats import logits_of_one, probe, same_logits

    found = probe(network)
    if found.difference is not None:
        note(
            f"{found.difference}; so the videos went through in order, in one thread, and the "
            "result depends on what the network got before"
        )
        return []
    others: list[Forward] = []
    try:
        for _ in range(_idle_threads(network, split)):
            other = network.again()
            others.append(other)
            if found.logits is None:
                continue
            if not same_logits(found.logits, logits_of_one(network, other), network.dtype):
                note(
                    "the network's builder gives another network at each call, with other logits "
                    "for one clip; so the videos went through in order, in one thread"
                )
                return []
    except Exception as error:  # whatever a second call of the builder raises: the first one works
        text = str(error) if isinstance(error, KinobenchError) else error_text(error)
        note(f"the videos went through in order, in one thread: {text}")
        return []
    return others


def _idle_threads(network: "Network", split: Split) -> int:
    """Return how many threads could measure other shards next to the first."""
    from .shards import shards_of

    case = network.case
    if case.device != "cpu" or case.threads is None or case.mode != "eager":
        return 0
    shards = len(shards_of(split, case.protocol.views))
    count = min(physical_cores() // case.threads, shards) - 1
    each_bytes = network.weights_bytes()
    small = each_bytes is not None and each_bytes * count < available_memory_bytes() / 8
    return count if small else 0


def claim_logits(
    job: Job, split: Split, network: "Network", emit: Emit
) -> "AbstractContextManager[Claim]":
    """Find the folder that a killed run left for the case's logits, or begin one.

    Raises:
        KinobenchError: A link leads out of the folder of results.
    """
    from .conditions import conditions_of
    from .resume import claim

    case = job.case
    conditions = conditions_of(
        case,
        split,
        weights=network.weights_digest,
        network=network.digest,
        computes=network.computed,
        plugins=job.plugins,
        machine=job.machine,
        data_root=job.own.place(job.data_root),
        logits=job.logits,
    )
    name = f"{file_name(case.model)}-{job.recorded.digest}-{split.manifest}"
    results = Path(job.results)
    folder = inside(results, f"predictions/{name}")

    def waiting(text: str) -> None:
        emit(Progress(stage=text))

    return claim(
        folder,
        job.predictions,
        conditions,
        results=results,
        fresh=job.fresh,
        waiting=waiting,
    )


def compare_classes(case: Case, split: Split | None, emit: Emit) -> None:
    """Check that the weights' classes are the split's; note it if they are not known.

    Raises:
        KinobenchError: They are others, or in another order.
    """
    from ...zoo.checkpoints.named import find_weights, refuse_other_classes, refuse_other_order
    from ..records.fitted_weights import fitted_header

    if split is None:
        return
    fitted = fitted_header(case.model, case.weights)
    if fitted is not None:
        named = f"{case.weights!r} of {case.model}"
        refuse_other_order(named, fitted.classes, fitted.dataset, split.dataset, split.classes)
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


def _of_another_number(trained_on: str, tested_on: str) -> bool:
    """Return whether two splits are numbered, and their numbers differ, as `train1` and `2`."""
    trained, tested = number_of(trained_on.removeprefix("train")), number_of(tested_on)
    return trained is not None and tested is not None and trained != tested


def remarks_on(fitted: "Fitted", case: Case, split: Split) -> Iterator[str]:
    """Yield remarks on an accuracy that follow from how its weights were trained."""
    same_split = fitted.dataset == split.dataset and fitted.split in (split.name, split.part_of)
    if fitted.manifest == split.manifest or (same_split and split.dataset not in OWN):
        yield "were trained on these very videos; it says nothing of others"
    elif fitted.dataset in OWN and split.dataset in OWN and split.name == "all":
        yield (
            "may have been trained on some of these videos; give --holdout as for their training, "
            "and --split test"
        )
    elif fitted.dataset == split.dataset and _of_another_number(fitted.split, split.name):
        yield (
            f"were trained on {fitted.split} of {split.dataset}: some videos of {split.name} may "
            "be among those"
        )
    with suppress(KinobenchError):  # a protocol that is unknown here
        theirs, these = preset(fitted.protocol), case.protocol
        for what in ("frames", "stride", "size"):
            trained, tested = getattr(theirs, what), getattr(these, what)
            if trained != tested:
                yield f"were trained on clips of {what} {trained}, not {tested}"
