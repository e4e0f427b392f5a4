"""The speed gate: is the candidate slower than the baseline by more than the budget?

Exact gates come first (`counts.py`). Then pairs of processes are timed (`turns.py`) and looked at
(`looks.py`) until there is an answer, or the time is up. A FAIL counts only if a second, fresh
batch of pairs confirms it.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from ..records.case import Case
from .counts import RISING, CountDifference, Facts, differences
from .looks import CONFIRMING, FIRST, Answer, Look, Rule, among, look_at, p_of_looks
from .power import Plan, least_detectable
from .turns import MissingModelError, Pair, SideError

FIRST_SHARE = 0.6
"""Share of a model's time for the first batch; the rest is for the batch that confirms it."""

MeasurePair = Callable[[], Pair]
Log = Callable[[str], None]
OnResult = Callable[["Checked", bool], None]
"""Called with the result of a model, and whether it is final."""
Clock = Callable[[], float]


class PairBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of processes, looked at while they were measured.

    Attributes:
        pairs: The times of each pair.
        looks: The estimates at each look.
        answer: The answer of the last look; `inconclusive` if it has none.
        seconds: Duration of the batch.
        longest_s: Duration of its longest pair, in seconds.
    """

    pairs: tuple[Pair, ...]
    looks: tuple[Look, ...]
    answer: Answer
    seconds: float = 0.0
    longest_s: float = 0.0

    def p(self, rule: Rule) -> float:
        """Return the p-value of a slowdown over all looks."""
        return p_of_looks(self.looks, rule)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one model.

    Attributes:
        case: The case that was checked.
        verdict: `new` for a model that the baseline doesn't have; `broken` for one that the
            baseline can run and the candidate can't.
        reason: The reason of the verdict, if the numbers don't show it.
        exact: Counts that differ.
        first, second: The batches of pairs; the second confirms a FAIL of the first.
        seconds: Duration of the whole check of this model.
    """

    case: Case
    verdict: Literal["fail", "pass", "inconclusive", "new", "broken"]
    reason: str | None = None
    exact: tuple[CountDifference, ...] = ()
    first: PairBatch | None = None
    second: PairBatch | None = None
    seconds: float = 0.0

    @property
    def shown(self) -> Look | None:
        """Return the last look of the second batch, or of the first if there is no second.

        A first batch that finds a slowdown is selected for it, so its estimate is too high.
        """
        batches = (self.second, self.first)
        return next((batch.looks[-1] for batch in batches if batch and batch.looks), None)


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """The functions that measure the two sides; a test replaces them.

    Attributes:
        facts: Counts both sides of a case, baseline first.
        pair: Times one pair of fresh processes of a case.
        clock: Returns the time in seconds.
    """

    facts: Callable[[Case], tuple[Facts, Facts]]
    pair: Callable[[Case], Pair]
    clock: Clock = time.monotonic


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The slowdown that a check allows, and how sure it must be.

    Attributes:
        budget: The slowdown that is allowed, as a fraction.
        max_s: Most seconds for a model, both batches together.
        allow_exact: True if counts that differ are reported only.
        first, confirming: The rules of the two batches.
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
    log: Log,
    on_result: OnResult = lambda checked, final: None,
) -> list[Checked]:
    """Check every case; `among` keeps the false alarms of all cases together below 5 %.

    If a side can't be measured, its own model is inconclusive or broken, and the others are checked
    all the same.

    Args:
        cases: The cases, one for each model.
        bench: Measures the two sides.
        terms: The allowed slowdown, and the rules of the check.
        log: Called with each line of progress.
        on_result: Called with each result, and whether it is final.
    """
    found = []
    for case in cases:
        begin = bench.clock()
        try:
            checked = _checked_once(case, bench, terms, log, models=len(cases))
        except SideError as error:
            checked = _unmeasured(Checked(case=case, verdict="inconclusive"), error)
        found.append(msgspec.structs.replace(checked, seconds=bench.clock() - begin))
        on_result(found[-1], found[-1].first is None or found[-1].verdict == "pass")
    fails = 0
    for index in _surest_first(found, terms):
        rule = among(terms.first, terms.confirming, len(cases) - fails)
        found[index] = _judged(found[index], bench, terms, log, rule)
        on_result(found[index], True)
        fails += found[index].verdict == "fail"
    return found


def _surest_first(found: Sequence[Checked], terms: Terms) -> list[int]:
    """Return the indices of the models that were timed, the smallest p-value first."""
    p = {
        index: checked.first.p(terms.first)
        for index, checked in enumerate(found)
        if checked.first is not None
    }
    return sorted(p, key=lambda index: p[index])


def _unmeasured(checked: Checked, error: SideError) -> Checked:
    """Return the result of a model if one of its sides fails."""
    return msgspec.structs.replace(
        checked, verdict="broken" if error.of_candidate else "inconclusive", reason=str(error)
    )


def _checked_once(case: Case, bench: Bench, terms: Terms, log: Log, *, models: int) -> Checked:
    """Count both sides, and measure the first batch of pairs."""
    begin = bench.clock()
    log(f"{case.model}: counting")
    counted = _exactly(case, bench, terms)
    if counted is not None and counted.verdict != "pass":
        return counted
    log(f"{case.model}: timing")
    batch = run_batch(
        lambda: bench.pair(case),
        among(terms.first, terms.confirming, models),
        terms.budget,
        until=begin + FIRST_SHARE * terms.max_s,
        clock=bench.clock,
        wall_alone=wall_alone(case),
    )
    exact = () if counted is None else counted.exact  # the differences that are allowed
    return Checked(case=case, verdict=batch.answer, exact=exact, first=batch)


