"""The speed gate's statistics, on literal times."""

import math
import random

import numpy as np
import pytest
from scipy import stats

from kinobench.bench import gate_stats
from kinobench.bench.gate_stats import CONFIRMING, FIRST, Rule


def test_the_median_of_turns_is_not_moved_by_a_forward_that_was_interrupted() -> None:
    baseline = [1.0, 1.0, 1.0, 1.0, 50.0]
    candidate = [1.1, 1.1, 1.1, 1.1, 1.1]
    assert gate_stats.log_ratio(baseline, candidate) == pytest.approx(math.log(1.1))


def test_turns_are_paired_so_that_a_clock_that_slows_down_cancels() -> None:
    speed = [1.0, 1.3, 1.7, 2.2, 2.9, 3.7]
    assert gate_stats.log_ratio(speed, [1.05 * s for s in speed]) == pytest.approx(math.log(1.05))


def test_the_interval_is_students_over_pairs() -> None:
    found = gate_stats.estimate([0.01, 0.02, 0.03], 0.05, 0.05)
    # scipy's own t-test and interval of the same numbers
    expected = stats.ttest_1samp([0.01, 0.02, 0.03], 0.0).confidence_interval(0.90)
    assert math.log1p(found.low) == pytest.approx(expected.low)
    assert math.log1p(found.high) == pytest.approx(expected.high)
    assert math.log1p(found.slowdown) == pytest.approx(0.02)
    assert found.spread == pytest.approx(0.01)
    one_sided = stats.ttest_1samp([0.01, 0.02, 0.03], 0.0, alternative="greater")
    assert found.p == pytest.approx(one_sided.pvalue)


def test_pairs_that_are_alike_to_the_last_digit_have_an_interval_of_no_width() -> None:
    found = gate_stats.estimate([0.02, 0.02, 0.02], 0.05, 0.05)
    assert found.low == found.high == found.slowdown and found.p == 0.0
    assert gate_stats.estimate([0.0, 0.0], 0.05, 0.05).p == 1.0


STEADY = [0.0300, 0.0301, 0.0299]
LEVEL = [0.0, 0.0001, -0.0001]
NOISY = [0.10, -0.05, 0.04]


@pytest.mark.parametrize(
    ("wall", "cpu", "answer"),
    [
        (STEADY, STEADY, "fail"),
        (STEADY, None, "fail"),
        (STEADY, LEVEL, None),  # a neighbour takes the core: the wall clock alone is moved
        (LEVEL, STEADY, None),
        (LEVEL, LEVEL, "pass"),
        (LEVEL, None, "pass"),
        (LEVEL, [*NOISY[:2], -0.06], "pass"),
        (NOISY, NOISY, None),
        ([0.0120, 0.0121, 0.0119], None, "pass"),  # slower for sure, but within the budget
        ([0.0148, 0.0149, 0.0147], None, None),  # just at the budget
        ([-0.03, -0.031, -0.029], None, "pass"),  # faster
    ],
)
def test_a_look_fails_only_what_all_clocks_say(
    wall: list[float], cpu: list[float] | None, answer: str | None
) -> None:
    assert gate_stats.look_at(wall, cpu, FIRST, 0.015).answer == answer


def test_more_models_make_a_fail_harder_and_a_pass_no_easier() -> None:
    wall = [0.03, 0.035, 0.025]
    one = gate_stats.look_at(wall, None, FIRST, 0.015)
    ten = gate_stats.look_at(wall, None, FIRST, 0.015, models=10)
    assert ten.wall.low < one.wall.low and ten.wall.high == one.wall.high


def test_looks_share_the_error() -> None:
    assert FIRST.share(FIRST.alpha) * len(FIRST.looks) == pytest.approx(FIRST.alpha)
    first = gate_stats.look_at([0.01, 0.02, 0.03], None, FIRST, 0.015)
    assert gate_stats.p_of_looks([first], 4) == pytest.approx(4 * first.p)
    assert gate_stats.p_of_looks([], 4) == 1.0


def test_the_last_look_spends_what_the_looks_before_have_left() -> None:
    wall = [0.02, 0.03, 0.04]  # t = 5.2: enough for 5 % (2.92), too little for a quarter (6.2)
    assert gate_stats.look_at(wall, None, FIRST, 0.015).answer is None
    last = gate_stats.look_at(wall, None, FIRST, 0.015, shares=4)
    assert last.answer == "fail"
    assert gate_stats.p_of_looks([last], 4) == pytest.approx(last.p)  # no other look to pay for


@pytest.mark.parametrize(("pairs", "shares"), [(3, (4,)), (4, (1, 3)), (6, (1, 1, 2))])
def test_however_early_the_time_is_up_equal_sides_fail_no_more_often_than_alpha(
    pairs: int, shares: tuple[int, ...]
) -> None:
    draw = np.random.default_rng(4)
    looks = [*[each for each in FIRST.looks if each < pairs], pairs]
    drawn = draw.normal(0.0, 0.01, (1200, pairs))
    failed = sum(
        any(
            gate_stats.look_at(list(each[:look]), None, FIRST, -1.0, shares=share).answer == "fail"
            for look, share in zip(looks, shares, strict=True)
        )
        for each in drawn
    )
    assert failed / len(drawn) <= FIRST.alpha + 3 * math.sqrt(FIRST.alpha / len(drawn))


def test_holm_calls_the_surest_first() -> None:
    # 0.01 against 0.05 / 3, 0.02 against 0.05 / 2, 0.2 against 0.05
    assert gate_stats.fails_of([0.2, 0.01, 0.02], 0.05) == [False, True, True]
    assert gate_stats.fails_of([0.02, 0.02, 0.02], 0.05) == [False, False, False]


@pytest.mark.parametrize("spread", [0.004, 0.009, 0.012])
def test_a_check_cries_wolf_in_less_than_a_hundredth_of_cases(spread: float) -> None:
    draw = np.random.default_rng(1)
    wall = draw.normal(0.0, spread, 200)
    rate = gate_stats.false_alarms(list(wall), None, 0.0, checks=150)
    assert rate <= FIRST.alpha * CONFIRMING.alpha + 3 * math.sqrt(0.005 / 150)


def test_the_least_detectable_slowdown_is_detected_as_often_as_it_says() -> None:
    rule = Rule(looks=(8,), alpha=0.05, beta=0.05)
    least = gate_stats.least_detectable(0.01, 8, rule)
    draw = np.random.default_rng(2)
    drawn = draw.normal(math.log1p(least), 0.01, (1500, 8))
    seen = [gate_stats.estimate(list(each), 0.05, 0.05).low > 0 for each in drawn]
    assert 0.93 <= np.mean(seen) <= 0.975


def test_the_least_detectable_slowdown_falls_with_pairs_and_grows_with_noise() -> None:
    assert gate_stats.least_detectable(0.01, 12, FIRST) < gate_stats.least_detectable(
        0.01, 5, FIRST
    )
    assert gate_stats.least_detectable(0.02, 12, FIRST) > gate_stats.least_detectable(
        0.01, 12, FIRST
    )


def test_false_alarms_are_the_same_each_time() -> None:
    draw = random.Random(3)
    wall = [draw.gauss(0, 0.02) for _ in range(12)]
    assert gate_stats.false_alarms(wall, wall, 0.0, checks=50) == gate_stats.false_alarms(
        wall, wall, 0.0, checks=50
    )
