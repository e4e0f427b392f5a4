import tracemalloc
from functools import cache

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import top_k_accuracy_score
from statsmodels.stats import contingency_tables
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from kinobench.bench.statistics.intervals import (
    difference_interval,
    median_interval,
    resampled_difference,
    wilson,
)
from kinobench.bench.statistics.scores import NOWHERE, hits_at, named_classes, places, scores
from kinobench.bench.statistics.tests import holm, mcnemar


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # Wilson's formula by hand with z = 1.959964, z2 = 3.841459:
        # (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n)
        (0, 10, 0.0, 0.277535),
        (10, 10, 0.722465, 1.0),
        (81, 263, 0.2553, 0.3662),  # printed by Newcombe 1998, table I, to four digits
    ],
)
def test_wilson_intervals_are_those_of_the_formula(
    hits: int, trials: int, low: float, high: float
) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=5e-5)


def test_the_medians_interval_is_made_of_order_statistics() -> None:
    # For n = 10, P(X <= 1) of B(10, 1/2) is 11/1024 = 1.07 %, P(X <= 2) is 5.47 %: the second
    # smallest and the second largest value are the tightest pair with 95 %.
    values = [10.0, 1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0]
    assert median_interval(values) == (2.0, 9.0)


def test_five_values_have_no_95_percent_interval_and_six_have() -> None:
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == (1.0, 6.0)


def test_the_medians_interval_covers_what_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        interval = median_interval(generator.lognormal(0, 1, 25))
        assert interval is not None
        covered += interval[0] <= 1.0 <= interval[1]  # the median of a log-normal is exp(0)
    # 25 values give 95.7 %; 400 trials have a standard error of 1 point.
    assert 0.92 <= covered / 400 <= 0.985


def test_softmax_and_logit_averaging_differ_as_they_should() -> None:
    # Softmax of (0, ln 3) is (1/4, 3/4), of (ln 9, 0) is (9/10, 1/10).
    logits = np.array([[[0.0, np.log(3)], [np.log(9), 0.0]]], dtype=np.float64)
    np.testing.assert_allclose(scores(logits, "softmax"), [[0.575, 0.425]])
    np.testing.assert_allclose(scores(logits, "logits"), [[np.log(9) / 2, np.log(3) / 2]])


def test_large_logits_do_not_overflow() -> None:
    logits = np.array([[[1e4, 0.0, -1e4]]], dtype=np.float32)
    np.testing.assert_allclose(scores(logits, "softmax"), [[1.0, 0.0, 0.0]])


def test_hits_count_the_classes_before_the_true_one() -> None:
    scored = np.array([[0.1, 0.5, 0.4], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])
    labels = np.array([1, 1, 0])
    assert hits_at(1, scored, labels).tolist() == [True, False, False]
    assert hits_at(2, scored, labels).tolist() == [True, True, False]
    assert hits_at(5, scored, labels).tolist() == [True, True, True]


def test_a_tie_with_the_true_class_is_wrong() -> None:
    scored = np.full((1, 8), 0.125)
    assert not hits_at(1, scored, np.array([0]))[0]
    assert not hits_at(5, scored, np.array([0]))[0]
    assert hits_at(8, scored, np.array([0]))[0]


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_scores_that_are_not_finite_miss(broken: float) -> None:
    scored = np.array([[broken, 0.0, 0.0]])
    assert not hits_at(1, scored, np.array([0]))[0]
    assert not hits_at(3, scored, np.array([1]))[0]


@pytest.mark.parametrize("seed", range(100))
def test_scikit_learn_counts_the_same_hits(seed: int) -> None:
    generator = np.random.default_rng(seed)
    videos, views, classes = (int(generator.integers(*span)) for span in ((5, 80), (1, 9), (6, 30)))
    logits = generator.standard_normal((videos, views, classes)) * generator.uniform(0.1, 9)
    labels = generator.integers(0, classes, videos)
    scored = scores(logits, ("softmax", "logits")[seed % 2])
    assert all(
        len(set(row)) == classes for row in scored.tolist()
    )  # no ties: there sklearn differs
    for k in (1, 5):
        theirs = top_k_accuracy_score(labels, scored, k=k, labels=range(classes))
        assert hits_at(k, scored, labels).mean() == theirs


def test_places_count_the_classes_before_and_nothing_finite_is_nowhere() -> None:
    scored = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 1.0], [np.nan, 1.0, 2.0]])
    assert places(scored, np.array([2, 0, 2])).tolist() == [1, 2, NOWHERE]


