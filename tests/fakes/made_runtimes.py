"""Records of networks in several runtimes, made up for tests."""

from typing import Any

from kinobench.bench.records.export import Export
from kinobench.bench.records.latency import Drift

from .made_records import made_accuracy, made_latency, made_record

DRIFT = Drift(largest_logit_difference=2e-6, logit_spread=1.5, top1_flips=0, clips=8)
EXPORT = Export(
    format="onnx",
    path="torch.export, torch.onnx",
    export_s=2.0,
    cached=False,
    size_bytes=1_200_000,
    load_s=0.1,
    runs_on=("CPU",),
    arithmetic="f32",
)


def in_runtime(
    model: str,
    runtime: str,
    median_s: float,
    *,
    top1: float | None = 0.9,
    drift: Drift | None = DRIFT,
    **case: Any,
) -> Any:
    settings = {"runtime": runtime, "weights": "pointlight"} | case
    is_eager = runtime == "torch"
    return made_record(
        model,
        settings,
        latency=made_latency(median_s, drift=None if is_eager else drift),
        accuracy=None if top1 is None else made_accuracy(top1),
        export=None if is_eager else EXPORT,
    )
