"""The examination of copies with faults of every kind, counted by hand."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.doctor.again import list_to_get
from kinobench.datasets.doctor.complaints import LISTS_THEM
from kinobench.datasets.doctor.copy import look_for
from kinobench.datasets.doctor.examine import splits_of
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.own import Holdout, OwnVideos

from ...fakes.ill_copies import HERE, put, report_of, said, sound, spoil, video
from ...fakes.media import numbered_frames, write_video
from ...fakes.trees import make_ucf101

VAL = "label,youtube_id,time_start,time_end,split\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def _folder(root: Path) -> Path:
    """Write two classes, of whose files each has another fault."""
    put(root / "train/fall/good.mp4", video(40))
    put(root / "train/fall/one.mp4", video(1))
    put(root / "train/fall/empty.mp4", b"")
    put(root / "train/walk/text.mp4", b"hello")
    put(root / "train/walk/cut.mp4", video(40)[:400])
    put(root / "train/walk/same.mp4", video(40, seed=1))
    put(root / "test/fall/same.mp4", video(40, seed=1))
    put(root / "test/fall/twice.mp4", video(40, seed=2))
    put(root / "test/fall/thrice.mp4", video(40, seed=2))
    put(root / "test/walk/sound.mp4", sound())
    return root


def test_each_fault_of_a_folder_is_counted_and_named(tmp_path: Path) -> None:
    report = report_of("folder", _folder(tmp_path / "own"))
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


def _kinetics(root: Path, rows: dict[str, bytes | None], text: str = "") -> Path:
    """Write a validation split of three seconds a video: file -> content."""
    ids = [name.rpartition("/")[2][:11] for name in rows]
    lines = [f"abseiling,{name},5,8,val\n" for name in ids]
    put(root / "annotations/val.csv", (VAL + "".join(lines) + text).encode())
    for name, content in rows.items():
        if content is not None:
            put(root / "val" / name, content)
    return root


def test_lengths_are_compared_with_the_listed_times_and_folders_with_labels(tmp_path: Path) -> None:
    root = _kinetics(
        tmp_path / "k400",
        {
            "abseiling/aaaaaaaaaaa_000005_000008.mp4": video(75),
            "abseiling/bbbbbbbbbbb_000005_000008.mp4": video(75, seed=1),
            "zumba/ccccccccccc_000005_000008.mp4": video(76),
            "abseiling/ddddddddddd_000005_000008.mp4": video(40),
            "abseiling/eeeeeeeeeee_000005_000008.mp4": video(120),
            "abseiling/fffffffffff_000005_000008.mp4": None,
        },
    )
    report = report_of("kinetics400", root)
    found = {text: names for text, names in said(report).items() if "class" not in text.split()[2]}
    end = "_000005_000008"
    assert (
        found
        | {
            "1 of 6 listed videos not on disk": (f"fffffffffff{end}",),
            "1 of 5 files shorter than their listed times": (f"ddddddddddd{end}",),
            "1 of 5 files longer than their listed times": (f"eeeeeeeeeee{end}",),
            "1 of 5 files in the folder of another class": (f"ccccccccccc{end}",),
        }
        == found
    )
    details = {each.kind: each.details for each in report.complaints if each.is_bad}
    assert details["short"] == ("1.6 s, listed with 3 s",)
    assert details["contradicting"] == ("in folder zumba, listed as abseiling",)
    (missing,) = (each for each in report.complaints if each.kind == "missing")
    assert missing.cure == f"get them ({LISTS_THEM}); or go on without: run --min-found 83%"


def test_missing_videos_are_a_note_to_one_who_is_content_with_fewer(tmp_path: Path) -> None:
    rows = {f"{letter * 11}_000005_000008.mp4": video(75, seed=ord(letter)) for letter in "abc"}
    root = _kinetics(tmp_path / "k400", {**rows, "ddddddddddd_000005_000008.mp4": None})
    for share, is_bad in ((None, True), (0.76, True), (0.75, False)):
        report = report_of("kinetics400", root, split="val", min_found=share)
        assert report.is_bad is is_bad, share


def test_a_length_that_no_header_has_is_counted_by_decoding(tmp_path: Path) -> None:
    name = "aaaaaaaaaaa_000005_000008"
    root = _kinetics(tmp_path / "k400", {f"{name}.mp4": None})
    path = root / "val" / f"{name}.mkv"
    write_video(path, numbered_frames(40), container_options={"live": "1"})
    report = report_of("kinetics400", root, split="val")
    texts = {each.what: each.names for each in report.complaints if "length" in each.what}
    assert list(texts.values()) == [(name,)] and "whose headers have no length" in next(iter(texts))
    report = report_of("kinetics400", root, split="val", look="frames")
    assert "1 of 1 file shorter than their listed times" in said(report)


def test_what_has_to_be_got_again_is_written_as_downloaders_read_it(tmp_path: Path) -> None:
    root = _kinetics(
        tmp_path / "k400",
        {
            "aaaaaaaaaaa_000005_000008.mp4": video(75),
            "-bbbbbbbbbb_000005_000008.mp4": b"",
            "c_ccccccccc_000005_000008.mp4": None,
        },
    )
    report = report_of("kinetics400", root)
    splits, _ = splits_of(catalog.get("kinetics400"), root, None)
    text = list_to_get(look_for(splits), report.complaints, root)
    assert text == (
        "label,youtube_id,time_start,time_end,split\n"
        "abseiling,-bbbbbbbbbb,5,8,validation\n"
        "abseiling,c_ccccccccc,5,8,validation\n"
    )
    own = _folder(tmp_path / "own")
    report = report_of("folder", own)
    splits, _ = splits_of(catalog.get("folder"), own, None)
    assert list_to_get(look_for(splits), report.complaints, own) == (
        "path,label,split\n"
        "test/walk/sound.mp4,walk,test\n"
        "train/fall/empty.mp4,fall,train\n"
        "train/walk/cut.mp4,walk,train\n"
        "train/walk/text.mp4,walk,train\n"
    )
    assert list_to_get(look_for(splits), (), own) == ""


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


def test_a_split_without_a_list_is_a_note_and_a_wrong_list_is_a_finding(tmp_path: Path) -> None:
    root = _kinetics(tmp_path / "k400", {"aaaaaaaaaaa_000005_000008.mp4": video(75)})
    put(root / "annotations/train.csv", b"label,youtube_id\n")
    report = report_of("kinetics400", root)
    train, test = (
        next(each for each in report.complaints if each.what.startswith(f"split {name}"))
        for name in ("train", "test")
    )
    assert (train.is_bad, test.is_bad) == (True, False)
    assert "no column time_start" in train.what and "no test.csv" in test.what
    with pytest.raises(DatasetError, match="no column time_start"):
        report_of("kinetics400", root, split="train")
    with pytest.raises(UnknownNameError, match="trian"):
        report_of("kinetics400", root, split="trian")


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
    root = _folder(tmp_path / "own")
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
    root = _folder(tmp_path / "own")
    workers = _Counting([], most=4)
    report = report_of("folder", root, workers=workers)
    assert report.is_interrupted and report.unread == 6
    assert all(split.copy is None for split in report.splits)
    workers = _Counting([])
    report = report_of("folder", root, workers=workers)
    assert (len(workers.asked), report.is_interrupted, report.unread) == (6, False, 0)


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


def test_the_share_to_go_on_with_is_that_of_the_split_that_lacks_most(tmp_path: Path) -> None:
    root = _kinetics(
        tmp_path / "k400",
        {
            "aaaaaaaaaaa_000005_000008.mp4": video(75),
            "bbbbbbbbbbb_000005_000008.mp4": None,
        },
    )
    rows = [f"abseiling,{letter * 11},5,8,train\n" for letter in "cde"]
    put(root / "annotations/train.csv", (VAL + "".join(rows)).encode())
    for letter in "cde":
        name = f"{letter * 11}_000005_000008.mp4"
        put(root / "train" / name, video(75, seed=ord(letter)))
    missing = next(each for each in report_of("kinetics400", root).complaints)
    assert missing.cure.endswith("run --min-found 50%")
    assert not any(
        each.is_bad
        for each in report_of("kinetics400", root, min_found=0.5).complaints
        if each.kind == "missing"
    )


def test_a_link_to_nothing_is_no_fault_of_a_split_that_does_not_list_it(tmp_path: Path) -> None:
    root = _kinetics(tmp_path / "k400", {"aaaaaaaaaaa_000005_000008.mp4": video(75)})
    (root / "val/zzzzzzzzzzz_000005_000008.mp4").symlink_to(tmp_path / "nothing.mp4")
    report = report_of("kinetics400", root, split="val")
    (link,) = (each for each in report.complaints if each.kind == "dangling")
    assert not link.is_bad and not report.is_bad