def test_a_video_is_taken_for_its_class_exactly_where_it_hits() -> None:
    generator = np.random.default_rng(1)
    scored = generator.integers(0, 4, (500, 5)).astype(np.float64)  # ties everywhere
    scored[7, 3] = np.nan
    labels = generator.integers(0, 5, 500)
    named = named_classes(scored, labels)
    np.testing.assert_array_equal(named == labels, hits_at(1, scored, labels))
    assert named[7] == -1
    finite = named >= 0
    best = scored[finite].max(axis=1)
    np.testing.assert_array_equal(scored[finite, named[finite]], best)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("aggregation", ["softmax", "logits"])
def test_one_view_that_is_not_finite_spoils_its_video_alone(aggregation: str, value: float) -> None:
    logits = np.zeros((2, 3, 4), dtype=np.float32)
    logits[:, :, 1] = 5
    logits[0, 2, 0] = value
    hits = hits_at(1, scores(logits, aggregation), np.array([1, 1]))
    # A logit of -inf is a probability of 0, and no other's softmax suffers from it.
    assert hits.tolist() == [value == -np.inf and aggregation == "softmax", True]


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        # 2 P(X <= least) for X of B(n, 1/2), no more than 1
        (0, 0, 1.0),
        (0, 5, 2 * 1 / 32),
        (8, 1, 2 * (1 + 9) / 512),
        (3, 7, 2 * (1 + 10 + 45 + 120) / 1024),
        (4, 4, 1.0),
        (0, 1, 1.0),
    ],
)
def test_mcnemars_p_is_the_sum_of_a_binomials_tails(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p, rel=1e-12)
    assert mcnemar(only_b, only_a) == pytest.approx(p, rel=1e-12)


def test_statsmodels_gives_the_same_p_and_the_same_wilson_interval() -> None:
    generator = np.random.default_rng(2)
    for _ in range(50):
        only_a, only_b, both, neither = generator.integers(1, 200, 4).tolist()
        table = [[both, only_a], [only_b, neither]]
        theirs = contingency_tables.mcnemar(table, exact=True).pvalue
        assert mcnemar(only_a, only_b) == pytest.approx(theirs, rel=1e-9)
        theirs = proportion_confint(only_a, only_a + both, method="wilson")
        assert wilson(only_a, only_a + both) == pytest.approx(theirs, rel=1e-9)


def test_holm_adjusts_as_worked_by_hand_and_as_statsmodels_does() -> None:
    # 4 x 0.01, 3 x 0.02, 2 x 0.03 raised to the one before it, 0.5.
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.4, 0.6]) == [0.8, 0.8] and holm([0.7, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    generator = np.random.default_rng(5)
    for count in (1, 2, 7, 435):
        p = generator.uniform(size=count) ** 4
        assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.71, 0.92])
@pytest.mark.parametrize("trials", [400, 3783])
def test_wilsons_interval_covers_what_it_says(trials: int, share: float) -> None:
    generator = np.random.default_rng(3)
    inside = cache(lambda hits: wilson(hits, trials)[0] <= share <= wilson(hits, trials)[1])
    covered = np.mean([inside(hits) for hits in generator.binomial(trials, share, 4000).tolist()])
    assert 0.93 <= covered <= 0.97


def test_the_same_data_give_the_same_interval_and_others_another() -> None:
    generator = np.random.default_rng(4)
    a, b = generator.random((2, 500)) < [[0.7], [0.75]]
    first = difference_interval(a, b, resamples=2000)
    assert first == difference_interval(a, b, resamples=2000)
    few = [difference_interval(a, b, resamples=50, seed=seed) for seed in (0, 1)]
    assert few[0] != few[1]
    low, high = first or (0.0, 0.0)
    assert low < b.mean() - a.mean() < high
    assert difference_interval(b, a, resamples=2000) == (-high, -low)
    order = generator.permutation(500)
    assert difference_interval(a[order], b[order], resamples=2000) == first


