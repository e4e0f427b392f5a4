"""Two datasets whose videos have several labels, and networks that read them; a plugin for tests.

A folder has `videos.json`: of each file its labels and its source group. The files show a number in
binary, as `trees.code_frames` paints it.
"""

import json
from pathlib import Path
from runpy import run_path
from typing import Any

from kinobench.datasets.catalog import Dataset
from kinobench.datasets.catalog import register as register_dataset
from kinobench.datasets.split import Scoring, Split, Video
from kinobench.zoo.registry import register

CLASSES = tuple(f"class {letter}" for letter in "abcdefgh")
_NETWORK: Any = run_path(str(Path(__file__).with_name("several_rows.py")))["ReadsRows"]


@register("reads_rows")
def reads_rows(num_classes: int, frames: int, size: int) -> Any:
    return _NETWORK(num_classes, 1)


@register("reads_rows_otherwise")
def reads_rows_otherwise(num_classes: int, frames: int, size: int) -> Any:
    return _NETWORK(num_classes, 2)


def _dataset(name: str, scoring: Scoring) -> Dataset:
    def load(root: Path | None, split: str | None) -> Split:
        assert root is not None
        rows = json.loads((root / "videos.json").read_text())
        videos = [
            Video(id=file, path=root / file, labels=labels, group=group)
            for file, labels, group in rows
        ]
        return Split(
            dataset=name, name="test", classes=CLASSES, videos=tuple(videos), scoring=scoring
        )

    return Dataset(
        name=name,
        title=name,
        load=load,
        default_protocol="common-112",
        num_classes=len(CLASSES),
        splits=("test", "train"),
        homepage="",
        obtain="",
        tree="",
    )


register_dataset(_dataset("several-hit", "hit-k"))
register_dataset(_dataset("several-map", "map"))
