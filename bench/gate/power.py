"""The verdicts of the speed gate for pairs with a given noise: whole checks are simulated.

Each simulated check follows the rule of `verdict.py`: a first batch with a look after some of its
pairs, and a fresh batch that confirms a slowdown, in the time that is left. Pairs that are forked
from the same servers share a part of their luck, and so do the simulated ones.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import special

from .levels import Components, components_of, mean_of
from .looks import CONFIRMING, FIRST, Rule

Numbers = NDArray[Any]
Servers = Sequence[int] | None
"""The number of each pair's server pair; None: all pairs are independent."""

CHECKS = 10_000
POWER = 0.95
_MOST = math.log(100.0)
"""The largest slowdown that is searched, as a log-ratio."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a check, and the pairs that it has time for.

    Attributes:
        budget: The slowdown that is allowed, as a fraction.
        first, confirming: The rules of the two batches.
        first_pairs: Most pairs that the first batch has time for.
        all_pairs: Most pairs that both batches have time for.
        forks: Pairs that are forked from one server pair; 1: each has processes of its own.
    """

    budget: float
    first: Rule = FIRST
    confirming: Rule = CONFIRMING
    first_pairs: int = FIRST.looks[-1]
    all_pairs: int = FIRST.looks[-1] + CONFIRMING.looks[-1]
    forks: int = 1


def false_alarms(
    clocks: Sequence[Sequence[float]],
    plan: Plan,
    servers: Servers = None,
    *,
    checks: int = CHECKS,
    seed: int = 0,
) -> float:
    """Return the share of checks of equal sides that would FAIL, with pairs like these.

    Server pairs are drawn with replacement, and then pairs of each. In half of the cases the sides
    of a server pair are exchanged, which changes only the sign if the sides are equal. If the
    interval of the mean excludes 0, the sides are not equal, whatever the reason: the signs are
    then exchanged about that mean.

    Args:
        clocks: Log-ratios of the same pairs, two or more, for each clock that decides.
        plan: The rules and the pairs of a check.
        servers: The number of each pair's server pair.
        checks: Number of simulated checks.
        seed: Seed of the generator.
    """
    values = np.asarray(clocks, float).T  # [pairs, clocks]
    units = np.arange(len(values)) if servers is None else np.asarray(servers)
    biases = [bias_of(each, servers) for each in clocks]
    center = np.array([about.mean if about.is_real else 0.0 for about in biases])
    order = np.argsort(units, kind="stable")
    _, begins, sizes = np.unique(units[order], return_index=True, return_counts=True)
    generator = np.random.default_rng(seed)

    def drawn(rule: Rule) -> Numbers:
        groups = math.ceil(rule.looks[-1] / plan.forks)
        signs = generator.choice((-1.0, 1.0), size=(checks, groups, 1, 1))
        server = generator.integers(len(begins), size=(checks, groups, 1))
        share = generator.random(size=(checks, groups, plan.forks))
        chosen = values[order[begins[server] + (share * sizes[server]).astype(int)]]
        mirrored: Numbers = center + signs * (chosen - center)
        return mirrored.reshape(checks, groups * plan.forks, -1)[:, : rule.looks[-1]]

    first, second = (
        _Batches(drawn(rule), rule, plan.forks) for rule in (plan.first, plan.confirming)
    )
    return _share_of_fails(first, second, plan, 0.0)


def least_detectable(
    clocks: Sequence[Sequence[float]],
    plan: Plan,
    servers: Servers = None,
    *,
    power: float = POWER,
    checks: int = CHECKS,
    seed: int = 0,
) -> float | None:
    """Return the slowdown that a check would FAIL with probability `power`, as a fraction.

    The result is always more than the budget. A FAIL needs, in both batches, a slowdown that is
    surely above 0 and estimated above the budget, and at a slowdown of exactly the budget the
    estimate is above it only half of the time. Pairs are drawn from normal distributions that have
    the covariances of the given ones over the clocks, those of server pairs and those of pairs.

    Args:
        clocks: Log-ratios of the same pairs, two or more, for each clock that decides.
        plan: The rules and the pairs of a check.
        servers: The number of each pair's server pair.
        power: Probability of a FAIL that the slowdown must have.
        checks: Number of simulated checks.
        seed: Seed of the generator.

    Returns:
        The slowdown; None if there are too few pairs for a look, or if even a hundredfold slowdown
        isn't enough.
    """
    values = np.asarray(clocks, float)
    units = range(values.shape[1]) if servers is None else servers
    parts = components_of(values, units)
    generator = np.random.default_rng(seed)
    first, second = (
        _Batches(normal_pairs(parts, rule, plan.forks, checks, generator), rule, plan.forks)
        for rule in (plan.first, plan.confirming)
    )
    low = math.log1p(plan.budget)
    high = low + max(low, 1e-6)
    while _share_of_fails(first, second, plan, high) < power:
        low, high = high, 2 * high
        if low > _MOST:
            return None
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        if _share_of_fails(first, second, plan, middle) < power:
            low = middle
        else:
            high = middle
    return math.expm1(high)


