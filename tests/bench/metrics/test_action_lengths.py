"""mAP by buckets of length and coverage, by hand and against whole datasets."""

import msgspec
import numpy as np
import pytest

from kinobench.bench.metrics.action_lengths import (
    COVERAGE_LIMITS,
    LENGTH_LIMITS_S,
    coverages,
    lengths_s,
    score_buckets,
)
from kinobench.bench.metrics.temporal import score_matched
from kinobench.bench.metrics.temporal_matching import match_segments
from kinobench.bench.metrics.temporal_rules import TEMPORAL_RULES
from kinobench.datasets.errors import KinobenchError

from ...fakes.segments import detections, instances, random_problem

ACTIVITYNET = TEMPORAL_RULES["activitynet"]
THUMOS_S = LENGTH_LIMITS_S["thumos14"]


def matched_with(truth, found, classes=1, videos=1, rule=ACTIVITYNET, thresholds=(0.5,)):
    return match_segments(
        truth, found, videos=videos, classes=classes, rule=rule, thresholds=thresholds
    )


def test_the_limits_are_those_of_detad() -> None:
    # HumamAlwassel/DETAD src/sensitivity_analysis.py
    assert LENGTH_LIMITS_S["activitynet"] == (0, 30, 60, 120, 180, np.inf)
    assert LENGTH_LIMITS_S["thumos14"] == (0, 3, 6, 12, 18, np.inf)
    assert COVERAGE_LIMITS["activitynet"] == (0, 0.2, 0.4, 0.6, 0.8, 1)
    assert COVERAGE_LIMITS["thumos14"] == (0, 0.02, 0.04, 0.06, 0.08, 1)


def test_a_bucket_has_its_upper_limit_and_the_first_has_both() -> None:
    truth = instances((0, 0, 0, 3), (0, 0, 10, 13.5), (0, 0, 20, 26), (0, 0, 5, 5), (0, 0, 0, 99))
    scores = score_buckets(
        matched_with(truth, detections()), np.array([3, 3.5, 6, 0, 99.0]), THUMOS_S
    )
    assert scores.instances.tolist() == [2, 2, 0, 0, 1]
    assert scores.names == ("XS", "S", "M", "L", "XL")
    assert np.isnan(scores.average).tolist() == [False, False, True, True, False]


def test_values_outside_all_buckets_are_counted() -> None:
    truth = instances((0, 0, 0, 3), (0, 0, 10, 13))
    scores = score_buckets(
        matched_with(truth, detections()), np.array([-1, 1.2]), COVERAGE_LIMITS["activitynet"]
    )
    assert scores.outside == 2
    assert scores.instances.sum() == 0


def test_detections_that_take_instances_of_other_buckets_do_not_count() -> None:
    """Two short instances and a long one: ranking long, miss, short, miss, short."""
    truth = instances((0, 0, 0, 2), (0, 0, 10, 12), (0, 0, 100, 200))
    found = detections(
        (0, 0, 100, 200, 0.9),
        (0, 0, 50, 60, 0.8),
        (0, 0, 0, 2, 0.7),
        (0, 0, 50, 61, 0.6),
        (0, 0, 10, 12, 0.5),
    )
    matched = matched_with(truth, found)
    scores = score_buckets(matched, lengths_s(matched), THUMOS_S)
    assert scores.average[0] == pytest.approx(1 / 2)  # hits at 2 and 4 of what is left
    assert scores.average[4] == 1
    # With a recall of 1/2 and 1, of 3 instances of a class: 1.5 / (1.5 + 1) and 3 / (3 + 2)
    assert scores.normalized[0] == pytest.approx(3 / 5)
    assert scores.normalized[4] == 1


def test_the_mean_is_over_classes_with_an_instance_in_the_bucket() -> None:
    truth = instances((0, 0, 0, 2), (0, 1, 0, 2), (0, 2, 0, 50))
    matched = matched_with(truth, detections((0, 0, 0, 2, 0.9)), classes=3)
    scores = score_buckets(matched, lengths_s(matched), THUMOS_S)
    assert scores.average[[0, 4]].tolist() == [0.5, 0]


def test_one_bucket_with_all_instances_is_the_whole_score() -> None:
    generator = np.random.default_rng(2)
    for rule in (ACTIVITYNET, TEMPORAL_RULES["thumos14"]):
        for _ in range(20):
            truth, found, spans = random_problem(generator)
            matched = match_segments(
                *(truth, found), videos=3, classes=3, rule=rule, ignored=spans, leave_out=True
            )
            whole = score_buckets(matched, lengths_s(matched), (0, 1000), ("all",))
            assert whole.average[0] == pytest.approx(score_matched(matched).average)


def test_classes_of_one_size_have_the_same_normalized_score() -> None:
    truth = instances((0, 0, 0, 2), (0, 1, 0, 2))
    found = detections((0, 0, 5, 9, 0.9), (0, 0, 0, 2, 0.8), (0, 1, 0, 2, 0.7))
    matched = matched_with(truth, found, classes=2)
    scores = score_buckets(matched, lengths_s(matched), (0, 1000), ("all",))
    assert scores.normalized.tolist() == pytest.approx([0.75])
    assert scores.average.tolist() == pytest.approx([0.75])


def test_each_threshold_leaves_out_its_own_detections() -> None:
    """A detection that takes a long instance at 0.5, but nothing at 0.9, is false there alone."""
    rule = msgspec.structs.replace(ACTIVITYNET, thresholds=(0.5, 0.9), averaged=(0.5, 0.9))
    truth = instances((0, 0, 0, 2), (0, 0, 100, 200))
    found = detections((0, 0, 100, 180, 0.9), (0, 0, 0, 2, 0.8))
    matched = matched_with(truth, found, rule=rule, thresholds=None)
    scores = score_buckets(matched, lengths_s(matched), THUMOS_S)
    assert scores.average[0] == pytest.approx((1 + 0.5) / 2)


def test_coverage_is_the_share_of_the_video() -> None:
    truth = instances((0, 0, 0, 30), (1, 0, 10, 20))
    matched = matched_with(truth, detections(), videos=2)
    assert coverages(matched, np.array([60, 100])).tolist() == [0.5, 0.1]


def test_bad_limits_are_refused() -> None:
    matched = matched_with(instances((0, 0, 0, 2)), detections())
    for limits in ((0, 1), (0, 3, 2, 4, 5, 6), (0, 0, 1, 2, 3, 4)):
        with pytest.raises(KinobenchError, match="give 6 rising numbers"):
            score_buckets(matched, lengths_s(matched), limits)
