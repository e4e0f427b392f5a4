"""What the speed gate would say of pairs with a given noise: whole checks are drawn, all at once.

Each drawn check is judged by the rule of `gate`: a first batch, looked at as its pairs come, and a
fresh one that is to confirm what it claims, in the time that the first has left.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from scipy import special

from .looks import CONFIRMING, FIRST, Rule

CHECKS = 10_000
POWER = 0.95
_MOST = math.log(100.0)
"""A slowdown, as a log-ratio, above which none is looked for."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a check, and the pairs that it has time for.

    Attributes:
        budget: The slowdown that is allowed, as a fraction.
        first, confirming: The rules of the two batches.
        first_pairs: The most that the first batch has time for.
        all_pairs: The most that both have time for, together.
    """

    budget: float
    first: Rule = FIRST
    confirming: Rule = CONFIRMING
    first_pairs: int = FIRST.looks[-1]
    all_pairs: int = FIRST.looks[-1] + CONFIRMING.looks[-1]


def false_alarms(
    clocks: Sequence[Sequence[float]], plan: Plan, *, checks: int = CHECKS, seed: int = 0
) -> float:
    """Return the share of checks that would FAIL, were their pairs like these of equal sides.

    Pairs are drawn with replacement, and each with its sides exchanged in half of the cases, which
    on equal sides changes nothing but the sign. Where the interval of their mean excludes 0 the
    sides of a pair are not alike, whatever the reason: signs are then exchanged about that mean.

    Args:
        clocks: By each clock that decides, the log-ratios of the same pairs, two or more.
        plan: What a check does.
        checks: How many are drawn.
        seed: Of the generator.
    """
    values = np.asarray(clocks, float).T  # [pairs, clocks]
    center = np.array([about.mean if about.is_real else 0.0 for about in map(bias_of, clocks)])
    generator = np.random.default_rng(seed)

    def drawn(rule: Rule) -> np.ndarray:
        size = (checks, rule.looks[-1])
        signs = generator.choice((-1.0, 1.0), size=(*size, 1))
        return center + signs * (values[generator.integers(len(values), size=size)] - center)

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
    """Return the slowdown that a check would FAIL with this probability, as a fraction.

    A FAIL asks of both batches that the slowdown be surely above 0 and estimated above the budget,
    so that it is always more than the budget: at a slowdown of just the budget an estimate is above
    it half of the time. Pairs are drawn from a normal distribution with the covariance, over the
    clocks, of the given ones. None where there are too few pairs for a look, or no slowdown to a
    hundredfold is enough.

    Args:
        clocks: By each clock that decides, the log-ratios of the same pairs, two or more.
        plan: What a check does.
        power: The probability.
        checks: How many are drawn.
        seed: Of the generator.
    """
    covariance = np.atleast_2d(np.cov(np.asarray(clocks, float)))
    generator = np.random.default_rng(seed)
    first, second = (
        _Batches(
            generator.multivariate_normal(
                np.zeros(len(covariance)),
                covariance,
                size=(checks, rule.looks[-1]),
                method="eigh",  # clocks that always agree leave it without a Cholesky factor
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
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def bias_of(log_ratios: Sequence[float]) -> Bias:
    """Return the bias of two pairs of equal sides or more."""
    pairs, mean = len(log_ratios), float(np.mean(log_ratios))
    error = float(np.std(log_ratios, ddof=1)) / math.sqrt(pairs)
    half = float(special.stdtrit(pairs - 1, 0.975)) * error
    return Bias(mean, mean - half, mean + half)


class _Batches:
    """Drawn batches, of which only what a look asks is kept.

    Attributes:
        means, errors: By number of pairs, from 2: the mean log-ratio and its standard error,
            `[batches, clocks]`.
    """

    def __init__(self, drawn: np.ndarray, rule: Rule) -> None:
        """Take log-ratios `[batches, pairs, clocks]`."""
        self.rule = rule
        self.batches = len(drawn)
        self.means: dict[int, np.ndarray] = {}
        self.errors: dict[int, np.ndarray] = {}
        for pairs in range(2, rule.looks[-1] + 1):
            self.means[pairs] = drawn[:, :pairs].mean(axis=1)
            self.errors[pairs] = drawn[:, :pairs].std(axis=1, ddof=1) / math.sqrt(pairs)

    def said(
        self, slowdown: float, budget: float, affords: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which batches FAIL, which claim to, and of how many pairs each is: `[batches]`.

        A batch claims to FAIL, too, that was surely slower at one look and above the budget at its
        last.

        Args:
            slowdown: By which all candidates are slower, as a log-ratio.
            budget: As a fraction.
            affords: Pairs that each has time for, `[batches]`.
        """
        most = math.log1p(budget)
        fails, passes, surely, over = np.zeros((4, self.batches), bool)
        used = np.minimum(affords, self.rule.looks[-1])
        looks = self.rule.looks
        for pairs, means in self.means.items():
            # When its time is up a batch is looked at once, for the error that is left.
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

    def _critical(self, pairs: int, shares: np.ndarray, error: float) -> np.ndarray:
        """Return Student's quantile for so many looks' share of an error, `[batches]`."""
        found: np.ndarray = special.stdtrit(pairs - 1, 1 - shares * self.rule.share(error))
        return found


def _share_of_fails(first: _Batches, second: _Batches, plan: Plan, slowdown: float) -> float:
    affords = np.full(first.batches, plan.first_pairs)
    _, claims, used = first.said(slowdown, plan.budget, affords)
    confirms, _, _ = second.said(slowdown, plan.budget, plan.all_pairs - used)
    return float((claims & confirms).mean())
