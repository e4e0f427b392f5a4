"""The statistics of the speed gate: pure functions on times.

A pair of processes gives one number, the median of its log-ratios. Pairs are independent of each
other and samples are not, so intervals are over pairs. Pairs that are forked from the same servers
share a part of their luck: see `levels.py`. There are several looks at the pairs, and the error is
shared equally among the looks, by Bonferroni's inequality, which holds however the looks depend on
each other. (The bounds of Pocock and of O'Brien and Fleming are a little wider or
narrower, but they need normal increments of known variance, and 3 pairs don't give the variance.)
Jennison & Turnbull, Group Sequential Methods, 2000, chapters 2 and 11.
"""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from scipy import stats

from .levels import mean_of

Answer = Literal["fail", "pass", "inconclusive"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of pairs at which to look, and how sure an answer must be.

    Attributes:
        looks: Numbers of pairs, ascending; the last is the most that are measured.
        alpha: Probability of a false FAIL without a slowdown; all looks together, one-sided.
        beta: Probability of a false PASS with a slowdown above the budget; the same.
        caution: Factor of Student's level for a FAIL; below 1 where that level is only about right.
        steepness: Power of the factor by which alpha is lowered among many models; above 1 where
            the false FAILs become fewer more slowly than alpha does.
    """

    looks: tuple[int, ...]
    alpha: float
    beta: float
    caution: float = 1.0
    steepness: float = 1.0

    def share(self, error: float) -> float:
        """Return the part of an error probability that one look may spend."""
        return error / len(self.looks)

    @property
    def level(self) -> float:
        """The level of Student's t for a FAIL, of all looks together."""
        return self.caution * self.alpha


FIRST = Rule(looks=(3, 5, 8, 12), alpha=0.05, beta=0.05)
CONFIRMING = Rule(looks=(3, 5, 8), alpha=0.10, beta=0.05)
"""The second batch is independent of the first. A false FAIL needs both: 0.5 % at most."""
CAUTION = 0.27
"""Student's t with Satterthwaite's degrees of freedom is only about right if there are few server
pairs that add much to what pairs add. In simulations with four pairs of each server pair, and with
this factor, both batches together FAILed without a slowdown in less than 0.5 %, as they may, up to
server pairs that add twice the standard deviation of pairs. `test_power.py` repeats them."""
STEEPNESS = 3.0
"""The tail of an estimate over few server pairs is heavier than Student's. In the same simulations,
a false FAIL of any of 11 to 1000 models had a probability of 5 % at most, up to server pairs that
add four times what pairs add. Without it, it was 7 % of 16 models, and 14 % of 50."""
FIRST_OF_FORKS = Rule(
    looks=(6, 9, 16, 24), alpha=0.05, beta=0.08, caution=CAUTION, steepness=STEEPNESS
)
CONFIRMING_OF_FORKS = Rule(looks=(6, 9, 16), alpha=0.10, beta=0.08, caution=CAUTION)
"""The rules for pairs that are forked: such a pair takes 1 to 2 s, not 4. A slowdown of exactly the
budget passed in 3 to 7 % of these simulations, and in 10 % if server pairs add as much as pairs."""
FAMILY = 0.05
"""Probability of any false FAIL among all models that are checked together."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The slowdown by some pairs of processes, as a fraction: 0.05 is 5 % more time.

    Attributes:
        slowdown: Mean over pairs.
        low, high: Ends of the interval over pairs by Student's t; the lower end is one-sided at the
            look's share of alpha, the upper end at its share of beta.
        spread: Standard deviation of a single pair's log-ratio.
        pairs: Number of pairs.
        p: One-sided p-value of a slowdown above 0, from this look alone.
        servers: Number of server pairs that the pairs are forked from; as many as pairs, if each
            pair is of fresh processes.
    """

    slowdown: float
    low: float
    high: float
    spread: float
    pairs: int
    p: float
    servers: int


def log_ratio(baseline_s: Sequence[float], candidate_s: Sequence[float]) -> float:
    """Return the median over turns of the log-ratio of candidate to baseline.

    Args:
        baseline_s: Times of the baseline, by turn, in seconds.
        candidate_s: Times of the candidate, each right before or after the baseline's.
    """
    ratios = np.log(np.asarray(candidate_s, float)) - np.log(np.asarray(baseline_s, float))
    return float(np.median(ratios))


def estimate(
    log_ratios: Sequence[float],
    low_error: float,
    high_error: float,
    servers: Sequence[int] | None = None,
) -> Estimate:
    """Return the mean of the log-ratios of two or more pairs, with its interval over pairs.

    Args:
        log_ratios: One for each pair of processes.
        low_error: Probability that the truth is below the lower end.
        high_error: Probability that the truth is above the upper end.
        servers: The number of each pair's server pair; None: all pairs are independent.
    """
    values = np.asarray(log_ratios, float)
    pairs = len(values)
    units = range(pairs) if servers is None else servers
    mean, error, freedom = (float(each) for each in mean_of(values, units))
    if error == 0:  # equal to the last digit: literal times of a test, or a clock that stands still
        low = high = mean
        p = 0.0 if mean > 0 else 1.0
    else:
        low = mean - float(stats.t.isf(low_error, freedom)) * error
        high = mean + float(stats.t.isf(high_error, freedom)) * error
        p = float(stats.t.sf(mean / error, freedom))
    return Estimate(
        slowdown=math.expm1(mean),
        low=math.expm1(low),
        high=math.expm1(min(high, 700.0)),
        spread=float(values.std(ddof=1)),
        pairs=pairs,
        p=p,
        servers=len(set(units)),
    )


def answer(wall: Estimate, cpu: Estimate | None, budget: float) -> Literal["fail", "pass"] | None:
    """Return the answer of a look; None: more pairs are needed.

    FAIL: the lower end is above 0 and the estimate above the budget, both by the wall clock and by
    the processor time. (Another process that takes the core changes only the wall clock.) PASS: the
    upper end is below the budget by the wall clock, and the estimate by the processor time is too.

    Args:
        wall: The estimate by the wall clock, or by the GPU's.
        cpu: The estimate by the processor time; None if it doesn't count.
        budget: The slowdown that is allowed, as a fraction.
    """
    clocks = (wall,) if cpu is None else (wall, cpu)
    if all(each.low > 0 and each.slowdown > budget for each in clocks):
        return "fail"
    if wall.high < budget and all(each.slowdown < budget for each in clocks):
        return "pass"
    return None


def p_of_looks(looks: Sequence["Look"], rule: Rule) -> float:
    """Return a p-value for the smallest of several looks (Bonferroni).

    It is at or below `rule.alpha` if a look's own is within its share.

    Args:
        looks: The looks that were taken. A look that spends the error of several is corrected for
            fewer.
        rule: The rule of the looks.
    """
    one = rule.share(rule.caution)
    return min((min(1.0, look.p / (one * look.shares)) for look in looks), default=1.0)


def among(first: Rule, confirming: Rule, models: int) -> Rule:
    """Return the rule of the first batch of one model among `models` that are checked together.

    The two batches are independent. So a model that is not slower FAILs with a probability of at
    most `first.alpha * confirming.alpha`, and any of m models with m times that, however they
    depend on each other (Bonferroni). The first batch's alpha is lowered only if this is more than
    `FAMILY`, which begins at 11 models with the rules above. For forked pairs that product is not
    proven but simulated, at each number of models: see `CAUTION` and `STEEPNESS`.

    The caller takes Holm's step (Scandinavian Journal of Statistics 6, 1979): after f models
    FAILed, surest first, the next is judged as one of m - f. Proof: let t of the m models be no
    slower, and take the first of them that FAILs. Before it at most m - t FAILed, so it was judged
    as one of t or more: its first batch was below `among(t).alpha`, and its second batch FAILed.
    The probability that any of the t does so is at most t * among(t).alpha * confirming.alpha,
    which is `FAMILY` or less.
    """
    share = min(1.0, FAMILY / (models * first.alpha * confirming.alpha))
    return msgspec.structs.replace(first, alpha=first.alpha * share**first.steepness)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """The estimates and the answer from the pairs so far.

    Attributes:
        wall: The estimate by the wall clock, or by the GPU's.
        cpu: The estimate by the processor time; None if a GPU does the work.
        answer: The answer; None: more pairs are needed.
        wall_alone: True if the wall clock decides, and the processor time is reported only.
        shares: The number of looks whose error this look spends.
    """

    wall: Estimate
    cpu: Estimate | None
    answer: Literal["fail", "pass"] | None
    wall_alone: bool = False
    shares: int = 1

    @property
    def deciding(self) -> tuple[Estimate, ...]:
        """The estimates by the clocks that decide."""
        return (self.wall,) if self.cpu is None or self.wall_alone else (self.wall, self.cpu)

    @property
    def p(self) -> float:
        """The p-value of a slowdown by all clocks that decide: the largest (Berger 1982)."""
        return max(each.p for each in self.deciding)


def look_at(
    wall: Sequence[float],
    cpu: Sequence[float] | None,
    rule: Rule,
    budget: float,
    *,
    shares: int = 1,
    wall_alone: bool = False,
    servers: Sequence[int] | None = None,
) -> Look:
    """Return a look at the pairs so far.

    Args:
        wall: Log-ratios by the wall clock or the GPU's, one for each pair, two or more.
        cpu: The same by the processor time; None on a GPU.
        rule: The looks, and how sure an answer must be.
        budget: The slowdown that is allowed, as a fraction.
        shares: The number of looks whose error it may spend; the last look spends all that is left.
        wall_alone: True if the wall clock decides alone. With several threads it does, because
            threads that wait for each other use no processor time.
        servers: The number of each pair's server pair; None: all pairs are independent.
    """
    low, high = shares * rule.share(rule.level), shares * rule.share(rule.beta)
    by_wall = estimate(wall, low, high, servers)
    by_cpu = None if cpu is None else estimate(cpu, low, high, servers)
    found = answer(by_wall, None if wall_alone else by_cpu, budget)
    return Look(wall=by_wall, cpu=by_cpu, answer=found, wall_alone=wall_alone, shares=shares)
