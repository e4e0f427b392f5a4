"""What the doctor says of annotations with times and boxes, next to real files."""

import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import pytest

from kinobench.datasets.doctor.complaints import Complaint
from kinobench.datasets.lists.class_names import class_names

from ...fakes import located_copies as copies
from ...fakes.ill_copies import report_of
from ...fakes.located_copies import IDS, act, event, put, short_video, tube


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def _found(name: str, root: Path, split: str = "val") -> dict[str, Complaint]:
    """Return what is said of the annotation, by its text."""
    report = report_of(name, root, split=split)
    return {
        f"{each.count} {each.what}" if each.count else each.what: each for each in report.complaints
    }


def _one(found: dict[str, Complaint], part: str) -> Complaint:
    (text,) = [text for text in found if part in text]
    return found[text]


def _anet(root: Path, **videos: dict[str, Any]) -> Path:
    """Write annotated videos of 2 s, 20 frames each."""
    root.mkdir()
    copies.activitynet(
        root, {name: {"subset": "validation", **about} for name, about in videos.items()}
    )
    for name in videos:
        short_video(root / "v" / f"v_{name}.mp4")
    return root


def test_a_sound_annotation_has_nothing_to_complain_of(tmp_path: Path) -> None:
    about = {"duration": 2.0, "annotations": [event("BMX", 0, 2.0), event("Archery", 0.5, 2.05)]}
    found = _found("activitynet", _anet(tmp_path / "anet", abcdefghijk=about))
    assert not any(each.is_bad for each in found.values())
    assert all("event" not in text for text in found)


def test_events_past_the_end_are_counted_with_examples(tmp_path: Path) -> None:
    events = [event("BMX", 0, 1), event("BMX", 1.5, 9), event("Archery", 2.0, 3)]
    root = _anet(tmp_path / "anet", abcdefghijk={"annotations": events})
    found = _found("activitynet", root)
    behind = _one(found, "1 of 3 events of validation beginning after their video's end")
    assert behind.is_bad and behind.names == ("abcdefghijk Archery 2-3 s of 2.0 s",)
    late = _one(found, "1 of 3 events of validation ending after their video's end")
    assert not late.is_bad and late.names == ("abcdefghijk BMX 1.5-9 s of 2.0 s",)
    assert report_of("activitynet", root, split="val").is_bad


def test_lengths_that_differ_from_the_annotations_are_named(tmp_path: Path) -> None:
    root = _anet(
        tmp_path / "anet",
        aaaaaaaaaaa={"duration": 60.0, "annotations": [event("BMX", 0, 1)]},
        bbbbbbbbbbb={"duration": 0.5, "annotations": [event("BMX", 0, 0.5)]},
        ccccccccccc={"duration": 2.9, "annotations": [event("BMX", 0, 1)]},
    )
    found = _found("activitynet", root)
    short = _one(found, "1 of 3 videos of validation shorter than annotated")
    assert short.is_bad and short.names == ("aaaaaaaaaaa",)
    assert short.details == ("2.0 s, annotated with 60.0 s",)
    assert _one(found, "1 of 3 videos of validation longer than").names == ("bbbbbbbbbbb",)


def test_doubles_and_events_without_a_length_are_counted(tmp_path: Path) -> None:
    events = [
        *[event("BMX", 0, 1)] * 3,
        event("Archery", 0, 1),  # another class at the same time is no double
        event("Archery", 1.5, 1.2),
    ]
    found = _found("activitynet", _anet(tmp_path / "anet", abcdefghijk={"annotations": events}))
    again = _one(found, "2 of 5 events of validation annotated again")
    assert again.names == ("abcdefghijk BMX 0-1 s",) * 2 and not again.is_bad
    assert _one(found, "1 of 5 events of validation without a length").names == (
        "abcdefghijk Archery 1.5 s",
    )


def test_unknown_classes_and_ids_with_v_are_told(tmp_path: Path) -> None:
    about = {"annotations": [event("BMX", 0, 1), event("Sking", 0, 1)]}
    root = _anet(tmp_path / "anet", abcdefghijk=about)
    copies.activitynet(root, {"v_abcdefghijk": {"subset": "validation", **about}})
    found = _found("activitynet", root)
    unknown = _one(found, "1 of the annotation's classes unknown, and 1 event of them left out")
    assert unknown.is_bad and unknown.names == ("Sking (1)",) and unknown.cure
    assert _one(found, "1 of 1 annotated video written with another id").names == ("v_abcdefghijk",)


