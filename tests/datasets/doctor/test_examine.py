"""The examination of a folder with faults of every kind, counted by hand; it goes on later."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ...fakes.ill_copies import HERE, ill_folder, put, report_of, said, spoil, video


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def test_each_fault_of_a_folder_is_counted_and_named(tmp_path: Path) -> None:
    report = report_of("folder", ill_folder(tmp_path / "own"))
    assert said(report) == {
        "1 of 6 files of train identical to a file of test": ("train/walk/same.mp4",),
        "1 of 10 files empty": ("train/fall/empty.mp4",),
        "1 of 10 files unreadable: not a video that FFmpeg can read: Invalid data found when "
        "processing input": ("train/walk/text.mp4",),
        "1 of 10 files unreadable: an MP4 file without a readable index; it may be cut short: "
        "Invalid data found when processing input": ("train/walk/cut.mp4",),
        "1 of 10 files unreadable: no video stream: it holds audio": ("test/walk/sound.mp4",),
        "1 of 10 files identical to one with another label": ("test/fall/same.mp4",),
        "1 of 10 files identical to another one": ("test/fall/twice.mp4",),
        "1 of 10 files shorter than a clip of pointlight (16 frames; short ones loop)": (
            "train/fall/one.mp4",
        ),
    }
    bad = [each.is_bad for each in report.complaints]
    assert bad == [True] * 6 + [False] * 2 and report.is_bad
    assert all(each.cure for each in report.complaints)
    files = report.files
    assert (files.there, files.read, files.decoded) == (10, 6, 0)
    assert files.bytes == sum(path.stat().st_size for path in (tmp_path / "own").rglob("*.mp4"))
    assert files.hours == pytest.approx((5 * 40 + 1) / 25 / 3600)
    assert (files.codecs, files.sizes, files.rates) == ({"h264": 6}, {"64x48": 6}, {"25": 6})
    test, train = report.splits
    assert (test.name, test.found, test.expected, test.classes) == ("test", 4, 4, 2)
    assert (train.counts.least, train.counts.most, train.counts.middle) == (3, 3, 3)
    assert test.counts.text == "1 to 3 a class, median 2"


def test_every_frame_is_decoded_if_it_is_asked_for(tmp_path: Path) -> None:
    root = tmp_path / "own"
    spoil(put(root / "fall/damaged.mp4", video(40)), packet=13)
    put(root / "walk/good.mp4", video(40))
    assert not report_of("folder", root).is_bad
    report = report_of("folder", root, look="frames")
    assert (report.files.decoded, report.files.frames) == (2, 80)
    assert said(report) == {"1 of 2 files with damaged frames": ("fall/damaged.mp4",)}
    (found,) = report.complaints
    assert " of 40 frames, the first is " in found.details[0]


def test_a_sound_copy_has_nothing_to_complain_of(tmp_path: Path) -> None:
    put(tmp_path / "own/fall/a.mp4", video(40))
    put(tmp_path / "own/walk/b.mp4", video(40, seed=1))
    report = report_of("folder", tmp_path / "own", look="frames")
    assert (report.complaints, report.is_bad) == ((), False)
    copy = report.splits[0].copy
    put(tmp_path / "own/walk/b.mp4", video(41, seed=1))
    assert report_of("folder", tmp_path / "own").splits[0].copy != copy


@dataclass
class _Counting:
    """Workers that keep what they were asked to look at, and are interrupted after some files."""

    asked: list[str]
    most: int = 1000

    def each_seen(self, paths, look):
        self.asked += [Path(path).name for path in paths]
        seen = HERE.each_seen(paths, look)
        for number, found in enumerate(seen):
            if number == self.most:
                seen.close()
                raise KeyboardInterrupt
            yield found


def test_what_was_looked_at_is_not_looked_at_again(tmp_path: Path) -> None:
    root = ill_folder(tmp_path / "own")
    first = report_of("folder", root)
    workers = _Counting([])
    assert report_of("folder", root, workers=workers) == first and workers.asked == []
    put(root / "train/fall/good.mp4", video(39))
    report_of("folder", root, workers=workers)
    assert workers.asked == ["good.mp4"]
    report_of("folder", root, workers=workers, fresh=True)
    assert len(workers.asked) == 11
    report_of("folder", root, workers=workers, look="frames")
    assert len(workers.asked) == 11 + 6, "what has no readable header isn't decoded"


def test_an_interrupted_examination_reports_what_it_saw_and_goes_on_later(tmp_path: Path) -> None:
    root = ill_folder(tmp_path / "own")
    workers = _Counting([], most=4)
    report = report_of("folder", root, workers=workers)
    assert report.is_interrupted and report.unread == 6
    assert all(split.copy is None for split in report.splits)
    workers = _Counting([])
    report = report_of("folder", root, workers=workers)
    assert (len(workers.asked), report.is_interrupted, report.unread) == (6, False, 0)
