"""Full-size localizers and detectors, part by part: multiply-adds, and the time of one forward.

    python tests/benchmarks/task_costs.py results/tasks/costs.jsonl [--threads 2] [--model NAME]

A localizer has a backbone, which sees each window, and a head, which sees a row of features. A
detector has a backbone, which sees each clip, and a head, which sees its boxes. Weights are random.
A line of the file has the counts, the median of three forwards after one that isn't counted, and
the machine.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kinobench.bench.cost.flops import count_apart
from kinobench.bench.cost.parameters import weights_of
from kinobench.bench.cost.random_inputs import random_boxes
from kinobench.bench.cost.shape import native_shape
from kinobench.bench.machine import environment
from kinobench.zoo import registry
from kinobench.zoo.localizers.families import KINDS

LOCALIZERS = ("windows", "actionformer", "tridet", "bmn")
BACKBONES = ("slow_r50", "x3d_m", "mvit_base_16x4")
DETECTORS = (
    *("slow_r50_detection", "slowfast_r50_detection", "roi_on_x3d_m"),
    *("acrn_on_slow_r50", "bank_on_mvit_base_16x4"),
)
ROW = {"windows": 2304, "actionformer": 2304, "tridet": 2304, "bmn": 100}
"""Features of a row in the papers: THUMOS14's longest, and BMN's fixed length."""
BOXES = (1, 5)
FORWARDS = 3


def main() -> None:
    """Measure what is asked for, and write a line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", action="append", help="this one alone; may be repeated")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    here = environment.describe("cpu")
    common = {
        "threads": given.threads,
        "cpu": here.cpu,
        "torch": str(torch.__version__),
        "commit": here.kinobench_commit,
    }
    lines = []
    for measure, name in _jobs():
        if given.model and name not in given.model:
            continue
        for line in measure(name):
            lines.append(json.dumps({**line, **common}))
            print(lines[-1], flush=True)
    given.file.parent.mkdir(parents=True, exist_ok=True)
    given.file.write_text("\n".join(lines) + "\n")


Measure = Callable[[str], Iterator[dict[str, Any]]]


def _jobs() -> Iterator[tuple[Measure, str]]:
    for backbone in BACKBONES:
        yield _backbone, backbone
    for kind in LOCALIZERS:
        yield _head, kind
    for name in DETECTORS:
        yield _detector, name


def _backbone(name: str) -> Iterator[dict[str, Any]]:
    architecture = registry.get(f"windows_on_{name}")
    shape = native_shape(architecture)
    network: Any = architecture.build(20, shape.frames, shape.size).eval()
    clip = torch.randn(1, 3, shape.frames, shape.size, shape.size)
    yield {"part": "window", "name": name, "channels": network.channels} | _measured(
        network.backbone, clip
    )


def _head(kind: str) -> Iterator[dict[str, Any]]:
    """Measure a head on the 2304 channels of SlowFast's features, and 20 classes."""
    channels, times = 2304, ROW[kind]
    head = KINDS[kind].head(channels, 20).eval()
    features = torch.randn(1, channels, times)
    mask = torch.ones(1, times, dtype=torch.bool)
    yield {"part": "row", "name": kind, "channels": channels, "times": times} | _measured(
        head, features, mask
    )


def _detector(name: str) -> Iterator[dict[str, Any]]:
    architecture = registry.get(name)
    shape = native_shape(architecture)
    network: Any = architecture.build(shape.classes, shape.frames, shape.size).eval()
    clip = torch.randn(1, 3, shape.frames, shape.size, shape.size)
    for count in BOXES:
        boxes = random_boxes(1, count, torch.Generator().manual_seed(0))
        line = {"part": "key frame", "name": name, "boxes": count}
        yield line | _measured(network, clip, boxes)


def _measured(module: nn.Module, *inputs: torch.Tensor) -> dict[str, Any]:
    """Return the parameters, the MACs and the seconds of a forward."""
    counted = count_apart(module, *inputs)
    times_s = []
    with torch.inference_mode():
        module(*inputs)
        for _ in range(FORWARDS):
            begin = time.perf_counter()
            module(*inputs)
            times_s.append(time.perf_counter() - begin)
    return {
        "params": weights_of(module).params,
        "macs": counted.cost.macs,
        "uncounted": counted.cost.uncounted,
        "median_s": statistics.median(times_s),
    }


if __name__ == "__main__":
    main()