@pytest.mark.parametrize("clustered", [False, True])
def test_scipys_bootstrap_gives_the_same_interval(clustered: bool) -> None:
    a, b, clusters = _clustered(np.random.default_rng(9))
    _, member = np.unique(clusters if clustered else np.arange(480), return_inverse=True)
    sums = np.bincount(member, b.astype(float) - a)
    sizes = np.bincount(member)
    theirs = stats.bootstrap(
        (sums, sizes),
        lambda sums, sizes, axis: sums.sum(axis=axis) / sizes.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    ours = difference_interval(a, b, clusters if clustered else None)
    # Two ends of 10,000 draws each differ by chance, here by no more than one cluster.
    assert ours == pytest.approx(tuple(theirs), abs=(6.01 if clustered else 1.01) / 480)


def test_p_is_below_five_percent_just_where_the_interval_excludes_zero() -> None:
    generator, below = np.random.default_rng(10), 0
    for trial in range(200):
        kind = generator.choice(3, 300, p=[0.05, 0.85, 0.10])
        found = resampled_difference(kind == 0, kind == 2, resamples=999, seed=trial)
        assert found is not None
        excludes = found.interval[0] > 0 or found.interval[1] < 0
        assert (found.p < 0.05) == excludes
        below += excludes
    assert 20 < below < 180


def test_of_uncorrelated_videos_the_bootstraps_interval_is_the_normal_one() -> None:
    generator = np.random.default_rng(5)
    a, b = generator.random((2, 4000)) < [[0.70], [0.72]]
    differences = b.astype(float) - a
    half = 1.959964 * differences.std() / np.sqrt(4000)
    low, high = difference_interval(a, b) or (0.0, 0.0)
    assert low == pytest.approx(differences.mean() - half, abs=0.001)
    assert high == pytest.approx(differences.mean() + half, abs=0.001)


def test_one_video_or_one_cluster_has_no_interval() -> None:
    assert difference_interval(np.array([True]), np.array([False])) is None
    hits = np.array([True, False, True])
    assert difference_interval(hits, ~hits, np.array([4, 4, 4])) is None


def test_equal_networks_differ_by_exactly_nothing() -> None:
    hits = np.arange(50) % 3 == 0
    assert difference_interval(hits, hits, resamples=100) == (0.0, 0.0)


def test_clusters_of_one_video_are_videos() -> None:
    generator = np.random.default_rng(6)
    a, b = generator.random((2, 300)) < 0.6
    alone = difference_interval(a, b, resamples=1000)
    assert difference_interval(a, b, np.arange(300), resamples=1000) == alone


def test_drawing_whole_clusters_widens_the_interval_of_clustered_videos() -> None:
    a, b, clusters = _clustered(np.random.default_rng(7))
    narrow, wide = difference_interval(a, b), difference_interval(a, b, clusters)
    assert narrow is not None and wide is not None
    ratio = (wide[1] - wide[0]) / (narrow[1] - narrow[0])
    # Six videos that all agree are worth one: the square root of 6 is 2.4.
    assert 2.1 < ratio < 2.8


def test_the_bootstrap_holds_no_more_memory_for_more_videos() -> None:
    hits = np.arange(200_000) % 3 == 0
    tracemalloc.start()
    difference_interval(hits, np.roll(hits, 1), resamples=40)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All 40 draws at once would be 64 MB of indices and as much for each of two sums.
    assert peak_bytes < 80e6


def _clustered(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """80 clusters of six videos, which fare all alike: B is 5 points better in the mean."""
    kind = generator.choice(3, 80, p=[0.10, 0.75, 0.15]).repeat(6)
    return kind == 0, kind == 2, np.arange(80).repeat(6)


@pytest.mark.parametrize("clustered", [False, True])
def test_the_bootstraps_interval_covers_what_it_says(clustered: bool) -> None:
    assert 0.93 <= _coverage(clustered, trials=600, resamples=500) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("clustered", [False, True])
def test_ten_thousand_draws_cover_what_they_say(clustered: bool) -> None:
    assert 0.93 <= _coverage(clustered, trials=1000, resamples=10_000) <= 0.97


def test_without_clusters_the_interval_of_clustered_videos_covers_too_little() -> None:
    assert _coverage(True, trials=200, resamples=300, told=False) < 0.75


def _coverage(clustered: bool, trials: int, resamples: int, told: bool = True) -> float:
    generator = np.random.default_rng(8)
    covered = 0
    for trial in range(trials):
        if clustered:
            a, b, clusters = _clustered(generator)
        else:
            kind = generator.choice(3, 400, p=[0.05, 0.85, 0.10])
            a, b, clusters = kind == 0, kind == 2, None
        interval = difference_interval(
            a, b, clusters if told else None, resamples=resamples, seed=trial
        )
        assert interval is not None
        covered += interval[0] <= 0.05 <= interval[1]
    return covered / trials
