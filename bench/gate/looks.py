"""The statistics of the speed gate: pure functions on times.

A pair of processes gives one number, the median of its log-ratios; pairs, not samples, are what is
drawn independently, so that intervals are over pairs. They are looked at several times, and the
error is shared equally among the looks: by Bonferroni's inequality, which holds however the looks
depend on each other. (Bounds of Pocock or O'Brien and Fleming are a little wider or narrower, and
hold for normal increments of known variance; with 3 pairs the variance is anything but known.)
Jennison & Turnbull, Group Sequential Methods, 2000, chapters 2 and 11.
"""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from scipy import stats

Answer = Literal["fail", "pass", "inconclusive"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When pairs are looked at, and how sure an answer must be.

    Attributes:
        looks: Numbers of pairs, ascending; the last is the most that are measured.
        alpha: Probability of a false FAIL, were there no slowdown; all looks together, one-sided.
        beta: Probability of a false PASS of what is slower by more than the budget; the same.
    """

    looks: tuple[int, ...]
    alpha: float
    beta: float

    def share(self, error: float) -> float:
        """Return what one look may spend of an error probability."""
        return error / len(self.looks)


FIRST = Rule(looks=(3, 5, 8, 12), alpha=0.05, beta=0.05)
CONFIRMING = Rule(looks=(3, 5, 8), alpha=0.10, beta=0.05)
"""The second batch shares nothing with the first: a false FAIL needs both, 0.5 % at the most."""
FAMILY = 0.05
"""Probability of any false FAIL among all models that are checked together."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The slowdown by some pairs of processes, as a fraction: 0.05 is 5 % more time.

    Attributes:
        slowdown: The mean over pairs.
        low, high: The ends of the interval over pairs by Student's t; the lower end is one-sided
            at the look's share of alpha, the upper end at that of beta.
        spread: Standard deviation of a single pair's log-ratio.
        pairs: How many there are.
        p: One-sided p-value of a slowdown above 0, of this look alone.
    """

    slowdown: float
    low: float
    high: float
    spread: float
    pairs: int
    p: float


def log_ratio(baseline_s: Sequence[float], candidate_s: Sequence[float]) -> float:
    """Return the median over turns of the log-ratio of candidate to baseline.

    Args:
        baseline_s: Times of the one side, by turn.
        candidate_s: Times of the other, each taken right before or after the baseline's.
    """
    ratios = np.log(np.asarray(candidate_s, float)) - np.log(np.asarray(baseline_s, float))
    return float(np.median(ratios))


def estimate(log_ratios: Sequence[float], low_error: float, high_error: float) -> Estimate:
    """Return the mean of two pairs' log-ratios or more, with its interval over pairs.

    Args:
        log_ratios: One for each pair of processes.
        low_error: Probability that the truth is below the lower end.
        high_error: Probability that the truth is above the upper end.
    """
    values = np.asarray(log_ratios, float)
    pairs = len(values)
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    error = spread / math.sqrt(pairs)
    if error == 0:  # to the last digit alike: fed in by a test, or a clock that stands still
        low = high = mean
        p = 0.0 if mean > 0 else 1.0
    else:
        low = mean - float(stats.t.isf(low_error, pairs - 1)) * error
        high = mean + float(stats.t.isf(high_error, pairs - 1)) * error
        p = float(stats.t.sf(mean / error, pairs - 1))
    return Estimate(
        slowdown=math.expm1(mean),
        low=math.expm1(low),
        high=math.expm1(min(high, 700.0)),
        spread=spread,
        pairs=pairs,
        p=p,
    )


def answer(wall: Estimate, cpu: Estimate | None, budget: float) -> Literal["fail", "pass"] | None:
    """Return what a look says; None is that more pairs are needed.

    FAIL: the lower end is above 0 and the estimate above the budget, by the wall clock and by the
    processor time alike: a neighbour that steals a core moves the one alone. PASS: the upper end
    is below the budget, by the wall clock, and the processor time doesn't say otherwise.

    Args:
        wall: By the wall clock, or by the GPU's.
        cpu: By the processor time; None where it decides nothing.
        budget: The slowdown that is allowed, as a fraction.
    """
    clocks = (wall,) if cpu is None else (wall, cpu)
    if all(each.low > 0 and each.slowdown > budget for each in clocks):
        return "fail"
    if wall.high < budget and all(each.slowdown < budget for each in clocks):
        return "pass"
    return None


def p_of_looks(looks: Sequence["Look"], planned: int) -> float:
    """Return a p-value that holds for the least of several looks (Bonferroni).

    A look that may spend the error of several has so much less to pay.
    """
    return min((min(1.0, look.p * planned / look.shares) for look in looks), default=1.0)


def among(first: Rule, confirming: Rule, models: int) -> Rule:
    """Return the rule of the first batch of one of several models that are checked together.

    The two batches share nothing, so that a model that is no slower FAILs with a probability of
    `first.alpha * confirming.alpha` at the most, and any of m models with m times that, however
    they depend on each other (Bonferroni). The first batch's alpha is lowered only where that is
    more than `FAMILY`: from 11 models on, with the rules above.

    Holm's step (Scandinavian Journal of Statistics 6, 1979) is taken by whoever calls: once f
    models FAILed, surest first, the next is judged as one of m - f. Proof: let t of the m models be
    no slower, and look at the first of them that FAILs. Before it at most m - t FAILed, so it was
    judged as one of t or more: its first batch was below `among(t).alpha`, and its second batch
    FAILed. That any of the t does so has a probability of t * among(t).alpha * confirming.alpha at
    the most, which is `FAMILY` or less.
    """
    alpha = min(first.alpha, FAMILY / (models * confirming.alpha))
    return msgspec.structs.replace(first, alpha=alpha)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What so many pairs say.

    Attributes:
        wall: By the wall clock, or by the GPU's.
        cpu: By the processor time; None where a GPU does the work.
        wall_alone: Whether the wall clock decides, and the processor time is but told.
        shares: Of how many looks the error was spent on it.
    """

    wall: Estimate
    cpu: Estimate | None
    answer: Literal["fail", "pass"] | None
    wall_alone: bool = False
    shares: int = 1

    @property
    def deciding(self) -> tuple[Estimate, ...]:
        """Return the estimates by the clocks that decide."""
        return (self.wall,) if self.cpu is None or self.wall_alone else (self.wall, self.cpu)

    @property
    def p(self) -> float:
        """Return the p-value of a slowdown by all clocks that decide (the larger, Berger 1982)."""
        return max(each.p for each in self.deciding)


def look_at(
    wall: Sequence[float],
    cpu: Sequence[float] | None,
    rule: Rule,
    budget: float,
    *,
    shares: int = 1,
    wall_alone: bool = False,
) -> Look:
    """Return what the pairs so far say.

    Args:
        wall: Log-ratios by the wall clock or the GPU's, one for each pair, two or more.
        cpu: The same by the processor time; None on a GPU.
        rule: How sure an answer must be.
        budget: The slowdown that is allowed, as a fraction.
        shares: Of how many looks it may spend the error: of all that are left, if it is the last.
        wall_alone: Whether the wall clock decides: where several threads work, what is lost of
            their working at the same time costs no processor time.
    """
    low, high = shares * rule.share(rule.alpha), shares * rule.share(rule.beta)
    by_wall = estimate(wall, low, high)
    by_cpu = None if cpu is None else estimate(cpu, low, high)
    said = answer(by_wall, None if wall_alone else by_cpu, budget)
    return Look(wall=by_wall, cpu=by_cpu, answer=said, wall_alone=wall_alone, shares=shares)
