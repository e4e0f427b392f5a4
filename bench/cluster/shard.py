"""A worker of a cluster measures shards: the same as in a run without a cluster.

It builds the network when the first shard of a case comes, and keeps it for the others. Ray isn't
needed here.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ...datasets.copy_digest import StoredVideo
from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ...datasets.split import Video
from ..machine.environment import describe, library_versions, usable_cpus
from ..machine.memory_limit import limit_memory
from ..network.code_digest import source_digest
from ..network.runtimes.known import versions_of
from ..records.computed import Computed
from ..records.job import Job
from ..records.record import Environment, Failure
from ..records.results import Unreadable

if TYPE_CHECKING:
    import numpy as np

    from ..evaluation.guard import Guard
    from ..network.network import Network

LEAVES_AFTER_S = 0.5
"""A worker that ends stays for so long: its answer must reach the driver."""


class ShardTask(msgspec.Struct, frozen=True, kw_only=True):
    """A shard to measure, and all that a worker must know for it.

    Attributes:
        job: Job of the case.
        number, videos: See `Shard`.
        sizes: Sizes of the videos' files in bytes, as the driver sees them; None: no such file.
        folder: The driver's current folder, in which relative paths begin.
        classes: Number of logits of a view.
        batch, at_most: Views in a batch, and in a forward, as in `measure_shards`.
        threads: Threads of one operator on the CPU.
        weights, computes, source, versions: See `Conditions`; they must be the same on all nodes.
    """

    job: Job
    number: int
    videos: tuple[Video, ...]
    sizes: tuple[int | None, ...]
    folder: str
    classes: int
    batch: int
    at_most: int | None
    threads: int
    weights: str | None
    computes: Computed | None
    source: str
    versions: dict[str, str]

    def to_json(self) -> bytes:
        """Return it as JSON."""
        return msgspec.json.encode(self, enc_hook=_plain)


def task_from_json(encoded: bytes) -> ShardTask:
    """Read a task.

    Raises:
        msgspec.DecodeError: This kinobench knows no such task.
    """
    return msgspec.json.decode(encoded, type=ShardTask, dec_hook=_made)


def _plain(value: Any) -> Any:
    """Return a video or a path, the types of a task that msgspec doesn't know, as what it knows."""
    if not isinstance(value, Video):
        return str(value)
    return {field: getattr(value, field) for field in ("id", "path", "label", "group")}


