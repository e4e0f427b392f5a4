"""The interval of a mean over several lists of videos, of which clusters are drawn whole."""

import numpy as np
import pytest

from kinobench.bench.statistics.split_means import mean_share_interval

GENERATOR = np.random.default_rng(0)


def test_it_is_the_interval_of_the_mean_of_the_lists_shares() -> None:
    hits = [
        GENERATOR.random(count) < share for count, share in ((400, 0.5), (300, 0.6), (200, 0.7))
    ]
    clusters = [np.arange(400), 400 + np.arange(300), 700 + np.arange(200)]
    found = mean_share_interval(hits, clusters)
    assert found is not None
    mean = np.mean([each.mean() for each in hits])
    error = np.sqrt(sum(each.var() / len(each) for each in hits)) / 3
    assert found == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.004)


def test_videos_of_one_group_are_no_more_than_one_video() -> None:
    each = GENERATOR.random(60) < 0.5
    hits, group = [np.repeat(each, 7)] * 3, np.repeat(np.arange(60), 7)
    once = mean_share_interval([each] * 3, [np.arange(60)] * 3)
    assert mean_share_interval(hits, [group] * 3) == once
    alone = mean_share_interval(hits, [np.arange(420)] * 3)
    assert once is not None and alone is not None
    assert alone[1] - alone[0] < 0.5 * (once[1] - once[0])


def test_a_video_in_several_lists_is_drawn_into_all_of_them() -> None:
    each = GENERATOR.random(200) < 0.5
    shared = mean_share_interval([each] * 3, [np.arange(200)] * 3)
    apart = mean_share_interval([each] * 3, [np.arange(200) + 200 * place for place in range(3)])
    assert shared is not None and apart is not None
    assert shared[1] - shared[0] == pytest.approx(3**0.5 * (apart[1] - apart[0]), rel=0.15)


def test_one_cluster_has_no_interval() -> None:
    assert mean_share_interval([np.array([True, False])] * 2, [np.zeros(2, int)] * 2) is None
    assert mean_share_interval([np.zeros(0, bool)] * 2, [np.zeros(0, int)] * 2) is None
