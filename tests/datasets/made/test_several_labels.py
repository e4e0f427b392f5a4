"""Copies of datasets whose videos have any number of labels: Charades, and Sports-1M."""

import json
from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError
from kinobench.datasets.made.begin import Copy
from kinobench.datasets.made.form import form_of
from kinobench.datasets.made.make import make_copy
from kinobench.datasets.split import Split

from ...fakes.copies_more import Parted, charades_official, parted, sports1m_official
from ...fakes.elsewhere import packed
from ...fakes.ill_copies import put, video


def _source(name: str, root: Path) -> tuple[Split, Split]:
    """Write a copy of a dataset with small videos, and return both of its splits."""
    mocks = parted(name, count=6, train=4)
    if name == "charades":
        charades_official(root, mocks)
    else:
        sports1m_official(root, Parted(mocks.test[::-1], mocks.train))  # in no order of ids
    for number, mock in enumerate(mocks.all):
        put(root / f"videos/{mock.id}.mp4", video(8, seed=number))
    one, other = catalog.get(name).splits
    dataset = catalog.get(name)
    return catalog.load_split(dataset, root, one), catalog.load_split(dataset, root, other)


@pytest.mark.parametrize("name", ["charades", "sports1m"])
@pytest.mark.parametrize("shard_bytes", [None, 16_000], ids=["files", "tars"])
def test_a_copy_has_the_labels_the_scoring_and_the_manifest_of_its_source(
    tmp_path: Path, name: str, shard_bytes: int | None
) -> None:
    splits = _source(name, tmp_path / "from")
    numbers = {len(each.labels) for split in splits for each in split.videos}
    assert len(numbers) > 1 and (0 in numbers) == (name == "charades")
    form = form_of(short_side=32, shard_bytes=shard_bytes)
    make_copy(
        Copy(name, "official", splits, (tmp_path / "from",), tmp_path / "to", form), processes=0
    )
    dataset = catalog.get(name if shard_bytes is None else "shards")
    for before in splits:
        now = catalog.load_split(dataset, tmp_path / "to", before.name)
        assert (now.scoring, now.manifest) == (before.scoring, before.manifest)
        assert [each.labels for each in now.videos] == [each.labels for each in before.videos]
        assert all(each.path.stat().st_size > 1000 for each in now.videos)
        assert any(
            note.startswith(f"made by kinobench from {before.manifest}") for note in now.notes
        )


def _shard(root: Path, said: dict[str, object], **others: dict[str, object]) -> Path:
    for name, each in {"a": said, **others}.items():
        put(root / f"{name}.mp4", video(8))
        put(root / f"{name}.json", json.dumps(each).encode())
    return packed(root, root.parent / "shards/test-000.tar").parent


@pytest.mark.parametrize(
    ("said", "scoring", "labels"),
    [
        ({"labels": [2, 0]}, "hit-k", (0, 2)),
        ({"labels": [1], "scoring": "map"}, "map", (1,)),
        ({"labels": []}, "map", ()),
        ({"labels": [1, 2], "label": 1}, "top-k", (1,)),
    ],
)
def test_labels_of_a_json_are_read_as_it_says_or_as_they_need(
    tmp_path: Path, said: dict[str, object], scoring: str, labels: tuple[int, ...]
) -> None:
    root = _shard(tmp_path / "in", said, b={"label": 2})
    split = catalog.load_split(catalog.get("shards"), root, None)
    assert (split.scoring, [each.labels for each in split.videos]) == (scoring, [labels, (2,)])


@pytest.mark.parametrize(
    ("said", "other", "message"),
    [
        ({"labels": [1.5]}, {"label": 0}, r"labels \[1\.5\]: each is a number or a name"),
        ({"labels": [1], "scoring": "top-k"}, {"label": 0}, "scoring 'top-k': videos with any"),
        ({"labels": [], "scoring": "hit-k"}, {"label": 0}, "it has no label, and is scored by"),
        (
            {"labels": [1], "scoring": "hit-k"},
            {"labels": [0], "scoring": "map"},
            "scored by hit-k, and others by map",
        ),
        ({"labels": 1}, {"label": 0}, "nor a list called labels"),
    ],
)
def test_labels_that_contradict_themselves_are_an_error(
    tmp_path: Path, said: dict[str, object], other: dict[str, object], message: str
) -> None:
    root = _shard(tmp_path / "in", said, b=other)
    with pytest.raises(DatasetError, match=message):
        catalog.load_split(catalog.get("shards"), root, None)


def test_videos_of_a_tar_are_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    """The order is a part of the manifest, and official lists have one of their own."""
    splits = _source("sports1m", tmp_path / "from")
    ids = [each.id for each in splits[0].videos]
    assert ids != sorted(ids)
    form = form_of(keeps_bytes=True, shard_bytes=10**9)
    make_copy(
        Copy("sports1m", "official", splits[:1], (tmp_path / "from",), tmp_path / "to", form),
        processes=0,
    )
    now = catalog.load_split(catalog.get("shards"), tmp_path / "to", "test")
    assert [each.id for each in now.videos] == ids
