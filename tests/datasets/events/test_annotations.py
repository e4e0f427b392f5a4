"""Annotations of each format: what they say, and what is refused or counted."""

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.events import content
from kinobench.datasets.events.annotated import BoxFile, EventFile, TubeFile, subset_named
from kinobench.datasets.events.ava import SCORED, read_action_list, read_ava, read_exclusions
from kinobench.datasets.events.epic_kitchens import read_epic_kitchens
from kinobench.datasets.events.sniff import KNOWN, read_annotations
from kinobench.datasets.truth import Box, Event

from ...fakes.media import SHARED

FIXTURES = SHARED / "eval_fixtures"
needs_fixtures = pytest.mark.skipif(
    not FIXTURES.is_dir(), reason="the shared evaluation fixtures are missing"
)


def written(folder: Path, name: str, content: object) -> Path:
    """Write a file: text as it is, bytes as they are, anything else as JSON."""
    file = folder / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def activitynet(*segments: tuple[str, Any], **about: Any) -> dict[str, Any]:
    annotations = [{"label": label, "segment": segment} for label, segment in segments]
    video = {"subset": "validation", "annotations": annotations, **about}
    return {"version": "VERSION 1.3", "taxonomy": [], "database": {"v_a": video}}


def act(**changes: Any) -> dict[str, Any]:
    """The dictionary of two videos: one tube of two frames, and none."""
    tube = np.array([[3, 0, 0, 32, 24], [4, 32, 24, 64, 48]], np.float32)
    said = {
        "labels": ["jump", "basketball save"],
        "train_videos": [["b"]],
        "test_videos": [["a", "b"], ["b"]],
        "nframes": {"a": 9, "b": 5},
        "gttubes": {"a": {0: [tube]}, "b": {}},
        "resolution": {"a": (48, 64), "b": (48, 64)},
    }
    return said | changes


def ucf(boxes: np.ndarray, *, sf: int = 2, ef: int | None = None) -> dict[str, Any]:
    last = sf + len(boxes) if ef is None else ef
    annotation = {"label": 3, "sf": sf, "ef": last, "boxes": boxes}
    return {np.str_("Diving/v"): {"annotations": [annotation], "numf": np.uint8(9), "label": 3}}


def events_of(read: object) -> EventFile:
    assert isinstance(read, EventFile)
    return read


def test_activitynet_json_gives_events_by_subset(tmp_path: Path) -> None:
    said = activitynet(("B", [1, 2.5]), ("A", [0, 9]), duration=10.5)
    said["database"]["t"] = {
        "subset": "training",
        "annotations": [{"label": "C", "segment": [0, 1]}],
    }
    said["database"]["empty"] = {"subset": "testing", "annotations": []}
    read = events_of(read_annotations(written(tmp_path, "x.json", said)))
    assert read.classes == ("A", "B", "C")
    assert read.subsets["validation"]["v_a"].events == (Event(1, 1.0, 2.5), Event(0, 0.0, 9.0))
    assert read.subsets["validation"]["v_a"].duration_s == 10.5
    assert read.subsets["testing"]["empty"].events == ()
    assert read.notes == ()


@needs_fixtures
def test_the_annotations_of_mmaction2_have_no_database() -> None:
    read = events_of(read_annotations(FIXTURES / "eval_localization_gt.json"))
    assert read.classes == ("Cleaning shoes", "Wakeboarding")
    assert [len(each.events) for each in read.subsets["validation"].values()] == [3, 1]


