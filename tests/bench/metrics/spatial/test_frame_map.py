"""Frame mAP: reference values, by hand, and against the definition."""

import csv
import math

import numpy as np
import pytest
from msgspec.structs import replace

from kinobench.bench.metrics.bootstrap import drawn_videos
from kinobench.bench.metrics.instances import Boxes
from kinobench.bench.metrics.spatial import assignment, drawn_means
from kinobench.bench.metrics.spatial.box_matching import LeftOut, match_boxes
from kinobench.bench.metrics.spatial.class_means import class_intervals
from kinobench.bench.metrics.spatial.frame_map import BoxScores, ranked_boxes, score_boxes
from kinobench.bench.metrics.spatial.rules import FRAME_RULES, FrameRule, frame_rule
from kinobench.datasets.errors import KinobenchError

from ....fakes.media import SHARED
from ....fakes.plain_detection import PlainBox, boxes_of, plain_frame_precisions

AVA = FRAME_RULES["ava"]
A = (0.0, 0.0, 10.0, 10.0)
SHIFTED = (2.5, 0.0, 12.5, 10.0)  # overlaps A by 7.5 / 12.5 = 0.6
HALF = (0.0, 0.0, 10.0, 5.0)  # overlaps A by exactly 0.5
FAR = (50.0, 50.0, 60.0, 60.0)


def score(
    truth: list[PlainBox],
    found: list[PlainBox],
    rule: FrameRule = AVA,
    *,
    frames: int = 4,
    classes: int = 1,
    **more: object,
) -> BoxScores:
    return score_boxes(
        boxes_of(truth),
        boxes_of(found, scored=True),
        frames=frames,
        classes=classes,
        rule=rule,
        **more,  # type: ignore[arg-type]
    )


def one(frame: int, box: tuple, confidence: float = 0.0, label: int = 0) -> PlainBox:
    return PlainBox(frame, label, box, confidence)


# Reference values


def _csv(name: str) -> list[list[str]]:
    path = SHARED / "eval_fixtures" / name
    if not path.is_file():
        pytest.skip(f"{path} is missing")
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("rule", "precisions"),
    [
        (AVA, [0.1704545, 0, 0.1111111]),
        (frame_rule("ava-mmaction2"), [0.1704545, 0, 0.1111111]),
        (frame_rule("ava-pyslowfast"), [0.1704545, 0, 0.1111111]),
        (AVA.with_cap(5), [0.125, 0, 0.0666667]),
    ],
)
def test_the_small_files_of_mmaction2_score_what_they_must(
    rule: FrameRule, precisions: list[float]
) -> None:
    true, found = _csv("eval_detection_gt.csv"), _csv("eval_detection_pred.csv")
    keys = sorted({(row[0], row[1]) for row in true + found})

    def rows(lines: list[list[str]]) -> list[PlainBox]:
        return [
            PlainBox(
                keys.index((line[0], line[1])),
                int(line[6]) - 1,
                tuple(map(float, line[2:6])),  # type: ignore[arg-type]
                float(line[7]),
            )
            for line in lines
        ]

    scores = score(rows(true), rows(found), rule, frames=3, classes=3)
    assert scores.map is not None
    if rule.cap == 5:
        assert round(scores.map, 7) == 0.0638889
        assert scores.left_out.capped == 15
    else:
        assert round(scores.map, 8) == 0.09385522
    assert scores.by_class.precision[0].round(7).tolist() == precisions
    assert scores.by_class.truths.tolist() == [4, 3, 5]
    assert scores.by_class.detections.sum() == (15 if rule.cap == 5 else 30)


# By hand


def test_a_precision_by_hand_interpolated_and_not() -> None:
    truth = [one(0, A), one(1, A)]
    found = [one(0, A, 0.9), one(2, A, 0.8), one(1, A, 0.7)]
    # Precisions 1, 1/2, 2/3 at recalls 1/2, 1/2, 1.
    assert score(truth, found).map == pytest.approx(1 / 2 + 1 / 3)
    assert score(truth, found, frame_rule("frame")).map == pytest.approx(1 / 2 + 7 / 24)
    scores = score(truth, found)
    assert scores.rule == "ava"
    assert scores.by_class.hits.tolist() == [[2]]
    assert scores.by_class.thresholds == (0.5,)
    assert scores.interval is None, "no videos were given"


def test_an_overlap_of_just_the_threshold_is_a_hit() -> None:
    assert score([one(0, A)], [one(0, HALF, 0.5)]).map == 1
    strict = replace(AVA, strict=True)
    assert score([one(0, A)], [one(0, HALF, 0.5)], strict).map == 0


