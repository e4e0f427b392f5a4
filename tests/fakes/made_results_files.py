"""Small files of annotations and results, as publishers and challengers write them."""

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Span = tuple[str, float, float]


def event_annotations(
    folder: Path,
    videos: Mapping[str, Sequence[Span]],
    *,
    subsets: Mapping[str, str] | None = None,
    name: str = "annotations.json",
) -> Path:
    """Write ActivityNet's json: video -> `(label, start, end)`; validation but for `subsets`."""
    database = {
        video: {
            "subset": (subsets or {}).get(video, "validation"),
            "duration": 100.0,
            "annotations": [{"label": label, "segment": [a, b]} for label, a, b in spans],
        }
        for video, spans in videos.items()
    }
    file = folder / name
    file.write_text(json.dumps({"database": database}))
    return file


def event_results(
    folder: Path, videos: Mapping[str, Sequence[tuple[str, float, float, float]]], name: str
) -> Path:
    """Write ActivityNet's results: video -> `(label, start, end, score)`."""
    results = {
        video: [{"label": label, "segment": [a, b], "score": s} for label, a, b, s in spans]
        for video, spans in videos.items()
    }
    file = folder / name
    file.write_text(json.dumps({"version": "x", "results": results, "external_data": {}}))
    return file


def tube_annotations(folder: Path, *, frames: int = 20) -> Path:
    """Write MultiSports's pickle: two videos of 100x50 pixels, a tube of each of two classes."""
    still = np.array([[n, 10, 10, 30, 40] for n in range(3, 9)], np.float32)
    moving = np.array([[n, 40 + n, 10, 60 + n, 40] for n in range(1, 11)], np.float32)
    said = {
        "labels": ["serve", "spike", "basketball save"],
        "train_videos": [[]],
        "test_videos": [["sport/v_b", "sport/v_a"]],
        "nframes": {"sport/v_a": frames, "sport/v_b": frames},
        "gttubes": {"sport/v_a": {0: [still]}, "sport/v_b": {1: [moving]}},
        "resolution": {"sport/v_a": (50, 100), "sport/v_b": (50, 100)},
    }
    file = folder / "gt.pkl"
    file.write_bytes(pickle.dumps(said))
    return file


def pickled(folder: Path, name: str, content: Any) -> Path:
    """Write a pickle."""
    file = folder / name
    file.write_bytes(pickle.dumps(content))
    return file
