"""Which predictions are shown: the best balance of precision and recall."""

import numpy as np
import pytest

from kinobench.bench.tasks.shown import cut_of, spaced


def test_the_cut_is_where_f1_is_highest() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    hits = np.array([True, True, False, True, False])
    # F1 after each: 2/5, 4/6, 4/7, 6/8, 6/9.
    cut = cut_of(scores, hits, 4, 0.5)
    assert cut is not None
    assert (cut.score, cut.hits, cut.found, cut.truths) == (0.6, 3, 4, 4)


def test_equal_scores_are_shown_together() -> None:
    cut = cut_of(np.array([0.5, 0.5, 0.5]), np.array([True, False, False]), 1, 0.5)
    assert cut is not None and (cut.hits, cut.found) == (1, 3)


def test_without_a_hit_as_many_are_shown_as_are_true() -> None:
    none = np.zeros(6, bool)
    scores = np.array([0.1, 0.6, 0.2, 0.5, 0.3, 0.4])
    cut = cut_of(scores, none, 4, 0.5)
    assert cut is not None and (cut.score, cut.found, cut.hits) == (0.3, 4, 0)
    cut = cut_of(scores[:2], none[:2], 9, 0.5)
    assert cut is not None and (cut.score, cut.found) == (0.1, 2)


def test_without_predictions_there_is_no_cut() -> None:
    assert cut_of(np.zeros(0), np.zeros(0, bool), 3, 0.5) is None


@pytest.mark.parametrize("seed", range(20))
def test_no_other_score_has_a_higher_f1(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores, hits = random.integers(0, 9, 40) / 8, random.random(40) < 0.4
    cut = cut_of(scores, hits, 20, 0.5)
    assert cut is not None

    def f1(least: float) -> float:
        kept = scores >= least
        return float(2 * (hits & kept).sum() / (kept.sum() + 20))

    assert f1(cut.score) == max(f1(each) for each in scores)
    assert (cut.hits, cut.found) == (
        (hits & (scores >= cut.score)).sum(),
        (scores >= cut.score).sum(),
    )


def test_spaced_items_come_from_everywhere_whatever_is_said_of_them() -> None:
    assert spaced(range(5), 8) == [0, 1, 2, 3, 4]
    assert spaced(range(16), 4) == [2, 6, 10, 14]
    assert len(set(spaced(range(9), 8))) == 8