def test_a_box_twice_is_a_hit_once() -> None:
    found = [one(0, A, 0.9), one(0, A, 0.9), one(1, A, 0.8)]
    assert score([one(0, A), one(1, A)], found).map == pytest.approx((1 + 2 / 3) / 2)


def test_a_prediction_whose_best_box_is_taken_is_false_for_ava_but_takes_the_next_for_act() -> None:
    # Both predictions overlap A most; the second also overlaps SHIFTED by 0.6.
    truth, found = [one(0, A), one(0, SHIFTED)], [one(0, A, 0.9), one(0, A, 0.8)]
    assert score(truth, found).map == 1 / 2
    assert score(truth, found, frame_rule("multisports")).map == 1 / 2
    assert score(truth, found, frame_rule("frame")).map == 1


def test_a_pixel_more_makes_a_hit() -> None:
    truth, found = [one(0, (0, 0, 3, 3))], [one(0, (0, 0, 3, 1), 0.9)]  # 3 / 9, or 8 / 16 pixels
    assert score(truth, found, frame_rule("frame")).map == 0
    assert score(truth, found, frame_rule("ucf101-24")).map == 1


def test_classes_do_not_hit_each_other_and_one_without_truth_is_left_out_of_the_mean() -> None:
    truth = [one(0, A, label=0), one(0, A, label=1)]
    found = [one(0, A, 0.9, label=0), one(0, A, 0.8, label=2)]
    scores = score(truth, found, classes=3)
    np.testing.assert_array_equal(scores.by_class.precision, [[1, 0, np.nan]])
    assert scores.map == 1 / 2
    assert score([], found, classes=3).map is None
    assert score(truth, [], classes=3).map == 0


def test_unscored_classes_and_excluded_frames_do_not_count() -> None:
    truth = [one(0, A, label=0), one(0, A, label=1), one(1, A, label=0)]
    found = [one(0, A, 0.9, label=0), one(0, FAR, 0.8, label=1), one(1, FAR, 0.95, label=0)]
    scores = score(truth, found, classes=2, scored={0}, excluded=[1])
    np.testing.assert_array_equal(scores.by_class.precision, [[1, np.nan]])
    assert scores.left_out == LeftOut(unscored=1, excluded=1)
    assert scores.by_class.truths.tolist() == [1, 0]


def test_boxes_without_area_are_left_out_after_the_cap_for_ava_and_false_for_mmaction2() -> None:
    line, exchanged = (3.0, 0.0, 3.0, 10.0), (9.0, 0.0, 1.0, 10.0)
    found = [one(0, line, 0.9), one(0, exchanged, 0.9), one(0, A, 0.5)]
    scores = score([one(0, A)], found)
    assert (scores.map, scores.left_out.flat) == (1, 2)
    assert score([one(0, A)], found, AVA.with_cap(2)).map == 0, "they took the places"
    assert score([one(0, A)], found[::2], frame_rule("ava-mmaction2")).map == 1 / 2
    with pytest.raises(KinobenchError, match=r"predicted box 1 is \[9.0, 0.0, 1.0, 10.0\]"):
        score([one(0, A)], found, frame_rule("ava-mmaction2"))


# Traps


def test_trap_5_ava_has_a_cap_of_50_a_frame_that_two_other_harnesses_lack() -> None:
    crowd = [one(0, FAR, 0.9, label=1) for _ in range(50)]
    truth, found = [one(0, A), one(1, A)], [*crowd, one(0, A, 0.8), one(1, A, 0.7)]
    capped = score(truth, found, classes=2)
    assert capped.left_out.capped == 1, "over all classes: the other class took the places"
    assert capped.map == 1 / 2
    for name in ("ava-mmaction2", "ava-pyslowfast"):
        assert score(truth, found, frame_rule(name), classes=2).map == 1
    assert score(truth, found, classes=2, scored=[0]).map == 1, "the unscored take no places"
    assert score(truth, found, AVA.with_cap(None), classes=2).map == 1


def test_trap_5_mmaction2_rounds_and_leaves_out_classes_without_detections() -> None:
    truth = [one(0, A), one(0, A, label=1)]
    found = [one(0, A, 0.12341), one(0, FAR, 0.12344)]
    rule = frame_rule("ava-mmaction2")
    assert score(truth, found, classes=2).map == pytest.approx((1 / 2 + 0) / 2)
    scores = score(truth, found, rule, classes=2)
    assert scores.map == 1, "the scores are tied once rounded, and A comes before FAR"
    assert math.isnan(scores.by_class.precision[0, 1])
    almost = (0.0, 0.0, 10.0, 4.99996)
    assert score(truth, [one(0, almost, 0.9)], classes=2).map == 0
    assert score(truth, [one(0, almost, 0.9)], rule, classes=2).map == 1


