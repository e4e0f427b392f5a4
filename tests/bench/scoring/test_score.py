"""Files of results against their annotations: what each rule makes of them, and what is counted."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from kinobench.bench.scoring.result import Score
from kinobench.bench.scoring.score import Asked, score
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_results_files import (
    event_annotations,
    event_results,
    pickled,
    tube_annotations,
)
from ...fakes.media import SHARED

FIXTURES = SHARED / "eval_fixtures"
needs_fixtures = pytest.mark.skipif(
    not FIXTURES.is_dir(), reason="the shared evaluation fixtures are missing"
)
QUICK = Asked(draws=50, all_rules=False)


def values(found: Score) -> dict[str, float | None]:
    return {each.name: each.value for each in found.values}


@needs_fixtures
def test_mmaction2s_localization_scores_as_activitynet_says() -> None:
    found = score(
        FIXTURES / "eval_localization_result.json", FIXTURES / "eval_localization_gt.json"
    )
    assert found.value is not None
    assert round(found.value, 7) == 0.6177579
    printed = [0.714286] * 3 + [0.6875] * 2 + [0.597222] + [0.520833] * 3 + [0.5]
    assert [round(each.value or 0, 6) for each in found.values] == printed
    assert (found.rule, found.overlaps, found.subset) == ("activitynet", "0.5:0.95", "validation")
    assert (found.counts.instances, found.counts.detections) == (4, 14)
    assert found.notes[0].startswith("ids that differ from the annotations' by 'v_'")


@needs_fixtures
def test_mmaction2s_detection_scores_as_ava_says() -> None:
    asked = Asked(rule="ava", classes=FIXTURES / "eval_detection_action_list.txt")
    found = score(FIXTURES / "eval_detection_pred.csv", FIXTURES / "eval_detection_gt.csv", asked)
    assert found.value is not None
    assert round(found.value, 8) == 0.09385522
    by_class = {each.name: round(each.value or 0, 7) for each in found.classes}
    assert by_class == {"action1": 0.1704545, "action2": 0.0, "action3": 0.1111111}


def test_one_file_under_each_rule(tmp_path: Path) -> None:
    """One true event, and the better of two detections comes second: 1/2, and 1/2 interpolated.

    With a third class-mate hit at rank 3 of 2 true ones: the plain AP is (1/2 + 2/3) / 2, and the
    interpolated one (2/3 + 2/3) / 2.
    """
    truth = event_annotations(tmp_path, {"a": [("A", 0, 10)], "b": [("A", 0, 10)]})
    results = event_results(
        tmp_path,
        {"a": [("A", 50, 60, 0.9), ("A", 0, 10, 0.8)], "b": [("A", 0, 10, 0.7)]},
        "r.json",
    )
    found = score(results, truth, Asked(draws=0))
    under = {each.rule: each for each in found.rules}
    assert math.isclose(under["activitynet"].mean or 0, 2 / 3)
    assert math.isclose(under["thumos14"].mean or 0, (1 / 2 + 2 / 3) / 2)
    assert math.isclose(under["thumos14"].difference or 0, (1 / 2 + 2 / 3) / 2 - 2 / 3)
    assert under["activitynet"].difference == 0
    assert found.interval is None  # no draws were asked for


def test_ids_with_and_without_a_prefix_never_collide(tmp_path: Path) -> None:
    """An id that the annotations haven't is no other video, as ActionFormer makes of it."""
    truth = event_annotations(tmp_path, {"v_a": [("A", 0, 10)], "b": [("A", 0, 10)]})
    right, wrong = [("A", 0.0, 10.0, 0.5)], [("A", 0.0, 10.0, 0.9)]
    found = score(
        event_results(tmp_path, {"a": right, "v_b": right, "new": wrong}, "r.json"), truth, QUICK
    )
    assert math.isclose(found.value or 0, 2 / 3)  # new's is a false positive, before both
    assert found.notes == (
        "ids that differ from the annotations' by 'v_' or a file's ending, and were taken for "
        "these: 2 (a, v_b)",
        "detections in videos that the annotations haven't, false positives, as the official rule "
        "counts them: 1 (new)",
    )
    both = event_results(tmp_path, {"a": right, "v_a": right}, "both.json")
    with pytest.raises(KinobenchError, match="'a' and 'v_a', which are both the video 'v_a'"):
        score(both, truth, QUICK)


