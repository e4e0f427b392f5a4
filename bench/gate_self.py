"""The speed gate measures itself: two sides that are equal, on this machine, now."""

from collections.abc import Callable

import msgspec

from .gate import FIRST_SHARE, Bench, Tell, Terms, clocks_of, run_batch
from .gate_stats import FIRST, Rule, estimate, false_alarms, least_detectable
from .gate_turns import Pair
from .record import Case

AA_PAIRS = Rule(looks=(12,), alpha=FIRST.alpha, beta=FIRST.beta)


class SelfCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine's noise lets the gate see.

    Attributes:
        pairs: Of equal sides, that were measured.
        affords: Pairs that the first batch of a check has time for.
        spread: Standard deviation of a pair's log-ratio, of the clock that is less steady.
        bias: Mean log-ratio of equal sides by the wall clock; near 0.
        false_alarm_rate: Share of checks that would FAIL with pairs like these.
        least_detectable: The slowdown that a first batch would show in 95 % of checks, a fraction.
        budget: What it has to be below.
    """

    case: Case
    pairs: tuple[Pair, ...]
    affords: int
    spread: float
    bias: float
    false_alarm_rate: float
    least_detectable: float
    budget: float

    @property
    def suffices(self) -> bool:
        """Whether a slowdown of the size of the budget would be seen."""
        return self.least_detectable <= self.budget


def measure_itself(case: Case, bench: Bench, terms: Terms, tell: Tell) -> SelfCheck | None:
    """Measure pairs of equal sides for as long as a check may take; None if two didn't fit."""
    tell(f"{case.model}: timing it against itself")
    begin = bench.clock()
    pair: Callable[[], Pair] = lambda: bench.pair(case)  # noqa: E731
    # A budget below every interval: no look ends it.
    batch = run_batch(pair, AA_PAIRS, -1.0, until=begin + terms.max_s, clock=bench.clock)
    seconds = bench.clock() - begin
    if len(batch.pairs) < 2:
        return None
    wall, cpu = clocks_of(batch.pairs)
    clocks = [wall] if cpu is None else [wall, cpu]
    spreads = [estimate(each, FIRST.alpha, FIRST.beta).spread for each in clocks]
    fit = int(FIRST_SHARE * terms.max_s * len(batch.pairs) / max(seconds, 1e-9))
    affords = max(2, min(fit, terms.first.looks[-1]))
    return SelfCheck(
        case=case,
        pairs=batch.pairs,
        affords=affords,
        spread=max(spreads),
        bias=sum(wall) / len(wall),
        false_alarm_rate=false_alarms(
            wall, cpu, terms.budget, first=terms.first, confirming=terms.confirming
        ),
        least_detectable=least_detectable(max(spreads), affords, terms.first),
        budget=terms.budget,
    )
