"""The verdicts of the speed gate for pairs with a given noise: whole checks are simulated.

Each simulated check follows the rule of `verdict.py`: a first batch with a look after some of its
pairs, and a fresh batch that confirms a slowdown, in the time that is left.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import special

from .looks import CONFIRMING, FIRST, Rule

Numbers = NDArray[Any]

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
    """

    budget: float
    first: Rule = FIRST
    confirming: Rule = CONFIRMING
    first_pairs: int = FIRST.looks[-1]
    all_pairs: int = FIRST.looks[-1] + CONFIRMING.looks[-1]


def false_alarms(
    clocks: Sequence[Sequence[float]], plan: Plan, *, checks: int = CHECKS, seed: int = 0
) -> float:
    """Return the share of checks of equal sides that would FAIL, with pairs like these.

    Pairs are drawn with replacement. In half of the cases the sides of a pair are exchanged, which
    changes only the sign if the sides are equal. If the interval of the mean excludes 0, the sides
    are not equal, whatever the reason: the signs are then exchanged about that mean.

    Args:
        clocks: Log-ratios of the same pairs, two or more, for each clock that decides.
        plan: The rules and the pairs of a check.
        checks: Number of simulated checks.
        seed: Seed of the generator.
    """
    values = np.asarray(clocks, float).T  # [pairs, clocks]
    center = np.array([about.mean if about.is_real else 0.0 for about in map(bias_of, clocks)])
    generator = np.random.default_rng(seed)

    def drawn(rule: Rule) -> Numbers:
        size = (checks, rule.looks[-1])
        signs = generator.choice((-1.0, 1.0), size=(*size, 1))
        chosen = values[generator.integers(len(values), size=size)]
        mirrored: Numbers = center + signs * (chosen - center)
        return mirrored

    first, second = (_Batches(drawn(rule), rule) for rule in (plan.first, plan.confirming))
    return _share_of_fails(first, second, plan, 0.0)


def least_detectable(
    clocks: Sequence[Sequence[float]],
    plan: Plan,
    *,
    power: float = POWER,
    checks: int = CHECKS,
    seed: int = 0,
) -> float | None:
    """Return the slowdown that a check would FAIL with probability `power`, as a fraction.

    The result is always more than the budget. A FAIL needs, in both batches, a slowdown that is
    surely above 0 and estimated above the budget, and at a slowdown of exactly the budget the
    estimate is above it only half of the time. Pairs are drawn from a normal distribution that has
    the covariance of the given ones over the clocks.

    Args:
        clocks: Log-ratios of the same pairs, two or more, for each clock that decides.
        plan: The rules and the pairs of a check.
        power: Probability of a FAIL that the slowdown must have.
        checks: Number of simulated checks.
        seed: Seed of the generator.

    Returns:
        The slowdown; None if there are too few pairs for a look, or if even a hundredfold slowdown
        isn't enough.
    """
    covariance = np.atleast_2d(np.cov(np.asarray(clocks, float)))
    generator = np.random.default_rng(seed)
    first, second = (
        _Batches(
            generator.multivariate_normal(
                np.zeros(len(covariance)),
                covariance,
                size=(checks, rule.looks[-1]),
                method="eigh",  # if the clocks always agree, there is no Cholesky factor
                check_valid="ignore",
            ),
            rule,
        )
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


class Bias(NamedTuple):
    """The mean log-ratio of pairs of equal sides, and its 95 % interval by Student's t."""

    mean: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """True if the interval excludes 0."""
        return self.low > 0 or self.high < 0


def bias_of(log_ratios: Sequence[float]) -> Bias:
    """Return the bias of two or more pairs of equal sides."""
    pairs, mean = len(log_ratios), float(np.mean(log_ratios))
    error = float(np.std(log_ratios, ddof=1)) / math.sqrt(pairs)
    half = float(special.stdtrit(pairs - 1, 0.975)) * error
    return Bias(mean, mean - half, mean + half)


class _Batches:
    """Simulated batches, as the numbers that a look needs.

    Attributes:
        means, errors: Mean log-ratio and its standard error for each number of pairs, from 2,
            `[batches, clocks]`.
    """

    def __init__(self, drawn: Numbers, rule: Rule) -> None:
        """Take log-ratios `[batches, pairs, clocks]`."""
        self.rule = rule
        self.batches = len(drawn)
        self.means: dict[int, Numbers] = {}
        self.errors: dict[int, Numbers] = {}
        for pairs in range(2, rule.looks[-1] + 1):
            self.means[pairs] = drawn[:, :pairs].mean(axis=1)
            self.errors[pairs] = drawn[:, :pairs].std(axis=1, ddof=1) / math.sqrt(pairs)

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
        used = np.minimum(affords, self.rule.looks[-1])
        looks = self.rule.looks
        for pairs, means in self.means.items():
            # If the time of a batch is up, there is one more look, for the error that is left.
            looked = (pairs <= affords) if pairs in self.rule.looks else (pairs == affords)
            looked = looked & ~fails & ~passes
            shifted, errors = means + slowdown, self.errors[pairs]
            left = sum(look >= pairs for look in looks) or 1
            shares = np.where(pairs == affords, left, 1)
            low = shifted - self._critical(pairs, shares, self.rule.alpha)[:, None] * errors
            high = shifted[:, 0] + self._critical(pairs, shares, self.rule.beta) * errors[:, 0]
            slower, above = (low > 0).all(axis=1), (shifted > most).all(axis=1)
            within = (high < most) & (shifted < most).all(axis=1)
            over = np.where(looked, above, over)
            surely |= looked & slower
            fails |= looked & slower & above
            passes |= looked & within
            used = np.where(looked & ((slower & above) | within), pairs, used)
        return fails, fails | (surely & over & ~passes), used

    def _critical(self, pairs: int, shares: Numbers, error: float) -> Numbers:
        """Return Student's quantile for the error of `shares` looks, `[batches]`."""
        # The quantile takes long, and the batches have few different shares.
        each, place = np.unique(shares, return_inverse=True)
        found: Numbers = special.stdtrit(pairs - 1, 1 - each * self.rule.share(error))[place]
        return found


def _share_of_fails(first: _Batches, second: _Batches, plan: Plan, slowdown: float) -> float:
    affords = np.full(first.batches, plan.first_pairs)
    _, claims, used = first.outcomes(slowdown, plan.budget, affords)
    confirms, _, _ = second.outcomes(slowdown, plan.budget, plan.all_pairs - used)
    return float((claims & confirms).mean())
