"""What lists say of a copy: times, shares that are missing, splits without a list."""

from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.doctor.again import list_to_get
from kinobench.datasets.doctor.complaints import LISTS_THEM
from kinobench.datasets.doctor.copy import look_for
from kinobench.datasets.doctor.examine import splits_of
from kinobench.datasets.errors import DatasetError, UnknownNameError

from ...fakes.ill_copies import VAL, ill_folder, kinetics_val, put, report_of, said, video
from ...fakes.media import numbered_frames, write_video


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def test_lengths_are_compared_with_the_listed_times_and_folders_with_labels(tmp_path: Path) -> None:
    root = kinetics_val(
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
    assert (
        missing.cure
        == f"no command gets them ({LISTS_THEM}); or go on without: run --min-found 83%"
    )


def test_missing_videos_are_a_note_to_one_who_is_content_with_fewer(tmp_path: Path) -> None:
    rows = {f"{letter * 11}_000005_000008.mp4": video(75, seed=ord(letter)) for letter in "abc"}
    root = kinetics_val(tmp_path / "k400", {**rows, "ddddddddddd_000005_000008.mp4": None})
    for share, is_bad in ((None, True), (0.76, True), (0.75, False)):
        report = report_of("kinetics400", root, split="val", min_found=share)
        assert report.is_bad is is_bad, share


def test_a_length_that_no_header_has_is_counted_by_decoding(tmp_path: Path) -> None:
    name = "aaaaaaaaaaa_000005_000008"
    root = kinetics_val(tmp_path / "k400", {f"{name}.mp4": None})
    path = root / "val" / f"{name}.mkv"
    write_video(path, numbered_frames(40), container_options={"live": "1"})
    report = report_of("kinetics400", root, split="val")
    texts = {each.what: each.names for each in report.complaints if "length" in each.what}
    assert list(texts.values()) == [(name,)] and "whose headers have no length" in next(iter(texts))
    report = report_of("kinetics400", root, split="val", look="frames")
    assert "1 of 1 file shorter than their listed times" in said(report)


def test_the_share_to_go_on_with_is_that_of_the_split_that_lacks_most(tmp_path: Path) -> None:
    root = kinetics_val(
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
    root = kinetics_val(tmp_path / "k400", {"aaaaaaaaaaa_000005_000008.mp4": video(75)})
    (root / "val/zzzzzzzzzzz_000005_000008.mp4").symlink_to(tmp_path / "nothing.mp4")
    report = report_of("kinetics400", root, split="val")
    (link,) = (each for each in report.complaints if each.kind == "dangling")
    assert not link.is_bad and not report.is_bad


def test_what_has_to_be_got_again_is_written_as_downloaders_read_it(tmp_path: Path) -> None:
    root = kinetics_val(
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
    own = ill_folder(tmp_path / "own")
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


def test_a_split_without_a_list_is_a_note_and_a_wrong_list_is_a_finding(tmp_path: Path) -> None:
    root = kinetics_val(tmp_path / "k400", {"aaaaaaaaaaa_000005_000008.mp4": video(75)})
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