def test_what_is_odd_is_counted(tmp_path: Path) -> None:
    truth = event_annotations(
        tmp_path,
        {"a": [("A", 0, 10)], "b": [("A", 0, 10)], "t": [("B", 0, 1)]},
        subsets={"t": "training"},
    )
    spans = [("A", 0.0, 10.0, 0.5), ("A", 0.0, 10.0, 0.4), ("A", 9.0, 1.0, 0.9), ("B", 0, 1, 0.3)]
    found = score(event_results(tmp_path, {"a": spans, "t": spans[:1]}, "r.json"), truth, QUICK)
    assert found.notes == (
        "detections in videos of the subset 'training', false positives, as the official rule "
        "counts them: 1 (t)",
        "videos of the annotations without a detection: 1 (b)",
        "detections with the class and the times of another one, all kept, as the official rule "
        "keeps them: 1",
        "detections that end before they begin, false positives, as the rule has them: 1",
        "detections of classes without an instance, left out, for which the rule's own code "
        "stops: 1",
    )
    # The one that ends before it begins comes first: a false positive, and 1 of 2 is found.
    assert math.isclose(found.value or 0, 0.5 / 2)


@pytest.mark.parametrize(
    ("results", "asked", "message"),
    [
        ({"a": [("Aa", 0, 1, 0.5)]}, {}, "no class of the annotations is named 'Aa'"),
        ({"a": [("7", 0, 1, 0.5)]}, {}, "label 7 of the results is no class: the annotations name"),
        ({"z": [("A", 0, 1, 0.5)]}, {}, "no video of the results is in the subset 'validation'"),
        ({"a": []}, {"split": "tests"}, "no subset of the annotations is named 'tests'"),
        ({"a": []}, {"rule": "ava"}, "--rule ava: it scores boxes on key frames"),
        ({"a": []}, {"rule": "activitynt"}, "did you mean 'activitynet'?"),
    ],
)
def test_what_cant_be_scored_is_refused(
    tmp_path: Path,
    results: dict[str, list[tuple[str, float, float, float]]],
    asked: dict[str, str],
    message: str,
) -> None:
    truth = event_annotations(tmp_path, {"a": [("A", 0, 10), ("Long jump", 1, 2)]})
    file = event_results(tmp_path, results, "r.json")
    with pytest.raises(KinobenchError) as caught:
        score(file, truth, QUICK._replace(**asked))
    assert message in str(caught.value)


def test_results_without_a_detection_score_nothing(tmp_path: Path) -> None:
    truth = event_annotations(tmp_path, {"a": [("A", 0, 10)]})
    found = score(event_results(tmp_path, {"a": []}, "r.json"), truth, QUICK)
    assert found.value == 0.0
    assert "the results have no detection" in found.notes


def test_lists_choose_and_leave_out_videos(tmp_path: Path) -> None:
    truth = event_annotations(tmp_path, {name: [("A", 0, 10)] for name in ("v_a", "b", "c")})
    results = event_results(tmp_path, {"v_a": [("A", 0, 10, 0.5)], "b": [("A", 0, 9.9, 0.9)]}, "r")
    only, without = tmp_path / "only.txt", tmp_path / "without.json"
    only.write_text("a 1\n")
    without.write_text('["c", "b"]')
    for asked in (QUICK._replace(videos=only), QUICK._replace(exclude=without)):
        found = score(results, truth, asked)
        assert (found.value, found.counts.videos) == (1.0, 1)