def test_what_is_odd_in_annotations_is_counted(tmp_path: Path) -> None:
    said = activitynet(("A", [5, 3]), ("A", [1, 2]), ("A", [1, 2]), ("Ambiguous", [7, 8]))
    read = events_of(read_annotations(written(tmp_path, "x.json", said)))
    video = read.subsets["validation"]["v_a"]
    assert video.events == (Event(0, 5.0, 5.0), Event(0, 1.0, 2.0), Event(0, 1.0, 2.0))
    assert video.ignored == ((7.0, 8.0),)
    assert read.notes == (
        "annotated segments that end before they begin, and can't be hit: 1 (v_a)",
        "annotations that are there again, and count again: 1 (v_a)",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (activitynet(("A", [1, float("nan")])), "annotation 0: end nan is no finite number"),
        (activitynet(("A", [1, "x"])), "end 'x' is no number"),
        (activitynet(("A", [1])), "segment [1] is no [start, end]"),
        (activitynet(("A", [0, 1]), duration=-1), "duration -1 is no number of seconds"),
        ({"database": {"a": {"subset": "x", "annotations": [{}]}}}, "has no label and segment"),
        ({"results": {"a": []}}, "results, not annotations"),
        ({"a": 1}, "no known format of annotations; known are ActivityNet's json"),
        (pickle.dumps(act(test_videos=5)), "not built as such annotations are (TypeError"),
        (pickle.dumps(act(gttubes={"a": [1], "b": {}})), "not built as such annotations are"),
        (pickle.dumps({"v": {"annotations": 5, "numf": 9}}), "not built as such annotations are"),
        ({"database": {"a": {"annotations": [{"label": 1, "segment": [0, 1]}]}}}, "label 1 is no"),
        ('{"database": {"a": {"annotations": []}, "a": {"annotations": []}}}', "the key 'a' twice"),
        ("", "the file is empty"),
        ("  \n", "the file is empty"),
        ('{"database": {', "not JSON, or cut short"),
        (b"\xff\xfe", "no known format"),
        (b"\x1f\x8bxx", "packed by gzip, and damaged"),
        ("hello world\n", "no known format"),
        (b"caf\xe9,1\n", "not a text file in UTF-8"),
    ],
)
def test_a_bad_file_is_refused_by_what_is_wrong(
    tmp_path: Path, content: object, message: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        read_annotations(written(tmp_path, "x", content))
    assert message in str(caught.value)


def test_an_unknown_format_lists_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        read_annotations(written(tmp_path, "x", "what"))
    assert all(each in str(caught.value) for each in KNOWN)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_other_encodings_and_gzip_say_the_same(tmp_path: Path, pack: Any, encoding: str) -> None:
    text = json.dumps(activitynet(("Füße waschen", [1, 2])), ensure_ascii=False)
    read = events_of(read_annotations(written(tmp_path, "x", pack(text.encode(encoding)))))
    assert read.classes == ("Füße waschen",)


def test_thumos14_lists_are_found_in_folders(tmp_path: Path) -> None:
    folder = tmp_path / "TH14" / "annotations_test" / "annotation"
    folder.mkdir(parents=True)
    written(folder, "Diving_test.txt", "video_test_0000002  1.0 2.5\nvideo_test_0000001 0 3\n\n")
    written(folder, "CliffDiving_test.txt", "video_test_0000002 1.0 2.5\n")
    written(folder, "Ambiguous_test.txt", "video_test_0000002 7 9\nvideo_test_0000009 1 2\n")
    written(tmp_path, "Diving_val.txt", "video_validation_0000001 4 5\n")
    read = events_of(read_annotations(tmp_path))
    assert read.classes == ("CliffDiving", "Diving")
    assert list(read.subsets) == ["test", "val"]
    second = read.subsets["test"]["video_test_0000002"]
    assert second.events == (Event(0, 1.0, 2.5), Event(1, 1.0, 2.5))
    assert second.ignored == ((7.0, 9.0),)
    assert list(read.subsets["test"]) == ["video_test_0000001", "video_test_0000002"]


def test_a_line_of_thumos14_that_is_none_is_named(tmp_path: Path) -> None:
    written(tmp_path, "Diving_test.txt", "a 1 2\na 1\n")
    with pytest.raises(DatasetError, match=r"Diving_test.txt:2: 'a 1' is no video, start and end"):
        read_annotations(tmp_path)
    with pytest.raises(DatasetError, match="without THUMOS14's lists"):
        (tmp_path / "empty").mkdir()
        read_annotations(tmp_path / "empty")


EPIC = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,"
    "start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n"
    "P01_11_0,P01,P01_11,00:00:01.000,00:00:00.50,00:01:02.07,8,202,take plate,take,0,plate,2,"
    "\"['plate', 'knife']\",\"[2, 4]\"\n"
    "P01_11_1,P01,P01_11,00:00:01.000,00:00:03.00,00:00:04.00,8,202,wash plate,wash,2,plate,2,"
    "\"['plate']\",[2]\n"
)