def test_key_frames_outside_of_their_file_are_counted_by_its_clock(tmp_path: Path) -> None:
    root = tmp_path / "ava"
    copies.ava(root)
    # Both films have 897 key frames. Of the cut, 900 to 902 s, none is there; of the frames, one.
    short_video(root / "videos_15min" / f"{IDS[1]}.mp4")
    folder = root / "frames" / "1j20qq1JyX4"
    folder.mkdir(parents=True)
    picture = cv2.imread(str(put(root / "x.png", _png())))
    for number in range(1, 91):  # 3 s at 30 a second: 900 to 903 s
        cv2.imwrite(str(folder / f"img_{number:05}.jpg"), picture)
    (root / "x.png").unlink()
    found = _found("ava", root)
    absent = _one(found, "key frames of validation not in their video, in 2 videos")
    # One is excluded.
    assert absent.count == 897 + 896 - 1 and absent.is_bad
    assert absent.what.startswith("of 1793 key frames")
    assert absent.names[0] == f"{IDS[1]} 0902 of 900.0-902.0 s"
    assert absent.names[-1] == "1j20qq1JyX4 1798 of 900.0-903.0 s"
    assert "15min" in absent.cure


def _png() -> bytes:
    import numpy as np

    done, content = cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))
    assert done
    return content.tobytes()


def test_boxes_out_of_the_frame_and_doubles_of_boxes_are_counted(tmp_path: Path) -> None:
    root = tmp_path / "ava"
    copies.ava(root)
    row = f"{IDS[1]},0904,-0.01,0.1,0.2,1.2,12,1\n"
    with (root / "annotations" / "ava_val_v2.2.csv").open("a") as file:
        file.write(row * 2)
    short_video(root / "videos" / f"{IDS[1]}.mp4")
    found = _found("ava", root)
    outside = _one(found, "of 6 boxes of validation reaching out of the frame")
    assert outside.names == (f"{IDS[1]} 0904",) * 2 and not outside.is_bad
    assert _one(found, "1 of 6 boxes of validation annotated again").names == (f"{IDS[1]} 0904",)


def test_tubes_are_compared_with_the_frames_of_their_file(tmp_path: Path) -> None:
    root = tmp_path / "ucf"
    names = [f"Biking/v_Biking_g0{number}_c01" for number in range(1, 4)]
    tubes = {
        names[0]: {2: [tube(15, 10), tube(1, 5, (-3, 6, 32, 30))]},  # of 20 frames
        names[1]: {2: [tube(1, 5), tube(1, 5)]},
        names[2]: {2: [tube(1, 5)]},
    }
    content = act(list(class_names("ucf101-24")), tubes, names)
    content["nframes"][names[1]] = 30
    content["resolution"][names[2]] = (64, 48)
    put(root / "UCF101v2-GT.pkl", pickle.dumps(content))
    for name in names:
        short_video(root / "videos" / f"{name}.mp4")
    found = _found("ucf101-24", root, "test")
    beyond = _one(found, "1 of 5 tubes of test01 reaching beyond their video's frames")
    assert beyond.is_bad and beyond.names == (f"{names[0]} Biking 14-24 of 20",)
    assert _one(found, "1 of 3 videos of test01 with another number of frames").details == (
        "20, annotated with 30",
    )
    assert _one(found, "1 of 3 videos of test01 of another shape").details == (
        "64x48, annotated as 48x64",
    )
    assert _one(found, "1 of 5 tubes of test01 reaching out of the frame").names == (
        f"{names[0]} Biking",
    )
    assert _one(found, "1 of 5 tubes of test01 annotated again").names == (
        f"{names[1]} Biking from frame 0",
    )


def test_what_is_wrong_in_the_published_annotation_is_a_note(tmp_path: Path) -> None:
    root = tmp_path / "thumos"
    copies.thumos14(root)
    for number in (4, 270, 1292):
        short_video(root / "TH14_test_set_mp4" / f"video_test_{number:07}.mp4")
    found = _found("thumos14", root, "test")
    note = _one(found, "1 of 3 events of test beginning after their video's end (in the published")
    assert not note.is_bad and note.names == ("video_test_0000270 Diving 700-701.5 s of 2.0 s",)


def test_a_report_of_them_goes_to_json(tmp_path: Path) -> None:
    import msgspec

    about = {"annotations": [event("BMX", 5, 6)]}
    report = report_of("activitynet", _anet(tmp_path / "anet", abcdefghijk=about), split="val")
    kinds = {each["kind"] for each in json.loads(msgspec.json.encode(report))["complaints"]}
    assert "contradicting" in kinds
