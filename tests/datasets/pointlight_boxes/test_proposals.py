"""Proposals: boxes near the true ones and false ones, in the form of AVA's detected persons."""

from pathlib import Path

import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.pointlight_boxes import load
from kinobench.datasets.pointlight_boxes.proposals import FARTHEST, overlap, write_proposals
from kinobench.datasets.truth import Box, BoxTruth

Rows = dict[tuple[str, str], list[tuple[Box, float]]]


@pytest.fixture
def truth(small_boxes: Path) -> BoxTruth:
    found = load(small_boxes, "test").truth
    assert isinstance(found, BoxTruth)
    return found


def read(path: Path) -> Rows:
    found: Rows = {}
    for line in path.read_text().splitlines():
        video, second, x1, y1, x2, y2, action, score = line.split(",")
        assert action == ""
        box = Box(float(x1), float(y1), float(x2), float(y2), ())
        assert 0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1
        found.setdefault((video, second), []).append((box, float(score)))
    return found


def test_nearly_every_box_is_proposed_and_false_ones_are_far(
    truth: BoxTruth, tmp_path: Path
) -> None:
    write_proposals(tmp_path / "boxes.csv", truth)
    rows = read(tmp_path / "boxes.csv")
    overlaps, true_scores, false_scores = [], [], []
    for video, frames in truth.videos.items():
        for frame in frames:
            given = rows.get((video, frame.name), [])
            assert len(frame.boxes) <= len(given) <= len(frame.boxes) + 1
            near = given[: len(frame.boxes)]
            overlaps += [overlap(one, box) for (one, _), box in zip(near, frame.boxes, strict=True)]
            true_scores += [score for _, score in near]
            for box, score in given[len(frame.boxes) :]:
                assert all(overlap(box, each) < FARTHEST for each in frame.boxes)
                false_scores.append(score)
    assert sum(each >= 0.5 for each in overlaps) >= 0.99 * len(overlaps)
    assert 0.7 < sum(overlaps) / len(overlaps) < 0.95
    assert min(true_scores) >= 0.7 and min(false_scores) < 0.5
    assert len(false_scores) > 0.8 * sum(map(len, truth.videos.values()))


def test_the_seed_decides_the_bytes(truth: BoxTruth, tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    for file, seed in zip(files, (0, 0, 1), strict=True):
        write_proposals(file, truth, seed=seed)
    first, again, other = (file.read_bytes() for file in files)
    assert first == again != other


def test_without_jitter_and_false_boxes_they_are_the_true_ones(
    truth: BoxTruth, tmp_path: Path
) -> None:
    write_proposals(tmp_path / "boxes.csv", truth, jitter=0, false_boxes=0)
    given = [box for rows in read(tmp_path / "boxes.csv").values() for box, _ in rows]
    boxes = [box for frames in truth.videos.values() for key in frames for box in key.boxes]
    assert all(overlap(*pair) > 0.9999 for pair in zip(given, boxes, strict=True))


def test_a_box_overlaps_as_the_areas_say() -> None:
    one = Box(0, 0, 0.5, 0.5, ())
    assert overlap(one, Box(0.25, 0, 0.75, 0.5, ())) == pytest.approx(1 / 3)
    assert overlap(one, Box(0.6, 0, 0.75, 0.5, ())) == 0


def test_numbers_and_files_that_are_impossible_are_refused(truth: BoxTruth, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"jitter is 0\.5; give a share"):
        write_proposals(tmp_path / "x", truth, jitter=0.5)
    with pytest.raises(ValueError, match="false_boxes is -1"):
        write_proposals(tmp_path / "x", truth, false_boxes=-1)
    with pytest.raises(DatasetError, match="can't be written"):
        write_proposals(tmp_path / "no" / "x", truth)
