"""Results of each format: what they say, and what is refused or counted."""

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.events.found import FoundBoxes, FoundSegments, FoundTubes
from kinobench.datasets.events.sniff_found import KNOWN_FOUND, read_found

from ...fakes.media import SHARED

FIXTURES = SHARED / "eval_fixtures"
needs_fixtures = pytest.mark.skipif(
    not FIXTURES.is_dir(), reason="the shared evaluation fixtures are missing"
)


def written(folder: Path, content: object) -> Path:
    file = folder / "results"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def results(**entry: Any) -> dict[str, Any]:
    """A json of one prediction and a video without any; `entry` changes the prediction."""
    whole = {"label": "A", "score": 0.5, "segment": [1, 2.5]} | entry
    return {"results": {"a": [{k: v for k, v in whole.items() if v is not ...}], "b": []}}


def segments_of(read: object) -> FoundSegments:
    assert isinstance(read, FoundSegments)
    return read


@pytest.mark.parametrize(
    "around", [{}, {"version": "VERSION 1.3", "external_data": {"used": True}}, {"extra": [1]}]
)
def test_activitynet_results_with_and_without_a_version(
    tmp_path: Path, around: dict[str, Any]
) -> None:
    read = segments_of(read_found(written(tmp_path, around | results())))
    assert (read.video, read.label, read.named) == (["a"], ["A"], ("a", "b"))
    assert (read.start_s.tolist(), read.end_s.tolist(), read.score.tolist()) == ([1], [2.5], [0.5])


