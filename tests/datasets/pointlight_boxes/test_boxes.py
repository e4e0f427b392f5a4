"""pointlight-boxes as a dataset: what is generated, listed, loaded and refused."""

import hashlib
import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy import stats

from kinobench.datasets import catalog, pointlight_boxes
from kinobench.datasets.errors import DatasetError, KinobenchError, UnknownNameError
from kinobench.datasets.pointlight_boxes import (
    QUICK_VIDEOS,
    SPLITS,
    content_digest,
    default_root,
    load,
    make_boxes,
    make_changed,
)
from kinobench.datasets.pointlight_boxes.files import Part, key_frames
from kinobench.datasets.pointlight_boxes.level import (
    GAP_PX,
    OPTIONS,
    POINTLIGHT_BOXES,
    Level,
    changed,
)
from kinobench.datasets.pointlight_boxes.motions import CLASSES, MOTIONS
from kinobench.datasets.pointlight_boxes.scene import draw_plan
from kinobench.datasets.pointlight_boxes.stamp import STAMP, read_stamp, stamp_of
from kinobench.datasets.protocol import preset
from kinobench.datasets.truth import BoxTruth
from kinobench.datasets.video.clips import open_video

PLANS = [draw_plan(POINTLIGHT_BOXES, [0, 1, video]) for video in range(600)]


def truth_of(root: Path, split: str = "test") -> BoxTruth:
    truth = load(root, split).truth
    assert isinstance(truth, BoxTruth)
    return truth


# What is drawn


def test_boxes_are_in_the_picture_and_apart() -> None:
    counts = set()
    for plan in PLANS:
        counts.add(len(plan.boxes_px))
        for number, (x1, y1, x2, y2) in enumerate(plan.boxes_px):
            assert x1 >= 0 and x2 <= 96 and y1 >= 0 and y2 <= 96
            assert 26 <= x2 - x1 <= 40 and 26 <= y2 - y1 <= 40
            for a1, b1, a2, b2 in plan.boxes_px[:number]:
                gaps = (a1 - x2, x1 - a2, b1 - y2, y1 - b2)
                assert max(gaps) >= GAP_PX
    assert counts == {2, 3, 4}


def test_motions_are_even_and_independent_of_boxes_and_of_each_other() -> None:
    seconds = [motions for plan in PLANS for motions in plan.motions]
    empty = sum(not motions for motions in seconds)
    assert stats.binomtest(empty, len(seconds), 0.1).pvalue > 1e-3
    numbers = [[MOTIONS.index(motion) for motion in motions] for motions in seconds if motions]
    drawn = np.bincount([each for row in numbers for each in row], minlength=24)
    assert stats.chisquare(drawn).pvalue > 1e-3
    tables = {
        "of two boxes": [(row[0], row[1]) for row in numbers],
        "of the number of boxes": [(row[0], len(row) - 2) for row in numbers],
        "of the place": [
            (MOTIONS.index(motions[0]), int(plan.boxes_px[0][0] > 30))
            for plan in PLANS
            for motions in plan.motions
            if motions
        ],
        "of two seconds": [
            (MOTIONS.index(plan.motions[0][0]), MOTIONS.index(plan.motions[1][0]))
            for plan in PLANS
            if plan.motions[0] and plan.motions[1]
        ],
    }
    for name, pairs in tables.items():
        table = np.zeros((24, 24))
        np.add.at(table, tuple(np.array(pairs).T), 1)
        table = table[:, table.sum(axis=0) > 0]
        if table.shape[1] == 24:  # by the label alone, or there are too few of each pair
            table = np.add.reduceat(np.add.reduceat(table, range(0, 24, 6), 0), range(0, 24, 6), 1)
        assert stats.chi2_contingency(table).pvalue > 1e-3, name


