"""What concerns several splits, or is found by a reader and by the doctor, is said once."""

from pathlib import Path

import pytest

from kinobench.datasets.own import Holdout, OwnVideos

from ...fakes.copies_more import hmdb51_official, parted
from ...fakes.ill_copies import put, report_of, said, video
from ...fakes.trees import make_ucf101


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def test_links_to_nothing_are_no_missing_files(tmp_path: Path) -> None:
    root = tmp_path / "own"
    put(root / "fall/a.mp4", video(40))
    listing = put(tmp_path / "list.txt", b"fall/a.mp4 0\nfall/b.mp4 0\nwalk/c.mp4 1\n")
    (root / "fall/b.mp4").symlink_to(root / "gone.mp4")
    from kinobench.datasets.own import OwnVideos

    own = OwnVideos(lists=(("", str(listing)),))
    report = report_of("list", root, own=own)
    assert said(report) == {
        "1 of 3 listed videos not on disk": ("walk/c.mp4",),
        "1 of 3 listed videos behind links to nothing": ("fall/b.mp4",),
        "1 of 2 classes of all without a video on disk": ("walk",),
    }


def test_what_concerns_several_splits_is_said_once(tmp_path: Path) -> None:
    """The reader finds links to nothing, too, and each split has all the classes."""
    root = tmp_path / "ucf"
    make_ucf101(root, [0, 0, 1])
    (gone,) = (root / "UCF-101").rglob("v_ApplyEyeMakeup_g01_c02.avi")
    gone.unlink()
    gone.symlink_to(tmp_path / "nothing.avi")
    report = report_of("ucf101", root)
    assert len(report.splits) > 1
    dangling = [each for each in report.complaints if each.kind == "dangling"]
    assert [each.names for each in dangling] == [("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c02",)]
    unlisted = [each.names for each in report.complaints if "without a video listed" in each.what]
    assert len(unlisted) == len(set(unlisted))


def test_a_note_on_both_parts_is_said_once(tmp_path: Path) -> None:
    for number in range(10):
        put(tmp_path / f"own/fall/{number}.mp4", video(40, seed=number))
    own = OwnVideos(holdout=Holdout())
    (note,) = report_of("folder", tmp_path / "own", own=own).complaints
    assert note.what == "parted by kinobench: 20 % of each class held out, seed 0"


def test_a_video_in_the_folder_of_another_class_than_listed_is_said_once(tmp_path: Path) -> None:
    put(tmp_path / "own/fall/a.mp4", video(40))
    put(tmp_path / "own/walk/b.mp4", video(40, seed=1))
    put(tmp_path / "own/walk/c.mp4", video(40, seed=2))
    rows = "fall/a.mp4 fall\nwalk/b.mp4 walk\nwalk/c.mp4 fall\n"
    file = put(tmp_path / "own/list.txt", rows.encode())
    (found,) = report_of(
        "list", tmp_path / "own", own=OwnVideos(lists=(("", str(file)),))
    ).complaints
    assert (found.kind, found.names, found.is_bad) == ("contradicting", ("walk/c.mp4",), True)


def test_one_reason_for_several_splits_that_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    mocks = parted("hmdb51", count=9, train=9)
    hmdb51_official(tmp_path, mocks)
    for mock in mocks.all:
        put(tmp_path / f"videos/{mock.id}.avi", video(40, seed=int(mock.id.rpartition("_")[2])))
    lists = tmp_path / "testTrainMulti_7030_splits"
    for file in lists.glob("*_test_split3.txt"):
        file.write_text("")
    report = report_of("hmdb51", tmp_path)
    texts = [each.what for each in report.complaints if each.what.startswith("split")]
    assert len(texts) == 1 and texts[0].startswith("splits 3, train3 ")