def test_numbers_written_as_text_and_in_a_pickle_are_the_same(tmp_path: Path) -> None:
    as_text = results(score="0.5", label=7, segment=["1", "2.5"])
    read = segments_of(read_found(written(tmp_path, as_text)))
    pickled = segments_of(read_found(written(tmp_path, pickle.dumps(as_text))))
    assert (read.label, read.score.tolist()) == (["7"], [0.5])
    assert pickled.label == read.label


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"score": float("nan")}, "video 'a', entry 0: score nan is no finite number"),
        ({"score": float("inf")}, "score inf is no finite number"),
        ({"score": None}, "score None is no number"),
        ({"score": True}, "no finite number"),
        ({"score": ...}, "has no score and segment"),
        ({"label": ..., "verb": 3}, "has no label of this kind"),
        ({"segment": [1, 2, 3]}, "segment [1, 2, 3] is no [start, end]"),
        ({"segment": [1, float("nan")]}, "end nan is no finite number"),
    ],
)
def test_a_bad_prediction_is_refused(tmp_path: Path, entry: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read_found(written(tmp_path, results(**entry)))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ({"results": {"a": {}}}, "{} is no list of predictions"),
        ({"database": {"a": {"subset": "x", "annotations": []}}}, "annotations, not results"),
        ('{"results": {"a": [', "not JSON, or cut short"),
        ("[" * 100_000, "not JSON, or cut short"),
        ('{"results": {"a": [{"label": null, "score": 1, "segment": [0, 1]}]}}', "has no label"),
        ('{"results": {"a": [{"label": "x", "score": 1e400, "segment": [0, 1]}]}}', "score inf is"),
        ('v,902,0.1,0.1,0.2,0.2,1,0.5\n"v,902', ":2: no row of csv"),
        (f"v,902,0.1,0.1,0.2,0.2,1,0.5\n{'v' * 200_000},9", "field larger than field limit"),
        ("what is this", "no known format of results; known are ActivityNet's json"),
        ("v 0 1 7 0.5\nv 0 1 7\n", ":2: 'v 0 1 7' is no video, start, end, class and score"),
        ("v 0 1 7 0.5\nv 0 1 7 nan\n", ":2: score 'nan' is no finite number"),
        ("v,902,0.1,0.1,0.2,0.2,1,nan\n", ":1: score 'nan' is no finite number"),
        (
            "v,902,0.1,0.1,0.2,0.2,1,1\nv,902,9,9,99,99,1,1\n",
            ":2: the box 9, 9, 99, 99 is in pixel",
        ),
        ("v,902,0.1,0.1,0.2,0.2,1,1\nv,902,,,,,,\n", ":2: a detection without its box or action"),
        (pickle.dumps(np.zeros((2, 7))), "an array of shape [2, 7]; give [N, 8]"),
        (pickle.dumps(np.full((1, 8), np.nan)), "row 0: [nan"),
        (pickle.dumps(np.array([[0.5, 1, 1, 0.5, 0, 0, 1, 1]])), "begins with no whole numbers"),
        (pickle.dumps(np.array([[0, 1, 1, 0.5, 2, 0, 1, 1]])), "right or lower edge before"),
        (pickle.dumps({0: [("v", 0.5, np.zeros((1, 3)))]}), "label 0, entry 0: a tube of shape"),
        (pickle.dumps({0: [("v", np.nan, np.ones((1, 5)))]}), "score nan is no finite number"),
        (pickle.dumps({"x": [("v", 0.5, np.ones((1, 5)))]}), "label 'x' is no number of a class"),
        (pickle.dumps({"a": 1}), "no known format of results"),
    ],
)
def test_a_bad_file_is_refused_by_what_is_wrong(
    tmp_path: Path, content: object, message: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        read_found(written(tmp_path, content))
    assert message in str(caught.value)


def test_an_unknown_format_lists_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        read_found(written(tmp_path, "what"))
    assert all(each in str(caught.value) for each in KNOWN_FOUND)


@pytest.mark.parametrize(
    ("entry", "labels"),
    [
        ({"verb": 3, "noun": 12, "action": "3, 12"}, {"verb": "3", "noun": "12", "action": "3,12"}),
        ({"verb": 3, "noun": 12}, {"verb": "3", "noun": "12", "action": "3,12"}),
    ],
)
def test_epic_kitchens_results_have_three_labels(
    tmp_path: Path, entry: dict[str, Any], labels: dict[Any, str]
) -> None:
    file = written(tmp_path, results(label=..., **entry))
    for part, label in labels.items():
        assert segments_of(read_found(file, part=part)).label == [label]


def test_thumos14_lines_have_classes_by_number_or_name(tmp_path: Path) -> None:
    text = "video_test_0000004 1.5 3 7 0.9\n\nvideo_test_0000004\t4 2\tDiving\t1e-3\n"
    read = segments_of(read_found(written(tmp_path, gzip.compress(text.encode()))))
    assert read.label == ["7", "Diving"]
    assert read.named == ("video_test_0000004",)
    assert (read.start_s.tolist(), read.end_s.tolist()) == ([1.5, 4], [3, 2])


def test_ava_rows_become_labels_from_0(tmp_path: Path) -> None:
    text = "v,902,0.1,-0.01,0.2,0.2,80,0.5\nv,0903,0.1,0.1,0.2,0.2,1\n"
    read = read_found(written(tmp_path, text))
    assert isinstance(read, FoundBoxes)
    assert (read.frame, read.label.tolist()) == (["0902", "0903"], [79, 0])
    assert read.score.tolist() == [0.5, 1.0]
    assert read.notes == (
        "detected boxes that reach out of the frame, taken as they are: 1 (v)",
        "detections without a score, which is 1 then: 1 (v)",
    )


@needs_fixtures
def test_the_fixtures_of_mmaction2_are_read() -> None:
    found = segments_of(read_found(FIXTURES / "eval_localization_result.json"))
    assert (len(found.video), found.named) == (14, ("bYUmtLBL7W4", "hDPLy21Yyuk"))
    boxes = read_found(FIXTURES / "eval_detection_pred.csv")
    assert isinstance(boxes, FoundBoxes)
    assert (len(boxes.video), boxes.label.max()) == (30, 2)


def test_multisports_boxes_number_their_videos(tmp_path: Path) -> None:
    array = np.array([[1, 30, 2, 0.5, 10, 20, 30, 40]], np.float32)
    read = read_found(written(tmp_path, pickle.dumps(array)))
    assert isinstance(read, FoundBoxes)
    assert (read.video, read.frame, read.label.tolist()) == (["1"], ["30"], [2])
    assert (read.by_number, read.box.tolist()) == (True, [[10, 20, 30, 40]])


@pytest.mark.parametrize("as_json", [False, True])
def test_multisports_tubes_count_frames_from_0(tmp_path: Path, as_json: bool) -> None:
    tube = np.array([[3, 0, 0, 9, 9, 0.25], [4, 1, 1, 9, 9, 0.5]], np.float32)
    said: Any = {0: [], 5: [("sport/v", 0.75, tube)]}
    if as_json:
        said = {"0": [], "5": [["sport/v", 0.75, tube.tolist()]]}
    read = read_found(written(tmp_path, said if as_json else pickle.dumps(said)))
    assert isinstance(read, FoundTubes)
    assert (read.video, read.label.tolist(), read.first.tolist()) == (["sport/v"], [5], [2])
    assert read.boxes[0].tolist() == [[0, 0, 9, 9], [1, 1, 9, 9]]
    assert read.box_score is not None
    assert read.box_score[0].tolist() == [0.25, 0.5]


def test_a_video_that_is_there_twice_is_never_lost(tmp_path: Path) -> None:
    entry = '[{"label": "A", "score": 0.5, "segment": [0, 1]}]'
    text = f'{{"results": {{"a": {entry}, "b": {entry}, "a": {entry}}}}}'
    with pytest.raises(DatasetError, match="an object has the key 'a' twice"):
        read_found(written(tmp_path, text))