def test_epic_kitchens_has_verbs_nouns_and_actions(tmp_path: Path) -> None:
    file = written(tmp_path, "x.csv", EPIC)
    action = events_of(read_annotations(file))
    assert action.classes == ("0,2", "2,2")
    assert action.subsets[""]["P01_11"].events == (Event(0, 0.5, 62.07), Event(1, 3.0, 4.0))
    verb = read_epic_kitchens(file, "verb")
    assert (len(verb.classes), verb.subsets[""]["P01_11"].events[1].label) == (97, 2)
    noun = read_epic_kitchens(file, "noun")
    assert [each.label for each in noun.subsets[""]["P01_11"].events] == [2, 2]


def test_a_class_that_epic_kitchens_has_not_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "x.csv", EPIC.replace("wash,2,", "wash,97,"))
    with pytest.raises(DatasetError, match="verb 97 isn't one of 0 to 96"):
        read_epic_kitchens(file, "verb")


AVA = (
    "vid,0902,0.077,0.151,0.283,0.811,80,1\n"
    "vid,0902,0.077,0.151,0.283,0.811,9,1\n"
    "vid,0902,0.226,0.032,0.366,0.497,12,0\n"
    "vid,903,0.1,0.1,0.2,0.2,9,0\n"
    "kin,4.5,,,,,,\n"
)


def boxes_of(read: object) -> BoxFile:
    assert isinstance(read, BoxFile)
    return read


def test_ava_merges_the_labels_of_a_box(tmp_path: Path) -> None:
    read = boxes_of(read_annotations(written(tmp_path, "x.csv", AVA)))
    first, second = read.videos["vid"]
    assert first.boxes[0] == Box(0.077, 0.151, 0.283, 0.811, labels=(8, 79), person=1)
    assert (first.name, first.time_s, second.name) == ("0902", 902.0, "0903")
    assert [(each.name, each.boxes) for each in read.videos["kin"]] == [("4.5", ())]
    assert (len(read.classes), read.classes[8], read.scored) == (80, "action 9", None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("vid,902,177,53,225,114,80,1", ":1: the box 177, 53, 225, 114 is in pixels"),
        ("vid,902,0.5,0.1,0.4,0.2,80,1", "right or lower edge before the other"),
        ("vid,902,nan,0.1,0.4,0.2,80,1", "coordinate 'nan' is no finite number"),
        ("vid,902,0.1,0.1,0.4,0.2,0,1", "action '0' is no whole number of 1 or more"),
        ("vid,902,0.1,0.1,0.4,0.2,1,0.93", "person '0.93' is no whole number"),
        ("vid,902,0.1,0.1,0.4,0.2,1,1,1", "has 9 columns"),
    ],
)
def test_a_bad_box_of_ava_is_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read_ava(written(tmp_path, "x.csv", f"{line}\n"))
    assert message in str(caught.value)


def test_boxes_that_reach_out_and_repeated_ones_are_counted(tmp_path: Path) -> None:
    line = "vid,902,0.1,-0.01,0.4,0.2,7,1\n"
    read = read_ava(written(tmp_path, "x.csv", 2 * line))
    assert [each.labels for each in read.videos["vid"][0].boxes] == [(6,), (6,)]
    assert read.notes == (
        "annotated boxes that reach out of the frame: 2 (vid)",
        "annotations that are there again, and count again: 1 (vid)",
    )


def test_lists_of_actions_and_exclusions_are_read(tmp_path: Path) -> None:
    short = written(
        tmp_path, "a", 'item {\n  name: "dance"\n  id: 4\n}\nitem { id: 1 name: "bow" }'
    )
    assert read_action_list(short) == {1: "bow", 4: "dance"}
    full = 'label {\n  name: "dance"\n  label_id: 4\n  label_type: PERSON_MOVEMENT\n}\n'
    assert read_action_list(written(tmp_path, "b", full)) == {4: "dance"}
    read = read_ava(written(tmp_path, "x.csv", "v,1,0,0,1,1,4,0\nv,1,0,0,1,1,3,0\n"), {4: "dance"})
    assert read.classes == ("action 1", "action 2", "action 3", "dance")
    assert read.scored == {3}
    assert read_exclusions(written(tmp_path, "c", "v,904\nw,0001\n")) == {
        ("v", "0904"),
        ("w", "0001"),
    }
    with pytest.raises(DatasetError, match="no list of actions"):
        read_action_list(written(tmp_path, "d", "walk\nrun\n"))


