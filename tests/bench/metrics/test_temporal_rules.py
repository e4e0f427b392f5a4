"""The table of rules, and hand cases that tell one rule from another."""

import msgspec
import numpy as np
import pytest

from kinobench.bench.metrics.temporal import score_segments
from kinobench.bench.metrics.temporal_inputs import without_duplicates
from kinobench.bench.metrics.temporal_rules import TEMPORAL_RULES, TemporalRule, temporal_rule
from kinobench.datasets.errors import KinobenchError, UnknownNameError

from ...fakes.segments import detections, instances

ACTIVITYNET, THUMOS14 = TEMPORAL_RULES["activitynet"], TEMPORAL_RULES["thumos14"]
ALONE = msgspec.structs.replace(ACTIVITYNET, name="alone", matching="best alone")


def ap(truth, found, rule: TemporalRule, *thresholds: float, **more) -> list[float]:
    scores = score_segments(
        *(truth, found), videos=2, classes=1, rule=rule, thresholds=thresholds, **more
    )
    return scores.by_class[0].tolist()


def test_an_unknown_rule_is_an_error_with_the_nearest_name() -> None:
    assert temporal_rule("thumos14") is THUMOS14
    with pytest.raises(UnknownNameError, match="'thumos14'"):
        temporal_rule("thumos")


def test_the_averaged_thresholds_are_among_those_scored() -> None:
    for name, rule in TEMPORAL_RULES.items():
        assert rule.name == name
        assert set(rule.averaged) <= set(rule.thresholds)
    assert ACTIVITYNET.thresholds == tuple(np.linspace(0.5, 0.95, 10).tolist())
    assert THUMOS14.thresholds == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    assert THUMOS14.averaged == (0.3, 0.4, 0.5, 0.6, 0.7)


def test_the_next_best_instance_that_is_free_is_not_the_best_alone() -> None:
    # Both detections overlap the first instance most: by 1, and by 8/10 against 6/11.
    truth = instances((0, 0, 0, 10), (0, 0, 3, 12))
    found = detections((0, 0, 0, 10, 0.9), (0, 0, 1, 9, 0.8))
    assert ap(truth, found, ACTIVITYNET, 0.5) == [1]
    assert ap(truth, found, ALONE, 0.5) == [0.5]


def test_by_truth_the_better_detection_wins_over_the_higher_score() -> None:
    # One instance: the detection of the higher score fits worse. By truth, the one that fits is
    # the hit, at place 2; by score, the first detection takes the instance.
    truth = instances((0, 0, 0, 10))
    found = detections((0, 0, 0, 6, 0.9), (0, 0, 0, 10, 0.8))
    assert ap(truth, found, THUMOS14, 0.5) == [0.5]
    assert ap(truth, found, ACTIVITYNET, 0.5) == [1]


def test_by_truth_the_order_of_the_file_counts() -> None:
    # The first instance of the file takes the one detection that fits both; the other then has
    # the second detection left, which fits the second instance of one order alone.
    first, second = (0, 0, 0.0, 10.0), (0, 0, 2.0, 12.0)
    found = detections((0, 0, 1, 11, 0.9), (0, 0, 0, 8, 0.8))
    # overlaps: 9/11 with both; 8/10 and 6/12
    assert ap(instances(first, second), found, THUMOS14, 0.55) == [0.5]
    assert ap(instances(second, first), found, THUMOS14, 0.55) == [1]
    assert ap(instances(first, second), found, ACTIVITYNET, 0.55) == [0.5]
    assert ap(instances(second, first), found, ACTIVITYNET, 0.55) == [0.5]


def test_an_overlap_of_exactly_the_threshold_hits_unless_it_must_be_exceeded() -> None:
    truth, found = instances((0, 0, 0, 4)), detections((0, 0, 0, 2, 0.5))
    assert ap(truth, found, ACTIVITYNET, 0.5, np.nextafter(0.5, 1)) == [1, 0]
    assert ap(truth, found, THUMOS14, np.nextafter(0.5, 0), 0.5) == [1, 0]


def test_the_union_is_computed_as_each_evaluator_does() -> None:
    # Half of the union: rounded, a bit more by the lengths, and a bit less by the hull.
    truth, found = instances((0, 0, 2.3, 11.0)), detections((0, 0, 5.2, 13.9, 0.9))
    assert ap(truth, found, ACTIVITYNET, 0.5) == [1]
    assert ap(truth, found, THUMOS14, 0.5) == [0]
    hull = msgspec.structs.replace(ACTIVITYNET, name="hull", union="hull")
    assert ap(truth, found, hull, 0.5) == [0]


def test_trap_1_interpolation_raises_the_score_of_the_same_hits() -> None:
    # activitynet's code on THUMOS14: hits at places 2 and 3.
    truth = instances((0, 0, 0, 10), (0, 0, 20, 30))
    found = detections((0, 0, 40, 50, 0.9), (0, 0, 0, 10, 0.8), (0, 0, 20, 30, 0.7))
    assert ap(truth, found, ACTIVITYNET, 0.5) == pytest.approx([2 / 3])
    assert ap(truth, found, THUMOS14, 0.5) == pytest.approx([(1 / 2 + 2 / 3) / 2])


