"""Accuracy on more than one machine or GPU: shards are tasks of Ray, which schedules them.

The driver is the process of the case. It writes each shard that comes back as it would write its
own, so that a run with a cluster continues one without, and the other way round. A Ray that was
started for the case ends with that process, however that ends.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from ...datasets.errors import KinobenchError
from ..evaluation.shards import Shard, ShardLogits
from ..machine.environment import physical_cores
from ..records.files import CHECKOUT
from ..records.job import LOCAL, Cluster, ShardFailedError
from ..records.record import Failure
from .address import Needs, count, last_line, needs_of, refuse_too_small, require_ray
from .shard import LEAVES_AFTER_S, Order, Outcome

RETRIES = 3
"""How often Ray begins a shard again whose worker or node was lost."""
OBJECT_STORE_BYTES = 256 * 2**20
"""Of a Ray that is started here. The logits of a shard are 0.8 MB where there are 400 classes."""
QUIET_AFTER_S = 60.0
"""Without a shard for so long, a person is told that the cluster is waited for."""
LOST_AFTER_S = 60.0
"""A cluster without a node that could measure a shard has so long to get one."""
_WAIT_S = 5.0
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}


def measure_on_cluster(
    cluster: Cluster,
    shards: Sequence[Shard],
    order_of: Callable[[Shard, int | None], Order],
    *,
    at_most: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
    note: Callable[[str], None] = lambda text: None,
    quiet: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Shard, str, ShardLogits]]:
    """Yield what `measure_shards` yields, in the order in which workers are done.

    Up to twice as many shards as there are workers are on their way, so that memory doesn't grow
    with the split. Unlike in a run without a cluster, reading doesn't run ahead over the ends of
    shards, as each is a task: where reading takes as long as the network, a GPU waits while the
    first videos of the next shard are read.

    Args:
        cluster: What `find_cluster` returns.
        shards: What is measured.
        order_of: Makes the order of a shard, given the views that memory lets into a forward.
        at_most: Those views, where they are known.
        progress: Called with the number of videos done.
        note: Called with what a reader of the result should know.
        quiet: Called when there has been no result for a minute: others may use the cluster.

    Raises:
        KinobenchError: The cluster is gone, or was never there.
        ShardFailedError: A shard could not be measured.
    """
    if not shards:
        return
    first = order_of(shards[0], at_most).job.case
    needs, root = needs_of(first), str(CHECKOUT)
    environment = {name: str(needs.cpus) for name in _THREADS} if first.device == "cpu" else {}
    with _connected(cluster, needs) as ray:
        from . import task as cluster_task

        ray.cloudpickle.register_pickle_by_value(cluster_task)
        # Ray ends a GPU's worker after every task, if it isn't told that it may be used again.
        task = ray.remote(
            num_cpus=needs.cpus, num_gpus=needs.gpus, max_retries=RETRIES, max_calls=0
        )(cluster_task.measure_shard)
        refuse_too_small(_resources(ray), first, cluster.named)
        waiting = deque(shards)
        pending: dict[Any, tuple[Shard, str]] = {}
        done, told = 0, set[str]()
        workers, nodes, again = set[str](), set[str](), list[int]()
        alive_at = heard_at = time.monotonic()
        while True:
            room = sum(needs.workers_on(node) for node in _resources(ray))
            if room or not pending:
                alive_at = time.monotonic()
            elif time.monotonic() - alive_at > LOST_AFTER_S:
                raise KinobenchError(
                    f"{cluster.named}: no node is left that has {needs.words}; start nodes, "
                    "and run again: what was measured is kept"
                )
            while waiting and len(pending) < max(2, 2 * room):
                shard = waiting.popleft()
                files = shard.files_digest
                order = order_of(shard, at_most).to_json()
                pending[task.remote(root, environment, order)] = shard, files
            if not pending:
                break
            ready = ray.wait(list(pending), timeout=_WAIT_S)[0]
            if ready:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > QUIET_AFTER_S:
                heard_at = time.monotonic()
                quiet()
            for ref in ready:
                shard, files = pending.pop(ref)
                outcome, logits = _fetched(ray, ref, shard)
                if outcome.moved:
                    waiting.appendleft(shard)
                    time.sleep(2 * LEAVES_AFTER_S)  # or it might go to the worker that ends
                    continue
                place = outcome.place
                workers.add(place.worker)
                nodes.add(place.node)
                if place.attempt:
                    again.append(shard.number)
                for text in outcome.notes:
                    if text not in told:
                        told.add(text)
                        note(text)
                at_most = min(outcome.batch, at_most or outcome.batch)
                scored = tuple(shard.videos[number] for number in outcome.scored)
                yield shard, files, ShardLogits(scored, logits, outcome.unreadable, outcome.batch)
                del logits  # the object store has it back
                done += len(shard.videos)
                progress(done)
    note(f"measured by {count(len(workers), 'worker')} on {count(len(nodes), 'node')}")
    if again:
        listed = ", ".join(map(str, sorted(again)))
        note(f"run again, after a worker was lost: {count(len(again), 'shard')} ({listed})")


_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def _fetched(ray: Any, ref: Any, shard: Shard) -> tuple[Outcome, Any]:
    """Return what a task gave.

    Raises:
        ShardFailedError: It failed, or it was lost too often.
    """
    try:
        encoded, logits = ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        message = f"shard {shard.number}: {last_line(str(error))}"
        raise ShardFailedError(
            Failure(kind="exception", message=message, detail=str(error)[-2000:])
        ) from error
    except (
        ray.exceptions.WorkerCrashedError,
        ray.exceptions.NodeDiedError,
        ray.exceptions.OutOfMemoryError,
    ) as error:
        message = (
            f"shard {shard.number} was begun {RETRIES + 1} times, and its worker was lost each "
            "time; often the node being out of memory"
        )
        raise ShardFailedError(
            Failure(kind="killed", message=message, detail=str(error)[-2000:])
        ) from error
    except ray.exceptions.RayError as error:
        message = f"shard {shard.number}: {type(error).__name__}: {last_line(str(error))}"
        raise ShardFailedError(
            Failure(kind="exception", message=message, detail=str(error)[-2000:])
        ) from error
    outcome = msgspec.json.decode(encoded, type=Outcome)
    if outcome.failure is not None:
        raise ShardFailedError(outcome.failure)
    return outcome, logits


@contextmanager
def _connected(cluster: Cluster, needs: Needs) -> Iterator[Any]:
    """Connect to a cluster, or start one for as long as the context lasts."""
    ray = require_ray()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if cluster.address != LOCAL:
        try:
            ray.init(address=cluster.address, **_QUIET)
        except Exception as error:  # Ray has no class of its own for this
            raise KinobenchError(
                f"{cluster.named} can't be reached: {last_line(str(error))}"
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()
        return
    try:
        with _unlimited_children():
            ray.init(
                address=LOCAL,
                num_cpus=_cpus_offered(needs),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=cluster.folder,
                **_QUIET,
            )
    except Exception as error:
        raise KinobenchError(
            f"{cluster.named}: Ray could not be started here: {last_line(str(error))}; try "
            "`ray start --head`, which tells more, or run without --cluster"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _cpus_offered(needs: Needs) -> int:
    """Return the processors of a local Ray: at least so many that no GPU lacks one."""
    if not needs.gpus:
        return max(physical_cores(), needs.cpus)
    import torch

    return max(physical_cores(), needs.cpus * torch.cuda.device_count())


@contextmanager
def _unlimited_children() -> Iterator[None]:
    """Let what is started meanwhile have no limit of memory: it is meant for networks alone."""
    try:
        import resource
    except ImportError:  # not on Windows
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (before[1], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _resources(ray: Any) -> list[dict[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