def test_classes_are_numbers_of_thumos14_or_of_a_list(tmp_path: Path) -> None:
    folder = tmp_path / "annotations_test"
    folder.mkdir()
    (folder / "Diving_test.txt").write_text("video_test_0000001 0 10\n")
    (folder / "Ambiguous_test.txt").write_text("video_test_0000001 40 50\n")
    lines = tmp_path / "lines.txt"
    lines.write_text(
        "video_test_0000001 44 46 26 0.9\nvideo_test_0000001 0 10 26 0.8\n"
        "video_test_0000001 80 90 diving 0.7\n"
    )
    found = score(lines, folder, QUICK)
    assert (found.rule, found.subset, found.value) == ("thumos14", "test", 1.0)
    under = score(lines, folder, QUICK._replace(rule="opentad"))
    assert under.value == 0.5  # it doesn't know ambiguous spans: the first is false
    listed = tmp_path / "classes.txt"
    listed.write_text("0 Diving\n1 Surfing\n")
    lines.write_text("video_test_0000001 0 10 0 0.8\nvideo_test_0000001 0 10 1 0.9\n")
    found = score(lines, folder, QUICK._replace(classes=listed, rule="opentad"))
    assert found.value == 1.0
    assert found.notes[-1].startswith("detections of classes without an instance, left out")


def test_an_action_that_nobody_annotated_is_left_out(tmp_path: Path) -> None:
    truth = tmp_path / "EPIC_100_validation.csv"
    truth.write_text(
        "narration_id,video_id,start_timestamp,stop_timestamp,verb_class,noun_class\n"
        "P01_0,P01_11,00:00:00.00,00:00:10.00,3,12\n"
    )
    results = tmp_path / "r.json"
    entries = [
        {"verb": 3, "noun": noun, "action": f"3,{noun}", "score": value, "segment": [0, 10]}
        for noun, value in ((7, 0.9), (12, 0.8))
    ]
    results.write_text(json.dumps({"results": {"P01_11": entries}}))
    found = score(results, truth, QUICK)
    assert (found.rule, found.overlaps, found.value) == ("epic-kitchens", "0.1:0.5", 1.0)
    verbs = score(results, truth, QUICK._replace(part="verb"))
    assert (verbs.value, verbs.counts.classes) == (1.0, 1)


def test_a_pair_of_files_is_compared_on_the_same_videos(tmp_path: Path) -> None:
    names = [f"v{n}" for n in range(12)]
    truth = event_annotations(tmp_path, {name: [("A", 0, 10)] for name in names})
    good = {name: [("A", 0.0, 10.0, 0.5)] for name in names}
    bad = good | {name: [("A", 20.0, 30.0, 0.5)] for name in names[:8]}
    first = event_results(tmp_path, bad, "bad.json")
    second = event_results(tmp_path, good, "good.json")
    found = score(first, truth, QUICK, other=second)
    assert found.compared is not None
    assert found.compared.difference == pytest.approx(1.0 - (found.value or 0))
    assert found.compared.p is not None
    assert found.compared.p < 0.05
    same = score(first, truth, QUICK, other=first)
    assert same.compared is not None
    assert (same.compared.difference, same.compared.p) == (0.0, 1.0)
    assert found.predictions.sha256 != found.compared.other.sha256


AVA = "v,0902,0.1,0.1,0.5,0.5,{action},0\nv,0903,0.1,0.1,0.5,0.5,{action},0\n"


def test_excluded_key_frames_and_those_that_nobody_annotated(tmp_path: Path) -> None:
    truth, results = tmp_path / "gt.csv", tmp_path / "r.csv"
    truth.write_text(AVA.format(action=9))
    results.write_text(
        "v,902,0.1,0.1,0.5,0.5,9,0.5\nv,1500,0.1,0.1,0.5,0.5,9,0.9\nv,902,0.1,0.1,0.5,0.5,2,0.9\n"
        "v,903,0.5,0.1,0.1,0.5,9,0.8\n"
    )
    excluded = tmp_path / "excluded.csv"
    excluded.write_text("v,0903\nw,0001\n")
    found = score(results, truth, QUICK._replace(exclude=excluded))
    assert found.value == 0.5  # after the false one of second 1500
    assert found.notes[0].startswith("key frames of results that the annotations haven't")
    assert "60 of 80 classes are scored" in found.notes[1]
    assert found.notes[2] == "detections of classes that aren't scored: 1"
    assert found.notes[3] == "detections in key frames that are left out: 1"


