"""The listing of a data root."""

import os
from pathlib import Path

import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.sources.listing import walk


def _tree(root: Path) -> None:
    for name in ("a/one.mp4", "a/deep/two.AVI", "b/three.txt", "top.webm"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def test_each_file_and_folder_is_given_with_what_it_is(tmp_path: Path) -> None:
    _tree(tmp_path)
    found = {os.path.relpath(each.path, tmp_path): each for each in walk(tmp_path, 3)}
    assert sorted(found) == [
        "a", "a/deep", "a/deep/two.AVI", "a/one.mp4", "b", "b/three.txt", "top.webm",
    ]  # fmt: skip
    assert [name for name, each in sorted(found.items()) if each.is_video] == [
        "a/deep/two.AVI",
        "a/one.mp4",
        "top.webm",
    ]
    assert found["a/deep/two.AVI"].folder == "deep"
    assert found["a"].is_folder and not found["a/one.mp4"].is_folder
    assert not any(each.leads_out or each.dangling for each in found.values())


def test_the_depth_ends_the_search(tmp_path: Path) -> None:
    _tree(tmp_path)
    names = {each.name for each in walk(tmp_path, 1, skip=("b",))}
    assert names == {"a", "deep", "one.mp4", "top.webm"}


def test_links_out_of_the_root_and_links_to_nothing_are_marked(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    _tree(root)
    other.mkdir()
    (other / "far.mp4").write_bytes(b"x")
    (root / "out.mp4").symlink_to(other / "far.mp4")
    (root / "folder").symlink_to(other)
    (root / "in.mp4").symlink_to(root / "a/one.mp4")
    (root / "gone.mp4").symlink_to(root / "nothing.mp4")
    found = {each.path.removeprefix(f"{root}/"): each for each in walk(root, 2)}
    assert {name for name, each in found.items() if each.leads_out} == {
        "out.mp4",
        "folder",
        "folder/far.mp4",
    }
    assert {name for name, each in found.items() if each.dangling} == {"gone.mp4"}


def test_a_pipe_named_like_a_video_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (found,) = walk(tmp_path, 0)
    assert not found.is_video


def test_a_folder_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere: can't be listed"):
        list(walk(tmp_path / "nowhere", 1))
