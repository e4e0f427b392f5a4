"""Folders of results that no run wrote: records, and the predictions that they follow from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.records.record import Record
from kinobench.bench.records.store import RunFile
from kinobench.datasets.protocol import preset

from .made_predictions import store_run
from .made_records import made_accuracy, made_record

VIDEOS, VIEWS, CLASSES = 20, 2, 4
LABELS = np.arange(VIDEOS) % CLASSES
RUN = "20260101T000000Z-000000"


def made_results(folder: Path, hits: Mapping[str, int], run: str = RUN, **changes: Any) -> Path:
    """Add a run to a folder: a trained network a name, which gets its first so many of 20 videos.

    Their logits are of 2 views and 4 classes, in shards of 8, 8 and 4 videos.
    """
    file = RunFile(folder, run)
    for name, count in hits.items():
        record = record_of(name, count, run, **changes)
        assert record.accuracy is not None and record.accuracy.predictions is not None
        place = folder / record.accuracy.predictions
        store_run(place, logits_of(count), LABELS, origin_of(record))
        file.append(record)
    return folder


def record_of(name: str, count: int, run: str = RUN, **changes: Any) -> Record:
    accuracy = made_accuracy(
        count / VIDEOS,
        top5=None,
        interval_top5=None,
        scored=VIDEOS,
        expected=VIDEOS,
        predictions=f"predictions/{name}/{run}",
        wall_s=float(f"{int(run[6:8])}.{count}"),
    )
    protocol = preset("pointlight").with_views(VIEWS, 1)
    made: Record = made_record(
        name,
        case={"weights": "mine", "classes": CLASSES, "protocol": protocol},
        run=run,
        started=f"{run[:4]}-{run[4:6]}-{run[6:8]}T00:00:00Z",
        accuracy=accuracy,
        **changes,
    )
    return made


def logits_of(count: int) -> np.ndarray:
    """`[20, 2, 4]`: the true class of the first so many has 1, that of the others -1."""
    logits = np.zeros((VIDEOS, VIEWS, CLASSES), dtype=np.float32)
    right = np.arange(VIDEOS) < count
    logits[np.arange(VIDEOS), :, LABELS] = np.where(right, 1, -1)[:, None]
    return logits


def files_of(folder: Path) -> dict[str, bytes]:
    """The bytes of each file, by its path in the folder; without the lock of the runs."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".appending"
    }
