"""The bootstrap over videos: what is drawn, intervals and differences."""

import numpy as np
import pytest

from kinobench.bench.metrics.bootstrap import bootstrapped, bootstrapped_difference, drawn_videos


def test_each_draw_has_as_many_videos_as_there_are() -> None:
    drawn = drawn_videos(7, draws=200, seed=3)
    assert drawn.shape == (7, 200)
    assert set(drawn.sum(axis=0)) == {7}
    np.testing.assert_array_equal(drawn, drawn_videos(7, draws=200, seed=3))
    assert (drawn != drawn_videos(7, draws=200, seed=4)).any()


def test_a_video_is_drawn_once_on_average_with_a_variance_below_one() -> None:
    drawn = drawn_videos(20, draws=20_000)
    assert drawn.mean() == 1
    assert drawn.var() == pytest.approx(1 - 1 / 20, abs=0.01)  # binomial


def test_draws_of_one_value_have_no_interval() -> None:
    assert bootstrapped(0.5, np.full(10, 0.5)).interval is None
    found = bootstrapped_difference(0.5, 0.5, np.full(10, 0.5), np.full(10, 0.5))
    assert found.interval is None
    assert found.p == 1


def test_a_draw_without_a_positive_does_not_count() -> None:
    draws = np.random.default_rng(0).normal(0.4, 0.05, 500)
    with_gaps = np.concatenate([draws, [np.nan, np.nan]])
    assert bootstrapped(0.4, with_gaps).interval == bootstrapped(0.4, draws).interval


def test_a_difference_is_opposite_with_the_sides_exchanged() -> None:
    generator = np.random.default_rng(0)
    first = generator.normal(0.4, 0.05, 500)
    second = first + generator.normal(0.03, 0.01, 500)
    ahead = bootstrapped_difference(0.4, 0.43, first, second)
    behind = bootstrapped_difference(0.43, 0.4, second, first)
    assert ahead.interval is not None
    assert behind.interval is not None
    assert ahead.difference == pytest.approx(0.03)
    assert behind.interval == pytest.approx((-ahead.interval[1], -ahead.interval[0]))
    assert ahead.p == pytest.approx(behind.p)
    assert ahead.p < 0.05
    assert ahead.interval[0] > 0
