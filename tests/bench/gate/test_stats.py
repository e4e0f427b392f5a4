"""The speed gate's statistics, on literal times."""

import math

import numpy as np
import pytest
from scipy import stats

from kinobench.bench.gate import looks as gate_stats
from kinobench.bench.gate.looks import CONFIRMING, FIRST


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


def test_where_several_threads_work_the_wall_clock_decides() -> None:
    look = gate_stats.look_at(STEADY, LEVEL, FIRST, 0.015, wall_alone=True)
    assert look.answer == "fail" and look.cpu is not None and look.p == look.wall.p
    assert gate_stats.look_at(LEVEL, STEADY, FIRST, 0.015, wall_alone=True).answer == "pass"


@pytest.mark.parametrize("models", [1, 2, 10, 11, 14, 1000])
def test_false_alarms_of_all_models_together_stay_below_one_in_twenty(models: int) -> None:
    alone = FIRST.alpha * CONFIRMING.alpha
    rule = gate_stats.among(FIRST, CONFIRMING, models)
    assert models * rule.alpha * CONFIRMING.alpha <= 0.05 * (1 + 1e-12)
    # No level is given away: it is lowered only where it must be.
    assert rule.alpha == FIRST.alpha or models * alone > 0.05
    assert (rule.looks, rule.beta) == (FIRST.looks, FIRST.beta)


def test_one_model_is_checked_at_the_levels_of_the_rules() -> None:
    assert gate_stats.among(FIRST, CONFIRMING, 1) == FIRST


def test_looks_share_the_error() -> None:
    assert FIRST.share(FIRST.alpha) * len(FIRST.looks) == pytest.approx(FIRST.alpha)
    first = gate_stats.look_at([0.01, 0.02, 0.03], None, FIRST, 0.015)
    assert gate_stats.p_of_looks([first], FIRST) == pytest.approx(4 * first.p)
    assert gate_stats.p_of_looks([], FIRST) == 1.0


def test_the_last_look_spends_what_the_looks_before_have_left() -> None:
    wall = [0.02, 0.03, 0.04]  # t = 5.2: enough for 5 % (2.92), too little for a quarter (6.2)
    assert gate_stats.look_at(wall, None, FIRST, 0.015).answer is None
    last = gate_stats.look_at(wall, None, FIRST, 0.015, shares=4)
    assert last.answer == "fail"
    assert gate_stats.p_of_looks([last], FIRST) == pytest.approx(last.p)  # no other look to pay for


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
