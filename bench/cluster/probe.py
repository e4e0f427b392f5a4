"""A program that asks a cluster for its nodes; stdin and stdout carry JSON.

If Ray finds no cluster, it may end the process that asked, so the command doesn't ask itself. The
program needs nothing of kinobench but the file `task.py` in its folder.
"""

import importlib.util
import json
import logging
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Print the nodes' resources, and the environment of one that has a GPU, if that is asked."""
    import ray

    asked = json.load(sys.stdin)
    ray.init(address=asked["address"], log_to_driver=False, logging_level=logging.ERROR)
    nodes = [node for node in ray.nodes() if node["Alive"]]
    described = None
    if asked["decoder"] is not None:
        described = _described(ray, nodes, asked["root"], asked["decoder"])
    answer = {"nodes": [node["Resources"] for node in nodes], "described": described}
    print("\n" + json.dumps(answer))


def _described(ray: Any, nodes: list[dict[str, Any]], root: str, decoder: str) -> Any:
    """Return the description of a node with a GPU; of this node, if it has one."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    path = Path(__file__).with_name("task.py")
    spec = importlib.util.spec_from_file_location("cluster_task", path)
    assert spec is not None and spec.loader is not None
    cluster_task = importlib.util.module_from_spec(spec)
    sys.modules["cluster_task"] = cluster_task
    spec.loader.exec_module(cluster_task)
    ray.cloudpickle.register_pickle_by_value(cluster_task)
    here = ray.get_runtime_context().get_node_id()
    with_gpus = [node["NodeID"] for node in nodes if node["Resources"].get("GPU", 0) >= 1]
    if not with_gpus:
        return None
    chosen = here if here in with_gpus else min(with_gpus)
    # It needs no resources, so that it doesn't wait until a GPU is free.
    task = ray.remote(
        num_cpus=0,
        scheduling_strategy=NodeAffinitySchedulingStrategy(chosen, soft=False),
    )(cluster_task.describe_node)
    return ray.get(task.remote(root, decoder))


if __name__ == "__main__":
    main()