def test_hardly_any_room_is_enough() -> None:
    tight = [("clouds=4", "side=42"), ("clouds=9", "side=26"), ("clouds=1", "side=48")]
    for settings in tight:
        boxes = draw_plan(changed(settings), [0, 0, 0]).boxes_px
        assert len(boxes) == int(settings[0][-1])
        for number, (x1, y1, x2, y2) in enumerate(boxes):
            assert 0 <= x1 < x2 <= 96 and 0 <= y1 < y2 <= 96
            for a1, b1, a2, b2 in boxes[:number]:
                assert max(a1 - x2, x1 - a2, b1 - y2, y1 - b2) >= GAP_PX


# What is generated


def test_the_catalog_knows_it() -> None:
    dataset = catalog.get("pointlight-boxes")
    assert (dataset.task, dataset.splits, dataset.num_classes) == ("detection", SPLITS, 8)
    protocol = preset(dataset.default_protocol)
    assert (protocol.frames, protocol.stride, protocol.size, protocol.views) == (16, 1, 96, 1)
    assert dataset.videos == pointlight_boxes.TRAIN_VIDEOS + pointlight_boxes.TEST_VIDEOS


def test_a_split_has_key_frames_boxes_and_the_labels_of_all(small_boxes: Path) -> None:
    split = catalog.load_split(catalog.get("pointlight-boxes"), small_boxes, None)
    assert (split.name, split.scoring, split.task) == ("test", "map", "detection")
    truth = split.truth
    assert isinstance(truth, BoxTruth) and truth.rule == "ava"
    assert list(truth.videos) == [video.id for video in split.videos]
    for number, video in enumerate(split.videos):
        frames = truth.videos[video.id]
        assert frames == pytest.approx(frames)
        assert [frame.name for frame in frames] == ["0000", "0001", "0002", "0003"]
        assert [frame.time_s for frame in frames] == [0.5, 1.5, 2.5, 3.5]
        labels = {label for frame in frames for box in frame.boxes for label in box.labels}
        assert video.labels == tuple(sorted(labels))
        plan = draw_plan(POINTLIGHT_BOXES, [0, 0, number])
        for frame, motions in zip(frames, plan.motions, strict=True):
            assert [box.labels for box in frame.boxes] == [motion.labels for motion in motions]
            for box, edges in zip(frame.boxes, plan.boxes_px, strict=False):
                assert [96 * e for e in (box.x1, box.y1, box.x2, box.y2)] == pytest.approx(
                    edges, abs=1e-4
                )
    assert any(not frame.boxes for frames in truth.videos.values() for frame in frames)


def test_a_video_is_four_seconds_of_frames_of_96_px(small_boxes: Path) -> None:
    with open_video(load(small_boxes).videos[0].path) as video:
        assert len(video) == 120
        assert video.frames([15]).shape == (1, 96, 96, 3)


def test_quick_is_the_first_of_test(small_boxes: Path) -> None:
    quick, test = load(small_boxes, "quick"), load(small_boxes, "test")
    assert quick.part_of == "test" and len(quick.videos) == QUICK_VIDEOS
    assert quick.videos == test.videos[:QUICK_VIDEOS]
    assert isinstance(quick.truth, BoxTruth) and len(quick.truth.videos) == QUICK_VIDEOS


def test_training_videos_are_others(small_boxes: Path) -> None:
    ids = [{video.id for video in load(small_boxes, split).videos} for split in ("test", "train")]
    assert len(ids[1]) == 12 and not ids[0] & ids[1]


def test_the_digest_stands_still() -> None:
    # A digest that moves makes every stored record of the dataset incomparable.
    assert content_digest() == "5f9c51bfcf8a"
    assert default_root().name == "pointlight-boxes-5f9c51bfcf8a"
    others = {
        content_digest(seed=1),
        content_digest(test=79),
        content_digest(train=2),
        content_digest(changed(["speed=1"])),
    }
    assert len(others | {content_digest()}) == 5


def test_the_first_video_stands_still(small_boxes: Path) -> None:
    rows = (small_boxes / "test.csv").read_text().splitlines()
    assert rows[0] == "boxes_0001,0000,0.520833,0.000000,0.916667,0.406250,2,1"
    # Of the lists alone: an encoder of another version gives other bytes.
    lists = "".join((small_boxes / f"{name}.csv").read_text() for name in ("test", "train"))
    assert hashlib.sha256(lists.encode()).hexdigest()[:12] == "3b7074585f3c"


