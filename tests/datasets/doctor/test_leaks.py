"""What a report says of videos in both a training and a test split, and of identical files."""

from pathlib import Path

import pytest

from kinobench.datasets.doctor.copy import look_for
from kinobench.datasets.doctor.leaks import leaks_and_doubles
from kinobench.datasets.split import Split, Video

from ...fakes.copies_more import (
    Parted,
    hmdb51_official,
    parted,
    sports1m_official,
)
from ...fakes.ill_copies import put, report_of, said, video
from ...fakes.trees import make_ucf101


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def test_of_many_identical_files_one_of_each_label_is_named(tmp_path: Path) -> None:
    videos = []
    for number in range(30):
        (tmp_path / f"{number:02}.mp4").write_bytes(b"the same")
        label = number // 10
        videos.append(Video(id=f"{number:02}", path=tmp_path / f"{number:02}.mp4", label=label))
    split = Split(dataset="d", name="all", classes=("a", "b", "c"), videos=tuple(videos))
    copy = look_for((split,))
    same = [tuple(str(video.path) for video in videos)]
    (found,) = (each for each in leaks_and_doubles(copy, same, "") if each.kind == "contradicting")
    assert found.details == ("00 (a); 10 (b); 20 (c); and 27 more",)


def test_footage_in_both_splits_is_a_leak(tmp_path: Path) -> None:
    """The two test lists of another parting share videos, and may."""
    root = tmp_path / "ucf"
    make_ucf101(root, [0, 0, 1])
    lists = root / "ucfTrainTestlist"
    shared = "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c02.avi"
    (lists / "testlist01.txt").write_text("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi\n")
    (lists / "trainlist01.txt").write_text(f"{shared} 1\n")
    report = report_of("ucf101", root)
    leaks = {text: names for text, names in said(report).items() if "from footage" in text}
    assert leaks == {
        "1 of 1 video of train01 from footage that is also in test01 (1 source group)": (
            "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c02",
        )
    }
    (lists / "trainlist01.txt").write_text("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi 1\n")
    report = report_of("ucf101", root)
    leaks = {text for text in said(report) if "also in" in text}
    assert leaks == {"1 of 1 video of train01 also in test01"}


def _videos(root: Path, mocks: Parted, pattern: str) -> None:
    for number, mock in enumerate({mock.id: mock for mock in mocks.all}.values()):
        put(root / pattern.format(mock.id), video(40, seed=number))


def test_clips_of_one_film_in_the_lists_of_hmdb51_are_no_fault_of_a_copy(tmp_path: Path) -> None:
    """Nine clips a film: the films 1 and 2 are in both lists."""
    mocks = parted("hmdb51", count=12, train=8)
    hmdb51_official(tmp_path, mocks, third=mocks)
    _videos(tmp_path, mocks, "videos/{}.avi")
    report = report_of("hmdb51", tmp_path)
    leaks = [each for each in report.complaints if each.kind == "leak"]
    assert [(each.count, each.is_bad, each.cure) for each in leaks] == [
        (6, False, ""),  # of train01: 12 to 17 are of film 1
        (6, False, ""),  # of train03, as of train01
        (3, False, ""),  # of train02, in which the two parts are exchanged: 9 to 11
    ]
    assert leaks[0].what == (
        "of 8 videos of train01 from footage that is also in test01 (1 source group) (in the "
        "published lists themselves)"
    )
    assert not report.is_bad
    put(tmp_path / f"videos/{mocks.test[0].id}.avi", b"")
    assert report_of("hmdb51", tmp_path).is_bad


def test_ids_in_both_partitions_of_sports1m_are_no_fault_of_a_copy(tmp_path: Path) -> None:
    mocks = parted("sports1m", count=5, train=5)
    both = Parted(mocks.test, [*mocks.train, *mocks.test[:2]])
    sports1m_official(tmp_path, both)
    _videos(tmp_path, both, "videos/{}.mp4")
    report = report_of("sports1m", tmp_path)
    assert not report.is_bad
    (leak,) = (each for each in report.complaints if each.kind == "leak")
    assert leak.names == (mocks.test[0].id, mocks.test[1].id)
    assert leak.what == "of 7 videos of train also in test (in the published lists themselves)"
    report = report_of("sports1m", tmp_path, split="test")
    (leak,) = (each for each in report.complaints if each.kind == "leak")
    assert leak.names == (mocks.test[0].id, mocks.test[1].id) and not report.is_bad


def test_identical_files_are_a_fault_also_where_the_lists_share_footage(tmp_path: Path) -> None:
    mocks = parted("hmdb51", count=9, train=9)
    hmdb51_official(tmp_path, mocks, third=mocks)
    _videos(tmp_path, mocks, "videos/{}.avi")
    one, other = (tmp_path / f"videos/{each[0].id}.avi" for each in mocks)
    other.write_bytes(one.read_bytes())
    report = report_of("hmdb51", tmp_path)
    assert report.is_bad
    leaks = {text: names for text, names in said(report).items() if "identical to a file" in text}
    assert leaks == {
        "1 of 9 files of train01 identical to a file of test01": (mocks.train[0].id,),
        "1 of 9 files of train02 identical to a file of test02": (mocks.test[0].id,),
        "1 of 9 files of train03 identical to a file of test03": (mocks.train[0].id,),
    }
