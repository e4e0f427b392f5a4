"""What the speed gate says of whole drawn checks: the fast way is held against the gate itself."""

import random
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from kinobench.bench.gate import verdict
from kinobench.bench.gate.batch import run_batch
from kinobench.bench.gate.counts import Facts
from kinobench.bench.gate.levels import Components
from kinobench.bench.gate.looks import (
    CONFIRMING,
    CONFIRMING_OF_FORKS,
    FAMILY,
    FIRST,
    FIRST_OF_FORKS,
    Rule,
    among,
)
from kinobench.bench.gate.power import (
    Plan,
    _Batches,
    _share_of_fails,
    bias_of,
    false_alarms,
    least_detectable,
    normal_pairs,
)
from kinobench.bench.gate.turns import Pair
from kinobench.bench.gate.verdict import Bench, Terms, check

from ...fakes.made_records import made_case

PLAN = Plan(budget=0.015)
FACTS = Facts(
    params=1,
    macs=1,
    operators={},
    graph_breaks=None,
    launches=1,
    peak_bytes=None,
    output_bytes=1,
)


def pair_of(log_ratios: np.ndarray, server: int | None = None) -> Pair:
    """Return a pair with these log-ratios, by the wall clock and perhaps by the processor."""
    wall, *cpu = np.exp(log_ratios)
    return Pair(
        baseline_s=(1.0,),
        candidate_s=(wall,),
        baseline_cpu_s=(1.0,) if cpu else None,
        candidate_cpu_s=tuple(cpu) or None,
        server=server,
    )


