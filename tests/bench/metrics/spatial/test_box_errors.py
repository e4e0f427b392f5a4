"""Why predictions are false, by hand."""

import numpy as np
import pytest

from kinobench.bench.metrics.spatial.box_errors import KINDS, BoxErrors, box_errors
from kinobench.bench.metrics.spatial.box_matching import match_boxes
from kinobench.bench.metrics.spatial.frame_map import scores_of_boxes
from kinobench.bench.metrics.spatial.rules import FRAME_RULES

from ....fakes.plain_detection import PlainBox, boxes_of

A = (0.0, 0.0, 10.0, 10.0)
B = (20.0, 0.0, 30.0, 10.0)
NEAR_A, NEAR_B = (0.0, 0.0, 10.0, 3.0), (20.0, 0.0, 30.0, 3.0)  # overlap by 0.3
FAR = (0.0, 0.0, 0.5, 5.0)  # overlaps A by less than 0.1

TRUTH = [PlainBox(0, 0, A), PlainBox(0, 1, B), PlainBox(1, 1, B)]
FOUND = {
    "true positive": PlainBox(0, 0, A, 0.9),
    "double detection": PlainBox(0, 0, A, 0.8),
    "wrong label": PlainBox(0, 0, B, 0.7),
    "localization": PlainBox(0, 0, NEAR_A, 0.6),
    "confusion": PlainBox(0, 0, NEAR_B, 0.5),
    "background": PlainBox(0, 0, FAR, 0.4),
}


def errors(truth: list[PlainBox], found: list[PlainBox], rule: str = "ava") -> BoxErrors:
    matched = match_boxes(
        boxes_of(truth),
        boxes_of(found, scored=True),
        frames=3,
        classes=2,
        rule=FRAME_RULES[rule],
    )
    return box_errors(matched)


@pytest.mark.parametrize("rule", FRAME_RULES)
def test_each_kind_is_told_from_the_others(rule: str) -> None:
    assert tuple(FOUND) == KINDS
    found = errors(TRUTH, list(FOUND.values()), rule)
    assert found.by_class.tolist() == [[1, 0]] * 6
    assert found.missed.tolist() == [0, 2]
    for kind in KINDS[1:]:
        alone = errors(TRUTH, [FOUND["true positive"], FOUND[kind]], rule)
        assert alone.by_class[1:, 0].tolist() == [int(kind == each) for each in KINDS[1:]]


def test_a_box_of_another_frame_is_background() -> None:
    assert errors(TRUTH, [PlainBox(2, 0, A, 0.9)]).by_class[:, 0].tolist() == [0, 0, 0, 0, 0, 1]


def test_the_box_that_is_overlapped_most_says_the_kind() -> None:
    # It overlaps A, of class 1, by 0.7.
    truth = [PlainBox(0, 0, (0.0, 0.0, 10.0, 3.0)), PlainBox(0, 1, A)]
    found = errors(truth, [PlainBox(0, 0, (0.0, 0.0, 10.0, 7.0), 0.9)])
    assert found.by_class[:, 0].tolist() == [0, 0, 1, 0, 0, 0], "not localization by 3 / 7"


def test_another_action_of_a_person_is_a_wrong_label_but_its_own_counts_where_it_is_there() -> None:
    found = errors([PlainBox(0, 0, A)], [PlainBox(0, 1, A, 0.9)])
    assert found.by_class[:, 1].tolist() == [0, 0, 1, 0, 0, 0]
    assert found.missed.tolist() == [1, 0]
    both = [PlainBox(0, 0, A), PlainBox(0, 1, A)]
    found = errors(both, [PlainBox(0, 1, A, 0.9), PlainBox(0, 1, A, 0.8)])
    assert found.by_class[:, 1].tolist() == [1, 1, 0, 0, 0, 0]


def test_the_numbers_among_the_best_predictions() -> None:
    # One true box of class 0: its best prediction hits, the second is double, and so on.
    found = errors(TRUTH, list(FOUND.values()))
    assert found.counts[:6].tolist() == np.eye(6, dtype=int).tolist()
    assert not found.counts[6:].any()
    twice = [PlainBox(0, 1, FAR, 1 - number / 100) for number in range(40)]
    found = errors(TRUTH, twice)
    assert found.counts[:, 5].tolist() == [2] * 10, "two boxes are true, so that 20 count"
    assert found.by_class[5].tolist() == [0, 40]


def test_the_gain_is_what_the_map_would_rise_by() -> None:
    # The hit of class 0 comes last: precision 1/3, and 1/2 without either kind.
    found = [
        PlainBox(0, 0, FAR, 0.9),
        PlainBox(0, 0, NEAR_A, 0.8),
        PlainBox(0, 0, A, 0.7),
    ]
    wanted = dict.fromkeys(KINDS[1:], 0.0)
    wanted |= dict.fromkeys(["localization", "background"], (1 / 2 - 1 / 3) / 2)  # of two classes
    assert errors(TRUTH, found).gains == pytest.approx(wanted)
    assert errors([], found).gains == {}


def test_all_predictions_are_hits_or_of_one_kind() -> None:
    generator = np.random.default_rng(0)

    def rows(count: int) -> list[PlainBox]:
        return [
            PlainBox(
                int(generator.integers(0, 3)),
                int(generator.integers(0, 2)),
                (float(x), 0.0, float(x + 3), 3.0),
                float(generator.random()),
            )
            for x in generator.integers(0, 6, count)
        ]

    for rule in FRAME_RULES.values():
        matched = match_boxes(
            boxes_of(rows(30)), boxes_of(rows(200), scored=True), frames=3, classes=2, rule=rule
        )
        found, scores = box_errors(matched), scores_of_boxes(matched)
        hits = scores.by_class.hits[0]
        assert (found.by_class.sum(axis=0) == scores.by_class.detections).all()
        assert (found.by_class[0] == hits).all()
        assert (found.missed == scores.by_class.truths - hits).all()
        assert min(found.gains.values()) >= 0, "leaving out what is false never lowers a precision"
        assert hits.sum() > 10
