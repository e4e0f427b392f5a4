"""The names of the classes come with the predictions, whatever dataset they are of."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from kinobench.bench.analysis import two_stream
from kinobench.bench.analysis.command import analyse
from kinobench.bench.analysis.compare import compare
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.classes import FILE, keep_classes, kept_classes
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video

from ...fakes.made_predictions import logits_table, write_shards
from ...fakes.media import numbered_frames, write_video

NAMES = ("gehen", "übergeben", "fallen")


def _page(folder: Path) -> str:
    page, _ = analyse(
        f"{folder}/",
        None,
        folder.parent,
        views=None,
        aggregation=None,
        rows=0,
        on_problem=lambda line: None,
    )
    return page


def _shards(folder: Path, names: tuple[str, ...] | None) -> Path:
    logits = np.eye(3, dtype=np.float32)[[0, 1, 1, 2]][:, None]
    write_shards(folder, logits_table(logits, [0, 1, 2, 2]), 2)
    if names is not None:
        keep_classes(folder, names)
    return folder


def test_a_dataset_of_ones_own_shows_its_own_class_names(tmp_path: Path) -> None:
    videos = tuple(
        Video(
            id=f"v{label}",
            path=write_video(tmp_path / f"{label}.mp4", numbered_frames(16)),
            label=label,
        )
        for label in range(3)
    )
    split = Split(dataset="mine", name="all", classes=NAMES, videos=videos)

    def forward(views: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[0.0, 1.0, 0.0]]).repeat(len(views), 1)

    evaluate(forward, split, Evaluation(preset("pointlight")), Sink(tmp_path / "shards"))
    assert open_predictions(tmp_path / "shards").names == NAMES
    page = _page(tmp_path / "shards")
    for name in NAMES:
        assert name in page


def test_a_class_whose_folder_is_no_unicode_has_a_name_that_can_be_stored(tmp_path: Path) -> None:
    split = Split(dataset="mine", name="all", classes=(os.fsdecode(b"f\xffnf"),), videos=())
    assert split.classes == (r"f\xffnf",) and len(split.manifest) == 16
    keep_classes(tmp_path, split.classes)
    assert kept_classes(tmp_path) == split.classes


def test_predictions_without_names_show_the_numbers_of_their_classes(tmp_path: Path) -> None:
    folder = _shards(tmp_path / "shards", None)
    assert kept_classes(folder) is None and open_predictions(folder).names is None
    assert kept_classes(folder / "shard-00000.parquet") is None
    assert "| 2 " in _page(folder)


def test_two_predictions_with_their_classes_in_another_order_are_not_compared(
    tmp_path: Path,
) -> None:
    a = open_predictions(_shards(tmp_path / "a", NAMES))
    b = open_predictions(_shards(tmp_path / "b", (NAMES[1], NAMES[0], NAMES[2])))
    for compared in (compare, two_stream.mix):
        with pytest.raises(KinobenchError, match=r"class 0 is 'gehen' in .*a and 'übergeben' in"):
            compared(a, b)
    respelled = open_predictions(_shards(tmp_path / "c", ("Gehen", *NAMES[1:])))
    assert compare(a, respelled).videos == 4
    assert compare(a, open_predictions(_shards(tmp_path / "d", None))).videos == 4


def test_a_broken_list_of_names_is_an_error_that_says_the_cure(tmp_path: Path) -> None:
    folder = _shards(tmp_path / "shards", NAMES)
    (folder / FILE).write_text("{torn")
    with pytest.raises(KinobenchError, match=r"classes\.json can't be read: .*remove it to see"):
        open_predictions(folder)
