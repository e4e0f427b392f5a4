"""Splits of the datasets of localization and detection, of made-up copies in people's layouts."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.events.ava import SCORED
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.located.known import LOCATED
from kinobench.datasets.located.published import PUBLISHED_LOCATED, apart
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split
from kinobench.datasets.truth import BoxTruth, Event, EventTruth, TubeTruth

from ...fakes import located_copies as copies
from ...fakes.located_copies import FILES, IDS, WRITERS, event, put
from ...fakes.media import SHARED


def _load(name: str, root: Path, split: str | None = None) -> Split:
    return catalog.load_split(catalog.get(name), root, split)


def _events(split: Split, video: str) -> list[tuple[str, float, float]]:
    assert isinstance(split.truth, EventTruth)
    return [
        (split.classes[each.label], each.start_s, each.end_s)
        for each in split.truth.videos[video].events
    ]


@pytest.mark.parametrize("name", LOCATED)
def test_every_dataset_gives_its_truth_and_a_video_without_a_file_stays(
    name: str, tmp_path: Path
) -> None:
    WRITERS[name](tmp_path)
    put(tmp_path / FILES[name])
    dataset, split = catalog.get(name), _load(name, tmp_path)
    assert split.task == dataset.task == LOCATED[name].task
    assert split.scoring == "map"
    assert split.truth is not None and list(split.truth.videos) == [v.id for v in split.videos]
    there = [video for video in split.videos if video.path.exists()]
    assert FILES[name] in [str(video.path.relative_to(tmp_path)) for video in there]
    missing = [each for each in split.findings if each.kind == "missing"]
    assert [len(each.names) for each in missing] == [len(split.videos) - len(there)] * bool(missing)
    assert preset(dataset.default_protocol).fps == 30.0  # windows by the clock, whatever the file's
    assert apart(name) == PUBLISHED_LOCATED[name].apart


@pytest.mark.parametrize("name", LOCATED)
def test_a_copy_without_videos_or_without_an_annotation_says_what_is_expected(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        _load(name, tmp_path / "none")
    put(tmp_path / FILES[name])
    with pytest.raises(DatasetError, match=r"no annotation.*\nexpected:\n"):
        _load(name, tmp_path)
    (tmp_path / FILES[name]).unlink()
    WRITERS[name](tmp_path)
    for path in tmp_path.rglob("*.mp4"):
        path.unlink()
    with pytest.raises(DatasetError, match=r"no videos under.*\nexpected:\n"):
        _load(name, tmp_path)


@pytest.mark.parametrize("name", LOCATED)
def test_a_folder_is_recognised_by_the_name_of_the_annotation(name: str, tmp_path: Path) -> None:
    assert not catalog.fits(catalog.get(name), tmp_path)
    WRITERS[name](tmp_path)
    assert catalog.fits(catalog.get(name), tmp_path)


def test_the_labels_of_a_video_are_those_of_all_its_events(tmp_path: Path) -> None:
    copies.activitynet(tmp_path)
    put(tmp_path / "videos" / f"v_{IDS[0]}.mp4")
    split = _load("activitynet-1.3", tmp_path)
    assert _events(split, IDS[0]) == [("Archery", 0.5, 1.0), ("BMX", 0.2, 1.5)]
    labels = {video.id: [split.classes[each] for each in video.labels] for video in split.videos}
    assert labels == {IDS[0]: ["BMX", "Archery"], IDS[1]: ["Archery"]}
    assert _load("anet", tmp_path, "train").videos[0].id == IDS[2]
    with pytest.raises(UnknownNameError, match="test"):  # its labels are withheld
        _load("activitynet", tmp_path, "test")


def test_ids_with_v_are_the_same_videos_and_are_counted(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    copies.activitynet(one)
    content = json.loads((one / "activity_net.v1-3.min.json").read_text())
    # mmaction2's copy has neither `database` nor subsets, and says the split by its name.
    videos = {
        f"v_{video}": {
            "duration_second": about["duration"],
            "annotations": about["annotations"],
        }
        for video, about in content["database"].items()
        if about["subset"] == "validation"
    }
    put(other / "anet_anno_val.json", json.dumps(videos))
    for root in (one, other):
        put(root / "v" / f"{IDS[0]}.webm")
    split = _load("activitynet", other)
    assert split.manifest == _load("activitynet", one).manifest
    assert any("written with another id" in note for note in split.notes)
    assert not any("another id" in note for note in _load("activitynet", one).notes)
    put(other / "old" / "anet_anno_val.json", json.dumps(videos))
    note = "annotations in several files; anet_anno_val.json is taken, not old/anet_anno_val.json"
    assert note in _load("activitynet", other).notes
    videos[IDS[0]] = videos[f"v_{IDS[0]}"]
    put(other / "anet_anno_val.json", json.dumps(videos))
    with pytest.raises(DatasetError, match="are the same video; remove one"):
        _load("activitynet", other)


def test_events_of_unknown_classes_are_left_out_and_counted(tmp_path: Path) -> None:
    about = {"subset": "validation", "annotations": [event("Archery", 0, 1), event("Sking", 0, 1)]}
    copies.activitynet(tmp_path, {IDS[0]: about})
    put(tmp_path / "v" / f"v_{IDS[0]}.mp4")
    split = _load("activitynet", tmp_path)
    assert [label for label, _, _ in _events(split, IDS[0])] == ["Archery"]
    (finding,) = [each for each in split.findings if each.kind == "classes"]
    assert finding.text == (
        "1 of the annotation's classes unknown, and 1 event of them left out, in 1 video: Sking (1)"
    )
    about["annotations"] = [event("Sking", 0, 1)]
    copies.activitynet(tmp_path, {IDS[0]: about})
    with pytest.raises(DatasetError, match=r"none of its classes \(Sking\)"):
        _load("activitynet", tmp_path)


def test_thumos14_has_the_officially_listed_videos_and_says_what_is_odd_about_them(
    tmp_path: Path,
) -> None:
    copies.thumos14(tmp_path)
    split = _load("thumos14", tmp_path)
    ids = [f"video_test_{number:07}" for number in (4, 270, 1292)]
    assert [video.id for video in split.videos] == ids
    assert isinstance(split.truth, EventTruth) and split.truth.rule == "thumos14"
    assert _events(split, ids[0]) == [("CliffDiving", 1.0, 2.0), ("Diving", 1.0, 2.0)]
    assert split.truth.videos[ids[0]].ignored == ((5.0, 6.0),)
    assert split.truth.videos[ids[2]].events == ()
    assert split.truth.videos[ids[2]].ignored == ((3.0, 4.0),)
    notes = "\n".join(split.notes)
    assert "CliffDiving is a kind of Diving" in notes and "not all have 30 frames" in notes
    assert f"{ids[1]}, whose times lie behind its end" in notes
    assert "the annotation has 3 videos; as published it has 213" in notes
    assert {_load("thumos14", tmp_path, name).name for name in ("train", "val", "validation")} == {
        "validation"
    }


def test_thumos14_is_read_from_a_json_too(tmp_path: Path) -> None:
    about = {"subset": "test", "annotations": [event("Diving", 1, 2), event("Ambiguous", 4, 5)]}
    put(tmp_path / "thumos_14_anno.json", json.dumps({"database": {"video_test_0000004": about}}))
    put(tmp_path / "v" / "video_test_0000004.mp4")
    split = _load("thumos14", tmp_path)
    assert _events(split, "video_test_0000004") == [("Diving", 1.0, 2.0)]
    assert isinstance(split.truth, EventTruth)
    assert split.truth.videos["video_test_0000004"].ignored == ((4.0, 5.0),)


def test_epic_kitchens_has_verbs_nouns_and_pairs_of_both_splits(tmp_path: Path) -> None:
    copies.epic_kitchens(tmp_path)
    put(tmp_path / FILES["epic-kitchens-100-verb"])
    spans = [(0.0, 1.89), (1.56, 62.45)]
    for label, names in (
        ("verb", ["take", "put"]),
        ("noun", ["plate", "plate"]),
        ("action", ["take plate", "put plate"]),
    ):
        split = _load(f"epic-kitchens-100-{label}", tmp_path)
        assert _events(split, "P01_11") == [
            (name, *span) for name, span in zip(names, spans, strict=True)
        ]
        assert isinstance(split.truth, EventTruth) and split.truth.rule == "epic-kitchens"
        assert split.truth.videos["P01_11"].duration_s == 70.5
        train = _load(f"epic-kitchens-100-{label}", tmp_path, "train")
        assert train.classes == split.classes  # actions are those of both files
    with pytest.raises(UnknownNameError, match="epic-kitchens-100-verb"):
        catalog.get("epic-kitchens-100")


def test_ava_has_all_seconds_from_902_to_1798_and_scores_60_classes(tmp_path: Path) -> None:
    copies.ava(tmp_path)
    put(tmp_path / FILES["ava"])
    split = _load("ava", tmp_path)
    truth = split.truth
    assert isinstance(truth, BoxTruth) and truth.rule == "ava"
    assert truth.scored == SCORED and len(truth.scored) == 60 and len(split.classes) == 80
    for frames in truth.videos.values():
        assert [frame.name for frame in frames] == [f"{s:04d}" for s in range(902, 1799)]
        assert [frame.time_s for frame in frames] == [float(s) for s in range(902, 1799)]
    first = truth.videos[IDS[1]][0]
    # Two actions of one person are one box.
    assert [(box.labels, box.person) for box in first.boxes] == [((8, 79), 1), ((11,), 0)]
    assert truth.videos[IDS[1]][1].boxes == ()
    assert truth.excluded == {("1j20qq1JyX4", "0951")}
    assert split.videos[1].labels == (1,)  # an action that isn't scored
    note = "no ava_train_excluded_timestamps_v2.2.csv: no key frame is left out"
    assert note in _load("ava", tmp_path, "train").notes


def test_the_versions_of_ava_are_two_datasets(tmp_path: Path) -> None:
    copies.ava(tmp_path, "2.1")
    put(tmp_path / FILES["ava"])
    assert _load("ava-2.1", tmp_path).dataset == "ava-2.1"
    assert catalog.canonical("AVA-2.2") == "ava" and catalog.canonical("ava_v2.1") == "ava-2.1"
    with pytest.raises(DatasetError, match="no annotation of the val split"):
        _load("ava", tmp_path)


def test_an_action_above_80_is_left_out_and_counted(tmp_path: Path) -> None:
    copies.ava(tmp_path)
    with (tmp_path / "annotations" / "ava_val_v2.2.csv").open("a") as file:
        file.write("-5KQ66BBWC4,0903,0.1,0.1,0.2,0.2,81,1\n")
    put(tmp_path / FILES["ava"])
    split = _load("ava", tmp_path)
    assert any("action 81 (1)" in note for note in split.notes)
    assert isinstance(split.truth, BoxTruth) and split.truth.videos[IDS[1]][1].boxes == ()


def test_ava_kinetics_has_films_and_clips_with_a_key_frame(tmp_path: Path) -> None:
    copies.ava_kinetics(tmp_path)
    put(tmp_path / FILES["ava-kinetics"])
    # Two cuts of a video: that which shows second 14.5 is taken, and begins at 12.
    put(tmp_path / "kinetics700" / "val" / "abcdefghij1_000030_000040.mp4")
    put(tmp_path / "kinetics700" / "val" / "abcdefghij1_000012_000022.mp4")
    split = _load("ava-kinetics", tmp_path)
    assert [video.id for video in split.videos] == [
        IDS[1],
        "1j20qq1JyX4",
        "abcdefghij1",
        "abcdefghij2",
    ]
    clip = split.videos[2]
    assert clip.path.name == "abcdefghij1_000012_000022.mp4"
    assert split.clock_of(clip.id).begins_s == 12.0
    assert isinstance(split.truth, BoxTruth)
    (frame,) = split.truth.videos[clip.id]
    assert (frame.time_s, len(frame.boxes)) == (14.5, 1)
    (empty,) = split.truth.videos["abcdefghij2"]
    assert empty.boxes == ()
    (tmp_path / "annotations" / "ava_val_v2.2.csv").unlink()
    alone = _load("ava-kinetics", tmp_path)
    assert len(alone.videos) == 2
    assert any("films of AVA are not in the split" in note for note in alone.notes)


def test_ucf101_24_has_tubes_in_the_classes_of_its_folders(tmp_path: Path) -> None:
    copies.ucf101_24(tmp_path)
    put(tmp_path / FILES["ucf101-24"])
    split = _load("ucf101-24", tmp_path)
    truth = split.truth
    assert isinstance(truth, TubeTruth) and truth.rule == "ucf101-24" and truth.scored is None
    of = truth.videos["Basketball/v_Basketball_g01_c01"]
    assert (of.frames, of.width, of.height, of.fps) == (20, 64, 48, 25.0)
    (tube,) = of.tubes
    assert (tube.label, tube.first, len(tube.boxes)) == (0, 2, 10)
    assert tube.boxes[0].tolist() == [8 / 64, 6 / 48, 32 / 64, 30 / 48]
    assert split.videos[0].group == "v_Basketball_g01"


def test_ucf101_24_is_read_from_the_corrected_annotations_and_the_list_of_the_test(
    tmp_path: Path,
) -> None:
    boxes = np.array([[8, 6, 24, 24]] * 3, np.uint8)
    video = {"annotations": [{"label": 2, "sf": 1, "ef": 4, "boxes": boxes}], "numf": 9}
    names = ["Biking/v_Biking_g01_c01", "Biking/v_Biking_g08_c01"]
    put(tmp_path / "pyannot.pkl", pickle.dumps(dict.fromkeys(names, video)))
    put(tmp_path / "rgb-images" / "Biking" / "v_Biking_g01_c01.avi")
    with pytest.raises(DatasetError, match=r"no testlist01\.txt"):
        _load("ucf101-24", tmp_path)
    put(tmp_path / "splitfiles" / "testlist01.txt", f"{names[0]}\n")
    assert [video.id for video in _load("ucf101-24", tmp_path).videos] == names[:1]
    assert [video.id for video in _load("ucf101-24", tmp_path, "train").videos] == names[1:]


def test_multisports_leaves_six_classes_unscored_whatever_its_labels_look_like(
    tmp_path: Path,
) -> None:
    copies.multisports(tmp_path)
    put(tmp_path / FILES["multisports"])
    split = _load("multisports", tmp_path)
    assert split.classes == class_names("multisports")
    assert isinstance(split.truth, TubeTruth) and split.truth.scored is not None
    left_out = {split.classes[label] for label in set(range(66)) - split.truth.scored}
    assert left_out == {
        "aerobic_kick_jump",
        "aerobic_off_axis_jump",
        "aerobic_butterfly_jump",
        "aerobic_balance_turn",
        "basketball_save",
        "basketball_jump_ball",
    }
    assert len(split.truth.videos["aerobic_gymnastics/v_crsi07chcV8_c004"].tubes) == 2
    assert _load("multisports", tmp_path, "train").videos[0].labels == (33,)


def test_a_copy_with_other_numbers_than_published_says_so(tmp_path: Path) -> None:
    WRITERS["fineaction"](tmp_path)
    put(tmp_path / FILES["fineaction"])
    assert (
        "the annotation has 1 class; as published it has 106" in _load("fineaction", tmp_path).notes
    )


def test_the_class_lists_are_the_maintainers() -> None:
    if not (SHARED / "annotations" / "ava").is_dir():
        pytest.skip(f"{SHARED}/annotations isn't here")
    files = SHARED / "annotations"
    listed = (files / "activitynet" / "label_map.txt").read_text().splitlines()
    assert class_names("activitynet-1.3") == tuple(listed)
    rows = (files / "multisports" / "label_map.txt").read_text().splitlines()
    assert class_names("multisports") == tuple(row.partition(": ")[2] for row in rows)
    scored = [
        row.partition(": ") for row in (files / "ava" / "label_map.txt").read_text().splitlines()
    ]
    names = {int(number) - 1: name for number, _, name in scored}
    assert {label: class_names("ava")[label] for label in names} == names
    assert set(names) == SCORED


def test_events_keep_their_order_and_their_doubles(tmp_path: Path) -> None:
    twice = [event("BMX", 1, 2), event("Archery", 0, 1), event("BMX", 1, 2)]
    copies.activitynet(tmp_path, {IDS[0]: {"subset": "validation", "annotations": twice}})
    put(tmp_path / "v" / f"v_{IDS[0]}.mp4")
    split = _load("activitynet", tmp_path)
    assert isinstance(split.truth, EventTruth)
    assert split.truth.videos[IDS[0]].events == (
        Event(3, 1.0, 2.0),
        Event(188, 0.0, 1.0),
        Event(3, 1.0, 2.0),
    )


FIXTURES = SHARED / "eval_fixtures"
"""mmaction2's own small files (open-mmlab/mmaction2, tests/data)."""


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"{FIXTURES} isn't here")
def test_files_of_mmaction2_are_read_as_copies_have_them(tmp_path: Path) -> None:
    written = (FIXTURES / "eval_localization_gt.json").read_bytes()
    content = json.loads(written)
    put(tmp_path / "anet_anno_val.json", written)
    put(tmp_path / "videos" / f"{next(iter(content))}.mp4")
    split = _load("activitynet", tmp_path)
    assert [f"v_{video.id}" for video in split.videos] == list(content)
    assert split.videos[0].path.exists()
    for name, about in content.items():
        events = [(each["label"], *each["segment"]) for each in about["annotations"]]
        assert _events(split, name.removeprefix("v_")) == events
    rows = [line.split(",") for line in (FIXTURES / "eval_detection_gt.csv").read_text().split()]
    put(tmp_path / "ava_val_v2.2.csv", "\n".join(",".join(row) for row in rows))
    put(tmp_path / "videos" / f"{rows[0][0]}.mkv")
    truth = _load("ava", tmp_path).truth
    assert isinstance(truth, BoxTruth) and set(truth.videos) == {row[0] for row in rows}
    found = [
        (video, frame.name, label + 1)
        for video, frames in truth.videos.items()
        for frame in frames
        for box in frame.boxes
        for label in box.labels
    ]
    assert sorted(found) == sorted((row[0], row[1], int(row[6])) for row in rows)
