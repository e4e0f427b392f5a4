"""Results for figures: records with sweeps, and with predictions of several views."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.records.store import RunFile
from kinobench.bench.records.times import Sweep, SweepPoint
from kinobench.datasets.protocol import Protocol, preset

from .made_predictions import store_run
from .made_records import made_accuracy, made_latency, made_memory, made_record

CLASSES = 8


def several_views(clips: int) -> Protocol:
    """The protocol of pointlight with so many temporal views."""
    return msgspec.structs.replace(preset("pointlight"), clips=clips)


def logits_of(named: np.ndarray) -> np.ndarray:
    """Logits `[videos, clips, CLASSES]` of views, each sure of its class of `[videos, clips]`."""
    return 9.0 * np.eye(CLASSES, dtype=np.float32)[named]


def store_scored(results: Path, model: str, logits: np.ndarray, **case: Any) -> Any:
    """Store predictions with their record, which is trained; video `n` has class `n % CLASSES`."""
    videos, clips, _ = logits.shape
    labels = np.arange(videos) % CLASSES
    top1 = float((logits.mean(1).argmax(1) == labels).mean())
    at = f"predictions/{model}"
    record = made_record(
        model,
        case={"weights": "pointlight", "protocol": several_views(clips)} | case,
        accuracy=made_accuracy(
            top1,
            interval_top1=(max(top1 - 0.1, 0), min(top1 + 0.1, 1)),
            predictions=at,
            scored=videos,
            expected=videos,
            views=clips,
        ),
    )
    store_run(results / at, logits, labels, origin_of(record))
    RunFile(results, record.run).append(record)
    return record


def made_sweep(*throughputs: float) -> Sweep:
    """A sweep at batches 1, 2, 4, ... with these throughputs, and memory that grows with them."""
    points = tuple(
        SweepPoint(
            batch=2**power,
            latency=made_latency(2**power / rate),
            memory=made_memory(activation=10_000_000 * 2**power),
        )
        for power, rate in enumerate(throughputs)
    )
    return Sweep(points=points, ended="max_batch", ended_at=2 ** len(throughputs))
