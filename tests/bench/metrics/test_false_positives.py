"""The kinds of false positives: hand cases for each, and loops from DETAD's definition."""

import numpy as np
import pytest

from kinobench.bench.metrics.average_precision import average_precision
from kinobench.bench.metrics.false_positives import (
    KINDS,
    FalsePositives,
    analyse_false_positives,
)
from kinobench.bench.metrics.instances import Segments
from kinobench.bench.metrics.temporal_rules import TEMPORAL_RULES
from kinobench.datasets.errors import KinobenchError

from ...fakes.segments import detections, instances, overlap, random_problem

ACTIVITYNET, THUMOS14 = TEMPORAL_RULES["activitynet"], TEMPORAL_RULES["thumos14"]


def kinds_of(found: FalsePositives, threshold: int = 0) -> dict[str, int]:
    counts = found.counts.sum(axis=0)[:, threshold].tolist()
    return {kind: count for kind, count in zip(KINDS, counts, strict=True) if count}


def analysed(truth: Segments, found: Segments, **more) -> FalsePositives:
    arguments = {"videos": 2, "classes": 2, "rule": ACTIVITYNET, "thresholds": (0.5,), **more}
    return analyse_false_positives(truth, found, **arguments)


TRUTH = instances((0, 0, 0, 10), (0, 1, 100, 110))


@pytest.mark.parametrize(
    ("segment", "kind"),
    [
        ((0, 0, 0, 9), "double detection"),
        ((0, 0, 100, 109), "wrong label"),
        ((0, 0, 0, 4), "localization"),
        ((0, 0, 0, 1), "localization"),  # 0.1
        ((0, 0, 100, 104), "confusion"),
        ((0, 0, 0, 0.9), "background"),
        ((0, 0, 50, 60), "background"),
        ((1, 0, 0, 10), "background"),  # another video
    ],
)
def test_each_kind_by_hand(segment: tuple[int, int, float, float], kind: str) -> None:
    found = analysed(TRUTH, detections((0, 0, 0, 10, 0.9), (*segment, 0.8)))
    assert kinds_of(found) == {"true positive": 1, kind: 1}
    assert found.counts[0].sum() == 1  # the first G
    assert found.counts[1].sum() == 1
    assert found.shares[:, 0].sum() == 1


def test_of_equal_overlaps_that_of_the_own_class_counts() -> None:
    # CliffDiving stands under Diving too: the same times under two classes
    both = instances((0, 1, 0, 10), (0, 0, 0, 10))
    found = analysed(both, detections((0, 0, 0, 10, 0.9), (0, 0, 0, 10, 0.8)))
    assert kinds_of(found) == {"true positive": 1, "double detection": 1}


def test_a_strict_rule_takes_an_overlap_of_exactly_the_threshold_for_inexact() -> None:
    half = detections((0, 0, 0, 5, 0.9), (0, 1, 100, 110, 0.9))
    assert kinds_of(analysed(TRUTH, half, rule=THUMOS14)) == {"true positive": 1, "localization": 1}
    assert kinds_of(analysed(TRUTH, half)) == {"true positive": 2}


def test_ignored_detections_are_of_no_kind() -> None:
    found = detections((0, 0, 50, 60, 0.9), (0, 1, 100, 110, 0.9))
    spans = instances((0, 0, 55, 56))
    assert kinds_of(analysed(TRUTH, found, rule=THUMOS14, ignored=spans)) == {"true positive": 1}


def test_ten_times_as_many_detections_as_instances_are_looked_at() -> None:
    rows = [(0, 0, 50.0, 60.0, 1 - n / 100) for n in range(15)]
    found = analysed(TRUTH, detections(*rows, (0, 0, 0, 10, 0.1)))
    assert kinds_of(found) == {"background": 10}
    assert found.counts.sum(axis=(1, 2)).tolist() == [1] * 10
    assert found.average == 0