def wall_alone(case: Case) -> bool:
    """Return whether the wall clock decides alone; with one thread, processor time must agree."""
    return (case.threads or 1) > 1


def run_batch(
    pair: MeasurePair,
    rule: Rule,
    budget: float,
    *,
    until: float,
    clock: Clock = time.monotonic,
    wall_alone: bool = False,
) -> PairBatch:
    """Measure pairs until a look has an answer, or no other pair fits into the time.

    If the time is up before the last look, there is one more look at the pairs so far. It may spend
    all of the error that is left. The number of pairs then doesn't depend on their times, so the
    errors of all looks still add up to what the rule allows.

    Args:
        pair: Measures one pair.
        rule: The numbers of pairs at which to look, and how sure an answer must be.
        budget: The slowdown that is allowed, as a fraction.
        until: The time of the clock at which the batch must end.
        clock: Returns the time in seconds.
        wall_alone: True if the wall clock decides alone, see `look_at`.
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
    return PairBatch(
        pairs=tuple(pairs),
        looks=tuple(looks),
        answer=answer,
        seconds=clock() - started,
        longest_s=longest,
    )


def clocks_of(pairs: Sequence[Pair]) -> tuple[list[float], list[float] | None]:
    """Return the log-ratios of pairs by the wall clock, and by processor time if all have it."""
    cpu = [each for pair in pairs if (each := pair.cpu) is not None]
    return [pair.wall for pair in pairs], cpu if len(cpu) == len(pairs) else None


def deciding_clocks(pairs: Sequence[Pair], case: Case) -> list[list[float]]:
    """Return the log-ratios of pairs by each clock that decides."""
    wall, cpu = clocks_of(pairs)
    return [wall] if cpu is None or wall_alone(case) else [wall, cpu]


def _exactly(case: Case, bench: Bench, terms: Terms) -> Checked | None:
    """Compare the counts; None: they agree; `pass`: differences are reported only."""
    try:
        found = differences(*bench.facts(case))
    except MissingModelError as error:
        return Checked(case=case, verdict="new", reason=str(error))
    if not found:
        return None
    decisive = [each.what for each in found if each.decisive]
    if decisive and not terms.allow_exact:
        why = "the network has changed: counts differ"
        if set(decisive) <= set(RISING):
            why = f"the network is the same, with more {', more '.join(decisive)}"
        return Checked(
            case=case,
            verdict="fail",
            reason=f"{why} (--allow-exact times it nevertheless)",
            exact=found,
        )
    return Checked(case=case, verdict="pass", exact=found)


def _judged(checked: Checked, bench: Bench, terms: Terms, log: Log, rule: Rule) -> Checked:
    """Confirm a slowdown of the first batch by a second one.

    Args:
        checked: The result of the first batch.
        bench: Measures the two sides.
        terms: The allowed slowdown, and the rules of the check.
        log: Called with each line of progress.
        rule: The rule of the first batch among the models that are still without a FAIL.
    """
    first = checked.first
    if first is None or checked.verdict == "pass":
        return checked
    last = first.looks[-1] if first.looks else None
    if last is None:
        return _undecided(checked, terms, rule, "too few pairs fit into its time")
    surely = first.p(rule) <= rule.alpha
    if not (surely and all(each.slowdown > terms.budget for each in last.deciding)):
        return _undecided(checked, terms, rule, _why(last, terms.budget))
    log(f"{checked.case.model}: slower; a fresh batch will confirm it or not")
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
    why = "the first batch is slower, but a fresh one doesn't confirm it"
    if not second.looks:
        why = "the first batch is slower, but there was no time for a fresh one to confirm it"
    return _undecided(confirmed, terms, rule, why)


def _undecided(checked: Checked, terms: Terms, rule: Rule, why: str) -> Checked:
    """Return the result with the reason, the least slowdown that would show, and the cure."""
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
                f"; with this noise, {pairs} pairs and a fresh batch would show a slowdown of "
                f"{100 * least:.1f} % or more"
            )
    too_few = [len(first.pairs) < terms.first.looks[0]]
    if second is not None:
        too_few.append(len(second.pairs) < terms.confirming.looks[0])
    if any(too_few):
        pair_s = max(batch.longest_s for batch in (first, second) if batch)
        why += f"; a pair of processes takes {pair_s:.0f} s: {cure(pair_s, counting_s, terms)}"
    return msgspec.structs.replace(checked, verdict="inconclusive", reason=why)


def pairs_within(seconds: float, batch: PairBatch) -> int:
    """Return how many pairs as long as those of a batch fit into `seconds`."""
    return int(seconds * len(batch.pairs) / max(batch.seconds, 1e-9))


def cure(pair_s: float, counting_s: float, terms: Terms) -> str:
    """Return the `--max-seconds` that is enough for the first look of both batches, as a sentence.

    Args:
        pair_s: Seconds of a pair of processes.
        counting_s: Seconds before the first pair.
        terms: The allowed slowdown, and the rules of the check.
    """
    first = counting_s + terms.first.looks[0] * pair_s
    confirming = terms.confirming.looks[0] * pair_s
    enough = max(first / FIRST_SHARE, confirming / (1 - FIRST_SHARE))
    tens = math.ceil(1.1 * enough / 10)  # a tenth more, because pairs differ
    return f"--max-seconds {10 * tens} is enough for {terms.first.looks[0]} in each batch"


def _why(last: Look, budget: float) -> str:
    wall, *others = last.deciding
    if all(each.low > 0 for each in last.deciding):
        return "slower, but the interval includes the budget"
    if others and wall.low > 0 and wall.slowdown > budget:
        return "only the wall clock is slower: it waits, or another process takes its core"
    if any(each.low > 0 and each.slowdown > budget for each in others):
        return "only the processor time is slower"
    return "too much noise for an answer in its time"
