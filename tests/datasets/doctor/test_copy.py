"""Texts of paths, which many files are known by."""

from pathlib import Path

import pytest

from kinobench.datasets.doctor.copy import look_for, text_of
from kinobench.datasets.split import Split, Video


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/data/val/a.mp4",
            "val/a.mp4",
            "a.mp4",
            "/a.mp4",
            "/data//a.mp4",
            "./a.mp4",
            "a/./b.mp4",
        ),
        *("../a.mp4", "a/../b.mp4", "//data/a.mp4", "///data/a.mp4", "a/", "/.hidden/a.mp4", ".a"),
        *("/a b/ü.mp4", "/data/x.tar/a.mp4", "memory://x//a.mp4", "/a\nb/c.mp4", ""),
    ],
)
def test_the_text_is_that_of_the_path(path: str) -> None:
    for video in (Video(id="a.mp4", path=path, label=0), Video(id="x", path=path, label=0)):
        assert text_of(video) == str(video.path)


def test_a_file_is_looked_for_once_and_links_to_nothing_are_known(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"abc")
    (tmp_path / "b.mp4").symlink_to(tmp_path / "nothing.mp4")
    videos = tuple(
        Video(id=name, path=tmp_path / f"{name}.mp4", label=0) for name in ("a", "b", "c", "c2")
    )
    split = Split(dataset="mine", name="all", classes=("x",), videos=videos)
    copy = look_for((split, split))
    assert {path: status.st_size for path, status in copy.files.items()} == {
        str(tmp_path / "a.mp4"): 3
    }
    assert copy.dangling == {str(tmp_path / "b.mp4")}
    assert copy.found(split) == [videos[0]]