def test_a_class_that_ava_has_not_is_refused(tmp_path: Path) -> None:
    truth, results = tmp_path / "gt.csv", tmp_path / "r.csv"
    truth.write_text(AVA.format(action=9))
    results.write_text("v,902,0.1,0.1,0.5,0.5,81,0.5\n")
    with pytest.raises(KinobenchError, match="the results have class 81, and the annotations 80"):
        score(results, truth, QUICK)


def _tube(first: int, last: int, *box: float) -> np.ndarray:
    return np.array([[number, *box] for number in range(first, last + 1)], np.float64)


def test_tubes_of_multisports_are_scored_by_their_rule(tmp_path: Path) -> None:
    truth = tube_annotations(tmp_path)
    found = score(
        pickled(
            tmp_path,
            "r.pkl",
            {
                0: [("sport/v_a", 0.9, _tube(3, 8, 10, 10, 30, 40))],
                1: [("sport/v_b.mp4", 0.5, _tube(1, 10, 0, 0, 9, 9))],
                2: [("sport/v_a", 0.5, _tube(1, 10, 0, 0, 9, 9))],
            },
        ),
        truth,
        Asked(draws=50),
    )
    assert (found.rule, found.metric, found.value) == ("multisports", "video mAP", 0.5)
    assert values(found)["0.2"] == 0.5
    assert {each.rule: each.own for each in found.rules}.keys() == {
        "ucf101-24",
        "ucf101-24-gurkirt",
        "multisports",
    }
    assert any("2 of 3 classes are scored" in each for each in found.notes)
    assert any("ids that differ" in each for each in found.notes)


def test_boxes_of_multisports_number_the_videos_of_its_list(tmp_path: Path) -> None:
    truth = tube_annotations(tmp_path)  # the list begins with v_b
    rows = [[1, frame, 0, 0.9, 10, 10, 30, 40] for frame in range(3, 9)]
    rows += [[0, frame, 1, 0.9, 40 + frame, 10, 60 + frame, 40] for frame in range(1, 11)]
    found = score(pickled(tmp_path, "r.pkl", np.array(rows, float)), truth, Asked(draws=50))
    assert (found.metric, found.value) == ("frame mAP", 1.0)
    # Trap: a detection in a frame without a true box is a false positive, but for mmaction2.
    rows.insert(0, [1, 15, 0, 0.95, 10, 10, 30, 40])
    found = score(pickled(tmp_path, "r.pkl", np.array(rows, float)), truth, Asked(draws=0))
    assert found.value is not None
    assert found.value < 1
    own = {each.rule: each.own for each in found.rules}
    assert own.pop("ava-mmaction2") == 1
    assert all(each is not None and each < 1 for each in own.values())
    with pytest.raises(KinobenchError, match="the results have video 2, and the subset"):
        score(pickled(tmp_path, "r.pkl", np.array([[2, *rows[0][1:]]], float)), truth, QUICK)


def test_tubes_in_shares_of_the_frame_are_refused(tmp_path: Path) -> None:
    truth = tube_annotations(tmp_path)
    results = pickled(tmp_path, "r.pkl", {0: [("sport/v_a", 0.9, _tube(3, 8, 0.1, 0.1, 0.3, 0.4))]})
    with pytest.raises(KinobenchError, match="they are shares of the frame, and tubes are in pix"):
        score(results, truth, QUICK)


def test_files_of_two_kinds_are_refused(tmp_path: Path) -> None:
    truth = tube_annotations(tmp_path)
    results = event_results(tmp_path, {"a": [("A", 0, 1, 0.5)]}, "r.json")
    with pytest.raises(KinobenchError, match="the results are segments in time, and the annot"):
        score(results, truth, QUICK)


def test_no_score_depends_on_the_order_of_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"v{n}" for n in range(6)]
    truth = event_annotations(
        tmp_path, {name: [(f"c{n % 2}", 5 * n, 5 * n + 4) for n in range(4)] for name in names}
    )
    spans = [
        (str(rng.choice(names)), f"c{rng.integers(2)}", *(float(t), float(t + rng.integers(1, 6))))
        for t in rng.integers(0, 20, 120)
    ]
    scored = []
    for order in (range(120), reversed(range(120)), rng.permutation(120)):
        videos: dict[str, list[tuple[str, float, float, float]]] = {}
        for place in order:
            video, label, a, b = spans[place]
            videos.setdefault(video, []).append((label, a, b, 0.5))
        found = score(event_results(tmp_path, videos, "r.json"), truth, Asked(draws=20))
        scored.append((found.value, found.interval, [each.own for each in found.rules]))
    assert scored[0] == scored[1] == scored[2]


