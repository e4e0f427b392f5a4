"""Copies of published datasets in archives, on a server, and behind links."""

from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError
from kinobench.datasets.own import OwnVideos
from kinobench.datasets.sources.paths import path_of
from kinobench.datasets.split import Split

from ...fakes.elsewhere import packed, served


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def read(root: Path, **said: bool) -> Split:
    own = OwnVideos(**said)  # type: ignore[arg-type]
    return catalog.load_split(catalog.get("ucf101"), root, "1", own)


def _copy(root: Path) -> Path:
    (root / "lists").mkdir(parents=True)
    names = [f"YoYo/v_YoYo_g01_c0{number}.avi" for number in range(1, 5)]
    (root / "lists" / "testlist01.txt").write_text("".join(f"{name}\n" for name in names))
    for name in names[:3]:
        file = root / "UCF-101" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return root


def test_a_copy_in_an_archive_or_on_a_server_is_the_copy_in_a_folder(tmp_path: Path) -> None:
    root = _copy(tmp_path / "r")
    whole = read(root)
    archive = path_of(str(packed(root, tmp_path / "u.tar")))
    _same(read(archive), whole)
    pytest.importorskip("aiohttp", reason="aiohttp is not installed: the extra `remote`")
    with served(tmp_path) as server:
        _same(read(path_of(f"{server.url}/r")), whole)


def _same(split: Split, whole: Split) -> None:
    assert split.manifest == whole.manifest and split.layout == whole.layout
    there = [video.path.exists() for video in split.videos]
    assert there == [video.path.exists() for video in whole.videos] == [True] * 3 + [False]
    assert [video.path.read_bytes() for video in split.videos[:3]] == [
        video.path.read_bytes() for video in whole.videos[:3]
    ]


def test_a_copy_behind_links_is_read_on_the_users_word(tmp_path: Path) -> None:
    far, root = _copy(tmp_path / "far"), tmp_path / "root"
    root.mkdir()
    (root / "lists").symlink_to(far / "lists")
    (root / "UCF-101").symlink_to(far / "UCF-101")
    with pytest.raises(DatasetError, match="--follow-links"):
        read(root)
    assert read(root, follow_links=True).manifest == read(far).manifest
