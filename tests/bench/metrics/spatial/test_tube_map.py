"""Video mAP: by hand, and against the definition."""

import math

import numpy as np
import pytest

from kinobench.bench.metrics.bootstrap import drawn_videos
from kinobench.bench.metrics.instances import Tubes
from kinobench.bench.metrics.spatial import drawn_means
from kinobench.bench.metrics.spatial.frame_map import score_boxes
from kinobench.bench.metrics.spatial.inputs import boxes_of_tubes, tube_scores
from kinobench.bench.metrics.spatial.rules import TUBE_RULES, TubeRule, frame_rule, tube_rule
from kinobench.bench.metrics.spatial.tube_map import TubeScores, score_tubes
from kinobench.datasets.errors import KinobenchError

from ....fakes.plain_detection import (
    PlainTube,
    plain_tube_precisions,
    tubes_of,
)

ACT, GURKIRT, MULTISPORTS = (
    TUBE_RULES[name] for name in ("ucf101-24", "ucf101-24-gurkirt", "multisports")
)
SQUARE = (0.0, 0.0, 9.0, 9.0)


def tube(
    video: int, frames: range, confidence: float = 0.0, *, label: int = 0, box: tuple = SQUARE
) -> PlainTube:
    return PlainTube(video, label, tuple((frame, box) for frame in frames), confidence)


def score(
    truth: list[PlainTube],
    found: list[PlainTube],
    rule: TubeRule = ACT,
    *,
    videos: int = 2,
    classes: int = 1,
    **more: object,
) -> TubeScores:
    return score_tubes(
        tubes_of(truth),
        tubes_of(found, scored=True),
        videos=videos,
        classes=classes,
        rule=rule,
        **more,  # type: ignore[arg-type]
    )


def maps(scores: TubeScores) -> dict[str, float | None]:
    return {name: each.map for name, each in scores.means.items()}


# By hand


def test_thresholds_and_averages_by_hand() -> None:
    # 7 of 10 frames: an overlap of 0.7 for ACT, of 6 / 9 for MultiSports.
    truth, found = [tube(0, range(10))], [tube(0, range(7), 0.9)]
    scores = score(truth, found)
    assert scores.rule == "ucf101-24"
    assert maps(scores) == pytest.approx({"0.2": 1, "0.5": 1, "0.75": 0, "0.5:0.95": 5 / 10})
    assert scores.map == 1
    assert maps(score(truth, found, MULTISPORTS)) == pytest.approx(
        {"0.2": 1, "0.5": 1, "0.05:0.45": 1, "0.1:0.9": 6 / 9, "0.5:0.95": 4 / 10}
    )


def test_each_rule_has_the_thresholds_of_its_script() -> None:
    scores = score([tube(0, range(9))], [], MULTISPORTS)
    every = {0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75}
    every |= {0.8, 0.85, 0.9, 0.95}
    assert set(scores.by_class.thresholds) == every
    for rule in (ACT, GURKIRT):
        scores = score([tube(0, range(9))], [], rule)
        assert set(scores.by_class.thresholds) == {0.2, *(each for each in every if each >= 0.5)}


def test_gurkirt_asks_for_more_than_the_threshold() -> None:
    truth, found = [tube(0, range(10))], [tube(0, range(5), 0.9)]
    assert (score(truth, found).map, score(truth, found, GURKIRT).map) == (1, 0)
    longer = [tube(0, range(6), 0.9)]
    assert score(truth, longer, GURKIRT).map == 1


def test_the_areas_differ() -> None:
    truth = [tube(0, range(10)), tube(1, range(10))]
    found = [tube(0, range(10), 0.9), tube(0, range(50, 60), 0.8), tube(1, range(10), 0.7)]
    assert score(truth, found).map == pytest.approx(1 / 2 + 7 / 24)
    assert score(truth, found, GURKIRT).map == pytest.approx(1 / 2 + 1 / 3)
    assert score(truth, found, MULTISPORTS).map == pytest.approx(1 / 2 + 1 / 3)


def test_a_tube_whose_best_is_taken_takes_the_next_of_ucf101_24_but_none_of_multisports() -> None:
    truth = [tube(0, range(10)), tube(0, range(2, 12))]
    found = [tube(0, range(10), 0.9), tube(0, range(10), 0.8)]
    assert score(truth, found).map == 1
    assert score(truth, found, GURKIRT).map == 1
    assert score(truth, found, MULTISPORTS).map == 1 / 2


def test_a_class_without_truth_is_a_zero_for_gurkirt_alone() -> None:
    truth, found = [tube(0, range(9))], [tube(0, range(9), 0.9), tube(0, range(9), 0.8, label=1)]
    assert score(truth, found, GURKIRT, classes=3).map == pytest.approx(1 / 3)
    assert score(truth, found, GURKIRT, classes=3, scored=[0, 1]).map == 1 / 2
    assert score(truth, found, ACT, classes=3).map == 1
    assert score(truth, found, MULTISPORTS, classes=3).map == 1


