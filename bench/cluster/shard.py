"""What a worker of a cluster does for a shard: the same as a run without a cluster.

The network is built when the first shard of a case comes, and kept for the others. Ray isn't
needed here.
"""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.split import Video
from ..evaluation.resume import source_digest
from ..machine.environment import describe, library_versions, usable_cpus
from ..records.job import Job
from ..records.record import Environment, Failure, Unreadable

if TYPE_CHECKING:
    import numpy as np

    from ..network.network import Network


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A shard to be measured, and all that a worker must know for it.

    Attributes:
        job: The case.
        number, videos: As in `Shard`.
        sizes: Of the videos' files in bytes, as the driver sees them; None where one is not there.
        folder: The driver's current one, which relative paths begin from.
        classes: How many logits a view has.
        batch, at_most: Views in a batch, and in a forward, as in `measure_shards`.
        threads: Of one operator on the CPU.
        weights, source, versions: As in `Conditions`: they must be the same on all nodes.
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
    source: str
    versions: dict[str, str]

    def to_json(self) -> bytes:
        """Return it as JSON."""
        return msgspec.json.encode(self, enc_hook=str)  # paths are all that msgspec doesn't know


def order_from_json(encoded: bytes) -> Order:
    """Read an order.

    Raises:
        msgspec.DecodeError: It is none that this kinobench knows.
    """
    return msgspec.json.decode(encoded, type=Order, dec_hook=lambda kind, value: kind(value))


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a shard was measured.

    Attributes:
        node, worker: Ray's ids.
        name: The node's, for people.
        attempt: How often the shard had been begun before, by workers that were lost.
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
    """What came of a shard, but for the logits.

    Attributes:
        failure: Why there is nothing else.
        moved: The worker was given another GPU, and ends; there is nothing else. The shard is to be
            ordered again, which is no try that was lost.
        scored: Places, in the order, of the videos that could be read.
        unreadable, batch: As in `ShardLogits`.
        notes: What a reader of the record should know.
    """

    place: Place
    failure: Failure | None = None
    moved: bool = False
    scored: tuple[int, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    batch: int = 0
    notes: tuple[str, ...] = ()


class _Ready:
    """A case's network in this process."""

    def __init__(self, order: Order, place: Place) -> None:
        """Build it, if this node is fit for the case."""
        from ...datasets.flow.cache import FlowCache
        from ..network.failures import limit_memory

        job = order.job
        self.case, self.gpus = job.case, place.gpus
        self.notes: list[str] = []
        with suppress(OSError):  # a path that begins from there is told when it isn't found
            os.chdir(order.folder)
        limit_memory(job.memory_limit_bytes)
        try:
            self._refuse_other_code(order)
            self.network = self._built(order)
        except KinobenchError as error:
            raise KinobenchError(f"node {place.name}: {error}") from error
        self.network.settle(reference=False)
        self.flow_cache: FlowCache | None = (
            None if job.flow_cache == "none" else FlowCache(job.flow_cache)
        )
        here = describe(job.case.device)
        if here.fingerprint != job.machine:
            what = here.gpu if job.case.device == "cuda" else here.cpu
            self.notes.append(
                f"node {place.name}, {what}, is not like the machine that the run was started on: "
                "logits may differ in their last bits"
            )

    def _refuse_other_code(self, order: Order) -> None:
        from ...zoo import registry

        here, there = library_versions(order.job.case.decoder), order.versions
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                raise KinobenchError(
                    f"{name} is {here.get(name, 'not installed')}, and where the run was started "
                    f"{there.get(name, 'not installed')}; install the same versions on all nodes"
                )
        for plugin in order.job.plugins:
            registry.load_plugin(plugin)
        build = registry.get(order.job.case.model).build
        if source_digest(build, *map(Path, order.job.plugins)) != order.source:
            among = "".join(f", or of {plugin}" for plugin in order.job.plugins)
            raise KinobenchError(
                f"the source of kinobench{among} is not the same as where the run was started; "
                "let all nodes have the same files"
            )

    def _built(self, order: Order) -> "Network":
        import torch

        from ..network.network import Network

        torch.set_num_threads(order.threads)
        with suppress(RuntimeError):  # it can be set but once in a process
            torch.set_num_interop_threads(1)
        network = Network(order.job.case)
        if network.weights_digest != order.weights:
            raise KinobenchError(
                f"weights {order.job.case.weights!r} have digest {network.weights_digest}, and "
                f"where the run was started {order.weights}; let all nodes have the same file"
            )
        return network


_ready: _Ready | None = None
LEAVES_AFTER_S = 0.5
"""A worker that ends is still there for so long: its answer must reach the driver."""


def carry_out(encoded: bytes, place: dict[str, Any]) -> tuple[bytes, "np.ndarray | None"]:
    """Measure the shard of an order.

    An error is returned, so that it stands in the record as that of a case without a cluster, and
    so that nothing that would fail again is tried again.

    Returns:
        JSON of the `Outcome`; the logits `[scored, views, classes]`, float32, or None.
    """
    where = msgspec.convert(place, Place)
    if _ready is not None and _ready.gpus != where.gpus:
        # CUDA has chosen its GPU for as long as the process lives; two workers seldom change
        # places. Ray offers no way to end a worker after an answer.
        leaving = threading.Timer(LEAVES_AFTER_S, os._exit, [0])
        leaving.daemon = True
        leaving.start()
        return msgspec.json.encode(Outcome(place=where, moved=True)), None
    try:
        outcome, logits = _measured(order_from_json(encoded), where)
    except msgspec.DecodeError as error:
        message = f"node {where.name} has another kinobench: {error}; install the same there"
        outcome, logits = _failed(where, Failure(kind="refused", message=message)), None
    except KinobenchError as error:
        outcome, logits = _failed(where, Failure(kind="refused", message=str(error))), None
    except Exception as error:
        from ..network.failures import failure_of

        outcome, logits = _failed(where, failure_of(error)), None
    return msgspec.json.encode(outcome), logits


def _failed(place: Place, failure: Failure) -> Outcome:
    return Outcome(place=place, failure=failure)


def _measured(order: Order, place: Place) -> tuple[Outcome, "np.ndarray"]:
    global _ready
    if _ready is None or _ready.case != order.job.case:
        _ready = None  # before the next one takes memory
        _ready = _Ready(order, place)
    import torch

    from ...datasets.names import DEFAULT_FLOW
    from ..evaluation.accuracy import measure_shards
    from ..evaluation.shards import Shard

    ready, case = _ready, order.job.case
    torch.set_num_threads(order.threads)  # Ray may run a task in another thread
    refuse_other_files(order.videos, order.sizes, place.name)
    notes: list[str] = []
    ((_, _, measured),) = measure_shards(
        ready.network.classify,
        [Shard(order.number, order.videos)],
        case.protocol,
        classes=order.classes,
        device=ready.network.device,
        dtype=ready.network.dtype,
        batch=order.batch,
        at_most=order.at_most,
        readers=readers(place, order),
        decoder=case.decoder,
        kinds=ready.network.kinds,
        flow=case.flow or DEFAULT_FLOW,
        flow_cache=ready.flow_cache,
        probe=case.probe,
        note=notes.append,
    )
    if ready.flow_cache is not None and ready.flow_cache.fault is not None:
        notes.append(f"node {place.name}: {ready.flow_cache.fault}; the flow was not kept")
    places = {video.id: number for number, video in enumerate(order.videos)}
    outcome = Outcome(
        place=place,
        scored=tuple(places[video.id] for video in measured.scored),
        unreadable=measured.unreadable,
        batch=measured.batch,
        notes=(*ready.notes, *notes),
    )
    return outcome, measured.logits


def environment_to_json(environment: Environment) -> str:
    """Return a node's environment as `Environment`'s JSON."""
    return msgspec.json.encode(environment).decode()


def sizes_of(videos: Sequence[Video]) -> tuple[int | None, ...]:
    """Return the sizes of the videos' files in bytes, None where one is not there."""
    sizes: list[int | None] = []
    for video in videos:
        try:
            sizes.append(video.path.stat().st_size)
        except OSError:
            sizes.append(None)
    return tuple(sizes)


def refuse_other_files(videos: Sequence[Video], sizes: Sequence[int | None], node: str) -> None:
    """See that a node has the very videos that the driver has.

    Raises:
        KinobenchError: It lacks one, or has one of another size, or one that the driver lacks.
    """

    def told(size: int | None) -> str:
        return "no such file" if size is None else f"{size} bytes"

    for video, expected, found in zip(videos, sizes, sizes_of(videos), strict=True):
        if found != expected:
            raise KinobenchError(
                f"node {node}: {video.path}: {told(found)}, and where the run was started "
                f"{told(expected)}; all nodes must see the same dataset at the same path"
            )


def readers(place: Place, order: Order) -> int:
    """Return how many files a worker reads side by side: its share of the node's processors."""
    if order.job.case.device == "cuda":
        workers = int(place.resources.get("GPU", 1))
    else:
        workers = int(place.resources.get("CPU", 1) / order.threads)
    return max(1, len(usable_cpus()) // max(1, workers))
