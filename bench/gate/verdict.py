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
from ..records.case_names import names_of
from .batch import (
    Clock,
    PairBatch,
    deciding_clocks,
    forks_of,
    pairs_within,
    run_batch,
    servers_of,
    wall_alone,
)
from .counts import RISING, CountDifference, Facts, differences
from .looks import CONFIRMING, CONFIRMING_OF_FORKS, FIRST, FIRST_OF_FORKS, Look, Rule, among
from .power import Plan, least_detectable
from .sides import MissingModelError, SideError
from .turns import Pair

FIRST_SHARE = 0.6
"""Share of a model's time for the first batch; the rest is for the batch that confirms it."""

Log = Callable[[str], None]
OnResult = Callable[["Checked", bool], None]
"""Called with the result of a model, and whether it is final."""


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
        pair: Times one pair of processes of a case.
        clock: Returns the time in seconds.
        forks: Returns whether the pairs of a case are forked from servers.
        renew: Called before a batch that must be independent of those before it: its pairs get
            servers that have timed no pair.
    """

    facts: Callable[[Case], tuple[Facts, Facts]]
    pair: Callable[[Case], Pair]
    clock: Clock = time.monotonic
    forks: Callable[[Case], bool] = lambda case: False
    renew: Callable[[], None] = lambda: None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The slowdown that a check allows, and how sure it must be.

    Attributes:
        budget: The slowdown that is allowed, as a fraction.
        max_s: Most seconds for a model, both batches together.
        allow_exact: True if counts that differ are reported only.
        first, confirming: The rules of the two batches.
        first_of_forks, confirming_of_forks: The same if pairs are forked from servers. The alphas
            must be the same, because all models of a check share them.
    """

    budget: float = 0.03
    max_s: float = 60.0
    allow_exact: bool = False
    first: Rule = FIRST
    confirming: Rule = CONFIRMING
    first_of_forks: Rule = FIRST_OF_FORKS
    confirming_of_forks: Rule = CONFIRMING_OF_FORKS

    def of(self, *, forks: bool) -> "Terms":
        """Return terms whose `first` and `confirming` are for forked pairs, or for fresh ones."""
        if not forks:
            return self
        return msgspec.structs.replace(
            self, first=self.first_of_forks, confirming=self.confirming_of_forks
        )


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
    named = _Named(cases, log)
    for case in cases:
        begin = bench.clock()
        try:
            checked = _checked_once(case, bench, terms, named, models=len(cases))
        except SideError as error:
            checked = _unmeasured(Checked(case=case, verdict="inconclusive"), error)
        found.append(msgspec.structs.replace(checked, seconds=bench.clock() - begin))
        on_result(found[-1], found[-1].first is None or found[-1].verdict == "pass")
    fails = 0
    for index in _surest_first(found, terms):
        found[index] = _judged(found[index], bench, terms, named, models=len(cases) - fails)
        on_result(found[index], True)
        fails += found[index].verdict == "fail"
    return found


class _Named:
    """A log whose lines begin with the name of a case."""

    def __init__(self, cases: Sequence[Case], log: Log) -> None:
        """Take all cases: a name says in what a case differs from the others."""
        self._names = dict(zip((c.digest for c in cases), names_of(cases), strict=True))
        self._log = log

    def __call__(self, case: Case, text: str) -> None:
        """Log a line."""
        self._log(f"{self._names[case.digest]}: {text}")


def _surest_first(found: Sequence[Checked], terms: Terms) -> list[int]:
    """Return the indices of the models that were timed, the smallest p-value first."""
    p = {
        index: checked.first.p(terms.of(forks=checked.first.servers > 0).first)
        for index, checked in enumerate(found)
        if checked.first is not None
    }
    return sorted(p, key=lambda index: p[index])


def _unmeasured(checked: Checked, error: SideError) -> Checked:
    """Return the result of a model if one of its sides fails."""
    return msgspec.structs.replace(
        checked, verdict="broken" if error.of_candidate else "inconclusive", reason=str(error)
    )


def _checked_once(case: Case, bench: Bench, terms: Terms, log: "_Named", *, models: int) -> Checked:
    """Count both sides, and measure the first batch of pairs."""
    begin = bench.clock()
    log(case, "counting")
    counted = _exactly(case, bench, terms)
    if counted is not None and counted.verdict != "pass":
        return counted
    log(case, "timing")
    # Not earlier: counting shows whether this code can be forked.
    terms = terms.of(forks=bench.forks(case))
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


def _judged(checked: Checked, bench: Bench, terms: Terms, log: "_Named", *, models: int) -> Checked:
    """Confirm a slowdown of the first batch by a second one.

    Args:
        checked: The result of the first batch.
        bench: Measures the two sides.
        terms: The allowed slowdown, and the rules of the check.
        log: Called with each line of progress.
        models: Number of models that are still without a FAIL.
    """
    first = checked.first
    if first is None or checked.verdict == "pass":
        return checked
    own = terms.of(forks=first.servers > 0)
    rule = among(own.first, own.confirming, models)
    last = first.looks[-1] if first.looks else None
    if last is None:
        return _undecided(checked, own, rule, "too few pairs fit into its time")
    surely = first.p(rule) <= rule.alpha
    if not (surely and all(each.slowdown > terms.budget for each in last.deciding)):
        return _undecided(checked, own, rule, _why(last, terms.budget))
    log(checked.case, "slower; a fresh batch will confirm it or not")
    begin = bench.clock()
    bench.renew()
    # Since the first batch, the code of another model may have shown that it can't be forked.
    confirming = terms.of(forks=bench.forks(checked.case)).confirming
    own = msgspec.structs.replace(own, confirming=confirming)
    try:
        second = run_batch(
            lambda: bench.pair(checked.case),
            confirming,
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
    return _undecided(confirmed, own, rule, why)


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
            forks=forks_of(first.pairs),
        )
        clocks = deciding_clocks(first.pairs, checked.case)
        least = least_detectable(clocks, plan, servers_of(first.pairs))
        if least is not None:
            why += (
                f"; with this noise, {pairs} pairs and a fresh batch would show a slowdown of "
                f"{100 * least:.1f} % or more"
            )
    too_few = [len(first.pairs) < terms.first.looks[0]]
    if second is not None:
        too_few.append(len(second.pairs) < terms.confirming.looks[0])
    if any(too_few):
        pair_s = max(batch.pair_s for batch in (first, second) if batch)
        why += f"; a pair of processes takes {pair_s:.0f} s: {cure(pair_s, counting_s, terms)}"
    return msgspec.structs.replace(checked, verdict="inconclusive", reason=why)


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