def test_the_six_classes_that_multisports_does_not_score_are_left_out() -> None:
    truth = [tube(0, range(9), label=label) for label in range(66)]
    found = [tube(0, range(9), 0.5, label=label) for label in range(60)]
    assert score(truth, found, MULTISPORTS, classes=66).map == pytest.approx(60 / 66)
    scores = score(truth, found[1:], MULTISPORTS, classes=66, scored=range(60))
    assert scores.map == pytest.approx(59 / 60)
    assert int((~np.isnan(scores.by_class.precision[0])).sum()) == 60
    assert score(truth, found, MULTISPORTS, classes=66, scored=range(6, 66)).unscored == 6


def test_tubes_with_gaps_and_tubes_of_one_frame() -> None:
    whole, single = [tube(0, range(10))], [tube(0, range(3, 4))]
    ends = [PlainTube(0, 0, ((0, SQUARE), (9, SQUARE)), 0.9)]
    assert score(whole, ends).map == 0, "two frames of ten, though at both ends"
    odd = [PlainTube(0, 0, tuple((frame, SQUARE) for frame in range(10) if frame != 4), 0.9)]
    assert maps(score(whole, odd))["0.75"] == 1
    same = [tube(0, range(3, 4), 0.9)]
    assert score(single, same).map == 1
    assert score(single, same, GURKIRT).map == 0
    assert score(single, same, MULTISPORTS).map == 0


# Traps


def test_trap_6_act_adds_one_to_frames_and_pixels_and_multisports_does_not() -> None:
    # 5 of 10 frames: 5 / 10, or 4 / 9.
    truth, found = [tube(0, range(10))], [tube(0, range(5), 0.9)]
    assert (score(truth, found).map, score(truth, found, MULTISPORTS).map) == (1, 0)
    # 5 of 10 rows of pixels, or 4 of 9 between lines.
    found = [tube(0, range(10), 0.9, box=(0, 0, 9, 4))]
    assert (score(truth, found).map, score(truth, found, MULTISPORTS).map) == (1, 0)


def test_trap_6_each_box_has_its_own_score() -> None:
    # A tube's score is the mean of its own boxes', not the last one of the video for all.
    found = tubes_of([tube(0, range(2)), tube(0, range(4, 5)), tube(1, range(3))])
    box_score = np.array([0.9, 0.7, 0.1, 0.3, 0.4, 0.2])
    found = found._replace(box_score=box_score)
    assert tube_scores(found) == pytest.approx([0.8, 0.1, 0.3])
    assert tube_scores(found._replace(score=np.array([0.5, 0.4, 0.3]))).tolist() == [0.5, 0.4, 0.3]
    boxes = boxes_of_tubes(found, np.array([0, 10, 13]))
    assert boxes.frame.tolist() == [0, 1, 4, 10, 11, 12]
    assert boxes.score is box_score
    own = boxes_of_tubes(
        found._replace(box_score=None, score=np.array([3.0, 2, 1])), np.array([0, 5, 8])
    )
    assert own.score is not None and own.score.tolist() == [3, 3, 2, 1, 1, 1]
    truth = tubes_of([tube(0, range(2)), tube(1, range(3))])
    scores = score_tubes(truth, found, videos=2, classes=1, rule=MULTISPORTS, draws=0)
    assert scores.map == 1, "the false tube comes last, by its own 0.1"


def test_the_frame_map_of_tubes_counts_frames_without_truth() -> None:
    truth, first_frame = tubes_of([tube(0, range(2, 4))]), np.array([0, 10, 15])
    found = tubes_of([tube(0, range(4), 0.9)], scored=True)
    boxes = [boxes_of_tubes(each, first_frame) for each in (truth, found)]
    scores = score_boxes(*boxes, frames=15, classes=1, rule=frame_rule("multisports"))
    # The four are tied and stand by their frame: two false ones, then precisions of 1/3 and 1/2.
    assert scores.map == pytest.approx(1 / 2)
    assert scores.by_class.detections.tolist() == [4]
    with pytest.raises(KinobenchError, match="frame 3 of video 0, which has 3 frames"):
        boxes_of_tubes(found, np.array([0, 3, 15]))


# Against the definition


def _problem(seed: int) -> tuple[list[PlainTube], list[PlainTube]]:
    generator = np.random.default_rng(seed)

    def rows(count: int) -> list[PlainTube]:
        made = []
        for _ in range(count):
            first, length = generator.integers(0, 3), generator.choice([1, 2, 3, 5])
            frames = range(first, first + length)
            if length == 5 and generator.random() < 0.3:
                frames = [*frames[:2], *frames[3:]]  # type: ignore[assignment]
            x, width = generator.integers(0, 2), generator.integers(2, 4)
            boxes = tuple((frame, (float(x), 0.0, float(x + width), 3.0)) for frame in frames)
            labels = generator.integers(0, 2, 2)
            confidence = float(generator.choice([0.2, 0.4, 0.6]))
            made.append(PlainTube(int(labels[0]), int(labels[1]) * 2, boxes, confidence))
        return made

    return rows(int(generator.integers(0, 15))), rows(int(generator.integers(0, 25)))