def test_ava_scores_60_of_its_80_classes() -> None:
    assert len(SCORED) == 60
    assert not {1, 15, 17, 79 + 1} & SCORED  # 2, 16, 18 and 81 aren't scored
    assert {0, 2, 79} <= SCORED


def tubes_of(read: object) -> TubeFile:
    assert isinstance(read, TubeFile)
    return read


@pytest.mark.parametrize("as_json", [False, True])
def test_multisports_tubes_become_shares_from_frame_0(tmp_path: Path, as_json: bool) -> None:
    said = act()
    if as_json:
        said["gttubes"] = {"a": {"0": [said["gttubes"]["a"][0][0].tolist()]}, "b": {}}
    file = written(tmp_path, "x", said if as_json else pickle.dumps(said))
    read = tubes_of(read_annotations(file))
    assert list(read.subsets) == ["train", "test", "test2"]
    assert list(read.subsets["test"]) == ["a", "b"]
    video = read.subsets["test"]["a"]
    assert (video.frames, video.width, video.height) == (9, 64, 48)
    (tube,) = video.tubes
    assert (tube.label, tube.first) == (0, 2)
    assert tube.boxes.tolist() == [[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]]
    assert read.scored == {0}  # "basketball save" isn't


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 0, 0, 9, 9], [3, 0, 0, 9, 9]], "don't follow each other"),
        ([[1, 0, 0, 9]], "a tube of shape [1, 4]"),
        ([[1, 9, 0, 0, 9]], "right or lower edge is before the other"),
        ([[1, 0, 0, 9, float("inf")]], "NaN or infinite"),
        ([], "a tube of shape [0]"),
    ],
)
def test_a_bad_tube_is_refused(tmp_path: Path, rows: list[list[float]], message: str) -> None:
    file = written(tmp_path, "x", pickle.dumps(act(gttubes={"a": {0: [rows]}, "b": {}})))
    with pytest.raises(DatasetError) as caught:
        read_annotations(file)
    assert "video 'a'" in str(caught.value)
    assert message in str(caught.value)


def test_boxes_in_bytes_are_added_without_overflow(tmp_path: Path) -> None:
    boxes = np.array([[200, 100, 120, 90], [1, 1, 10, 10]], np.uint8)  # 200 + 120 is 64 in a byte
    read = tubes_of(read_annotations(written(tmp_path, "x", pickle.dumps(ucf(boxes), protocol=3))))
    video = read.subsets[""]["Diving/v"]
    assert video.frames == 9
    assert (video.tubes[0].label, video.tubes[0].first) == (3, 2)
    assert video.tubes[0].boxes[0].tolist() == [200 / 320, 100 / 240, 1.0, 190 / 240]


def test_the_training_videos_part_the_corrected_annotations(tmp_path: Path) -> None:
    boxes = np.ones((1, 4), np.uint8)
    said = {"db": ucf(boxes), "trainvideos": ["other"], "classes": [f"c{n}" for n in range(24)]}
    read = tubes_of(read_annotations(written(tmp_path, "x", pickle.dumps(said))))
    assert (list(read.subsets["train"]), list(read.subsets["test"])) == ([], ["Diving/v"])
    assert read.classes[3] == "c3"


def test_boxes_of_other_frames_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "x", pickle.dumps(ucf(np.ones((2, 4), np.uint8), ef=7)))
    with pytest.raises(DatasetError, match=r"shape \[2, 4\] for the frames 2 to 6"):
        read_annotations(file)


def test_a_subset_is_found_whatever_its_case() -> None:
    subsets: dict[str, dict[str, object]] = {"Training": {}, "validation": {}, "testing": {}}
    assert subset_named("x", subsets, "training", ()) == "Training"
    assert subset_named("x", subsets, None, ("test", "validation")) == "validation"
    with pytest.raises(UnknownNameError, match="did you mean 'validation'"):
        subset_named("x", subsets, "validaton", ())
    with pytest.raises(DatasetError, match=r"several subsets \(Training, testing, validation\)"):
        subset_named("x", subsets, None, ("val",))


def test_what_grows_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_BYTES", 1000)
    packed = gzip.compress(b" " * 100_000)
    assert len(packed) < 1000
    with pytest.raises(DatasetError, match="it is larger than"):
        read_annotations(written(tmp_path, "x", packed))
