"""A copy of splits: whole, resumed, with what can't be encoded, and never where it does harm."""

import errno
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError
from kinobench.datasets.made import make, workers
from kinobench.datasets.made.begin import Copy
from kinobench.datasets.made.form import form_of
from kinobench.datasets.made.make import make_copy
from kinobench.datasets.made.report import Report
from kinobench.datasets.made.space import Room
from kinobench.datasets.made.stamp import read_made, read_rows
from kinobench.datasets.own import Holdout, OwnVideos
from kinobench.datasets.split import Split
from kinobench.datasets.video.reader import VideoReader

from ...fakes.ill_copies import put
from ...fakes.media import numbered_frames, write_video
from ...fakes.trees import make_ucf101

SMALL = form_of(short_side=32, gop=4)
AS_THEY_ARE = OwnVideos()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    root = tmp_path / "own videos"
    for number, name in enumerate(("fall/b.avi", "fall/a.mov", "walk/a.mp4", "walk/c.mkv")):
        codec = "mpeg4" if name.endswith("avi") else "libx264"
        write_video(root / name, numbered_frames(8 + number), codec=codec)
    return root


def splits_of(root: Path, own: OwnVideos = AS_THEY_ARE) -> tuple[Split, ...]:
    folder = catalog.get("folder")
    names = catalog.split_names(folder, root, own)
    return tuple(catalog.load_split(folder, root, name, own) for name in names)


def copied(
    root: Path, to: Path, own: OwnVideos = AS_THEY_ARE, *, form: object = SMALL, **manner: object
) -> Report:
    copy = Copy("folder", "folder", splits_of(root, own), (root,), to, form, bool(own.holdout))  # type: ignore[arg-type]
    return make_copy(copy, **{"processes": 0, **manner})  # type: ignore[arg-type]


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "kinobench-made.jsonl"
    }


def test_a_copy_of_own_videos_keeps_their_ids_classes_and_manifest(
    own: Path, tmp_path: Path
) -> None:
    report = copied(own, tmp_path / "to")
    (before,), (now,) = splits_of(own), splits_of(tmp_path / "to")
    assert (report.files, report.kept, report.faults, report.missing) == (4, 0, (), ())
    assert report.source_bytes == sum(video.path.stat().st_size for video in before.videos)
    assert report.bytes == sum(video.path.stat().st_size for video in now.videos)
    assert now.manifest == before.manifest
    assert [video.id for video in now.videos] == [
        "fall/a.mov",
        "fall/b.avi",
        *["walk/a.mp4", "walk/c.mkv"],
    ]
    assert [video.path.name for video in now.videos] == ["a.mp4", "b.mp4", "a.mp4", "c.mp4"]
    for one, other in zip(before.videos, now.videos, strict=True):
        with VideoReader(one.path) as first, VideoReader(other.path) as second:
            assert first.times_s == second.times_s
    assert (tmp_path / "to" / "classes.txt").read_text() == "fall\nwalk\n"
    (note,) = now.notes
    assert note == (f"made by kinobench from {before.manifest}: short side 32, h264 crf 20, gop 4")
    assert not list((tmp_path / "to").glob(".*"))


def test_the_videos_that_are_held_out_are_the_same_in_a_copy(own: Path, tmp_path: Path) -> None:
    for number in range(8):
        shutil.copy(own / "fall" / "b.avi", own / "fall" / f"x{number}.avi")
    copied(own, tmp_path / "to")
    parted = OwnVideos(holdout=Holdout(share=0.3, seed=5))
    manifests = [split.manifest for split in splits_of(own, parted)]
    assert [split.manifest for split in splits_of(tmp_path / "to", parted)] == manifests


def test_parts_that_are_held_out_become_folders(own: Path, tmp_path: Path) -> None:
    parted = OwnVideos(holdout=Holdout(share=0.5))
    copied(own, tmp_path / "to", parted)
    before, now = splits_of(own, parted), splits_of(tmp_path / "to")
    assert {split.name for split in now} == {"test", "train"}
    assert [split.manifest for split in now] == [split.manifest for split in before]
    assert {path.name for path in (tmp_path / "to").iterdir() if path.is_dir()} == {
        "test",
        "train",
    }