def test_false_positives_and_lengths_of_localization(tmp_path: Path) -> None:
    truth = event_annotations(tmp_path, {"a": [("A", 0, 10), ("B", 70, 105)]})
    spans = [
        ("A", 0.0, 10.0, 0.9),
        ("A", 0.0, 9.0, 0.8),  # double
        ("A", 0.0, 4.0, 0.7),  # localization: 0.4
        ("A", 50.0, 60.0, 0.6),  # background
        ("B", 0.0, 10.0, 0.9),  # wrong label
        ("B", 0.0, 4.0, 0.8),  # confusion
    ]
    found = score(event_results(tmp_path, {"a": spans}, "r.json"), truth, QUICK)
    assert {each.kind: each.count for each in found.errors} == {
        "double detection": 1,
        "wrong label": 1,
        "localization": 1,
        "confusion": 1,
        "background": 1,
    }
    assert {each.share for each in found.errors} == {1 / 6}
    assert found.errors_at == "0.5"
    by_length = {each.name: (each.instances, each.found, each.value) for each in found.groups}
    assert by_length["XS, up to 30 s"] == (1, 1.0, 1.0)
    assert by_length["S, up to 60 s"] == (1, 0.0, 0.0)
    assert by_length["XL, over 180 s"] == (0, None, None)


def test_false_positives_and_sizes_of_detection(tmp_path: Path) -> None:
    truth, results = tmp_path / "gt.csv", tmp_path / "r.csv"
    truth.write_text("v,902,0.1,0.1,0.5,0.5,9,0\nv,902,0.6,0.6,0.7,0.7,9,1\n")
    results.write_text(
        "v,902,0.1,0.1,0.5,0.5,9,0.9\nv,902,0.1,0.1,0.5,0.5,9,0.8\nv,902,0.8,0.1,0.9,0.2,9,0.7\n"
    )
    found = score(results, truth, QUICK)
    counts = {each.kind: each.count for each in found.errors}
    assert (counts["double detection"], counts["background"], sum(counts.values())) == (1, 1, 2)
    sizes = {each.name: (each.instances, each.found) for each in found.groups}
    assert sizes == {"small": (1, 0.0), "medium": (1, 1.0), "large": (0, None)}


def test_proposals_have_no_labels_and_a_rule_of_their_own(tmp_path: Path) -> None:
    """100 proposals of each of two videos; the 1st and the 50th are right: AR is 1/2, then 1."""
    truth = event_annotations(tmp_path, {name: [("A", 0, 10), ("B", 20, 30)] for name in "ab"})
    spans = [[0, 10] if n == 0 else [20, 30] if n == 49 else [90, 91] for n in range(100)]
    entries = [{"score": 1 - n / 100, "segment": span} for n, span in enumerate(spans)]
    results = tmp_path / "proposals.json"
    results.write_text(json.dumps({"results": {"a": entries, "b": entries}}))
    found = score(results, truth, Asked(rule="ar@an"))
    assert found.metric == "area under AR@AN"
    assert values(found) == {"1": 0.5, "5": 0.5, "10": 0.5, "50": 1.0, "100": 1.0}
    # Trapezoids from 1 to 100 proposals: 48 of 1/2, one that rises, 50 of 1; over 100.
    assert found.value == pytest.approx((48 * 0.5 + 0.75 + 50) / 100)
    assert (found.interval, found.rules, found.draws) == (None, (), 0)
    with pytest.raises(KinobenchError, match="if they are proposals, --rule ar@an scores them"):
        score(results, truth, QUICK)
    with pytest.raises(KinobenchError, match="AR@AN has no interval"):
        score(results, truth, Asked(rule="ar@an"), other=results)