@pytest.mark.parametrize("rule", TUBE_RULES.values(), ids=lambda rule: rule.name)
def test_300_problems_with_many_ties_score_what_the_definition_gives(rule: TubeRule) -> None:
    different = 0
    for seed in range(300):
        truth, found = _problem(seed)
        scores = score(truth, found, rule, classes=4, scored=[0, 1, 2], draws=0)
        table = scores.by_class
        for number in (seed % len(table.thresholds), table.thresholds.index(0.5)):
            wanted = plain_tube_precisions(
                truth, found, rule, table.thresholds[number], classes=4, scored=[0, 1, 2]
            )
            np.testing.assert_allclose(table.precision[number], wanted, rtol=1e-12)
        known = [each for each in wanted if not math.isnan(each)]
        assert scores.map == (pytest.approx(np.mean(known)) if known else None)
        different += any(0 < each < 1 for each in known)
    assert different > 100, "problems that say nothing test nothing"


@pytest.mark.parametrize("rule", TUBE_RULES.values(), ids=lambda rule: rule.name)
def test_the_order_of_rows_never_changes_a_score(rule: TubeRule) -> None:
    generator = np.random.default_rng(0)
    for seed in range(30):
        truth, found = _problem(seed)
        first = score(truth, found, rule, classes=4)
        for rows in (truth, found):
            generator.shuffle(rows)  # type: ignore[arg-type]
        second = score(truth, found, rule, classes=4)
        assert maps(first) == maps(second)
        assert first.interval == second.interval
        np.testing.assert_array_equal(first.by_class.precision, second.by_class.precision)


@pytest.mark.parametrize("at_once", [10, 2**16])
@pytest.mark.parametrize("rule", TUBE_RULES.values(), ids=lambda rule: rule.name)
def test_a_draw_is_the_score_of_a_dataset_in_which_videos_stand_twice_or_not_at_all(
    rule: TubeRule,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawn_means, "_VALUES_AT_ONCE", at_once)
    truth, found, videos = [], [], 6
    for video in range(videos):
        truth += [row._replace(video=video, label=row.label // 2) for row in _problem(video)[0]]
        found += [row._replace(video=video, label=row.label // 2) for row in _problem(video)[1]]
    found = [row._replace(score=0.37 * number % 1) for number, row in enumerate(found)]
    scores = score(truth, found, rule, videos=videos, classes=2, draws=20)
    for column, weights in enumerate(drawn_videos(videos, draws=20).T):
        first = np.cumsum(weights) - weights
        doubled = [
            [
                row._replace(video=int(first[row.video]) + copy)
                for row in some
                for copy in range(weights[row.video])
            ]
            for some in (truth, found)
        ]
        whole = score(*doubled, rule, videos=videos, classes=2, draws=0)
        for name, each in scores.means.items():
            assert each.draws is not None
            assert each.draws[column] == pytest.approx(whole.means[name].map, abs=1e-12)
    assert scores.map is not None and scores.interval is not None
    assert scores.interval[0] < scores.map < scores.interval[1]


# Bad input


def test_shares_of_the_frame_are_refused_by_a_rule_of_pixels() -> None:
    shares = [tube(0, range(4), box=(0.1, 0.1, 0.5, 1.0))]
    with pytest.raises(KinobenchError, match="give boxes in pixels"):
        score(shares, [])
    assert score(shares, [], MULTISPORTS).map == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"video": np.array([0, 2])}, "true tube 1 is of video 2: there are 2, from 0"),
        ({"label": np.array([0, 1])}, "true tube 1 is of class 1: there are 1, from 0"),
        ({"frame": np.array([0, 1, 5, 5])}, "true tube 1 has frame 5 as number 1: .*rising"),
        ({"frame": np.array([-1, 1, 5, 6])}, "true tube 0 has frame -1 as number 0"),
        ({"offset": np.array([0, 0, 4])}, "offsets of the true tubes don't part 4 boxes"),
        ({"offset": np.array([0, 2, 3])}, "offsets of the true tubes don't part 4 boxes"),
        ({"box": np.zeros((4, 3))}, r"the true boxes have the shape \(4, 3\)"),
        ({"score": np.array([0.5, math.inf])}, "true tube 1 has the score inf"),
        ({"label": np.zeros(3, int)}, "columns of the true tubes differ in length"),
    ],
)
def test_bad_input_is_quoted(changed: dict, message: str) -> None:
    good = tubes_of([tube(0, range(2)), tube(1, range(2))])
    found: Tubes = tubes_of([], scored=True)
    assert score_tubes(good, found, videos=2, classes=1, rule=ACT).map == 0
    with pytest.raises(KinobenchError, match=message):
        score_tubes(good._replace(**changed), found, videos=2, classes=1, rule=ACT)


def test_more_bad_input_is_quoted() -> None:
    tubes = tubes_of([tube(0, range(2))])
    with pytest.raises(KinobenchError, match="the predicted tubes have no scores"):
        score_tubes(tubes, tubes, videos=2, classes=1, rule=ACT)
    with pytest.raises(KinobenchError, match=r"no rule of video mAP is named 'multisport'"):
        tube_rule("multisport")
