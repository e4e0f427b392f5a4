import numpy as np
import pytest

from kinobench.bench.stats import hits_at, median_interval, scores, wilson


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
