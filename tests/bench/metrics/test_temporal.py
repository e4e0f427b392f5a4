"""Localization's mAP: other evaluators' values, brute force, invariants and bad input."""

import msgspec
import numpy as np
import pytest

from kinobench.bench.metrics.instances import Segments
from kinobench.bench.metrics.temporal import score_segments
from kinobench.bench.metrics.temporal_rules import TEMPORAL_RULES, TemporalRule
from kinobench.datasets.errors import KinobenchError

from ...fakes.segments import (
    detections,
    fixture_is_there,
    instances,
    mmaction_fixture,
    random_problem,
    slow_average_precision,
)

ACTIVITYNET, THUMOS14 = TEMPORAL_RULES["activitynet"], TEMPORAL_RULES["thumos14"]
PLAIN = msgspec.structs.replace(ACTIVITYNET, name="plain", interpolated=False)
ALONE = msgspec.structs.replace(ACTIVITYNET, name="alone", matching="best alone")

REFERENCE = [*[0.714286] * 3, *[0.6875] * 2, 0.597222, *[0.520833] * 3, 0.5]
"""mAP of mmaction2's fixture at each threshold, by its own test and by ActivityNet's code."""


@pytest.mark.skipif(not fixture_is_there(), reason="the shared fixtures are missing")
def test_the_values_of_mmaction2s_fixture() -> None:
    truth, found = mmaction_fixture()
    scores = score_segments(truth, found, videos=2, classes=2, rule=ACTIVITYNET)
    assert scores.by_threshold.round(6).tolist() == REFERENCE
    assert scores.average is not None
    assert round(scores.average, 7) == 0.6177579
    plain = score_segments(truth, found, videos=2, classes=2, rule=PLAIN)
    assert plain.average is not None
    assert round(plain.average, 6) == 0.603869


def own_segments() -> tuple[Segments, Segments]:
    """Segments with the fixture's ranking: a detection `[x, x + n]` overlaps by n %."""
    truth = instances((0, 0, 3000, 3100), (0, 0, 7000, 7100), (0, 0, 8000, 8100), (1, 1, 0, 100))
    ends = {3: (3000, 3077), 6: (8000, 8062), 7: (7000, 7072), 8: (8000, 8092)}
    places = [(0, 0, *ends.get(place, (0, 1)), 1 - place / 100) for place in range(1, 11)]
    return truth, detections(*places, (1, 1, 0, 96, 0.5), (1, 1, 0, 96, 0.4))


def test_the_reference_values_from_own_segments() -> None:
    truth, found = own_segments()
    scores = score_segments(truth, found, videos=2, classes=2, rule=ACTIVITYNET)
    of_class = [
        *[3 / 7] * 3,  # hits at places 3, 6 and 7: 1/3, 2/6 and 3/7
        *[3 / 8] * 2,  # 3, 7 and 8: 1/3, 2/7 and 3/8
        (1 / 3 + 2 / 8) / 3,  # 3 and 8
        *[1 / 8 / 3] * 3,  # 8
        0,
    ]
    assert scores.by_class[0].tolist() == pytest.approx(of_class)
    assert scores.by_class[1].tolist() == [1] * 10
    assert scores.by_threshold.round(6).tolist() == REFERENCE
    assert scores.average is not None
    assert round(scores.average, 7) == 0.6177579
    assert scores.recall[0].tolist() == pytest.approx([1] * 5 + [2 / 3] + [1 / 3] * 3 + [0])
    assert scores.true_positives.tolist() == [4] * 5 + [3] + [2] * 3 + [1]
    assert scores.instances.tolist() == [3, 1]
    assert scores.detections.tolist() == [10, 2]
    plain = score_segments(truth, found, videos=2, classes=2, rule=PLAIN)
    assert plain.average is not None
    assert round(plain.average, 6) == 0.603869


@pytest.mark.parametrize("rule", [ACTIVITYNET, THUMOS14, PLAIN, ALONE], ids=lambda rule: rule.name)
def test_it_equals_brute_force_with_many_ties(rule: TemporalRule) -> None:
    generator = np.random.default_rng(7)
    thresholds = (0.1, 0.25, 1 / 3, 0.5, 0.75, 1)
    compared = 0
    for _ in range(300):
        truth, found, spans = random_problem(generator)
        scores = score_segments(
            *(truth, found),
            videos=3,
            classes=3,
            rule=rule,
            thresholds=thresholds,
            ignored=spans,
            leave_out=True,
        )
        for label in range(3):
            if label not in truth.label:
                assert np.isnan(scores.by_class[label]).all()
                continue
            for number, threshold in enumerate(thresholds):
                slow = slow_average_precision(truth, found, label, rule, threshold, spans)
                assert scores.by_class[label, number] == pytest.approx(slow, abs=1e-12)
                compared += slow > 0
    assert compared > 500


