"""Records that nobody measured: made up for tests, with round numbers that are easy to follow."""

from typing import Any

import msgspec

from kinobench.bench.records.case import Case
from kinobench.bench.records.dataset_copy import DatasetCopy, ShortSide
from kinobench.bench.records.export import Export
from kinobench.bench.records.latency import Latency
from kinobench.bench.records.record import Environment, Failure, Record
from kinobench.bench.records.results import Accuracy, Cost, Energy, Memory
from kinobench.datasets.protocol import preset

MACHINE = Environment(
    fingerprint="00000000feedface",
    system="Linux 6.0 x86_64",
    cpu="Made-up CPU & Sons <i9>",
    physical_cores=2,
    logical_cores=4,
    memory_bytes=8 * 2**30,
    gpu=None,
    gpu_driver=None,
    versions={"python": "3.11.0", "torch": "2.11.0"},
    kinobench_commit="abc1234",
)


def made_case(model: str = "c3d_tiny", **changes: Any) -> Case:
    fields: dict[str, Any] = {
        "model": model,
        "classes": 8,
        "protocol": preset("pointlight"),
        "dataset": "pointlight",
        "split": "test",
        "threads": 1,
    }
    return Case(**(fields | changes))


def made_cost(macs: int = 1_234_567_890) -> Cost:
    return Cost(
        macs=macs,
        flops=2 * macs,
        other_flops=1000,
        norm_elements=400,
        by_operator={"conv": macs - 90, "linear": 90},
        uncounted={},
        torch_macs=macs,
    )


def made_latency(median_s: float = 0.0125, **changes: Any) -> Latency:
    fields: dict[str, Any] = {
        "samples_s": ((median_s, median_s), (median_s,)),
        "median_s": median_s,
        "interval_s": (median_s * 0.96, median_s * 1.04),
        "converged": True,
        "cpu_s": (median_s, median_s),
        "build_s": 0.5,
        "first_call_s": 0.25,
        "warmup_calls": 12,
        "warm": True,
        "threads": 1,
    }
    return Latency(**(fields | changes))


def made_memory(weights_bytes: int = 40_000_000, activation: int | None = 2_345_678) -> Memory:
    return Memory(
        weights_bytes=weights_bytes,
        peak_activation_bytes=activation,
        peak_process_bytes=300_000_000,
    )


def made_export(**changes: Any) -> Export:
    fields: dict[str, Any] = {
        "format": "openvino",
        "path": "torch.export, torch.onnx, OpenVINO",
        "opset": 20,
        "export_s": 12.5,
        "cached": False,
        "size_bytes": 41_000_000,
        "load_s": 0.25,
        "runs_on": ("CPU",),
        "arithmetic": "f32",
        "threads": 1,
        "streams": 1,
    }
    return Export(**(fields | changes))


def made_energy() -> Energy:
    return Energy(
        window_s=5.0,
        window_j=500.0,
        idle_w=20.0,
        forwards=40,
        j_per_clip=12.5,
        j_per_clip_above_idle=10.0,
    )


def made_copy(**changes: Any) -> DatasetCopy:
    fields: dict[str, Any] = {
        "digest": "fedcba9876543210",
        "layout": "flat",
        "listed": 160,
        "found": 160,
        "part_of": None,
        "bytes": 41_200_000,
        "short_side": ShortSide(least=256, median=256, most=340),
        "codecs": {"h264": 120, "vp9": 40},
    }
    return DatasetCopy(**(fields | changes))


def made_accuracy(top1: float | None = 0.25, **changes: Any) -> Accuracy:
    fields: dict[str, Any] = {
        "top1": top1,
        "top5": None if top1 is None else 0.75,
        "interval_top1": None if top1 is None else (0.1875, 0.328125),
        "interval_top5": None if top1 is None else (0.6796875, 0.8203125),
        "top1_of_expected": top1 or 0.0,
        "chance": 0.125,
        "scored": 160,
        "expected": 160,
        "unreadable": (),
        "views": 1,
        "manifest": "0123456789abcdef",
        "predictions": None,
        "wall_s": 3.5,
    }
    return Accuracy(**(fields | changes))


def made_record(model: str = "c3d_tiny", case: dict[str, Any] | None = None, **changes: Any) -> Any:
    """A whole record of a case on the CPU; `case` changes fields of the case, `changes` others."""
    fields: dict[str, Any] = {
        "run": "20260101T000000Z-000000",
        "started": "2026-01-01T00:00:00Z",
        "case": made_case(**({"model": model} | (case or {}))),
        "environment": MACHINE,
        "params": 10_000_000,
        "cost": made_cost(),
        "latency": made_latency(),
        "memory": made_memory(),
        "accuracy": made_accuracy(),
        "notes": ("energy: not asked for",),
    }
    return Record(**(fields | changes))


def failed_record(model: str = "c3d_tiny", message: str = "it broke", **changes: Any) -> Any:
    absent = dict.fromkeys(("params", "cost", "latency", "memory", "accuracy"))
    failure = Failure(kind="exception", message=message)
    return made_record(model, **(absent | {"error": failure} | changes))


def elsewhere(fingerprint: str = "0123456701234567") -> Environment:
    """Another machine."""
    return msgspec.structs.replace(MACHINE, fingerprint=fingerprint)
