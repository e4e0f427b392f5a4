"""The functions that Ray runs on a node; they find the kinobench that is there.

Ray sends them by value, so that a node needs no kinobench to unpickle them. They take and return
only plain values, for the same reason.
"""

from typing import Any


def measure_shard(root: str, environment: dict[str, str], task: bytes) -> tuple[bytes, Any]:
    """Measure one shard in a worker of the cluster.

    Args:
        root: Folder of kinobench's three packages on the driver's machine. If this machine has them
            there too, they run; if not, the installed ones.
        environment: Variables that libraries read when they load.
        task: JSON of `shard.ShardTask`.

    Returns:
        JSON of `shard.Outcome`; the logits `[scored, views, classes]`, float32, or None.
    """
    import json
    import os
    import platform

    import ray

    os.environ.update(environment)
    context = ray.get_runtime_context()
    node = context.get_node_id()
    here = next(each for each in ray.nodes() if each["NodeID"] == node)
    # Ray has no public way to ask how often a task was started; if this one is gone, it is 0.
    core_worker = getattr(ray._private.worker.global_worker, "core_worker", None)
    attempt = getattr(core_worker, "get_current_task_attempt_number", lambda: 0)
    place = {
        "node": node,
        "name": f"{platform.node()} ({here['NodeManagerAddress']})",
        "worker": context.get_worker_id(),
        "attempt": attempt(),
        "gpus": context.get_accelerator_ids().get("GPU", []),
        "resources": {name: here["Resources"].get(name, 0.0) for name in ("CPU", "GPU")},
    }
    try:
        shards = _found(root, "cluster.shard")
    except ImportError as error:
        message = (
            f"node {place['name']} can't run this kinobench: {error}; let it have {root}, or "
            "install the same kinobench there"
        )
        failure = {"kind": "refused", "message": message}
        return json.dumps({"place": place, "failure": failure}).encode(), None
    answer: tuple[bytes, Any] = shards.worker_of_this_process().measure(task, place)
    return answer


def describe_node(root: str, decoder: str) -> dict[str, Any]:
    """Describe the node that this runs on.

    Args:
        root: The same as in `measure_shard`.
        decoder: The same as in `environment.describe`.

    Returns:
        `node`, its name for people; `environment`, JSON of `record.Environment`, or None;
        `error`, the reason why there is none.
    """
    import platform

    name = platform.node()
    try:
        # NVML sees GPUs that Ray hides from a task that asks for none.
        described = _found(root, "machine.environment").describe("cuda", decoder, first_gpu=True)
        encoded: str = _found(root, "cluster.shard").environment_to_json(described)
        return {"node": name, "error": None, "environment": encoded}
    except Exception as error:
        return {"node": name, "error": f"{type(error).__name__}: {error}", "environment": None}


def _found(root: str, module: str) -> Any:
    """Import a module of the kinobench in a folder; if there is none, of the installed one.

    Raises:
        ImportError: There is neither.
    """
    import importlib
    import importlib.machinery
    import importlib.util
    import sys
    from pathlib import Path

    if "kinobench" not in sys.modules and Path(root, "bench", "run", "worker.py").is_file():
        # bench.py does the same: it makes the name for the three packages in that folder.
        spec = importlib.machinery.ModuleSpec("kinobench", None, is_package=True)
        spec.submodule_search_locations = [root]
        sys.modules["kinobench"] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"kinobench.bench.{module}")
