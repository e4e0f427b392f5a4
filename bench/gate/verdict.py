"""The speed gate: is the candidate slower than the baseline by more than the budget?

Exact gates come first. Then pairs of processes are timed (`gate_turns`) and looked at
(`gate_stats`) until there is an answer, or the time is up. A FAIL stands only if a second, fresh
batch of pairs says so again.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from ..records.record import Case
from .counts import RISING, Difference, Facts, differences
from .looks import CONFIRMING, FIRST, Answer, Look, Rule, among, look_at, p_of_looks
from .power import Plan, least_detectable
from .turns import MissingModelError, Pair, SideError

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
        seconds: How long it took.
        longest_s: How long the longest of its pairs took.
    """

    pairs: tuple[Pair, ...]
    looks: tuple[Look, ...]
    answer: Answer
    seconds: float = 0.0
    longest_s: float = 0.0

    def p(self, rule: Rule) -> float:
        """Return the p-value of a slowdown, all looks considered."""
        return p_of_looks(self.looks, len(rule.looks))


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one model.

    Attributes:
        verdict: `new` is a model that the baseline lacks; `broken` one that the candidate can't run
            and the baseline can.
        reason: Why, in words, where the numbers don't say it.
        exact: Counts that differ.
        first, second: The batches of pairs; the second confirms a FAIL of the first.
        seconds: How long it all took.
    """

    case: Case
    verdict: Literal["fail", "pass", "inconclusive", "new", "broken"]
    reason: str | None = None
    exact: tuple[Difference, ...] = ()
    first: Batch | None = None
    second: Batch | None = None
    seconds: float = 0.0

    @property
    def shown(self) -> Look | None:
        """Return the last look of the second batch, or else of the first.

        A first batch that claims a slowdown is chosen for it, and shows too much of it.
        """
        batches = (self.second, self.first)
        return next((batch.looks[-1] for batch in batches if batch and batch.looks), None)


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
        allow_exact: Whether counts that differ are but told.
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
    """Check every case; `among` keeps the false alarms of all together below 5 %.

    A side that can't be measured leaves its own model without an answer, or broken; the others are
    checked still.
    """
    found = []
    for case in cases:
        begin = bench.clock()
        try:
            checked = _checked_once(case, bench, terms, tell, models=len(cases))
        except SideError as error:
            checked = _unmeasured(Checked(case=case, verdict="inconclusive"), error)
        found.append(msgspec.structs.replace(checked, seconds=bench.clock() - begin))
        heed(found[-1], found[-1].first is None or found[-1].verdict == "pass")
    fails = 0
    for index in _surest_first(found, terms):
        rule = among(terms.first, terms.confirming, len(cases) - fails)
        found[index] = _judged(found[index], bench, terms, tell, rule)
        heed(found[index], True)
        fails += found[index].verdict == "fail"
    return found


def _surest_first(found: Sequence[Checked], terms: Terms) -> list[int]:
    """Return the indices of those that were timed."""
    p = {
        index: checked.first.p(terms.first)
        for index, checked in enumerate(found)
        if checked.first is not None
    }
    return sorted(p, key=lambda index: p[index])


def _unmeasured(checked: Checked, error: SideError) -> Checked:
    """Return what is said of a model of which a side failed."""
    return msgspec.structs.replace(
        checked, verdict="broken" if error.of_candidate else "inconclusive", reason=str(error)
    )


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
        among(terms.first, terms.confirming, models),
        terms.budget,
        until=begin + FIRST_SHARE * terms.max_s,
        clock=bench.clock,
        wall_alone=wall_alone(case),
    )
    exact = () if counted is None else counted.exact  # differences that were allowed
    return Checked(case=case, verdict=batch.answer, exact=exact, first=batch)


def wall_alone(case: Case) -> bool:
    """Tell whether the wall clock decides: with one thread the processor time must agree."""
    return (case.threads or 1) > 1


def run_batch(
    pair: MeasurePair,
    rule: Rule,
    budget: float,
    *,
    until: float,
    clock: Clock = time.monotonic,
    wall_alone: bool = False,
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
        wall_alone: Whether the wall clock decides, see `look_at`.
    """
    started = clock()
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
            looks.append(
                look_at(*clocks_of(pairs), rule, budget, shares=shares, wall_alone=wall_alone)
            )
            if looks[-1].answer is not None:
                break
    answer: Answer = (looks[-1].answer if looks else None) or "inconclusive"
    return Batch(
        pairs=tuple(pairs),
        looks=tuple(looks),
        answer=answer,
        seconds=clock() - started,
        longest_s=longest,
    )


def clocks_of(pairs: Sequence[Pair]) -> tuple[list[float], list[float] | None]:
    """Return the log-ratios of pairs, by the wall clock and by the processor time."""
    cpu = [each for pair in pairs if (each := pair.cpu) is not None]
    return [pair.wall for pair in pairs], cpu if len(cpu) == len(pairs) else None


def deciding_clocks(pairs: Sequence[Pair], case: Case) -> list[list[float]]:
    """Return the log-ratios of pairs by each clock that decides."""
    wall, cpu = clocks_of(pairs)
    return [wall] if cpu is None or wall_alone(case) else [wall, cpu]