def test_trap_1_activitynet_scores_higher_on_detections_that_crowd_around_instances() -> None:
    """The more so the lower the threshold, as STPN's issue 1 reports: +2 at 0.5, +6 at 0.1."""
    generator = np.random.default_rng(0)
    start = np.arange(40) * 20.0
    truth = instances(*((0, 0, each, each + 10) for each in start))
    near = np.repeat(start, 8) + generator.normal(0, 4, 320)
    scores = generator.random(320)
    found = detections(*((0, 0, at, at + 10, s) for at, s in zip(near, scores, strict=True)))
    higher = np.subtract(
        ap(truth, found, ACTIVITYNET, 0.1, 0.5), ap(truth, found, THUMOS14, 0.1, 0.5)
    )
    assert higher[0] > 0.06
    assert higher[0] > higher[1] > 0.02


def test_a_false_positive_that_overlaps_an_ignored_span_does_not_count() -> None:
    truth, spans = instances((0, 0, 0, 10)), instances((0, 0, 20, 30))
    found = detections((0, 0, 29, 50, 0.9), (0, 0, 0, 10, 0.8))
    assert ap(truth, found, THUMOS14, 0.5) == [0.5]
    assert ap(truth, found, THUMOS14, 0.5, ignored=spans) == [1]
    assert ap(truth, found, ACTIVITYNET, 0.5, ignored=spans) == [0.5]
    # touching is no overlap, and another video's span is none of its own
    assert ap(truth, found, THUMOS14, 0.5, ignored=instances((0, 0, 50, 60))) == [0.5]
    assert ap(truth, found, THUMOS14, 0.5, ignored=instances((1, 0, 20, 30))) == [0.5]


def test_a_hit_that_overlaps_an_ignored_span_counts() -> None:
    truth, found = instances((0, 0, 0, 10)), detections((0, 0, 0, 10, 0.9))
    assert ap(truth, found, THUMOS14, 0.5, ignored=instances((0, 0, 5, 30))) == [1]


def test_trap_3_duplicate_instances_count_officially_and_are_dropped_by_opentad() -> None:
    truth = instances((0, 0, 0, 10), (0, 0, 0, 10.0009))
    found = detections((0, 0, 0, 10, 0.9))
    for rule, expected in ((ACTIVITYNET, 0.5), (THUMOS14, 0.5), (TEMPORAL_RULES["opentad"], 1)):
        scores = score_segments(truth, found, videos=1, classes=1, rule=rule, thresholds=[0.5])
        assert scores.average == expected
        assert scores.duplicates == 1
    apart = instances((0, 0, 0, 10), (0, 0, 0, 10.0021), (1, 0, 0, 10))
    scores = score_segments(
        *(apart, found), videos=2, classes=1, rule=TEMPORAL_RULES["opentad"], thresholds=[0.5]
    )
    assert scores.duplicates == 0
    assert scores.average == pytest.approx(1 / 3)


def test_duplicates_are_found_in_the_order_of_the_file() -> None:
    """Each instance is compared with those before it that count: of a chain, every other one."""
    generator = np.random.default_rng(0)
    for _ in range(200):
        starts = generator.integers(0, 12, 9) * 0.0006
        ends = 5 + generator.integers(0, 3, 9) * 0.0006
        videos = generator.integers(0, 2, 9)
        truth = instances(*zip(videos.tolist(), [0] * 9, starts, ends, strict=True))
        kept: list[int] = []
        for one in range(9):
            if not any(
                videos[one] == videos[other]
                and abs(starts[one] - starts[other]) <= 1e-3
                and abs(ends[one] - ends[other]) <= 1e-3
                for other in kept
            ):
                kept.append(one)
        left, repeats = without_duplicates(truth, 1e-3)
        assert left.start_s.tolist() == starts[kept].tolist()
        assert repeats == 9 - len(kept)


def test_opentad_drops_an_instance_without_a_length() -> None:
    truth, found = instances((0, 0, 5, 5), (0, 0, 5, 5.0005)), detections((0, 0, 5, 5.0005, 0.9))
    scores = score_segments(
        *(truth, found), videos=1, classes=1, rule=TEMPORAL_RULES["opentad"], thresholds=[0.5]
    )
    assert scores.instances.tolist() == [1]
    assert scores.average == 1


def test_trap_3_detections_of_a_class_without_an_instance() -> None:
    truth = instances((0, 0, 0, 10))
    found = detections((0, 0, 0, 10, 0.9), (0, 1, 0, 10, 0.95), (1, 1, 0, 10, 0.95))
    for rule in (ACTIVITYNET, THUMOS14):
        with pytest.raises(KinobenchError, match=r"2 detections .* such as class 1: leave"):
            score_segments(truth, found, videos=2, classes=2, rule=rule)
        scores = score_segments(truth, found, videos=2, classes=2, rule=rule, leave_out=True)
        assert (scores.average, scores.left_out) == (1, 2)
    opentad = score_segments(truth, found, videos=2, classes=2, rule=TEMPORAL_RULES["opentad"])
    assert (opentad.average, opentad.left_out) == (1, 2)


def test_a_class_of_the_list_without_an_instance_is_an_error_for_thumos14_alone() -> None:
    truth, found = instances((0, 0, 0, 10)), detections((0, 0, 0, 10, 0.9))
    scores = score_segments(truth, found, videos=1, classes=2, rule=ACTIVITYNET)
    assert scores.average == 1
    assert np.isnan(scores.by_class[1]).all()
    with pytest.raises(KinobenchError, match="class 1 has no instance"):
        score_segments(truth, found, videos=1, classes=2, rule=THUMOS14)


def test_a_detection_that_ends_before_it_begins() -> None:
    truth, found = instances((0, 0, 0, 10)), detections((0, 0, 10, 0, 0.9))
    for rule, expected in ((ACTIVITYNET, 0), (THUMOS14, 1)):
        scores = score_segments(truth, found, videos=1, classes=1, rule=rule)
        assert scores.average == expected
        assert scores.backwards == 1