def test_several_processes_write_the_same_bytes(tmp_path: Path) -> None:
    level = changed(["seconds=1"])
    roots = [
        make_boxes(tmp_path / str(processes), level=level, train=3, test=2, processes=processes)
        for processes in (1, 2)
    ]
    files = [sorted(path.relative_to(root) for path in root.rglob("*.*")) for root in roots]
    assert files[0] == files[1] and len(files[0]) == 11
    for name in files[0]:
        assert (roots[0] / name).read_bytes() == (roots[1] / name).read_bytes(), name


def test_a_changed_one_says_so_and_has_another_manifest(tmp_path: Path) -> None:
    written: list[tuple[int, int]] = []
    root = make_changed(
        tmp_path / "made",
        ["seconds=1", "clouds=1", "empty=0"],
        3,
        1,
        2,
        lambda done, whole: written.append((done, whole)),
    )
    assert written[-1] == (3, 3)
    split = load(root)
    (note,) = split.notes
    assert "clouds=1, empty=0, seconds=1, seed 3, 2 test and 1 training videos" in note
    assert split.content == read_stamp(root).digest
    assert read_stamp(root).level == changed(["seconds=1", "clouds=1", "empty=0"])
    assert all(
        len(keys) == 1 and len(keys[0].boxes) == 1 for keys in truth_of(root).videos.values()
    )
    again = make_changed(root, ["seconds=1", "clouds=1", "empty=0"], 3, 1, 2, None)
    assert again == root
    with pytest.raises(DatasetError, match=r"holds pointlight-boxes-\w+ \(clouds=1.* is asked for"):
        make_boxes(root)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DatasetError, match="holds something else than pointlight-boxes"):
        make_boxes(tmp_path)
    with pytest.raises(DatasetError, match=r"no pointlight-boxes\.json under"):
        load(tmp_path)
    (tmp_path / STAMP).write_text("{}")
    with pytest.raises(DatasetError, match="not what the generator wrote"):
        load(tmp_path)
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        load(tmp_path, "trian")


def test_a_missing_video_is_noted_and_keeps_its_place(tmp_path: Path) -> None:
    root = make_boxes(tmp_path / "made", level=changed(["seconds=1"]), train=0, test=2)
    (root / "videos" / "boxes_0002.mp4").unlink()
    split = load(root)
    assert len(split.videos) == 2
    assert "1 of 2 videos missing, such as boxes_0002" in split.notes


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("test.csv", "boxes_0001,0000,0.1,0.1,0.5,0.5,1", "7 columns where 8 are expected"),
        ("test.csv", "boxes_0001,0009,0.1,0.1,0.5,0.5,1,1", "second '0009' of 'boxes_0001' isn't"),
        ("test.csv", "boxes_0001,0000,0.1,0.1,1.5,0.5,1,1", r"doesn't lie in 0\.\.1"),
        ("test.csv", "boxes_0001,0000,0.5,0.1,0.1,0.5,1,1", r"doesn't lie in 0\.\.1"),
        ("test.csv", "boxes_0001,0000,left,0.1,0.1,0.5,1,1", "no edges of a box"),
        ("test.csv", "boxes_0001,0000,0.1,0.1,0.5,0.5,9,1", "action '9' is not a number from 1 to"),
        ("test.csv", "boxes_0001,0000,0.1,0.1,0.5,0.5,1,x", "person 'x' is not a whole number"),
        ("test_key_frames.csv", "boxes_0001,first", "second 'first' is no whole number"),
        ("test_key_frames.csv", "boxes_0001,\u00b2", "is no whole number"),
        ("test_key_frames.csv", "boxes_0001,0000", "second '0000' of 'boxes_0001' is there twice"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, file: str, line: str, message: str
) -> None:
    root = make_boxes(tmp_path / "made", level=changed(["seconds=1"]), train=0, test=1)
    lines = len((root / file).read_text().splitlines())
    with (root / file).open("a") as appended:
        appended.write(f"{line}\n")
    with pytest.raises(DatasetError, match=message) as raised:
        load(root)
    assert re.search(rf"{file}:{lines + 1}: ", str(raised.value))