def test_trap_7_frames_without_truth_count() -> None:
    truth, found = [one(0, A)], [one(0, A, 0.5), one(1, A, 0.9)]
    for name in ("ava", "ava-pyslowfast", "multisports"):
        assert score(truth, found, frame_rule(name)).map == 1 / 2
    for name in ("frame", "ucf101-24"):  # precisions 1, 0 and 1/2 at recalls 0, 0 and 1
        assert score(truth, found, frame_rule(name)).map == 1 / 4
    scores = score(truth, found, frame_rule("ava-mmaction2"))
    assert (scores.map, scores.left_out.empty) == (1, 1)


# Against the definition


def _problem(seed: int, rule: FrameRule) -> tuple[list[PlainBox], list[PlainBox]]:
    """Return boxes on a coarse grid with few scores, so that nearly everything is tied."""
    generator = np.random.default_rng(seed)

    def rows(count: int, flat: bool) -> list[PlainBox]:
        made = []
        for _ in range(count):
            x1, y1 = generator.integers(0, 2, 2)
            width, height = generator.integers(2, 4, 2) * (not flat or generator.random() < 0.9)
            box = (float(x1), float(y1), float(x1 + width), float(y1 + height))
            if flat and not rule.flat_counts and generator.random() < 0.1:
                box = (box[2], box[1], box[0], box[3])
            confidence = float(generator.choice([0.2, 0.4, 0.6]))
            made.append(
                PlainBox(
                    int(generator.integers(0, 4)), int(generator.integers(0, 4)), box, confidence
                )
            )
        return made

    return rows(int(generator.integers(0, 30)), False), rows(int(generator.integers(0, 50)), True)


RULES = [*FRAME_RULES.values(), AVA.with_cap(3), replace(AVA, name="strict", strict=True)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_300_problems_with_many_ties_score_what_the_definition_gives(
    rule: FrameRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "_PAIRS_AT_ONCE", 7)
    scored, excluded = {0, 1, 3}, {3}
    different = 0
    for seed in range(300):
        truth, found = _problem(seed, rule)
        scores = score(truth, found, rule, classes=4, scored=scored, excluded=excluded)
        wanted = plain_frame_precisions(
            truth, found, rule, classes=4, scored=scored, excluded=excluded
        )
        np.testing.assert_allclose(scores.by_class.precision[0], wanted, rtol=1e-12)
        known = [each for each in wanted if not math.isnan(each)]
        assert scores.map == (pytest.approx(np.mean(known)) if known else None)
        different += any(0 < each < 1 for each in known)
    assert different > 100, "problems that say nothing test nothing"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_order_of_rows_never_changes_a_score(rule: FrameRule) -> None:
    generator = np.random.default_rng(0)
    for seed in range(30):
        truth, found = _problem(seed, rule)
        first = score(truth, found, rule, classes=4, video_of_frame=np.array([0, 0, 1, 2]))
        for rows in (truth, found):
            generator.shuffle(rows)  # type: ignore[arg-type]
        second = score(truth, found, rule, classes=4, video_of_frame=np.array([0, 0, 1, 2]))
        assert (first.map, first.interval) == (second.map, second.interval)
        np.testing.assert_array_equal(first.by_class.precision, second.by_class.precision)
        assert first.left_out == second.left_out


# The interval


@pytest.mark.parametrize("at_once", [10, 2**16])
@pytest.mark.parametrize("name", ["ava", "frame", "ava-mmaction2"])
def test_a_draw_is_the_score_of_a_dataset_in_which_videos_stand_twice_or_not_at_all(
    name: str,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawn_means, "_VALUES_AT_ONCE", at_once)
    generator = np.random.default_rng(5)
    rule, video_of_frame = frame_rule(name), np.array([0, 0, 1, 2, 2, 3])

    def rows(count: int) -> list[PlainBox]:
        confidences = generator.permutation(count) / count  # no ties
        return [
            PlainBox(
                int(generator.integers(0, 6)),
                int(generator.integers(0, 2)),
                (float(x), 0.0, float(x) + 4, 4.0),
                float(confidence),
            )
            for x, confidence in zip(generator.integers(0, 5, count), confidences, strict=True)
        ]

    truth, found = rows(15), rows(40)
    scores = score(truth, found, rule, frames=6, classes=2, video_of_frame=video_of_frame, draws=40)
    draws = scores.means["0.5"].draws
    assert draws is not None and len(draws) == 40
    assert scores.interval is not None
    low, high = scores.interval
    assert scores.map is not None and 0 <= low < scores.map < high <= 1
    for weights, value in zip(drawn_videos(4, draws=40).T, draws, strict=True):
        copies = weights[video_of_frame]
        first = np.cumsum(copies) - copies
        doubled = [
            [
                row._replace(frame=int(first[row.frame]) + copy)
                for row in some
                for copy in range(copies[row.frame])
            ]
            for some in (truth, found)
        ]
        whole = score(*doubled, rule, frames=int(copies.sum()), classes=2)
        assert value == pytest.approx(whole.map, abs=1e-12)


def test_one_video_has_no_interval() -> None:
    scores = score([one(0, A)], [one(0, FAR, 0.5)], video_of_frame=np.zeros(4, int))
    assert scores.interval is None


# Rules and bad input


def test_a_rule_with_another_cap_says_so_in_its_name() -> None:
    assert AVA.with_cap(5).name == "ava, a cap of 5"
    assert AVA.with_cap(None).name == "ava, no cap"
    assert AVA.with_cap(50) is AVA
    with pytest.raises(KinobenchError, match="a cap of 0 detections"):
        AVA.with_cap(0)
    with pytest.raises(KinobenchError, match=r"no rule of frame mAP is named 'avа'.*ava"):
        frame_rule("avа")


def test_shares_of_the_frame_are_refused_by_a_rule_of_pixels() -> None:
    with pytest.raises(KinobenchError, match="give boxes in pixels"):
        score([one(0, (0.1, 0.1, 0.9, 1.0))], [], frame_rule("ucf101-24"))


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        ([one(4, A)], [], "true box 0 is of frame 4: there are 4, from 0"),
        ([one(0, A, label=1)], [], "true box 0 is of class 1: there are 1, from 0"),
        ([], [one(0, A, 0.5), one(-1, A, 0.5)], "predicted box 1 is of frame -1"),
        ([one(0, (5, 0, 1, 1))], [], r"true box 0 is \[5.0, 0.0, 1.0, 1.0\]"),
        ([], [one(0, (0, 0, math.nan, 1), 0.5)], "predicted box 0 is .*nan"),
        ([], [one(0, A, math.nan)], "predicted box 0 has the score nan"),
    ],
)
def test_bad_input_is_quoted(truth: list[PlainBox], found: list[PlainBox], message: str) -> None:
    with pytest.raises(KinobenchError, match=message):
        score(truth, found)


