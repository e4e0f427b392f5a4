"""Measures the shards of a case on a cluster, in place of this process."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.split import Split
from ..machine.environment import library_versions
from ..records.job import Cluster, Emit, Job, Progress
from .shard import Order, sizes_of

if TYPE_CHECKING:
    from ..evaluation.accuracy import MeasureShards
    from ..evaluation.shards import Shard, ShardLogits


def on_cluster(
    job: Job,
    cluster: Cluster,
    split: Split,
    weights: str | None,
    note: Callable[[str], None],
    emit: Emit,
) -> "MeasureShards":
    """Return what measures shards on a cluster as `measure_accuracy` would here."""
    import torch

    from ..evaluation.accuracy import views_in_a_forward
    from .driver import measure_on_cluster

    case, source = job.case, source_of(job)
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


def source_of(job: Job) -> str:
    """Return the digest of the source that a job's logits depend on."""
    from ...zoo import registry
    from ..evaluation.resume import source_digest

    return source_digest(registry.get(job.case.model).build, *map(Path, job.plugins))