def test_two_videos_that_differ_in_their_extension_both_have_a_place(
    own: Path, tmp_path: Path
) -> None:
    shutil.copy(own / "fall" / "b.avi", own / "fall" / "a.avi")
    copied(own, tmp_path / "to")
    (now,) = splits_of(tmp_path / "to")
    assert {path.name for path in (tmp_path / "to" / "fall").iterdir()} == {
        "a.avi.mp4",
        "a.mov.mp4",
        "b.mp4",
    }
    assert now.manifest == splits_of(own)[0].manifest


def test_an_official_dataset_is_read_from_its_copy_as_from_its_source(tmp_path: Path) -> None:
    root = tmp_path / "ucf"
    paths = make_ucf101(root, [0, 34, 35, 36])
    paths[1].unlink()
    (root / "UCF-101" / "note.txt").write_text("which camera\n")
    ucf101 = catalog.get("ucf101")
    before = catalog.load_split(ucf101, root, "1")
    copy = Copy("ucf101", "official", (before,), (root,), tmp_path / "to", SMALL)
    report = make_copy(copy, processes=0)
    now = catalog.load_split(ucf101, tmp_path / "to", "1")
    assert now.manifest == before.manifest and report.missing == (before.videos[1].id,)
    lists = [name for name in report.lists if name.startswith("ucfTrainTestlist/")]
    assert len(lists) == 7 and "UCF-101/note.txt" in report.lists
    assert [video.path.exists() for video in now.videos] == [True, False, True, True]
    assert any("made by kinobench from" in note for note in now.notes)
    assert any("1 of 4 listed videos not on disk" in note for note in now.notes)


def test_what_cannot_be_encoded_is_copied_as_it_is_and_reported(own: Path, tmp_path: Path) -> None:
    broken = own / "fall" / "b.avi"
    broken.write_bytes(broken.read_bytes()[:900])
    report = copied(own, tmp_path / "to")
    ((video, fault),) = report.faults
    assert video == "fall/b.avi" and fault
    assert (tmp_path / "to" / "fall" / "b.avi").read_bytes() == broken.read_bytes()
    made = read_made(tmp_path / "to")
    assert made is not None and made.splits["all"].as_they_were == 1
    (now,) = splits_of(tmp_path / "to")
    assert now.manifest == splits_of(own)[0].manifest
    assert now.notes[-1].endswith("; copied as they are: 1 file")
    # Once the source is mended, its smaller file takes the place.
    write_video(broken, numbered_frames(8), codec="mpeg4")
    assert copied(own, tmp_path / "to").faults == ()
    assert [path.name for path in sorted((tmp_path / "to" / "fall").iterdir())] == [
        "a.mp4",
        "b.mp4",
    ]


def test_what_is_finished_is_kept_and_what_has_changed_is_made_again(
    own: Path, tmp_path: Path
) -> None:
    copied(own, tmp_path / "to")
    kept = tmp_path / "to" / "walk" / "a.mp4"
    written = kept.stat().st_mtime_ns
    (tmp_path / "to" / "fall" / "a.mp4").unlink()
    write_video(own / "walk" / "c.mkv", numbered_frames(20))
    with (tmp_path / "to" / "kinobench-made.jsonl").open("a") as rows:
        rows.write('{"place": "walk/')  # as a kill cuts a line off
    report = copied(own, tmp_path / "to")
    assert report.kept == 2 and kept.stat().st_mtime_ns == written
    with VideoReader(tmp_path / "to" / "walk" / "c.mp4") as video:
        assert len(video) == 20
    assert read_rows(tmp_path / "to")["walk/c.mp4"].frames == 20


def test_bytes_are_kept_on_request(own: Path, tmp_path: Path) -> None:
    copied(own, tmp_path / "to", form=form_of(keeps_bytes=True))
    for video in splits_of(own)[0].videos:
        assert (tmp_path / "to" / video.id).read_bytes() == video.path.read_bytes()
    (note,) = splits_of(tmp_path / "to")[0].notes
    assert note.endswith(": the same bytes")


def test_a_copy_never_replaces_another_without_being_told(own: Path, tmp_path: Path) -> None:
    copied(own, tmp_path / "to")
    before = files_in(tmp_path / "to")
    other = form_of(short_side=16, gop=4)
    with pytest.raises(DatasetError, match=r"made otherwise \(short side 32, .*--overwrite"):
        copied(own, tmp_path / "to", form=other)
    assert files_in(tmp_path / "to") == before
    assert copied(own, tmp_path / "to", form=other, overwrite=True).kept == 0
    made = read_made(tmp_path / "to")
    assert made is not None and made.form.short_side == 16