def test_a_label_that_a_box_has_twice_is_refused(small_boxes: Path, tmp_path: Path) -> None:
    for name in ("test.csv", "test_key_frames.csv", STAMP):
        (tmp_path / name).write_bytes((small_boxes / name).read_bytes())
    first = (tmp_path / "test.csv").read_text().partition("\n")[0]
    with (tmp_path / "test.csv").open("a") as appended:
        appended.write(f"{first}\n")
    with pytest.raises(DatasetError, match="action '2' of this box is there twice"):
        load(tmp_path)


def test_quick_is_generated_alone_where_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pointlight_boxes, "QUICK_VIDEOS", 1)
    split = load(None, "quick")
    assert [video.id for video in split.videos] == ["boxes_0001"]
    assert (split.notes, split.content) == ((), "")
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.name == stamp_of(POINTLIGHT_BOXES, 0, 0, 1).name != default_root().name


# Options


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["clouds"], "write FIELD=VALUE"),
        (["clods=2"], "did you mean 'clouds'"),
        (["clouds=2", "clouds=3"], "set twice"),
        (["clouds=two"], r"clouds is a whole number, or two as LOW\.\.HIGH, as in clouds=2\.\.4"),
        (["seconds=1..2"], "seconds is a whole number, as in seconds=4"),
        (["clouds=10"], "clouds is 10; it must be from 1 to 9"),
        (["side=20..48"], "up to 42, so that the boxes fit apart"),
        (["dots=5"], "a box needs five dots"),
        (["speed=5"], "an eighth of the smallest box"),
        (["contrast=200"], "235 at most"),
        (["empty=1"], "from 0 to 0.9"),
        (["size=" + "9" * 80], "no number needs so many digits"),
    ],
)
def test_a_setting_that_is_impossible_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(KinobenchError, match=message):
        changed(settings)


def test_every_option_can_be_set_and_is_part_of_the_digest() -> None:
    values = {
        "clouds": "1..3", "side": "30", "dots": "10", "speed": "1", "empty": "0.5", "radius": "1.5",
        "ground": "60", "contrast": "90", "size": "128", "seconds": "2",
    }  # fmt: skip
    assert set(values) == set(OPTIONS) == set(msgspec.structs.asdict(Level()))
    digests = {content_digest(changed([f"{name}={value}"])) for name, value in values.items()}
    assert len(digests) == len(values)
    assert changed([f"{name}={value}" for name, value in values.items()]).options == values


def test_the_stamp_says_what_is_unusual_alone(small_boxes: Path) -> None:
    stamp = json.loads((small_boxes / STAMP).read_text())
    assert stamp == {
        "digest": stamp["digest"],
        "seed": 0,
        "generator": 1,
        "changed": {},
        "videos": [16, 12],
    }
    assert stamp_of(POINTLIGHT_BOXES, 0, 240, 80).title == "pointlight-boxes-5f9c51bfcf8a"


def test_the_classes_are_listed_as_ava_lists_them(small_boxes: Path) -> None:
    text = (small_boxes / "classes.pbtxt").read_text()
    found = re.findall(r'item \{\n  name: "(\w+)"\n  id: (\d)\n\}\n', text)
    assert found == [(name, str(number)) for number, name in enumerate(CLASSES, 1)]


def test_the_truth_of_a_part_is_that_of_its_stream(tmp_path: Path) -> None:
    part = Part(tmp_path, POINTLIGHT_BOXES, [0, 1], range(3), 80)
    assert part.id_of(0) == "boxes_0081"
    names = [frame.name for frame in key_frames(part, 2)]
    assert names == ["0000", "0001", "0002", "0003"]