def _made(kind: type, value: Any) -> Any:
    """Return the video or the path that `_plain` was given."""
    return Video(**value) if kind is Video else kind(value)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The node and the worker that measured a shard.

    Attributes:
        node, worker: Ray's ids.
        name: Name of the node, for people.
        attempt: Number of earlier starts of the shard, by workers that were lost.
        gpus: Ray's ids of the GPUs that the worker may use.
        resources: CPUs and GPUs that the whole node offers.
    """

    node: str
    worker: str
    name: str
    attempt: int = 0
    gpus: tuple[str, ...] = ()
    resources: dict[str, float] = {}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a shard, without the logits.

    Attributes:
        failure: The reason why there is no result.
        moved: The worker was given another GPU, and ends; there is no result. The shard must be
            submitted again, which doesn't count as a lost try.
        scored: Indices, in the task's videos, of those that could be read.
        unreadable, batch, remarks, stored: See `ShardLogits`.
        notes: Remarks that a reader of the record should know.
    """

    place: Place
    failure: Failure | None = None
    moved: bool = False
    scored: tuple[int, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    batch: int = 0
    remarks: tuple[tuple[str, str], ...] = ()
    stored: tuple[StoredVideo | None, ...] | None = None
    notes: tuple[str, ...] = ()


class ShardWorker:
    """Measures shards in this process, and keeps the network of the last shard's case."""

    def __init__(self) -> None:
        self._built: _BuiltCase | None = None

    def measure(self, encoded: bytes, place: dict[str, Any]) -> tuple[bytes, "np.ndarray | None"]:
        """Measure the shard of a task.

        An error is returned, so that the record has it like that of a case without a cluster, and
        so that Ray doesn't try again what would fail again.

        Args:
            encoded: JSON of the `ShardTask`.
            place: Fields of the `Place`.

        Returns:
            JSON of the `Outcome`; the logits `[scored, views, classes]`, float32, or None.
        """
        where = msgspec.convert(place, Place)
        if self._built is not None and self._built.gpus != where.gpus:
            _leave()
            return msgspec.json.encode(Outcome(place=where, moved=True)), None
        try:
            outcome, logits = self._measured(task_from_json(encoded), where)
            return msgspec.json.encode(outcome), logits
        except msgspec.DecodeError as error:
            message = f"node {where.name} has another kinobench: {error}; install the same there"
            failure = Failure(kind="refused", message=message)
        except Exception as error:
            from ..network.failures import failure_of, refusal_of

            failure = refusal_of(error) if isinstance(error, KinobenchError) else failure_of(error)
        return msgspec.json.encode(Outcome(place=where, failure=failure)), None

    def _measured(self, task: ShardTask, place: Place) -> tuple[Outcome, "np.ndarray"]:
        if self._built is None or self._built.case != task.job.case:
            self._built = None  # frees its memory before the next one takes some
            self._built = _BuiltCase(task, place)
        return self._built.measured(task, place)


@cache
def worker_of_this_process() -> ShardWorker:
    """Return the one worker of this process: Ray calls a function, and builds no object."""
    return ShardWorker()


def _leave() -> None:
    """End this process soon.

    CUDA has chosen its GPU for as long as the process lives; two workers seldom change places. Ray
    has no way to end a worker after an answer.
    """
    leaving = threading.Timer(LEAVES_AFTER_S, os._exit, [0])
    leaving.daemon = True
    leaving.start()


class _BuiltCase:
    """A case's network in this process."""

    def __init__(self, task: ShardTask, place: Place) -> None:
        """Build it, if this node is fit for the case.

        Raises:
            KinobenchError: The node has other code, libraries or weights; it is named.
        """
        from ...datasets.flow.cache import FlowCache

        job = task.job
        self.case, self.gpus = job.case, place.gpus
        self._notes: list[str] = []
        with suppress(OSError):  # a relative path that isn't found is reported later
            os.chdir(task.folder)
        limit_memory(job.memory_limit_bytes)
        try:
            _refuse_other_code(task)
            self._network = _network_of(task)
        except KinobenchError as error:
            raise KinobenchError(f"node {place.name}: {error}") from error
        self._network.settle(reference=False, to_classify=True)
        refuse_to_depend_on_the_order(self._network)
        self._flow_cache = None if job.flow_cache == "none" else FlowCache(job.flow_cache)
        here = describe(job.case.device, runtime=versions_of(job.case.runtime))
        if here.fingerprint != job.machine:
            what = here.name_of(job.case.device)
            self._notes.append(
                f"node {place.name}, {what}, is not like the machine that the run was started on: "
                "logits may differ in their last bits"
            )

    def measured(self, task: ShardTask, place: Place) -> tuple[Outcome, "np.ndarray"]:
        """Measure a shard of the case; return also the logits `[scored, views, classes]`.

        Raises:
            KinobenchError: The node has other videos; the network gives no logits `[B, classes]`.
        """
        import torch

        from ..evaluation.accuracy import measure_shards
        from ..evaluation.evaluation import evaluation_of
        from ..evaluation.shards import Shard

        torch.set_num_threads(task.threads)  # Ray may run a task in another thread
        refuse_other_files(task.videos, task.sizes, place.name)
        notes: list[str] = []
        with _guarded(task, place, notes.append) as guard:
            evaluation = evaluation_of(
                self._network,
                readers=readers(place, task),
                flow_cache=self._flow_cache,
                guard=guard,
            )
            ((_, _, measured),) = measure_shards(
                self._network.classify,
                [Shard(task.number, task.videos)],
                replace(evaluation, batch=task.batch),
                classes=task.classes,
                at_most=task.at_most,
                note=notes.append,
            )
        if self._flow_cache is not None and self._flow_cache.fault is not None:
            notes.append(f"node {place.name}: {self._flow_cache.fault}; the flow was not kept")
        indices = {video.id: number for number, video in enumerate(task.videos)}
        outcome = Outcome(
            place=place,
            scored=tuple(indices[video.id] for video in measured.scored),
            unreadable=measured.unreadable,
            batch=measured.batch,
            remarks=measured.remarks,
            stored=measured.stored,
            notes=(*self._notes, *notes),
        )
        return outcome, measured.logits


@contextmanager
def _guarded(task: ShardTask, place: Place, note: Callable[[str], None]) -> "Iterator[Guard]":
    """Guard the reading of a shard; one that lost a worker before is first read alone.

    A worker that dies takes with it which file it was reading: its shard is begun again, perhaps on
    another node.
    """
    from ..evaluation.alone import LoneReader
    from ..evaluation.given_up import give_up
    from ..evaluation.guard import Guard, watched
    from ..evaluation.reading_log import ReadingLog

    job = task.job
    alone = LoneReader(job.case.protocol, job.case.decoder, job.file_limits)
    given_up = dict(job.given_up)
    unlimited: list[str] = []  # alone, they did not take too long
    if place.attempt:
        suspects = [video for video in task.videos if video.id not in given_up]
        reasons = alone.reasons([video.path for video in suspects])
        pairs = zip(suspects, reasons, strict=True)
        guilty = {video: reason for video, reason in pairs if reason is not None}
        unlimited = [video.id for video in suspects if video not in guilty]
        given_up |= {video.id: reason for video, reason in guilty.items()}
        for video, reason in guilty.items():
            note(f"a worker was lost, and its shard was read alone: {video.path}: {reason}")
        with suppress(KinobenchError):  # the folder may be on the driver's machine alone
            give_up(Path(job.results) / "predictions", guilty, alone.digest)
    log = ReadingLog(None, task.videos, unlimited=unlimited)
    with watched(log, job.file_limits.timeout_s):
        yield Guard(log, given_up, alone)


def _refuse_other_code(task: ShardTask) -> None:
    from ...zoo import registry

    here, there = library_versions(task.job.case.decoder), task.versions
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            raise KinobenchError(
                f"{name} is {here.get(name, 'not installed')}, and where the run was started "
                f"{there.get(name, 'not installed')}; install the same versions on all nodes"
            )
    for plugin in task.job.plugins:
        registry.load_plugin(plugin)
    build = registry.get(task.job.case.model).build
    if source_digest(build, *map(Path, task.job.plugins)) != task.source:
        among = "".join(f", or of {plugin}" for plugin in task.job.plugins)
        raise KinobenchError(
            f"the source of kinobench{among} is not the same as where the run was started; "
            "let all nodes have the same files"
        )


def _network_of(task: ShardTask) -> "Network":
    import torch

    from ..network.calibration import training_split
    from ..network.network import Network

    torch.set_num_threads(task.threads)
    with suppress(RuntimeError):  # it can be set but once in a process
        torch.set_num_interop_threads(1)
    job = task.job
    network = Network(job.case, partial(training_split, job.case, job.data_root, job.own))
    if network.weights_digest != task.weights:
        raise KinobenchError(
            f"weights {task.job.case.weights!r} have digest {network.weights_digest}, and "
            f"where the run was started {task.weights}; let all nodes have the same file"
        )
    network.identify()
    here, there = network.computed, task.computes
    if here is not None and there is not None and not here.agrees(there):
        raise KinobenchError(
            f"{task.job.case.model} computes something else there than where the run was started, "
            "though its source and weights are the same; let all nodes have the same files, those "
            "that its builder reads too"
        )
    return network


def refuse_to_depend_on_the_order(network: "Network") -> None:
    """Refuse a network whose logits depend on what it got before: workers get any shards."""
    from ..network.repeats import probe

    difference = probe(network).difference
    if difference is not None:
        raise KinobenchError(
            f"{network.case.model}: {difference}; on a cluster the result would depend on which "
            "worker measures what: measure it without --cluster"
        )


def environment_to_json(environment: Environment) -> str:
    """Return a node's environment as `Environment`'s JSON."""
    return msgspec.json.encode(environment).decode()


def sizes_of(videos: Sequence[Video]) -> tuple[int | None, ...]:
    """Return the sizes of the videos' files in bytes, None for one that is not there."""
    sizes: list[int | None] = []
    for video in videos:
        try:
            sizes.append(video.path.stat().st_size)
        except (OSError, ValueError):  # the second for a NUL in its name
            sizes.append(None)
    return tuple(sizes)


def refuse_other_files(videos: Sequence[Video], sizes: Sequence[int | None], node: str) -> None:
    """Check that a node has the same videos as the driver.

    Raises:
        KinobenchError: It lacks one, or has one of another size, or one that the driver lacks.
    """

    def text(size: int | None) -> str:
        return "no such file" if size is None else quantity(size, "byte")

    for video, expected, found in zip(videos, sizes, sizes_of(videos), strict=True):
        if found != expected:
            raise KinobenchError(
                f"node {node}: {video.path}: {text(found)}, and where the run was started "
                f"{text(expected)}; all nodes must see the same dataset at the same path"
            )


def readers(place: Place, task: ShardTask) -> int:
    """Return how many files a worker reads at once: its share of the node's processors."""
    if task.job.case.device == "cuda":
        workers = int(place.resources.get("GPU", 1))
    else:
        workers = int(place.resources.get("CPU", 1) / task.threads)
    return max(1, len(usable_cpus()) // max(1, workers))
