"""The speed gate: is the candidate slower than the baseline by more than the budget?

Exact gates come first. Then pairs of processes are timed (`gate_turns`) and looked at
(`gate_stats`) until there is an answer, or the time is up. A FAIL stands only if a second, fresh
batch of pairs says so again.
"""

import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from .gate_exact import Difference, Facts, differences
from .gate_stats import (
    CONFIRMING,
    FIRST,
    Answer,
    Estimate,
    Look,
    Rule,
    fails_of,
    least_detectable,
    look_at,
    p_of_looks,
)
from .gate_turns import MissingModelError, Pair, SideError
from .record import Case

FIRST_SHARE = 0.6
"""Of a model's time, for the first batch; the rest is kept for confirming what it says."""

MeasurePair = Callable[[], Pair]
Tell = Callable[[str], None]
Heed = Callable[["Checked", bool], None]
"""Takes what is known of a model, and whether that is final."""
Clock = Callable[[], float]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of processes, looked at as they came.

    Attributes:
        looks: What they said, at each look.
        answer: `fail` and `pass` as soon as a look says so.
    """

    pairs: tuple[Pair, ...]
    looks: tuple[Look, ...]
    answer: Answer

    def p(self, rule: Rule) -> float:
        """Return the p-value of a slowdown, all looks considered."""
        return p_of_looks(self.looks, len(rule.looks))


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one model.

    Attributes:
        verdict: `new` is a model that the baseline lacks.
        reason: Why, in words, where the numbers don't say it.
        exact: Counts that differ.
        first, second: The batches of pairs; the second confirms a FAIL of the first.
        seconds: How long it all took.
    """

    case: Case
    verdict: Literal["fail", "pass", "inconclusive", "new"]
    reason: str | None = None
    exact: tuple[Difference, ...] = ()
    first: Batch | None = None
    second: Batch | None = None
    seconds: float = 0.0

    @property
    def shown(self) -> Look | None:
        """Return the look that the verdict is from."""
        batch = self.second if self.verdict == "fail" and self.second else self.first
        return batch.looks[-1] if batch and batch.looks else None


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """How the two sides are measured; a test gives other functions.

    Attributes:
        facts: Counts both sides of a case.
        pair: Times one pair of fresh processes of a case.
        clock: Seconds.
    """

    facts: Callable[[Case], tuple[Facts, Facts]]
    pair: Callable[[Case], Pair]
    clock: Clock = time.monotonic


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a check.

    Attributes:
        budget: The slowdown that is allowed, as a fraction.
        max_s: Seconds of a model, both batches together.
        allow_exact: Whether other counts are but told.
        first, confirming: How sure the batches must be.
    """

    budget: float = 0.03
    max_s: float = 60.0
    allow_exact: bool = False
    first: Rule = FIRST
    confirming: Rule = CONFIRMING


def check(
    cases: Sequence[Case],
    bench: Bench,
    terms: Terms,
    tell: Tell,
    heed: Heed = lambda checked, final: None,
) -> list[Checked]:
    """Check every case; Holm's method keeps the false alarms of all together at the level of one.

    A side that can't be measured leaves its model inconclusive; the others are checked still.
    """
    found = []
    for case in cases:
        begin = bench.clock()
        try:
            checked = _checked_once(case, bench, terms, tell, models=len(cases))
        except SideError as error:
            checked = Checked(case=case, verdict="inconclusive", reason=str(error))
        found.append(msgspec.structs.replace(checked, seconds=bench.clock() - begin))
        heed(found[-1], found[-1].first is None or found[-1].verdict == "pass")
    claims = [each for each in found if each.first is not None]
    p = [each.first.p(terms.first) for each in claims if each.first is not None]
    slower = dict(zip(map(id, claims), fails_of(p, terms.first.alpha), strict=True))
    judged = []
    for each in found:
        judged.append(_judged(each, bench, terms, tell, slower=slower.get(id(each), False)))
        heed(judged[-1], True)
    return judged


def _checked_once(case: Case, bench: Bench, terms: Terms, tell: Tell, *, models: int) -> Checked:
    """Count both sides, and measure the first batch of pairs."""
    begin = bench.clock()
    tell(f"{case.model}: counting")
    counted = _exactly(case, bench, terms)
    if counted is not None and counted.verdict != "pass":
        return counted
    tell(f"{case.model}: timing")
    batch = run_batch(
        lambda: bench.pair(case),
        terms.first,
        terms.budget,
        until=begin + FIRST_SHARE * terms.max_s,
        clock=bench.clock,
        models=models,
    )
    exact = () if counted is None else counted.exact  # differences that were allowed
    return Checked(case=case, verdict=batch.answer, exact=exact, first=batch)


def run_batch(
    pair: MeasurePair,
    rule: Rule,
    budget: float,
    *,
    until: float,
    clock: Clock = time.monotonic,
    models: int = 1,
) -> Batch:
    """Measure pairs until a look has an answer, or no other pair fits into the time.

    When the time is up before the last look, the pairs so far are looked at once more, for all of
    the error that the looks before have left: how many pairs there are doesn't depend on what they
    say, so that the errors of all looks still add up to what the rule allows.

    Args:
        pair: Measures one.
        rule: When to look, and how sure to be.
        budget: The slowdown that is allowed, as a fraction.
        until: The clock's time at which it must have ended.
        clock: Seconds.
        models: How many are checked together.
    """
    pairs: list[Pair] = []
    looks: list[Look] = []
    longest = 0.0
    late = False
    while len(pairs) < rule.looks[-1] and not late:
        begin = clock()
        pairs.append(pair())
        longest = max(longest, clock() - begin)
        late = clock() + longest > until
        if len(pairs) >= 2 and (len(pairs) in rule.looks or late):
            shares = len(rule.looks) - len(looks) if late else 1
            looks.append(look_at(*clocks_of(pairs), rule, budget, models, shares))
            if looks[-1].answer is not None:
                break
    answer: Answer = (looks[-1].answer if looks else None) or "inconclusive"
    return Batch(pairs=tuple(pairs), looks=tuple(looks), answer=answer)


def clocks_of(pairs: Sequence[Pair]) -> tuple[list[float], list[float] | None]:
    """Return the log-ratios of pairs, by the wall clock and by the processor time."""
    cpu = [each for pair in pairs if (each := pair.cpu) is not None]
    return [pair.wall for pair in pairs], cpu if len(cpu) == len(pairs) else None


def _exactly(case: Case, bench: Bench, terms: Terms) -> Checked | None:
    """Compare the counts; return what ends the check, or, as `pass`, what is but to be told."""
    try:
        found = differences(*bench.facts(case))
    except MissingModelError as error:
        return Checked(case=case, verdict="new", reason=str(error))
    if not found:
        return None
    decisive = any(each.decisive for each in found)
    if decisive and not terms.allow_exact:
        return Checked(
            case=case,
            verdict="fail",
            reason="it is another network: counts differ (--allow-exact times it all the same)",
            exact=found,
        )
    return Checked(case=case, verdict="pass", exact=found)


def _judged(checked: Checked, bench: Bench, terms: Terms, tell: Tell, *, slower: bool) -> Checked:
    """Let a second batch confirm what the first says is slower."""
    first = checked.first
    if first is None:
        return checked
    last = first.looks[-1] if first.looks else None
    if last is None or checked.verdict == "pass":
        return checked if last else _undecided(checked, terms, "too few pairs in its time")
    clocks = [last.wall] if last.cpu is None else [last.wall, last.cpu]
    if not (slower and all(each.slowdown > terms.budget for each in clocks)):
        return _undecided(checked, terms, _why(last.wall, last.cpu, terms.budget))
    tell(f"{checked.case.model}: slower; a fresh batch is to confirm it")
    begin = bench.clock()
    second = run_batch(
        lambda: bench.pair(checked.case),
        terms.confirming,
        terms.budget,
        until=begin + max(terms.max_s - checked.seconds, 0.0),
        clock=bench.clock,
    )
    seconds = checked.seconds + bench.clock() - begin
    confirmed = msgspec.structs.replace(checked, second=second, seconds=seconds)
    if second.answer == "fail":
        return msgspec.structs.replace(confirmed, verdict="fail")
    return _undecided(confirmed, terms, "a first batch says slower, a fresh one doesn't confirm it")


def _undecided(checked: Checked, terms: Terms, why: str) -> Checked:
    first = checked.first
    if first is not None and first.looks:
        wall = first.looks[-1].wall
        least = least_detectable(wall.spread, wall.pairs, terms.first)
        why += f"; {wall.pairs} pairs would show {100 * least:.1f} % or more"
    return msgspec.structs.replace(checked, verdict="inconclusive", reason=why)


def _why(wall: Estimate, cpu: Estimate | None, budget: float) -> str:
    if cpu is not None and wall.low > 0 and wall.slowdown > budget:
        return "the wall clock alone says slower: it waits, or a neighbour takes its core"
    if cpu is not None and cpu.low > 0 and cpu.slowdown > budget:
        return "the processor time alone says slower"
    return "too much noise for an answer in its time"
