"""The printed scores of detection: where each is from, and what the table refuses."""

from decimal import Decimal
from pathlib import Path

import pytest

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.tables.published_detections import (
    TABLE,
    published_detections,
    read_detections,
)
from kinobench.zoo.tables.sources import url_of


@pytest.mark.parametrize("row", published_detections(), ids=lambda row: row.model)
def test_a_row_is_of_a_detector_that_there_is_and_its_source_has_an_address(row) -> None:
    assert registry.get(row.model).task == "detection"
    assert url_of(row.source).startswith("https://github.com/")
    assert row.rule != "ava" and "no cap of 50 a frame" in row.note  # none is by the official code


@pytest.mark.parametrize(
    ("model", "dataset", "value"),
    [
        ("roi_on_slowfast_r50", "ava-2.1", "25.80"),
        ("roi_on_slow_r101", "ava-2.1", "24.83"),
        ("acrn_on_slowfast_r50", "ava-2.1", "27.65"),
        ("slow_r50_detection", "ava-2.2", "19.5"),
        ("slowfast_r50_detection", "ava-2.2", "24.67"),
        ("roi_on_slowfast_r101", "ava-2.2", "29.1"),
        ("roi_on_slowfast_16x8_r101_50_50", "ava-2.2", "29.4"),
        ("roi_on_videomae_vit_b", "ava-2.2", "33.6"),
        ("roi_on_videomae_vit_l", "ava-2.2", "38.7"),
    ],
)
def test_a_score_is_as_printed(model: str, dataset: str, value: str) -> None:
    (row,) = published_detections(model, dataset)
    assert str(row.value) == value


def test_rows_are_found_by_model_and_by_dataset() -> None:
    every = published_detections()
    assert published_detections(dataset="ava-2.1") == [r for r in every if r.dataset == "ava-2.1"]
    assert published_detections("c3d") == [] == published_detections("roi_tiny", "ava-2.2")
    assert len({(row.model, row.dataset, row.rule) for row in every}) == len(every)
    assert every[0].mparams == Decimal("31.78")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("19.5", "119.5", "value is 119.5"), ("ava-2.2", "ava", "line 2"), (",19.5", "", "cells")],
)
def test_a_wrong_line_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    header, first, *_ = TABLE.read_text().splitlines()
    path = tmp_path / "table.csv"
    path.write_text(f"{header}\n{first.replace(old, new, 1)}\n")
    with pytest.raises(KinobenchError, match=message) as refused:
        read_detections(path)
    assert "table.csv, line 2" in str(refused.value)