def test_more_bad_input_is_quoted() -> None:
    with pytest.raises(KinobenchError, match="scored class 7"):
        score([], [], scored=[7])
    with pytest.raises(KinobenchError, match="excluded frame 4"):
        score([], [], excluded=[4])
    with pytest.raises(KinobenchError, match="3 numbers for 4 frames"):
        score([], [], video_of_frame=np.zeros(3, int))
    with pytest.raises(KinobenchError, match="no scores"):
        boxes = boxes_of([one(0, A)])
        score_boxes(boxes, boxes, frames=1, classes=1, rule=AVA)
    with pytest.raises(KinobenchError, match="differ in length"):
        bad = Boxes(np.zeros(2, int), np.zeros(1, int), np.zeros((2, 4)))
        score_boxes(bad, boxes_of([], scored=True), frames=1, classes=1, rule=AVA)


def test_the_interval_of_a_class_is_that_of_the_class_alone() -> None:
    generator = np.random.default_rng(0)
    corners = generator.uniform(0, 20, (40, 2)).round()
    truth = [
        one(n // 2, (*corner, *(corner + 10)), label=n % 2) for n, corner in enumerate(corners)
    ]
    shifted = [
        each._replace(box=tuple(np.add(each.box, (shift, 0, shift, 0))), score=float(shift % 1))
        for each, shift in zip(truth, generator.uniform(0, 6, 40), strict=True)
    ]
    video = np.arange(20) // 2
    given = {"frames": 20, "classes": 3, "rule": AVA}
    matched = match_boxes(boxes_of(truth), boxes_of(shifted, scored=True), **given)
    ranked = ranked_boxes(matched, video)
    scores = score_boxes(
        boxes_of(truth), boxes_of(shifted, scored=True), **given, video_of_frame=video
    )
    found = class_intervals(ranked, scores.by_class, area=AVA.area)
    assert sorted(found) == [0, 1], "class 2 has no box"
    for label, interval in found.items():
        alone = score(truth, shifted, **given, scored=[label], video_of_frame=video)
        assert interval is not None and interval == pytest.approx(alone.interval)
