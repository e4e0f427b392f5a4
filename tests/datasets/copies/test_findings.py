"""What is wrong with a copy is said, with counts; what can't be meant is refused, with the line."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.own import OwnVideos
from kinobench.datasets.split import Split

from ...fakes.copies import cvdf, kinetics, lay, lines, paths, ucf101

K400, UCF = kinetics(12), ucf101(101)
CLASS = "{name}/{stem}.avi"


def load(name: str, root: Path, split: str | None = None, layout: str = "") -> Split:
    return catalog.load_split(catalog.get(name), root, split, OwnVideos(layout=layout))


def findings(split: Split) -> dict[str, tuple[str, ...]]:
    return {finding.kind: finding.names for finding in split.findings}


def sorted_numbers(dataset: str, key: Callable[[str], str]) -> dict[str, int]:
    names = sorted(class_names(dataset), key=key)
    return {name: number for number, name in enumerate(names)}


def test_numbers_of_sorted_folders_are_refused(tmp_path: Path) -> None:
    number = sorted_numbers("ucf101", str)
    text = "".join(f"{mock.place(CLASS)} {number[mock.name]}\n" for mock in UCF)
    assert (number["HammerThrow"], number["Hammering"]) == (34, 35)  # classInd: the other way round
    lay(tmp_path, UCF, [CLASS], {"ucf101_val_split_1_videos.txt": text})
    with pytest.raises(DatasetError) as raised:
        load("ucf101", tmp_path)
    said = str(raised.value)
    assert "ucf101_val_split_1_videos.txt:35: label 35 with folder 'Hammering'" in said
    assert "which is number 34 of UCF101, 0-based; so in 4 of 101 rows" in said
    assert "numbers of sorted folder names, as torchvision and pytorchvideo count" in said


def test_numbers_of_sorted_folders_with_underscores_are_refused(tmp_path: Path) -> None:
    videos = kinetics(400)
    number = sorted_numbers("kinetics400", lambda name: name.replace("(", "").replace(" ", "_"))
    text = "".join(f"{mock.place('{folder}/{stem}.mp4')} {number[mock.name]}\n" for mock in videos)
    lay(tmp_path, videos, ["val/{folder}/{stem}.mp4"], {"val.csv": text})
    with pytest.raises(DatasetError, match=r"so in 2 of 400 rows: .*sorted folder names"):
        load("k400", tmp_path)


@pytest.mark.parametrize(
    ("dataset", "listing", "pattern"),
    [
        ("ucf101", "ucf101_val_split_1_videos.txt", CLASS),
        ("kinetics400", "val.csv", "{folder}/{stem}.mp4"),
    ],
)
def test_numbers_from_1_are_refused(
    tmp_path: Path, dataset: str, listing: str, pattern: str
) -> None:
    videos = {"ucf101": UCF[:9], "kinetics400": K400[:9]}[dataset]
    lay(tmp_path, videos, [f"x/{pattern}"], {listing: lines(pattern, first=1, reverse=False)})
    with pytest.raises(DatasetError, match=r":1: label 1 .*0-based; so in 9 of 9 .*count from 1"):
        load(dataset, tmp_path)


def test_a_single_wrong_number_is_named_with_its_line(tmp_path: Path) -> None:
    text = str(lines(CLASS, reverse=False)(UCF)).replace("_g01_c01.avi 3\n", "_g01_c01.avi 77\n")
    lay(tmp_path, UCF, [CLASS], {"ucf101_val_split_1_videos.txt": text})
    with pytest.raises(DatasetError, match=r":4: label 77 with folder 'BabyCrawling'.* 1 of 101"):
        load("ucf101", tmp_path)


def test_a_number_beyond_the_classes_is_refused(tmp_path: Path) -> None:
    text = f"{K400[0].stem}.mp4 400\n"
    lay(tmp_path, K400, ["val/{stem}.mp4"], {"val.csv": text})
    with pytest.raises(DatasetError, match=r"val\.csv:1: label 400 is not in 0\.\.399.*from 1\?"):
        load("k400", tmp_path)


def test_an_unknown_layout_lists_those_that_the_dataset_has(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError) as raised:
        load("k400", tmp_path, layout="mmacton2")
    assert "did you mean 'mmaction2'" in str(raised.value)
    assert "It has cvdf, json, mmaction2, pyslowfast, mmaction2-frames, class-folders" in str(
        raised.value
    )
    with pytest.raises(DatasetError, match="--layout cvdf: pointlight has one layout alone"):
        load("pointlight", tmp_path, layout="cvdf")


def test_a_layout_prefers_frame_folders_where_it_lists_them(tmp_path: Path) -> None:
    listed = {
        "ucf101_val_split_1_videos.txt": lines(CLASS),
        "ucf101_val_split_1_rawframes.txt": lines("{name}/{stem} 100"),
    }
    lay(tmp_path, UCF[:5], [f"videos/{CLASS}", "rawframes/{name}/{stem}/"], listed)
    assert all(video.path.is_file() for video in load("ucf101", tmp_path).videos)
    frames = load("ucf101", tmp_path, layout="mmaction2-frames")
    assert all(video.path.is_dir() for video in frames.videos)
    assert frames.manifest == load("ucf101", tmp_path).manifest


def test_of_two_layouts_that_with_most_videos_is_taken_and_a_note_says_so(tmp_path: Path) -> None:
    lists = {"val.csv": str(cvdf()(K400[:3])), "val_list.txt": lines("{stem}.mp4")}
    lay(tmp_path, K400, ["val/{stem}.mp4"], lists)
    split = load("k400", tmp_path)
    assert (split.layout, len(split.videos)) == ("mmaction2", 12)
    (note,) = split.notes
    assert note.startswith(
        "2 layouts fit, the one with most videos found is taken: mmaction2 (val_"
    )
    assert "cvdf (val.csv: 3 of 3 videos found); --layout NAME takes another" in note


def test_a_list_that_cannot_be_read_is_noted_where_another_can(tmp_path: Path) -> None:
    lists = {"val.csv": cvdf(), "more/val.csv": "label,youtube_id\nyoga,aaaaaaaaaaa\n"}
    lay(tmp_path, K400, ["val/{stem}.mp4"], lists)
    split = load("k400", tmp_path)
    assert len(split.videos) == 12
    assert split.notes[0].startswith("a list can't be read, another one is taken: ")
    assert "more/val.csv:1: no column time_start, time_end" in split.notes[0]


def test_where_nothing_fits_the_message_says_what_lies_there(tmp_path: Path) -> None:
    lists = {
        "kinetics400_train_list_videos.txt": lines("{stem}.mp4"),
        "readme.txt": "Kinetics\n",
    }
    lay(tmp_path, K400, ["videos/{folder}/{stem}.mov"], lists)
    (tmp_path / "videos" / "x.mp4").symlink_to(tmp_path / "gone.mp4")
    with pytest.raises(DatasetError) as raised:
        load("k400", tmp_path)
    said = str(raised.value)
    assert "no val.csv under" in said
    assert "there: 12 .mov files, 12 class folders, 1 link that leads nowhere, " in said
    assert "kinetics400_train_list_videos.txt (mmaction2?), readme.txt" in said
    assert "github.com/cvdfoundation/kinetics-dataset" in said


def test_a_copy_of_another_dataset_is_named(tmp_path: Path) -> None:
    lay(tmp_path, UCF[:6], ["val/{name}/{stem}.avi"], {})
    with pytest.raises(DatasetError) as raised:
        load("k400", tmp_path)
    said = str(raised.value)
    assert f"{tmp_path}, folder 'ApplyEyeMakeup': no class is named 'ApplyEyeMakeup'" in said
    assert "there: 6 .avi files, 6 class folders of ucf101\n" in said


def test_a_list_whose_name_says_no_split_is_said_to_be_one(tmp_path: Path) -> None:
    lay(tmp_path, K400, ["{name}/{stem}.mp4"], {"all.txt": lines("{stem}.mp4")})
    with pytest.raises(DatasetError, match=r"all\.txt \(mmaction2\?, but its name says no split\)"):
        load("k400", tmp_path)


def test_folders_that_are_too_deep_are_counted_where_nothing_fits(tmp_path: Path) -> None:
    lay(tmp_path, K400, ["a/b/c/{name}/{stem}.mp4"], {"val.csv": cvdf()})
    with pytest.raises(DatasetError) as raised:
        load("k400", tmp_path)
    deep = str(tmp_path / "a" / "b" / "c" / K400[0].name)
    assert f"there: 12 folders too deep to be looked into, such as {deep!r}, val.csv" in str(
        raised.value
    )


def test_the_list_of_classes_next_to_the_list_that_is_read_counts(tmp_path: Path) -> None:
    classes = class_names("ucf101")
    index = "".join(f"{number} {name}\n" for number, name in enumerate(classes, 1))
    lists = {
        "a/testlist01.txt": "Archery/v_Archery_g07_c99.avi\n",
        "a/classInd.txt": index.replace("Archery", "Bowmanship"),
        "b/testlist01.txt": paths(CLASS),
        "b/classInd.txt": index,
    }
    lay(tmp_path, UCF, [CLASS], lists)
    assert len(load("ucf101", tmp_path).videos) == 101
    (tmp_path / "b" / "classInd.txt").unlink()
    with pytest.raises(DatasetError, match=r"a/classInd\.txt:3: '3 Bowmanship'"):
        load("ucf101", tmp_path)


def test_files_of_other_times_and_other_classes_are_found_and_said(tmp_path: Path) -> None:
    lay(tmp_path, K400[2:], ["val/{name}/{stem}.mp4"], {"val.csv": str(cvdf()(K400))})
    one, other = K400[:2]
    (tmp_path / f"val/{one.name}").mkdir()
    moved = tmp_path / f"val/{one.name}/{one.id}_{one.start + 30:06d}_{one.end + 30:06d}.mp4"
    moved.touch()
    strange = tmp_path / f"val/yoga/{other.stem}.mp4"
    strange.parent.mkdir()
    strange.touch()
    split = load("k400", tmp_path)
    assert findings(split) == {"trimmed elsewhere": (one.stem,), "contradicting": (other.stem,)}
    assert [video.path for video in split.videos[:2]] == [moved, strange]
    assert split.notes == (
        f"1 of 12 listed videos cut out at other times than listed: {one.stem}",
        f"1 of 12 listed videos in the folder of another class; the list is believed: {other.stem}",
    )


def test_a_replacement_goes_before_the_file_itself_in_the_training_split(tmp_path: Path) -> None:
    lists = {"train.csv": cvdf("train"), "val.csv": cvdf()}
    lay(tmp_path, K400, ["train/{stem}.mp4"], lists)
    for mock in K400[:3]:
        place = tmp_path / "replacement/replacement_for_corrupted_k400" / f"{mock.stem}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    train = load("k400", tmp_path, "train")
    assert [video.path.parent.name for video in train.videos[:4]] == [
        *["replacement_for_corrupted_k400"] * 3,
        "train",
    ]
    assert findings(train)["replaced"] == tuple(mock.stem for mock in K400[:3])
    assert load("k400", tmp_path, "val").videos[0].path.parent.name == "train"


def test_of_several_files_the_first_is_not_empty_cut_exactly_and_listed(tmp_path: Path) -> None:
    mock = K400[0]
    lay(tmp_path, K400[:1], ["val/{stem}.avi"], {"val.csv": cvdf()})
    whole = tmp_path / "val" / f"{mock.id}.mp4"
    whole.write_bytes(b"whole")
    assert load("k400", tmp_path).videos[0].path == whole  # the exact one is empty
    exact = tmp_path / "val" / f"{mock.stem}.mkv"
    exact.write_bytes(b"exact")
    assert load("k400", tmp_path).videos[0].path == exact
    listed = tmp_path / "val" / f"{mock.stem}_256.webm"
    listed.write_bytes(b"listed")
    (tmp_path / "val.csv").unlink()
    lay(tmp_path, K400[:1], [], {"val.csv": lines("{stem}_256.webm")})
    assert load("k400", tmp_path).videos[0].path == listed
    assert findings(load("k400", tmp_path)) == {"duplicate": (mock.stem,)}


def test_one_second_of_rounding_is_the_same_trim(tmp_path: Path) -> None:
    lay(tmp_path, K400, ["val/{id}_{start}_{end}.mp4"], {"val.csv": cvdf()})
    mock = K400[0]
    file = tmp_path / "val" / f"{mock.id}_{mock.start}_{mock.end}.mp4"
    for seconds, kinds in ((1, set()), (2, {"trimmed elsewhere"})):
        file = file.rename(file.with_name(f"{mock.id}_{mock.start + seconds}_{mock.end}.mp4"))
        assert set(findings(load("k400", tmp_path))) == kinds


def test_a_list_without_times_has_ids_without_them_and_says_so(tmp_path: Path) -> None:
    lay(tmp_path, K400, ["val/{stem}.mp4"], {"val.csv": lines("val/{id}.mp4", reverse=False)})
    split = load("k400", tmp_path)
    assert [video.id for video in split.videos] == [mock.id for mock in K400]
    assert [video.path.stem for video in split.videos] == [mock.stem for mock in K400]
    assert split.notes[0].startswith("12 of 12 listed videos without times in the list, so that")


def test_a_listed_path_that_leaves_the_root_is_refused(tmp_path: Path) -> None:
    for name, text in (
        ("k400", f"../{K400[0].stem}.mp4 0\n"),
        ("k400", f"val/../../{K400[0].stem}.mp4 0\n"),
    ):
        lay(tmp_path, K400, ["val/{stem}.mp4"], {"val.csv": text})
        with pytest.raises(DatasetError, match=r"val\.csv:1: .*leaves the data root"):
            load(name, tmp_path)


def test_another_splits_list_is_never_taken(tmp_path: Path) -> None:
    third = {"x/ucf101_val_split_3_videos.txt": lines(CLASS)}
    lay(tmp_path, UCF, [CLASS], {"testlist02.txt": paths(CLASS), **third})
    with pytest.raises(DatasetError, match=r"no testlist01\.txt under .*_3_videos\.txt \(mmaction"):
        load("ucf101", tmp_path)
    assert load("ucf101", tmp_path, "3").layout == "mmaction2"


def test_the_groups_of_folders_say_which_split_they_are(tmp_path: Path) -> None:
    lay(tmp_path, ucf101(30, groups=(8, 14)), ["test/" + CLASS], {})
    assert load("ucf101", tmp_path, "2").layout == "class-folders"
    for other in ("1", "3", "train1"):
        with pytest.raises(DatasetError, match=r"no (test|train)list0"):
            load("ucf101", tmp_path, other)
    lay(tmp_path, ucf101(303, groups=(8, 15, 25)), ["train/" + CLASS], {})
    assert len(load("ucf101", tmp_path, "train1").videos) == 303
    with pytest.raises(DatasetError, match="no trainlist02"):
        load("ucf101", tmp_path, "train2")


def test_names_of_any_bytes_are_read_and_can_be_written(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/vid\xe9os\n"
    Path(os.fsdecode(folder)).mkdir()
    for name in (b"aaaaaaaaaaa.mp4", b"odd\xff.mp4"):
        os.close(os.open(folder + b"/" + name, os.O_CREAT | os.O_WRONLY))
    row = "label,youtube_id,time_start,time_end\nyoga,aaaaaaaaaaa,1,11\n"
    (tmp_path / os.fsdecode(b"val\xe9")).mkdir()
    (tmp_path / os.fsdecode(b"val\xe9/k400 val.csv")).write_text(row)
    split = load("k400", tmp_path)
    assert os.fsencode(split.videos[0].path) == folder + b"/aaaaaaaaaaa.mp4"
    assert split.findings[0].names == ("odd\\xff.mp4",)
    assert json.loads(msgspec.json.encode(split.findings))[0]["kind"] == "unlisted"
