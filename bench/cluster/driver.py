"""Accuracy on more than one machine or GPU: shards are tasks of Ray, which schedules them.

The driver is the process of the case. It writes each shard that comes back as it would write its
own, so that a run without a cluster can continue one with a cluster, and the other way round.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..evaluation.accuracy import MeasuredShard
from ..evaluation.shards import Shard, ShardLogits
from ..machine.threads import thread_variables
from ..records.files import CHECKOUT
from ..records.job import Cluster, ShardFailedError
from ..records.record import Failure, FailureKind
from .address import Needs, last_line, needs_of, refuse_too_small
from .connection import connected
from .shard import LEAVES_AFTER_S, Outcome, ShardTask

RETRIES = 3
"""Ray starts a shard again this often if its worker or node was lost."""
QUIET_AFTER_S = 60.0
"""After so long without a shard, the progress says that the run waits for the cluster."""
LOST_AFTER_S = 60.0
"""A cluster that has no node for a shard any more must get one within this time."""
_WAIT_S = 5.0

TaskOf = Callable[[Shard, int | None], ShardTask]
"""Makes the task of a shard, given the views that memory allows in a forward, if they are known."""


def measure_on_cluster(
    cluster: Cluster,
    shards: Sequence[Shard],
    task_of: TaskOf,
    *,
    at_most: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
    note: Callable[[str], None] = lambda text: None,
    quiet: Callable[[], None] = lambda: None,
) -> Iterator[MeasuredShard]:
    """Yield what `measure_shards` yields, in the order in which workers finish.

    Up to twice as many shards as there are workers are submitted at once, so that memory doesn't
    grow with the split. Unlike in a run without a cluster, reading doesn't run ahead over the ends
    of shards, as each is a task: if reading takes as long as the network, a GPU waits while the
    first videos of the next shard are read.

    Args:
        cluster: Cluster that `find_cluster` returned.
        shards: Shards to measure.
        task_of: Makes the task of a shard.
        at_most: Views that memory allows in a forward, if they are known.
        progress: Called with the number of videos done.
        note: Called with a remark that a reader of the result should know.
        quiet: Called if no shard has come for a minute: others may be using the cluster.

    Raises:
        KinobenchError: The cluster is gone, or was never there.
        ShardFailedError: A shard could not be measured.
    """
    if not shards:
        return
    case = task_of(shards[0], at_most).job.case
    needs = needs_of(case)
    with connected(cluster, needs, note) as ray:
        tasks = _Tasks(ray, needs, task_of, at_most, note)
        refuse_too_small(_resources(ray), case, cluster.named)
        patience = _Patience(cluster, needs, quiet)
        waiting = deque(shards)
        done = 0
        while True:
            room = sum(needs.workers_on(node) for node in _resources(ray))
            patience.check_nodes(room > 0 or not tasks.pending)
            while waiting and len(tasks.pending) < max(2, 2 * room):
                tasks.submit(waiting.popleft())
            if not tasks.pending:
                break
            ready = ray.wait(list(tasks.pending), timeout=_WAIT_S)[0]
            patience.check_results(len(ready) > 0)
            for ref in ready:
                shard, files, measured = tasks.result(ref)
                if measured is None:
                    waiting.appendleft(shard)
                    time.sleep(2 * LEAVES_AFTER_S)  # or it might go to the worker that ends
                    continue
                yield shard, files, measured
                del measured  # so that the object store gets its memory back
                done += len(shard.videos)
                progress(done)
    tasks.note_workers()


class _Tasks:
    """The shards of a case that a cluster has, and what is known of its workers.

    Attributes:
        pending: Each task's shard, and the shard's `files_digest`.
    """

    def __init__(
        self,
        ray: Any,
        needs: Needs,
        task_of: TaskOf,
        at_most: int | None,
        note: Callable[[str], None],
    ) -> None:
        from . import task as cluster_task

        ray.cloudpickle.register_pickle_by_value(cluster_task)
        # Without max_calls=0, Ray ends a GPU's worker after every task.
        self._remote = ray.remote(
            num_cpus=needs.cpus, num_gpus=needs.gpus, max_retries=RETRIES, max_calls=0
        )(cluster_task.measure_shard)
        self._variables = {} if needs.gpus else thread_variables(needs.cpus)
        self._ray, self._task_of, self._at_most, self._note = ray, task_of, at_most, note
        self.pending: dict[Any, tuple[Shard, str]] = {}
        self._noted: set[str] = set()
        self._workers: set[str] = set()
        self._nodes: set[str] = set()
        self._again: list[int] = []

    def submit(self, shard: Shard) -> None:
        """Give a shard to the cluster."""
        files = shard.files_digest
        task = self._task_of(shard, self._at_most).to_json()
        self.pending[self._remote.remote(str(CHECKOUT), self._variables, task)] = shard, files

    def result(self, ref: Any) -> tuple[Shard, str, ShardLogits | None]:
        """Return the shard of a task that is done, and its logits; None: submit it again.

        Raises:
            ShardFailedError: It failed, or it was lost too often.
        """
        shard, files = self.pending.pop(ref)
        outcome, logits = _fetched(self._ray, ref, shard)
        if outcome.moved:
            return shard, files, None
        self._workers.add(outcome.place.worker)
        self._nodes.add(outcome.place.node)
        if outcome.place.attempt:
            self._again.append(shard.number)
        for text in outcome.notes:
            if text not in self._noted:
                self._noted.add(text)
                self._note(text)
        self._at_most = min(outcome.batch, self._at_most or outcome.batch)
        scored = tuple(shard.videos[number] for number in outcome.scored)
        measured = ShardLogits(
            scored, logits, outcome.unreadable, outcome.batch, outcome.remarks, outcome.stored
        )
        return shard, files, measured

    def note_workers(self) -> None:
        """Note how many workers there were, and which shards were run again."""
        workers, nodes = len(self._workers), len(self._nodes)
        self._note(f"measured by {quantity(workers, 'worker')} on {quantity(nodes, 'node')}")
        if self._again:
            listed = ", ".join(map(str, sorted(self._again)))
            again = quantity(len(self._again), "shard")
            self._note(f"run again, after a worker was lost: {again} ({listed})")


class _Patience:
    """Time since the cluster last had a node for a shard, and since it last gave a result."""

    def __init__(self, cluster: Cluster, needs: Needs, quiet: Callable[[], None]) -> None:
        self._cluster, self._needs, self._quiet = cluster, needs, quiet
        self._alive_at = self._result_at = time.monotonic()

    def check_nodes(self, alive: bool) -> None:
        """Check that the cluster has a node for a shard, or had one a moment ago.

        Raises:
            KinobenchError: It has had none for too long.
        """
        if alive:
            self._alive_at = time.monotonic()
        elif time.monotonic() - self._alive_at > LOST_AFTER_S:
            raise KinobenchError(
                f"{self._cluster.named}: no node is left that has {self._needs}; start nodes, "
                "and run again: what was measured is kept"
            )

    def check_results(self, ready: bool) -> None:
        """Report a cluster that gives no result."""
        if ready:
            self._result_at = time.monotonic()
        elif time.monotonic() - self._result_at > QUIET_AFTER_S:
            self._result_at = time.monotonic()
            self._quiet()


def _fetched(ray: Any, ref: Any, shard: Shard) -> tuple[Outcome, Any]:
    """Return the result of a task.

    Raises:
        ShardFailedError: It failed, or it was lost too often.
    """
    lost = (
        ray.exceptions.WorkerCrashedError,
        ray.exceptions.NodeDiedError,
        ray.exceptions.OutOfMemoryError,
    )
    kind: FailureKind = "exception"
    try:
        encoded, logits = ray.get(ref)
    except ray.exceptions.RayError as error:
        message = f"shard {shard.number}: {type(error).__name__}: {last_line(str(error))}"
        if isinstance(error, ray.exceptions.RayTaskError):
            message = f"shard {shard.number}: {last_line(str(error))}"
        elif isinstance(error, lost):
            kind = "killed"
            message = (
                f"shard {shard.number} was begun {RETRIES + 1} times, and its worker was lost each "
                "time; often the node being out of memory"
            )
        failure = Failure(kind=kind, message=message, detail=str(error)[-2000:])
        raise ShardFailedError(failure) from error
    outcome = msgspec.json.decode(encoded, type=Outcome)
    if outcome.failure is not None:
        raise ShardFailedError(outcome.failure)
    return outcome, logits


def _resources(ray: Any) -> list[dict[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
