"""A folder of results that nobody measured, with everything that a report can show."""

from pathlib import Path

import msgspec
import numpy as np

from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.records.record import Record
from kinobench.bench.records.store import RunFile
from kinobench.bench.records.times import Sweep, SweepPoint
from kinobench.datasets.protocol import preset

from .made_predictions import store_run
from .made_records import (
    failed_record,
    made_accuracy,
    made_cost,
    made_energy,
    made_latency,
    made_memory,
    made_record,
)

RUN = "20260101T000000Z-000000"


def made_logits(videos: int, clips: int, classes: int, skill: float, seed: int) -> np.ndarray:
    """`[videos, clips, classes]` of a network that is right the more often, the larger `skill` is.

    The label of a video is its number modulo the classes; mistakes are mostly the next class.
    """
    random = np.random.default_rng(seed)
    logits = random.normal(size=(videos, clips, classes))
    labels = np.arange(videos) % classes
    video = np.arange(videos)
    logits[video, :, labels] += skill + random.normal(scale=1.5, size=(videos, 1))
    logits[video, :, (labels + 1) % classes] += 1.5
    return logits


def spread_latency(median_s: float, seed: int) -> object:
    """A latency of three processes with three blocks of twenty samples each."""
    random = np.random.default_rng(seed)
    blocks = [
        tuple((median_s * random.lognormal(0, 0.03, 20) * (1 + 0.02 * (number // 3))).tolist())
        for number in range(9)
    ]
    return made_latency(median_s, samples_s=tuple(blocks), blocks_of_processes=(3, 3, 3))


def made_sweep(median_s: float) -> Sweep:
    points = tuple(
        SweepPoint(
            batch=batch,
            latency=made_latency(median_s * (batch**0.7)),
            memory=made_memory(activation=2_345_678 * batch),
        )
        for batch in (1, 2, 4, 8, 16)
    )
    return Sweep(points=points, ended="max_batch", ended_at=32)


def scored_record(
    results: Path,
    model: str,
    *,
    skill: float,
    seed: int = 0,
    videos: int = 48,
    classes: int = 8,
    clips: int = 4,
    probe: str | None = None,
) -> Record:
    """A record whose accuracy is that of the logits that it stores."""
    logits = made_logits(videos, clips, classes, skill, seed)
    labels = (np.arange(videos) % classes).tolist()
    named = f"predictions/{model}-{probe or 'plain'}"
    exp = np.exp(logits - logits.max(axis=2, keepdims=True))
    mean = (exp / exp.sum(axis=2, keepdims=True)).mean(axis=1)
    hits = int((mean.argmax(axis=1) == labels).sum())
    top1 = hits / videos
    protocol = msgspec.structs.replace(preset("pointlight"), clips=clips)
    case = {"classes": classes, "protocol": protocol, "weights": "pointlight", "probe": probe}
    accuracy = made_accuracy(
        top1,
        interval_top1=(max(0.0, top1 - 0.06), min(1.0, top1 + 0.05)),
        scored=videos,
        expected=videos,
        views=clips,
        predictions=named,
    )
    speed_s = 0.002 * 1.09**seed
    record = made_record(
        model,
        case,
        params=100_000 * (seed + 1),
        cost=made_cost(20_000_000 * (seed + 2)),
        latency=spread_latency(speed_s, seed),
        energy=made_energy(),
        accuracy=accuracy,
        sweep=made_sweep(speed_s) if seed % 2 == 0 and probe is None else None,
        run=RUN,
    )
    store_run(results / named, logits, labels, origin_of(record), in_a_shard=videos)
    return record  # type: ignore[no-any-return]


def made_results(results: Path, networks: int = 6, **sizes: int) -> Path:
    """So many scored networks, one of them under probes, one untrained and one that failed."""
    file = RunFile(results, RUN)
    for number in range(networks):
        skill = 2.0 + 2.5 * number / networks
        record = scored_record(results, f"net_{number}", skill=skill, seed=number, **sizes)
        file.append(record)
    for number, probe in enumerate(("reversed", "shuffled", "frozen")):
        file.append(
            scored_record(results, "net_0", skill=1.5 - number / 2, seed=0, probe=probe, **sizes)
        )
    case = record.case
    same = {"protocol": case.protocol, "classes": case.classes}
    file.append(made_record("untrained_net", same, run=RUN))
    file.append(failed_record("broken_net", case=same, run=RUN))
    return results