@pytest.mark.parametrize("clocks", [1, 2])
@pytest.mark.parametrize("affords", [1, 2, 4, 5, 7, 12, 30])
@pytest.mark.parametrize(("rule", "forks"), [(FIRST, 1), (FIRST_OF_FORKS, 4)])
def test_drawn_batches_are_judged_as_the_gate_judges_them(
    clocks: int, affords: int, rule: Rule, forks: int
) -> None:
    drawn = np.random.default_rng(affords).normal(0.016, 0.008, (60, rule.looks[-1], clocks))
    drawn += (
        np.random.default_rng(9)
        .normal(0.0, 0.004, (60, rule.looks[-1] // forks, 1))
        .repeat(forks, axis=1)
    )
    fails, _, used = _Batches(drawn, rule, forks).outcomes(0.002, 0.015, np.full(60, affords))
    for batch, failed, pairs in zip(drawn + 0.002, fails, used, strict=True):
        numbers = (number // forks for number in range(len(batch)))
        each = (pair_of(ratios, next(numbers) if forks > 1 else None) for ratios in batch)
        ticks = iter(range(100))
        # A pair takes two ticks, one before and one after it, and two more pass beside it.
        found = run_batch(
            lambda each=each: next(each),  # type: ignore[misc]
            rule,
            0.015,
            until=3 * affords,
            clock=lambda ticks=ticks: next(ticks),  # type: ignore[misc]
        )
        assert (found.answer == "fail") == failed and len(found.pairs) == pairs


def test_a_drawn_check_fails_as_often_as_one_by_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    # It is only said where a check is inconclusive, and takes longer than the check.
    monkeypatch.setattr(verdict, "least_detectable", lambda clocks, plan, servers: None)
    draw = random.Random(5)
    fails, checks = 0, 120
    for _ in range(checks):
        now = [0.0]

        def pairs(now: list[float] = now) -> Iterator[Pair]:
            while True:
                now[0] += 5.0
                yield pair_of(np.array([draw.gauss(np.log1p(0.018), 0.008)]))

        each = pairs()
        bench = Bench(
            facts=lambda case: (FACTS, FACTS),
            pair=lambda case, each=each: next(each),  # type: ignore[misc]
            clock=lambda now=now: now[0],  # type: ignore[misc]
        )
        (found,) = check([made_case()], bench, Terms(budget=0.015), lambda line: None)
        fails += found.verdict == "fail"
    plan = msgspec.structs.replace(PLAN, first_pairs=7, all_pairs=12)
    generator = np.random.default_rng(0)
    first, second = (
        _Batches(generator.normal(0.0, 0.008, (5000, rule.looks[-1], 1)), rule)
        for rule in (FIRST, CONFIRMING)
    )
    share = _share_of_fails(first, second, plan, np.log1p(0.018))
    error = (share * (1 - share) / checks) ** 0.5
    assert 0.2 < share < 0.95 and abs(fails / checks - share) < 3 * error


@pytest.mark.parametrize("spread", [0.004, 0.009, 0.012])
def test_a_check_cries_wolf_in_less_than_a_hundredth_of_cases(spread: float) -> None:
    wall = np.random.default_rng(1).normal(0.0, spread, 200)
    rate = false_alarms([list(wall - wall.mean())], Plan(budget=0.0))
    assert rate <= FIRST.alpha * CONFIRMING.alpha


def test_exchanging_sides_doesnt_hide_that_they_differ() -> None:
    assert false_alarms([[0.0199, 0.0200, 0.0201] * 4], PLAN) == 1.0
    assert false_alarms(drawn_like(0.008), PLAN) < 0.01
    assert bias_of([0.01, 0.02, 0.03]).mean == pytest.approx(0.02)
    assert not bias_of([0.01, -0.01]).is_real and bias_of([-0.02, -0.021]).is_real


def test_false_alarms_are_the_same_each_time() -> None:
    draw = random.Random(3)
    wall = [draw.gauss(0, 0.02) for _ in range(12)]
    assert false_alarms([wall, wall], PLAN) == false_alarms([wall, wall], PLAN)


def drawn_like(spread: float, clocks: int = 1) -> list[list[float]]:
    values = np.random.default_rng(7).normal(0.0, 1.0, 12)
    values = spread * (values - values.mean()) / values.std(ddof=1)
    return [list(values)] * clocks


def test_a_slowdown_of_the_budget_is_not_detectable_however_quiet_it_is() -> None:
    least = least_detectable(drawn_like(1e-6), PLAN)
    assert least == pytest.approx(0.015, rel=0.01) and least > 0.015


def test_the_least_detectable_slowdown_falls_with_pairs_and_grows_with_noise() -> None:
    def least(spread: float, pairs: int) -> float:
        plan = msgspec.structs.replace(PLAN, first_pairs=pairs, all_pairs=2 * pairs)
        found = least_detectable(drawn_like(spread), plan)
        assert found is not None
        return found

    assert least(0.01, 12) < least(0.01, 5) < least(0.02, 5)


def test_a_single_look_at_one_clock_has_the_power_of_a_t_test() -> None:
    # With a budget of 0 and a second batch that is all but sure, only the first one's t-test is
    # left: the noncentral t of 8 pairs has a power of 95 % at 3.6 standard errors and alpha 0.05.
    from scipy import optimize, stats

    def power(shift: float) -> float:
        return float(stats.nct.sf(stats.t.isf(0.05, 7), 7, shift)) - 0.95

    expected = optimize.brentq(power, 1.0, 8.0) * 0.01 / 8**0.5
    one_look = Rule(looks=(8,), alpha=0.05, beta=1e-9)
    sure = Rule(looks=(60,), alpha=0.5, beta=1e-9)
    plan = Plan(budget=0.0, first=one_look, confirming=sure, first_pairs=8, all_pairs=68)
    least = least_detectable(drawn_like(0.01), plan)
    assert least is not None and np.log1p(least) == pytest.approx(expected, rel=0.03)


def test_clocks_that_always_agree_are_as_one() -> None:
    one, two = (least_detectable(drawn_like(0.008, clocks), PLAN) for clocks in (1, 2))
    assert one is not None and two == pytest.approx(one, rel=0.02)


def test_without_a_look_nothing_is_detectable() -> None:
    few = msgspec.structs.replace(PLAN, first_pairs=1, all_pairs=2)
    assert least_detectable(drawn_like(0.01), few) is None


def test_drawn_checks_that_have_time_for_three_pairs_spend_all_of_the_error_on_them() -> None:
    # With a spread of 1 %, 3 pairs FAIL by t > 2.92 at all of alpha, by t > 6.2 at a quarter of it:
    # of a slowdown of 4 % the one finds three times as many as the other would.
    rule = Rule(looks=(3, 5, 8, 12), alpha=0.05, beta=0.05)
    draw = np.random.default_rng(5)
    drawn = draw.normal(0.0, 0.01, (4000, 12, 1))
    batches = _Batches(drawn, rule)
    fails, _, used = batches.outcomes(0.04, 0.0, np.full(4000, 3))
    t = (drawn[:, :3, 0].mean(1) + 0.04) / (drawn[:, :3, 0].std(1, ddof=1) / np.sqrt(3))
    assert fails.mean() == pytest.approx((t > 2.92).mean(), abs=0.002)
    assert (used == 3).all()
    longer, _, _ = batches.outcomes(0.04, 0.0, np.full(4000, 12))
    assert longer.mean() > fails.mean()


FORKS = Plan(
    budget=0.015,
    first=FIRST_OF_FORKS,
    confirming=CONFIRMING_OF_FORKS,
    first_pairs=24,
    all_pairs=40,
    forks=4,
)


def drawn_batches(rule: Rule, between: float, within: float, seed: int) -> _Batches:
    parts = Components(np.array([[between**2]]), np.array([[within**2]]))
    return _Batches(
        normal_pairs(parts, rule, 4, 12_000, np.random.default_rng(seed)), rule, forks=4
    )


@pytest.mark.parametrize("between", [0.0, 0.005, 0.01, 0.02])
def test_servers_that_add_up_to_twice_what_pairs_add_raise_no_more_false_alarms_than_stated(
    between: float,
) -> None:
    # Without a budget, so that a FAIL is a matter of the interval alone.
    rates = [
        drawn_batches(rule, between, 0.01, seed).outcomes(0.0, 0.0, np.full(12_000, 99))[0].mean()
        for seed, rule in enumerate((FIRST_OF_FORKS, CONFIRMING_OF_FORKS))
    ]
    # A tenth more for the error of the simulation.
    assert rates[0] * rates[1] < 1.1 * FIRST_OF_FORKS.alpha * CONFIRMING_OF_FORKS.alpha
    assert rates[0] * rates[1] > 0 or between == 0.0


@pytest.mark.parametrize("models", [16, 50, 200])
def test_false_alarms_of_many_models_together_stay_rare_though_their_pairs_share_servers(
    models: int,
) -> None:
    first = among(FIRST_OF_FORKS, CONFIRMING_OF_FORKS, models)
    rates = [
        drawn_batches(rule, 0.02, 0.01, seed).outcomes(0.0, 0.0, np.full(12_000, 99))[0].mean()
        for seed, rule in enumerate((first, CONFIRMING_OF_FORKS))
    ]
    assert 0 < models * rates[0] * rates[1] < 1.1 * FAMILY


def test_among_the_sixteen_models_of_the_suite_a_slowdown_of_three_per_cent_is_found() -> None:
    rule = among(FIRST_OF_FORKS, CONFIRMING_OF_FORKS, 16)
    first, second = (
        drawn_batches(each, 0.004, 0.007, seed)
        for seed, each in enumerate((rule, CONFIRMING_OF_FORKS))
    )
    plan = msgspec.structs.replace(FORKS, first=rule)
    assert _share_of_fails(first, second, plan, np.log1p(0.03)) > 0.96


@pytest.mark.parametrize(("between", "within"), [(0.0, 0.01), (0.004, 0.007), (0.005, 0.01)])
def test_a_slowdown_of_three_per_cent_is_found_though_pairs_share_servers(
    between: float, within: float
) -> None:
    first, second = (
        drawn_batches(rule, between, within, seed)
        for seed, rule in enumerate((FIRST_OF_FORKS, CONFIRMING_OF_FORKS))
    )
    assert _share_of_fails(first, second, FORKS, np.log1p(0.03)) > 0.96
    assert _share_of_fails(first, second, FORKS, 0.0) < 0.0005


def shared(between: float, within: float, seed: int = 2) -> tuple[list[float], list[int]]:
    """Return 24 log-ratios, and the server pair of each."""
    draw = np.random.default_rng(seed)
    values = np.repeat(draw.normal(0.0, between, 6), 4) + draw.normal(0.0, within, 24)
    return list(values), [number // 4 for number in range(24)]


def test_luck_that_pairs_share_makes_the_least_detectable_slowdown_larger() -> None:
    ratios, servers = shared(0.01, 0.002)
    alone = msgspec.structs.replace(FORKS, forks=1)
    small, large = least_detectable([ratios], alone), least_detectable([ratios], FORKS, servers)
    assert small is not None and large is not None and large > 1.2 * small


def test_false_alarms_are_drawn_with_the_luck_that_pairs_share() -> None:
    ratios, servers = shared(0.012, 0.001)
    no_budget = msgspec.structs.replace(FORKS, budget=0.0)
    assert false_alarms([ratios], no_budget, servers) < 0.01
    # A gate that took them for independent pairs would raise many.
    rule = msgspec.structs.replace(FIRST, looks=(24,))
    independent = msgspec.structs.replace(no_budget, first=rule, confirming=rule, forks=1)
    drawn = normal_pairs(
        Components(np.array([[1.0]]), np.array([[0.01]])), rule, 4, 4000, np.random.default_rng(0)
    )
    blind = _Batches(drawn, rule)
    assert blind.outcomes(0.0, 0.0, np.full(4000, 24))[0].mean() > 0.15
    assert false_alarms([ratios], independent) < 0.01  # as pairs whose signs are their own


def test_the_bias_of_equal_sides_counts_servers_and_not_pairs_if_these_are_alike() -> None:
    ratios = [0.010, 0.011, 0.012, -0.002, -0.001, 0.000]
    assert bias_of(ratios[:3]).is_real
    assert bias_of([*ratios, *ratios]).low > bias_of(ratios, [0, 0, 0, 1, 1, 1]).low
    assert not bias_of(ratios, [0, 0, 0, 1, 1, 1]).is_real