def _exactly(case: Case, bench: Bench, terms: Terms) -> Checked | None:
    """Compare the counts; return what ends the check, or, as `pass`, what is but to be told."""
    try:
        found = differences(*bench.facts(case))
    except MissingModelError as error:
        return Checked(case=case, verdict="new", reason=str(error))
    if not found:
        return None
    decisive = [each.what for each in found if each.decisive]
    if decisive and not terms.allow_exact:
        why = "it is another network: counts differ"
        if set(decisive) <= set(RISING):
            why = f"it is the same network, with more {', more '.join(decisive)}"
        return Checked(
            case=case,
            verdict="fail",
            reason=f"{why} (--allow-exact times it all the same)",
            exact=found,
        )
    return Checked(case=case, verdict="pass", exact=found)


def _judged(checked: Checked, bench: Bench, terms: Terms, tell: Tell, rule: Rule) -> Checked:
    """Let a second batch confirm what the first says is slower, by a rule for so many models."""
    first = checked.first
    if first is None or checked.verdict == "pass":
        return checked
    last = first.looks[-1] if first.looks else None
    if last is None:
        return _undecided(checked, terms, rule, "too few pairs in its time")
    surely = first.p(rule) <= rule.alpha
    if not (surely and all(each.slowdown > terms.budget for each in last.deciding)):
        return _undecided(checked, terms, rule, _why(last, terms.budget))
    tell(f"{checked.case.model}: slower; a fresh batch is to confirm it")
    begin = bench.clock()
    try:
        second = run_batch(
            lambda: bench.pair(checked.case),
            terms.confirming,
            terms.budget,
            until=begin + max(terms.max_s - checked.seconds, 0.0),
            clock=bench.clock,
            wall_alone=wall_alone(checked.case),
        )
    except SideError as error:
        return _unmeasured(checked, error)
    confirmed = msgspec.structs.replace(
        checked, second=second, seconds=checked.seconds + bench.clock() - begin
    )
    if second.answer == "fail":
        return msgspec.structs.replace(confirmed, verdict="fail")
    why = "a first batch says slower, a fresh one doesn't confirm it"
    if not second.looks:
        why = "a first batch says slower, and there was no time for a fresh one to confirm it"
    return _undecided(confirmed, terms, rule, why)


def _undecided(checked: Checked, terms: Terms, rule: Rule, why: str) -> Checked:
    """Say why there is no answer, what so many pairs would show, and what time would be enough."""
    first, second = checked.first, checked.second
    assert first is not None
    counting_s = max(checked.seconds - first.seconds - (second.seconds if second else 0.0), 0.0)
    if first.looks:
        fit = pairs_within(FIRST_SHARE * terms.max_s - counting_s, first)
        pairs = max(len(first.pairs), min(fit, rule.looks[-1]))
        plan = Plan(
            budget=terms.budget,
            first=rule,
            confirming=terms.confirming,
            first_pairs=pairs,
            all_pairs=pairs_within(terms.max_s - counting_s, first),
        )
        least = least_detectable(deciding_clocks(first.pairs, checked.case), plan)
        if least is not None:
            why += (
                f"; with this noise {pairs} pairs and a fresh batch would show "
                f"{100 * least:.1f} % or more"
            )
    few = [len(first.pairs) < terms.first.looks[0]]
    if second is not None:
        few.append(len(second.pairs) < terms.confirming.looks[0])
    if any(few):
        pair_s = max(batch.longest_s for batch in (first, second) if batch)
        why += f"; a pair of processes takes {pair_s:.0f} s: {cure(pair_s, counting_s, terms)}"
    return msgspec.structs.replace(checked, verdict="inconclusive", reason=why)


def pairs_within(seconds: float, batch: Batch) -> int:
    """Return how many pairs like those of a batch fit into a time."""
    return int(seconds * len(batch.pairs) / max(batch.seconds, 1e-9))


def cure(pair_s: float, counting_s: float, terms: Terms) -> str:
    """Say what `--max-seconds` is enough for the first look of either batch.

    Args:
        pair_s: Seconds of a pair of processes.
        counting_s: Seconds of what comes before the first one.
        terms: What is asked.
    """
    first = counting_s + terms.first.looks[0] * pair_s
    confirming = terms.confirming.looks[0] * pair_s
    enough = max(first / FIRST_SHARE, confirming / (1 - FIRST_SHARE))
    tens = math.ceil(1.1 * enough / 10)  # a tenth more, as no pair takes as long as the one before
    return f"--max-seconds {10 * tens} has time for {terms.first.looks[0]} in each batch"


def _why(last: Look, budget: float) -> str:
    wall, *others = last.deciding
    if all(each.low > 0 for each in last.deciding):
        return "slower, but on which side of the budget can't be told"
    if others and wall.low > 0 and wall.slowdown > budget:
        return "the wall clock alone says slower: it waits, or a neighbour takes its core"
    if any(each.low > 0 and each.slowdown > budget for each in others):
        return "the processor time alone says slower"
    return "too much noise for an answer in its time"