def test_a_folder_with_something_else_is_left_alone(own: Path, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "thesis.tex").write_text("x")
    with pytest.raises(DatasetError, match=r"something else in it, such as thesis\.tex"):
        copied(own, tmp_path / "to", overwrite=True)
    assert files_in(tmp_path / "to") == {"thesis.tex": b"x"}


@pytest.mark.parametrize("place", [".", "small", ".."], ids=["same", "inside", "around"])
def test_the_source_is_never_written_to(own: Path, place: str) -> None:
    with pytest.raises(DatasetError, match="the folder of the videos"):
        copied(own, own / place)
    link = own.parent / "link"
    link.symlink_to(own)
    with pytest.raises(DatasetError, match="the folder of the videos"):
        copied(own, link / "small")


def test_too_little_room_is_said_before_anything_is_written(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "room_for", lambda *given: Room(2_500_000_000, 1_000_000))
    with pytest.raises(DatasetError, match=r"about 2\.50 GB are needed, and 0\.00 GB are free"):
        copied(own, tmp_path / "to")
    assert not list((tmp_path / "to").rglob("*.mp4"))
    assert copied(own, tmp_path / "to", ignore_space=True).files == 4


def test_a_full_disk_ends_it_and_what_is_finished_is_kept(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = workers.encode
    seen: list[Path] = []

    def full(source: Path, target: Path, *given: object) -> object:
        seen.append(source)
        if len(seen) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return encode(source, target, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "encode", full)
    with pytest.raises(DatasetError, match=r"the disk is full; what is finished is kept: free"):
        copied(own, tmp_path / "to")
    (now,) = splits_of(tmp_path / "to")
    assert now.notes[-1].split("; ")[1] == "the copy is not finished"
    monkeypatch.setattr(workers, "encode", encode)
    assert copied(own, tmp_path / "to").kept == 2


def test_two_runs_do_not_write_to_one_folder(own: Path, tmp_path: Path) -> None:
    from kinobench.datasets.made.begin import alone

    (tmp_path / "to").mkdir()
    with (
        alone(tmp_path / "to"),
        pytest.raises(DatasetError, match="another process makes a copy there"),
    ):
        copied(own, tmp_path / "to")
    assert copied(own, tmp_path / "to").files == 4


def test_names_that_are_no_utf8_are_copied(own: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff \n.mp4")
    (own / "walk" / "a.mp4").rename(own / "walk" / odd)
    report = copied(own, tmp_path / "to")
    assert report.files == 4 and report.faults == ()
    assert copied(own, tmp_path / "to").kept == 4
    assert (tmp_path / "to" / "walk" / odd).is_file()
    copied(own, tmp_path / "to", form=form_of(keeps_bytes=True), overwrite=True)
    assert len(list((tmp_path / "to" / "walk").iterdir())) == 2
    assert splits_of(tmp_path / "to")[0].manifest == splits_of(own)[0].manifest


def test_another_copy_is_removed_with_its_folders_of_frames(own: Path, tmp_path: Path) -> None:
    shutil.rmtree(own)
    for number in range(1, 20):
        for name in ("fall/a", "walk/b"):
            put(own / name / f"img_{number:05}.png", b"picture")
    copied(own, tmp_path / "to")
    copied(own, tmp_path / "to", form=form_of(short_side=16), overwrite=True)
    assert len(list((tmp_path / "to").rglob("*.png"))) == 38


@pytest.mark.parametrize("place", ["../mine.txt", "{}/mine.txt", "link/mine.txt", ".."])
def test_nothing_outside_of_a_copy_is_removed_whatever_its_rows_say(
    own: Path, tmp_path: Path, place: str
) -> None:
    mine = put(tmp_path / "mine.txt", b"x")
    copied(own, tmp_path / "to")
    (tmp_path / "to/link").symlink_to(tmp_path)
    rows = tmp_path / "to/kinobench-made.jsonl"
    row = read_rows(tmp_path / "to")["fall/a.mp4"]
    made_up = msgspec.structs.replace(row, place=place.format(tmp_path))
    rows.write_bytes(rows.read_bytes() + msgspec.json.encode(made_up) + b"\n")
    copied(own, tmp_path / "to", form=form_of(short_side=16), overwrite=True)
    assert mine.read_bytes() == b"x"