def test_the_gain_of_a_kind_is_what_its_removal_gives() -> None:
    """Class 0: background, localization, hit; class 1: hit. One instance a class."""
    found = analysed(
        TRUTH,
        detections(
            (0, 0, 50, 60, 0.9), (0, 0, 0, 4, 0.8), (0, 0, 0, 10, 0.7), (0, 1, 100, 110, 0.6)
        ),
    )
    assert found.average == pytest.approx((1 / 3 + 1) / 2)
    expected = dict.fromkeys(KINDS[1:], 0.0)
    expected["background"] = expected["localization"] = (1 / 2 - 1 / 3) / 2
    assert found.gains == pytest.approx(expected)


def test_a_class_without_an_instance_is_refused_or_left_out_as_the_rule_says() -> None:
    truth, found = instances((0, 0, 0, 10)), detections((0, 0, 0, 10, 0.9), (0, 1, 0, 10, 0.9))
    with pytest.raises(KinobenchError, match="detections are of classes without"):
        analysed(truth, found)
    assert kinds_of(analysed(truth, found, leave_out=True)) == {"true positive": 1}


def test_without_an_instance_there_is_no_average() -> None:
    found = analysed(instances(), detections())
    assert (found.average, found.gains) == (None, {})
    assert np.isnan(found.shares).all()


def slow(truth: Segments, found: Segments, threshold: float) -> tuple[list[int], list[float]]:
    """Counts of the kinds, and the average with nothing and with each kind removed, by loops."""
    assert found.score is not None
    classes = sorted(set(truth.label.tolist()))
    spans = list(zip(*(column.tolist() for column in truth[:4]), strict=True))
    counts = [0] * len(KINDS)
    kinds_by_class = {}
    for label in classes:
        own = [span for span in spans if span[1] == label]
        rows = [row for row in range(len(found.video)) if found.label[row] == label]
        rows.sort(key=lambda r: (-found.score[r], found.video[r], found.start_s[r], found.end_s[r]))
        free, kinds = set(range(len(own))), []
        for row in rows[: 10 * len(own)]:
            video, segment = found.video[row], (found.start_s[row], found.end_s[row])
            near = sorted(
                (number for number in free if own[number][0] == video),
                key=lambda number: (-overlap(segment, own[number][2:]), own[number][2:]),
            )
            if near and overlap(segment, own[near[0]][2:]) >= threshold:
                free.remove(near[0])
                kinds.append(0)
                continue
            most, same = 0.0, False
            for of, other, start, end in spans:
                value = overlap(segment, (start, end)) if of == video else 0
                if value > most or (value == most and other == label):
                    most, same = value, other == label
            inexact = (3 if same else 4) if most >= 0.1 else 5
            kinds.append((1 if same else 2) if most >= threshold else inexact)
        kinds_by_class[label] = (kinds, len(own))
        for kind in kinds:
            counts[kind] += 1
    averages = []
    for removed in (None, 1, 2, 3, 4, 5):
        values = [
            average_precision(
                np.array([kind == 0 for kind in kinds if kind != removed], bool),
                positives,
                interpolated=True,
                typical=len(spans) / len(classes),
            )
            for kinds, positives in kinds_by_class.values()
        ]
        averages.append(float(np.mean(values)))
    return counts, averages


def test_it_equals_loops_over_all_detections() -> None:
    generator = np.random.default_rng(8)
    seen = np.zeros(len(KINDS), int)
    for _ in range(100):
        truth, found, _ = random_problem(generator)
        for threshold in (0.3, 0.5, 0.8):
            fast = analysed(
                *(truth, found), videos=3, classes=3, thresholds=(threshold,), leave_out=True
            )
            counts, averages = slow(truth, found, threshold)
            assert fast.counts.sum(axis=0)[:, 0].tolist() == counts
            assert fast.average == pytest.approx(averages[0])
            gains = [each - averages[0] for each in averages[1:]]
            assert list(fast.gains.values()) == pytest.approx(gains, abs=1e-12)
            seen += counts
    assert (seen > 50).all()
