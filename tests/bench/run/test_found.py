"""How many of a split's videos are there, and whether they are enough."""

from pathlib import Path

import pytest

from kinobench.bench.run.found import look_for
from kinobench.datasets.errors import DatasetError
from kinobench.datasets.split import Split, Video


def split_of(*paths: Path) -> Split:
    videos = tuple(Video(id=str(number), path=path, label=0) for number, path in enumerate(paths))
    return Split(dataset="mine", name="all", classes=("a",), videos=videos)


def files(folder: Path, count: int, there: int) -> list[Path]:
    paths = [folder / f"{number}.mp4" for number in range(count)]
    for path in paths[:there]:
        path.touch()
    return paths


def test_a_name_that_no_disk_takes_is_a_missing_file(tmp_path: Path) -> None:
    found = look_for(split_of(*files(tmp_path, 1, 1), tmp_path / f"{'x' * 300}.mp4"))
    assert (found.expected, found.there) == (2, 1)
    found.refuse_too_few(0.5)


def test_the_paths_of_missing_videos_are_made_when_they_are_asked_for(tmp_path: Path) -> None:
    paths = files(tmp_path, 5, 0)
    paths[1].touch()
    missing = look_for(split_of(*paths)).missing
    expected = [str(path) for path in paths if path != paths[1]]
    assert (list(missing), missing[1:3], missing[-1]) == (expected, expected[1:3], expected[-1])
    assert not look_for(split_of(paths[1])).missing


def test_a_least_share_is_a_number_of_videos(tmp_path: Path) -> None:
    paths = files(tmp_path, 100, 7)
    assert 0.07 * 100 > 7  # as binary numbers have it
    look_for(split_of(*paths)).refuse_too_few(0.07)
    with pytest.raises(DatasetError) as raised:
        look_for(split_of(*paths)).refuse_too_few(0.0701)
    said = "mine all: 7 of its 100 videos are there, and --min-found asks for 8 (7.01 %); missing: "
    assert str(raised.value).startswith(said)


def test_a_link_to_nothing_is_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").symlink_to(tmp_path / "gone.mp4")
    with pytest.raises(DatasetError, match="none of its 1 video is there"):
        look_for(split_of(tmp_path / "x.mp4")).refuse_too_few(None)
