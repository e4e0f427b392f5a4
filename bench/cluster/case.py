"""The shards of a case on a cluster, in place of this process."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.split import Split
from ..machine.environment import library_versions
from ..records.job import Cluster, Emit, Job, Progress
from .shard import ShardTask, sizes_of

if TYPE_CHECKING:
    from ..evaluation.accuracy import MeasuredShard, MeasureShards
    from ..evaluation.shards import Shard
    from ..records.computed import Computed


def on_cluster(
    job: Job,
    cluster: Cluster,
    split: Split,
    weights: str | None,
    computes: "Computed | None",
    note: Callable[[str], None],
    emit: Emit,
) -> "MeasureShards":
    """Return a function that measures shards on a cluster as `evaluate` would here.

    Args:
        job: Job of the case.
        cluster: Cluster that `find_cluster` returned.
        split: Videos of the case.
        weights: Digest of the checkpoint file.
        computes: What the network computes here.
        note: Called with a remark that a reader of the result should know.
        emit: Called with each event.
    """
    import torch

    from ...zoo import registry
    from ..evaluation.accuracy import views_in_a_forward
    from ..network.code_digest import source_digest
    from .driver import measure_on_cluster

    case = job.case
    source = source_digest(registry.get(case.model).build, *map(Path, job.plugins))
    versions = library_versions(case.decoder)

    def task_of(shard: "Shard", at_most: int | None) -> ShardTask:
        return ShardTask(
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
            computes=computes,
            source=source,
            versions=versions,
        )

    def measure(
        shards: "Sequence[Shard]", at_most: int | None, progress: Callable[[int], None]
    ) -> "Iterator[MeasuredShard]":
        return measure_on_cluster(
            cluster,
            shards,
            task_of,
            at_most=at_most,
            progress=progress,
            note=note,
            quiet=lambda: emit(Progress(stage="waiting for the cluster")),
        )

    return measure
