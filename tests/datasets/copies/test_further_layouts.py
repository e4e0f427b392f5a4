"""Each row of the table of seven datasets, and 2,000 videos in each of their layouts."""

from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.own import OwnVideos
from kinobench.datasets.split import Split

from ...fakes import copies_more as lay
from ...fakes.copies_more import Mock
from .further_table import TABLE, Row

MANIFESTS = {
    "hmdb51": "9b1285ed52789d08",
    "ssv2": "ff098c9502ac7156",
    "jester": "5a6d6c2111bb5081",
    "diving48": "1c3f04af91e1f891",
    "mit": "81cc8ea799a8021c",
    "charades": "58c06a0dd6cedca7",
    "sports1m": "5a54a9e196709da9",
}
"""Those of 12 videos of the first split, in each layout."""


def read(row: Row, root: Path) -> Split:
    return catalog.load_split(
        catalog.get(row.dataset), root, row.split, OwnVideos(layout=row.asked)
    )


def in_order(mocks: Sequence[Mock]) -> list[tuple[str, tuple[int, ...]]]:
    """Return ids and labels in the order of the labels, and then of the ids."""
    rows = [(mock.id, mock.labels) for mock in mocks]
    return sorted(rows, key=lambda row: (row[1], row[0].upper()))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.dataset}, {row.shown}")
def test_a_layout_is_read(row: Row, tmp_path: Path) -> None:
    dataset = catalog.canonical(row.dataset)
    mocks = lay.parted(dataset, 12, 12)
    videos = mocks.train if row.split == "train" else mocks.test  # HMDB51's splits 1, 2 are turned
    lay.put_media(tmp_path, videos, row.media)
    row.lists(tmp_path, mocks)
    split = read(row, tmp_path)
    assert split.layout == row.layout
    assert [(each.id, each.labels) for each in split.videos] == in_order(videos)
    assert all(video.path.exists() for video in split.videos)
    assert len(split.notes) == len(row.notes), split.notes
    for note, begins in zip(split.notes, row.notes, strict=True):
        assert note.startswith(begins)
    if row.split is None:
        assert split.manifest == MANIFESTS[dataset]


@pytest.mark.parametrize("dataset", MANIFESTS)
def test_2000_videos_are_one_and_the_same_split_in_each_layout(
    dataset: str, tmp_path: Path
) -> None:
    mocks = lay.parted(dataset, 2000)
    expected = in_order(mocks.test)
    rows = [row for row in TABLE if catalog.canonical(row.dataset) == dataset and not row.split]
    root = lay.put_media(tmp_path, mocks.test, rows[0].media)
    media = set(root.iterdir())
    read_as, manifests = set(), set()
    for row in rows:
        if row.layout in read_as or row.notes:
            continue
        read_as.add(row.layout)
        row.lists(root, mocks)
        split = read(row, root)
        assert (split.layout, split.notes, split.findings) == (row.layout, (), ())
        assert [(video.id, video.labels) for video in split.videos] == expected
        assert all(video.path.exists() for video in split.videos)
        manifests.add(split.manifest)
        for path in set(root.iterdir()) - media:
            rmtree(path) if path.is_dir() else path.unlink()
    assert len(read_as) >= 2 and len(manifests) == 1


def test_the_table_has_at_least_25_layouts() -> None:
    assert len({(row.dataset, row.shown) for row in TABLE}) == len(TABLE) >= 25
