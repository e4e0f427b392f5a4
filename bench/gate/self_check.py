"""The speed gate measures itself: two equal sides, on this machine, now."""

from collections.abc import Callable

import msgspec

from ..records.case import Case
from .batch import deciding_clocks, forks_of, pairs_within, run_batch, servers_of
from .looks import FIRST, Rule, among, estimate
from .power import Plan, bias_of, false_alarms, least_detectable
from .sides import SideError
from .turns import Pair
from .verdict import FIRST_SHARE, Bench, Log, Terms, cure

AA_PAIRS = Rule(looks=(12,), alpha=FIRST.alpha, beta=FIRST.beta)
AA_FORKS = Rule(looks=(24,), alpha=FIRST.alpha, beta=FIRST.beta)
"""Forked pairs of equal sides: with fewer, there are too few server pairs to see their share."""
FALSE_ALARMS = 0.01
"""The share of checks of equal sides that may FAIL."""
BIAS_SHARE = 1 / 3
"""The share of the budget by which equal sides may differ."""


class SelfCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The slowdowns that the gate can see on this machine; None: could not be measured.

    Attributes:
        case: The case that was measured.
        budget: The slowdown that is allowed, as a fraction.
        pairs: The pairs of equal sides.
        affords: Pairs that the first batch of a check has time for.
        spread: Standard deviation of a pair's log-ratio, by the less steady clock.
        bias: Mean log-ratio of equal sides by the wall clock; near 0.
        bias_interval: 95 % interval of the bias, by Student's t over pairs; wider if pairs share
            servers that differ.
        false_alarm_rate: Share of checks that would FAIL with pairs like these.
        least_detectable: The slowdown, as a fraction, that FAILs in 95 % of checks. It is more than
            the budget, because an estimate has to be above the budget.
        reason: Reason why it could not be measured.
    """

    case: Case
    budget: float
    pairs: tuple[Pair, ...] = ()
    affords: int = 0
    spread: float | None = None
    bias: float | None = None
    bias_interval: tuple[float, float] | None = None
    false_alarm_rate: float | None = None
    least_detectable: float | None = None
    reason: str | None = None

    @property
    def suffices(self) -> bool:
        """True if the gate is reliable here, and sees twice the budget."""
        return not self.faults

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults, one sentence each.

        No gate sees a slowdown of exactly its budget more than half of the time. So noise may add
        at most the budget again.
        """
        if self.reason is not None:
            return (self.reason,)
        found = []
        if self.least_detectable is None or self.least_detectable > 2 * self.budget:
            least = "no slowdown at all"
            if self.least_detectable is not None:
                least = f"only {_percent(self.least_detectable)} or more"
            found.append(
                f"too much noise: {least} would FAIL in 95 % of checks, but twice the budget, "
                f"{_percent(2 * self.budget)}, should; give more --max-seconds or a larger "
                "--budget, or use a quieter machine"
            )
        if self.bias is not None and self.bias_interval is not None:
            low, high = self.bias_interval
            if (low > 0 or high < 0) and abs(self.bias) > BIAS_SHARE * self.budget:
                found.append(
                    "equal sides differ by more than a third of the budget: the gate would blame "
                    "the candidate for this"
                )
        if self.false_alarm_rate is not None and self.false_alarm_rate > FALSE_ALARMS:
            found.append(
                f"{_percent(self.false_alarm_rate)} of checks of equal sides would FAIL, more than "
                f"{_percent(FALSE_ALARMS)}"
            )
        return tuple(found)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The bias with its interval, and the faults, one sentence each."""
        if self.bias is None or self.bias_interval is None:
            return self.faults
        low, high = (f"{100 * end:+.2f}" for end in self.bias_interval)
        return (f"bias of equal sides {100 * self.bias:+.2f} % [{low}, {high}]", *self.faults)


def measure_itself(
    case: Case, bench: Bench, terms: Terms, log: Log, *, models: int = 1
) -> SelfCheck:
    """Measure pairs of equal sides for as long as a check may take.

    Args:
        case: The case.
        bench: Measures two sides of the same code.
        terms: The allowed slowdown, and the rules of the check.
        log: Called with each line of progress.
        models: Number of models in the check.
    """
    log(f"{case.model}: timing it against itself")
    begin = bench.clock()
    pair: Callable[[], Pair] = lambda: bench.pair(case)  # noqa: E731
    nothing = SelfCheck(case=case, budget=terms.budget)
    try:
        # This budget is below every interval, so no look ends the batch.
        rule = AA_FORKS if bench.forks(case) else AA_PAIRS
        batch = run_batch(pair, rule, -1.0, until=begin + terms.max_s, clock=bench.clock)
    except SideError as error:
        return msgspec.structs.replace(nothing, reason=str(error))
    terms = terms.of(forks=batch.servers > 0)
    if len(batch.pairs) < 2:
        why = (
            f"two pairs of processes don't fit into {terms.max_s:g} s, because one takes "
            f"{batch.longest_s:.0f} s: {cure(batch.longest_s, 0.0, terms)}"
        )
        return msgspec.structs.replace(nothing, pairs=batch.pairs, reason=why)
    clocks = deciding_clocks(batch.pairs, case)
    # A batch has at least one pair.
    fit = max(1, pairs_within(FIRST_SHARE * terms.max_s, batch))
    plan = Plan(
        budget=terms.budget,
        first=among(terms.first, terms.confirming, models),
        confirming=terms.confirming,
        first_pairs=min(fit, terms.first.looks[-1]),
        all_pairs=pairs_within(terms.max_s, batch),
        forks=forks_of(batch.pairs),
    )
    servers = servers_of(batch.pairs)
    bias = bias_of(clocks[0], servers)
    return SelfCheck(
        case=case,
        budget=terms.budget,
        pairs=batch.pairs,
        affords=plan.first_pairs,
        spread=max(estimate(each, FIRST.alpha, FIRST.beta).spread for each in clocks),
        bias=bias.mean,
        bias_interval=(bias.low, bias.high),
        false_alarm_rate=false_alarms(clocks, plan, servers),
        least_detectable=least_detectable(clocks, plan, servers),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"