def normal_pairs(
    parts: Components, rule: Rule, forks: int, checks: int, generator: np.random.Generator
) -> Numbers:
    """Draw the log-ratios of a batch of each check, `[checks, pairs, clocks]`, with mean 0."""
    pairs = rule.looks[-1]
    groups = math.ceil(pairs / forks)

    def drawn(covariance: Numbers, count: int) -> Numbers:
        return generator.multivariate_normal(
            np.zeros(len(covariance)),
            covariance,
            size=(checks, count),
            method="eigh",  # if the clocks always agree, there is no Cholesky factor
            check_valid="ignore",
        )

    within = drawn(parts.within, pairs)
    if not parts.between.any():
        return within
    return within + np.repeat(drawn(parts.between, groups), forks, axis=1)[:, :pairs]


class Bias(NamedTuple):
    """The mean log-ratio of pairs of equal sides, and its 95 % interval by Student's t."""

    mean: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """True if the interval excludes 0."""
        return self.low > 0 or self.high < 0


def bias_of(log_ratios: Sequence[float], servers: Servers = None) -> Bias:
    """Return the bias of two or more pairs of equal sides."""
    units = range(len(log_ratios)) if servers is None else servers
    mean, error, freedom = map(float, mean_of(np.asarray(log_ratios, float), units))
    half = float(special.stdtrit(freedom, 0.975)) * error
    return Bias(mean, mean - half, mean + half)


class _Batches:
    """Simulated batches, as the numbers that a look needs.

    Attributes:
        means: The means for each number of pairs, from 2; arrays `[batches, clocks]`.
    """

    def __init__(self, drawn: Numbers, rule: Rule, forks: int = 1) -> None:
        """Take log-ratios `[batches, pairs, clocks]`, and the pairs of each server pair."""
        self.rule = rule
        self.batches = len(drawn)
        by_clock = np.swapaxes(drawn, 1, 2)
        self.means = {
            pairs: mean_of(by_clock[..., :pairs], [pair // forks for pair in range(pairs)])
            for pairs in range(2, rule.looks[-1] + 1)
        }

    def outcomes(
        self, slowdown: float, budget: float, affords: Numbers
    ) -> tuple[Numbers, Numbers, Numbers]:
        """Return which batches FAIL, which need a confirmation, and the pairs of each: `[batches]`.

        A batch needs a confirmation if it FAILs, or if it was surely slower at one look and above
        the budget at its last.

        Args:
            slowdown: The slowdown of all candidates, as a log-ratio.
            budget: The slowdown that is allowed, as a fraction.
            affords: Pairs that each batch has time for, `[batches]`.
        """
        most = math.log1p(budget)
        fails, passes, surely, over = np.zeros((4, self.batches), bool)
        looks = self.rule.looks
        used = np.minimum(affords, looks[-1])
        for pairs, (mean, error, freedom) in self.means.items():
            # If the time of a batch is up, there is one more look, for the error that is left.
            looked = (pairs <= affords) if pairs in looks else (pairs == affords)
            looked = looked & ~fails & ~passes
            if not looked.any():
                continue
            shifted = mean + slowdown
            left = sum(look >= pairs for look in looks) or 1
            shares = np.where(pairs == affords, left, 1)
            alpha, beta = (shares * self.rule.share(e) for e in (self.rule.level, self.rule.beta))
            with np.errstate(divide="ignore", invalid="ignore"):  # pairs that are all alike
                too_small = special.stdtr(freedom, -shifted / error)
                too_large = special.stdtr(freedom[:, 0], (shifted[:, 0] - most) / error[:, 0])
            slower = (too_small < alpha[:, None]).all(axis=1)
            above = (shifted > most).all(axis=1)
            within = (too_large < beta) & (shifted < most).all(axis=1)
            over = np.where(looked, above, over)
            surely |= looked & slower
            fails |= looked & slower & above
            passes |= looked & within
            used = np.where(looked & ((slower & above) | within), pairs, used)
        return fails, fails | (surely & over & ~passes), used


def _share_of_fails(first: _Batches, second: _Batches, plan: Plan, slowdown: float) -> float:
    affords = np.full(first.batches, plan.first_pairs)
    _, claims, used = first.outcomes(slowdown, plan.budget, affords)
    confirms, _, _ = second.outcomes(slowdown, plan.budget, plan.all_pairs - used)
    return float((claims & confirms).mean())
