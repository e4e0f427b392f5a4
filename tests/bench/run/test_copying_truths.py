"""Copies in smaller files of datasets of localization and detection keep times and boxes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from kinobench.datasets import catalog

from ...fakes import located_copies as copies
from ...fakes.command import call
from ...fakes.located_copies import FILES, WRITERS, short_video


@pytest.mark.parametrize("name", ["activitynet-1.3", "multisports"])
def test_a_copy_has_the_same_truth(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, to = tmp_path / "root", tmp_path / "to"
    WRITERS[name](root)
    short_video(root / FILES[name])
    given = ("data", "make", name, "--data-root", str(root), "--to", str(to))
    made = call(monkeypatch, tmp_path, *given, "--min-found", "10%", "--processes", "1")
    assert made.exit_code == 0, made.stderr
    one, other = (catalog.load_split(catalog.get(name), each, None) for each in (root, to))
    assert other.truth is not None and other.manifest == one.manifest
    done = call(monkeypatch, tmp_path, *given[:-1], str(tmp_path / "tars"), "--shards", "1GB")
    assert done.exit_code == 2 and "tars have no place for times and boxes" in done.stderr


def test_folders_of_pictures_are_not_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.ucf101_24(tmp_path)
    folder = tmp_path / "rgb-images" / "Basketball" / "v_Basketball_g01_c01"
    folder.mkdir(parents=True)
    for number in range(1, 4):
        cv2.imwrite(str(folder / f"{number:05}.jpg"), np.zeros((48, 64, 3), np.uint8))
    given = (
        "data",
        "make",
        "ucf101-24",
        "--data-root",
        str(tmp_path),
        "--to",
        str(tmp_path / "to"),
    )
    done = call(monkeypatch, tmp_path, *given, "--min-found", "10%")
    assert done.exit_code == 2 and "give --copy, which keeps them" in done.stderr
