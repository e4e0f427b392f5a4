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
    "hit": PlainBox(0, 0, A, 0.9),
    "double": PlainBox(0, 0, A, 0.8),
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
    found = errors(TRUTH, list(FOUND.values()), rule)
    assert found.counts.tolist() == [[1, 0]] * 5
    assert found.missed.tolist() == [0, 2]
    for kind in KINDS:
        alone = errors(TRUTH, [FOUND["hit"], FOUND[kind]], rule)
        assert alone.counts[:, 0].tolist() == [int(kind == each) for each in KINDS]


def test_a_box_of_another_frame_is_background() -> None:
    found = errors(TRUTH, [PlainBox(2, 0, A, 0.9)])
    assert found.counts[:, 0].tolist() == [0, 0, 0, 0, 1]


def test_another_action_of_a_true_person_is_a_wrong_label() -> None:
    found = errors([PlainBox(0, 0, A)], [PlainBox(0, 1, A, 0.9)])
    assert found.counts.tolist() == [[0, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    assert found.missed.tolist() == [1, 0]


def test_the_shares_among_the_best_predictions() -> None:
    # One true box of class 0: its best prediction hits, the second is double, and so on.
    found = errors(TRUTH, list(FOUND.values()))
    np.testing.assert_allclose(found.top[0], [0, 0, 0, 0, 0, 1])
    np.testing.assert_allclose(found.top[1], [1 / 2, 0, 0, 0, 0, 1 / 2])
    np.testing.assert_allclose(found.top[5], [1 / 6] * 6)
    np.testing.assert_array_equal(found.top[5], found.top[9])
    assert np.isnan(errors(TRUTH, []).top).all()


def test_the_gain_is_what_the_map_would_rise_by() -> None:
    # The hit of class 0 comes last: precision 1/3, and 1/2 without either kind.
    found = [
        PlainBox(0, 0, FAR, 0.9),
        PlainBox(0, 0, NEAR_A, 0.8),
        PlainBox(0, 0, A, 0.7),
    ]
    gained = errors(TRUTH, found)
    wanted = (1 / 2 - 1 / 3) / 2  # two classes are in the mean
    np.testing.assert_allclose(gained.gain, [0, 0, wanted, 0, wanted])
    assert np.isnan(errors([], found).gain).all()


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
        assert (found.counts.sum(axis=0) + hits == scores.by_class.detections).all()
        assert (found.missed == scores.by_class.truths - hits).all()
        assert (found.gain >= 0).all(), "leaving out what is false never lowers a precision"
        assert hits.sum() > 10
