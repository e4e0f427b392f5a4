"""A connection to a cluster: to one that runs, or to one that is started for the case.

A Ray that is started here ends with the process of the case, however that ends. It is closed to
everybody but the processes of the case.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...datasets.errors import KinobenchError
from ..machine.environment import physical_cores
from ..records.job import LOCAL, Cluster
from .access import is_loopback, set_access
from .address import Needs, last_line, require_ray

OBJECT_STORE_BYTES = 256 * 2**20
"""Memory for results in a Ray that is started here; a shard's logits of 400 classes are 0.8 MB."""
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}


@contextmanager
def connected(cluster: Cluster, needs: Needs, note: Callable[[str], None]) -> Iterator[Any]:
    """Connect to a cluster, or start one for as long as the context lasts; yield the module `ray`.

    Args:
        cluster: Cluster that `find_cluster` returned.
        needs: Resources that a worker of the case needs.
        note: Called with a remark that a reader of the result should know.

    Raises:
        KinobenchError: Ray is not installed or too old, the cluster can't be reached, or none can
            be started here.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    set_access(cluster.address)
    ray = _started(cluster, needs, note) if cluster.address == LOCAL else _reached(cluster)
    try:
        yield ray
    finally:
        ray.shutdown()


def _reached(cluster: Cluster) -> Any:
    """Connect to a cluster that runs."""
    ray = require_ray()
    try:
        ray.init(address=cluster.address, **_QUIET)
    except Exception as error:  # Ray has no class of its own for this
        raise KinobenchError(
            f"{cluster.named} can't be reached: {last_line(str(error))}"
        ) from error
    return ray


def _started(cluster: Cluster, needs: Needs, note: Callable[[str], None]) -> Any:
    """Start a Ray with this whole machine."""
    ray = require_ray()
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
            "`ray start --head`, which says more, or run without --cluster"
        ) from error
    if not is_loopback(ray.get_runtime_context().gcs_address):
        note("the local Ray listens beyond this machine: its token alone keeps others out")
    return ray


def _cpus_offered(needs: Needs) -> int:
    """Return the number of processors of a local Ray: enough for each GPU to have one."""
    if not needs.gpus:
        return max(physical_cores(), needs.cpus)
    import torch

    return max(physical_cores(), needs.cpus * torch.cuda.device_count())


@contextmanager
def _unlimited_children() -> Iterator[None]:
    """Start processes without the limit of memory, which is meant for networks only."""
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