@pytest.mark.parametrize("rule", [ACTIVITYNET, THUMOS14], ids=lambda rule: rule.name)
def test_the_order_of_the_detections_never_matters(rule: TemporalRule) -> None:
    generator = np.random.default_rng(3)
    for _ in range(50):
        truth, found, spans = random_problem(generator)
        again = generator.permutation(len(found.video))
        shuffled = Segments(*(column[again] for column in found if column is not None))
        one, other = (
            score_segments(
                *(truth, each), videos=3, classes=3, rule=rule, ignored=spans, leave_out=True
            )
            for each in (found, shuffled)
        )
        np.testing.assert_array_equal(one.by_class, other.by_class)


def test_the_order_of_the_instances_does_not_matter_for_activitynet() -> None:
    generator = np.random.default_rng(4)
    for _ in range(50):
        truth, found, _ = random_problem(generator)
        again = generator.permutation(len(truth.video))
        shuffled = Segments(*(column[again] for column in truth if column is not None))
        one, other = (
            score_segments(each, found, videos=3, classes=3, rule=ACTIVITYNET, leave_out=True)
            for each in (truth, shuffled)
        )
        np.testing.assert_array_equal(one.by_class, other.by_class)


@pytest.mark.parametrize("rule", TEMPORAL_RULES.values(), ids=lambda rule: rule.name)
def test_the_truth_itself_scores_one_and_nothing_scores_zero(rule: TemporalRule) -> None:
    truth = instances((0, 0, 0, 10), (0, 1, 5, 20), (1, 0, 3, 9), (1, 0, 30, 39))
    perfect = truth._replace(score=np.array([0.9, 0.1, 0.5, 0.5]))
    assert score_segments(truth, perfect, videos=2, classes=2, rule=rule).average == 1
    nothing = score_segments(truth, detections(), videos=2, classes=2, rule=rule)
    assert nothing.average == 0
    assert nothing.recall.max() == 0


def test_without_an_instance_there_is_no_average() -> None:
    scores = score_segments(instances(), detections(), videos=2, classes=2, rule=ACTIVITYNET)
    assert scores.average is None
    assert np.isnan(scores.by_threshold).all()


def test_an_instance_that_no_detection_names_counts() -> None:
    truth = instances((0, 0, 0, 10), (1, 1, 0, 10))
    found = detections((0, 0, 0, 10, 0.9))
    scores = score_segments(truth, found, videos=2, classes=2, rule=ACTIVITYNET)
    assert scores.by_class[:, 0].tolist() == [1, 0]
    assert scores.average == 0.5


def test_thumos14s_average_is_that_of_its_last_five_thresholds() -> None:
    # overlap 0.45: a hit at 0.1 to 0.4, so at two of the five that are averaged
    truth, found = instances((0, 0, 0, 100)), detections((0, 0, 0, 45, 0.9))
    scores = score_segments(truth, found, videos=1, classes=1, rule=THUMOS14)
    assert scores.by_threshold.tolist() == [1, 1, 1, 1, 0, 0, 0]
    assert scores.average == pytest.approx(2 / 5)
    asked = score_segments(
        *(truth, found), videos=1, classes=1, rule=THUMOS14, thresholds=[0.1, 0.2, 0.6]
    )
    assert asked.average == pytest.approx(2 / 3)


def test_duplicate_detections_are_false_positives() -> None:
    truth = instances((0, 0, 0, 10), (0, 0, 20, 30))
    found = detections((0, 0, 0, 10, 0.9), (0, 0, 0, 10, 0.9), (0, 0, 20, 30, 0.8))
    scores = score_segments(truth, found, videos=1, classes=1, rule=ACTIVITYNET)
    assert scores.average == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("truth", "found", "words"),
    [
        (instances((0, 0, 9, 3)), detections(), "instance 0: end_s 3.0: it ends before"),
        (instances((2, 0, 0, 1)), detections(), "instance 0: video 2: there are 2 videos"),
        (instances((0, 0, 0, 1)), detections((0, 7, 0, 1, 1)), "label 7: there are 2 classes"),
        (instances((0, -1, 0, 1)), detections(), "label -1"),
        (instances((0, 0, 0, 1)), detections((0, 0, 0, 1, np.nan)), "score nan: give a finite"),
        (instances((0, 0, np.inf, 1)), detections(), "start_s inf"),
        (instances((0, 0, 0, 1)), instances((0, 0, 0, 1)), "detections have no scores"),
        (instances()._replace(label=np.zeros(1, int)), detections(), "columns have"),
    ],
)
def test_bad_segments_are_refused(truth: Segments, found: Segments, words: str) -> None:
    with pytest.raises(KinobenchError, match=words):
        score_segments(truth, found, videos=2, classes=2, rule=ACTIVITYNET)


@pytest.mark.parametrize("thresholds", [(), (1.5,), (-0.1,), (float("nan"),), (0.5,) * 61])
def test_bad_thresholds_are_refused(thresholds: tuple[float, ...]) -> None:
    truth = instances((0, 0, 0, 1))
    with pytest.raises(KinobenchError, match="overlaps between 0 and 1"):
        score_segments(
            *(truth, detections()), videos=1, classes=1, rule=ACTIVITYNET, thresholds=thresholds
        )
