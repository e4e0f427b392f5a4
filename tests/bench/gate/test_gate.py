"""The speed gate with fake sides and a fake clock: what is measured, and what is said of it."""

import contextlib
import math
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kinobench.bench.gate import (
    command as gate_command,
)
from kinobench.bench.gate import (
    page as gate_page,
)
from kinobench.bench.gate import (
    stored as gate_stored,
)
from kinobench.bench.gate import (
    stored_files,
)
from kinobench.bench.gate.batch import PairBatch, run_batch
from kinobench.bench.gate.counts import Facts, differences
from kinobench.bench.gate.looks import FIRST, FIRST_OF_FORKS, Rule
from kinobench.bench.gate.self_check import SelfCheck, measure_itself
from kinobench.bench.gate.sides import Code, MissingModelError, SideError
from kinobench.bench.gate.turns import (
    DISCARDED,
    SWITCH_AFTER,
    Pair,
    exact_facts,
    started,
    take_turns,
    turns_of,
)
from kinobench.bench.gate.verdict import Bench, Checked, Terms, check, cure
from kinobench.bench.machine.environment import UnfitEnvironmentError
from kinobench.bench.records.case import Case
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import MACHINE, made_case, made_latency, made_record

FACTS = Facts(
    params=100,
    macs=1000,
    operators={"aten.conv3d.default": 2, "aten.relu.default": 2},
    graph_breaks=None,
    launches=4,
    peak_bytes=None,
    output_bytes=640,
)
TERMS = Terms(budget=0.015, max_s=60.0)


class Clock:
    """Time that passes when something is measured."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeSide:
    """Forwards of set times; the log has who was asked when."""

    def __init__(self, name: str, log: list[str], times: Iterator[float]) -> None:
        self.name, self.log, self.times = name, log, times

    def turn(self) -> tuple[float, float | None]:
        self.log.append(self.name)
        time = next(self.times)
        return time, time / 2


def made_pair(slowdown: float, cpu: float | None = None) -> Pair:
    """Return a pair whose candidate is slower by shares, by the wall clock and the processor."""
    cpu = slowdown if cpu is None else cpu
    return Pair(
        baseline_s=(1.0,) * 3,
        candidate_s=(1.0 + slowdown,) * 3,
        baseline_cpu_s=(1.0,) * 3,
        candidate_cpu_s=(1.0 + cpu,) * 3,
    )


def made_bench(
    pairs: Iterator[Pair], facts: tuple[Facts, Facts] = (FACTS, FACTS), pair_s: float = 5.0
) -> tuple[Bench, list[str]]:
    clock, log = Clock(), []

    def measure(case: object) -> Pair:
        clock.now += pair_s
        log.append("pair")
        return next(pairs)

    return Bench(facts=lambda case: facts, pair=measure, clock=clock), log


def forever(*slowdowns: float) -> Iterator[Pair]:
    while True:
        yield from (made_pair(each) for each in slowdowns)


def checked(bench: Bench, terms: Terms = TERMS, case: Case | None = None) -> Checked:
    (found,) = check([case or made_case()], bench, terms, log=lambda line: None)
    return found


def exit_code(*found: Checked) -> int:
    return gate_page.Report(title="", budget=0.015, checked=found).exit_code


def of_models(slowdowns: dict[str, Iterator[Pair]], pair_s: float = 5.0) -> Bench:
    """Return a bench whose pairs are each model's own."""
    clock = Clock()

    def measure(case: Case) -> Pair:
        clock.now += pair_s
        return next(slowdowns[case.model])

    return Bench(facts=lambda case: (FACTS, FACTS), pair=measure, clock=clock)


def then_fails(pairs: Iterator[Pair], after: int, *, of_candidate: bool) -> Iterator[Pair]:
    """Give some pairs; at the next one a side fails."""
    yield from (next(pairs) for _ in range(after))
    raise SideError("it crashed", of_candidate=of_candidate)


@pytest.mark.parametrize("candidate_first", [False, True])
def test_sides_alternate_one_forward_at_a_time_and_each_is_first_as_often(
    candidate_first: bool,
) -> None:
    log: list[str] = []
    ticks = iter(map(float, range(1000)))
    a, b = (FakeSide(name, log, ticks) for name in "AB")
    pair = take_turns(a, b, 2 * SWITCH_AFTER, candidate_first=candidate_first)
    asked = "".join(log)
    begins, follows = "BA" if candidate_first else "AB"
    led, other = SWITCH_AFTER * (begins + follows), SWITCH_AFTER * (follows + begins)
    assert asked == led + begins + other + follows + led  # a change costs one forward
    assert "AA" not in asked and "BB" not in asked
    ahead = [x < y for x, y in zip(pair.baseline_s, pair.candidate_s, strict=True)]
    assert ahead == SWITCH_AFTER * [candidate_first] + SWITCH_AFTER * [not candidate_first]


def test_the_first_turns_are_dropped_and_neighbours_stay_neighbours() -> None:
    uncounted = [9.0]  # of the change of who is first
    a = FakeSide("A", [], iter([9.0] * DISCARDED + uncounted + [1.0, 2.0, 3.0]))
    b = FakeSide("B", [], iter([9.0] * DISCARDED + [1.1, 2.2, 3.3]))
    pair = take_turns(a, b, 3)
    assert pair.baseline_s == (1.0, 2.0, 3.0) and pair.candidate_s == (1.1, 2.2, 3.3)
    assert pair.wall == pytest.approx(math.log(1.1)) == pair.cpu


@pytest.mark.parametrize(
    ("forward_s", "start_s", "turns"),
    [
        (1.0, 5.0, 96),  # however long it takes
        (0.005, 2.5, 112),  # 1.2 s, and as often with either side first
        (0.005, 25.0, 992),  # 10 s, on a machine so busy that starting takes 25
        (1e-6, 5.0, 1536),
    ],
)
def test_turns_last_longer_where_starting_does(
    forward_s: float, start_s: float, turns: int
) -> None:
    assert turns_of(forward_s, start_s) == turns


@pytest.mark.parametrize(
    ("forward_s", "turns"), [(1.0, 32), (0.003, 128), (0.004, 96), (1e-6, 1536)]
)
def test_a_forked_pair_has_fewer_turns_because_another_one_costs_little(
    forward_s: float, turns: int
) -> None:
    assert turns_of(forward_s, 0.5, forked=True) == turns


def test_a_gpu_has_no_processor_time() -> None:
    pair = Pair(baseline_s=(1.0,), candidate_s=(2.0,), baseline_cpu_s=None, candidate_cpu_s=None)
    assert pair.cpu is None and pair.wall == pytest.approx(math.log(2))


def test_equal_counts_are_no_difference() -> None:
    assert differences(FACTS, FACTS) == ()


def test_another_layer_is_found_by_its_counts_and_nothing_is_timed() -> None:
    other = msgspec.structs.replace(
        FACTS, params=110, macs=1100, operators=FACTS.operators | {"aten.conv3d.default": 3}
    )
    bench, log = made_bench(forever(0.0), (FACTS, other))
    found = checked(bench)
    assert found.verdict == "fail" and found.first is None and log == []
    assert [str(each) for each in found.exact] == [
        "parameters: 100 -> 110",
        "MACs: 1,000 -> 1,100",
        "calls of aten.conv3d.default: 2 -> 3",
    ]


def test_counts_that_may_differ_are_told_and_the_timing_goes_on() -> None:
    other = msgspec.structs.replace(FACTS, params=110)
    bench, log = made_bench(forever(0.0), (FACTS, other))
    found = checked(bench, msgspec.structs.replace(TERMS, allow_exact=True))
    assert found.verdict == "pass" and found.exact and log == ["pair"] * 3


@pytest.mark.parametrize(
    ("field", "candidate", "decisive"),
    [
        ("launches", 5, True),
        ("launches", 3, False),
        ("graph_breaks", 2, True),
        ("graph_breaks", 0, False),
        ("peak_bytes", 1011, True),
        ("peak_bytes", 1010, False),
        ("peak_bytes", 500, False),
        ("output_bytes", 7000, False),
        ("file_bytes", 1011, True),
        ("file_bytes", 900, False),
        ("opset", 21, False),
    ],
)
def test_more_launches_graph_breaks_or_peak_bytes_decide_and_fewer_are_told(
    field: str, candidate: int, decisive: bool
) -> None:
    base = msgspec.structs.replace(
        FACTS, peak_bytes=1000, graph_breaks=1, file_bytes=1000, opset=20
    )
    other = msgspec.structs.replace(base, **{field: candidate})
    (found,) = differences(base, other)
    assert found.decisive == decisive and found.candidate == candidate
    bench, _ = made_bench(forever(0.0), (base, other))
    assert checked(bench).verdict == ("fail" if decisive else "pass")
    bench, _ = made_bench(forever(0.0), (base, other))
    assert checked(bench, msgspec.structs.replace(TERMS, allow_exact=True)).verdict == "pass"


def test_another_graph_in_a_runtime_is_another_network_and_names_in_its_file_are_not() -> None:
    nothing = {"operators": None, "output_bytes": None, "launches": None}
    nodes = {"Convolution": 5, "Pooling": 5}
    base = msgspec.structs.replace(FACTS, nodes=nodes, file_bytes=1000, opset=20, **nothing)
    longer_names = msgspec.structs.replace(base, file_bytes=1009)
    assert differences(base, longer_names) == ()
    other = msgspec.structs.replace(base, nodes={"Convolution": 5, "Subgraph": 1}, macs=900)
    found = differences(base, other)
    assert [str(each) for each in found] == [
        "MACs: 1,000 -> 900",
        "nodes Pooling: 5 -> 0",
        "nodes Subgraph: 0 -> 1",
    ]
    assert all(each.decisive for each in found)
    (counting,) = differences(base, msgspec.structs.replace(base, macs=900))
    assert not counting.decisive  # the graphs are the same, so it is counted differently


def test_cases_of_one_network_in_two_runtimes_are_told_apart_while_they_run() -> None:
    cases = [made_case(runtime="torch"), made_case(runtime="openvino")]
    said: list[str] = []
    bench = Bench(facts=lambda case: (FACTS, FACTS), pair=lambda case: made_pair(0.0))
    check(cases, bench, TERMS, said.append)
    assert said == [
        f"c3d_tiny (runtime {runtime}): {doing}"
        for runtime in ("torch", "openvino")
        for doing in ("counting", "timing")
    ]


@pytest.mark.parametrize("sides", [(False, True), (True, False), (True, True)])
def test_counts_that_a_side_cant_make_are_told_and_the_timing_goes_on(
    sides: tuple[bool, bool],
) -> None:
    why = {"MACs": "RuntimeError: no rule", "calls of operators": "RuntimeError: not watched"}
    blind = msgspec.structs.replace(
        FACTS, macs=None, operators=None, output_bytes=None, launches=None, uncounted=why
    )
    one, other = (blind if is_blind else FACTS for is_blind in sides)
    bench, _ = made_bench(forever(0.0), (one, other))
    found = checked(bench)
    assert found.verdict == "pass" and not any(each.decisive for each in found.exact)
    macs, calls = map(str, found.exact)
    said = ["not counted" if is_blind else "1,000" for is_blind in sides]
    assert macs == f"MACs: {' -> '.join(said)} (RuntimeError: no rule)"
    assert "calls of operators" in calls


def test_another_way_of_counting_is_not_another_network() -> None:
    (found,) = differences(FACTS, msgspec.structs.replace(FACTS, macs=900))
    assert "counted differently" in found.what and not found.decisive


def test_equal_sides_pass_at_the_first_look() -> None:
    bench, log = made_bench(forever(0.001, -0.001, 0.0))
    found = checked(bench)
    assert found.verdict == "pass" and len(log) == 3 and found.second is None


def test_a_slowdown_fails_when_a_fresh_batch_says_so_again() -> None:
    bench, log = made_bench(forever(0.049, 0.050, 0.051))
    found = checked(bench)
    assert found.verdict == "fail" and len(log) == 6
    assert found.first and found.second and len(found.second.pairs) == 3


def test_forked_pairs_have_rules_of_their_own_and_a_confirming_batch_has_servers_of_its_own() -> (
    None
):
    numbers = iter([1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4])
    slow = (
        msgspec.structs.replace(pair, server=number)
        for pair, number in zip(forever(0.049, 0.050, 0.051), numbers, strict=False)
    )
    plain, log = made_bench(slow, pair_s=1.5)
    bench = msgspec.structs.replace(
        plain, forks=lambda case: True, renew=lambda: log.append("renew")
    )
    found = checked(bench)
    assert found.verdict == "fail" and log == ["pair"] * 6 + ["renew"] + ["pair"] * 6
    assert found.first and found.second
    assert found.first.servers == found.second.servers == 2
    assert found.first.looks[-1].wall.servers == 2
    _, rows = gate_page.table(gate_page.Report(title="", budget=0.015, checked=(found,)))
    assert "6 + 6 (2 + 2 server pairs)" in rows[0]
    quiet, log = made_bench(forever(0.001, -0.001, 0.0), pair_s=1.5)
    assert checked(msgspec.structs.replace(quiet, forks=lambda case: True)).verdict == "pass"
    assert log == ["pair"] * 6


def test_luck_that_all_pairs_of_a_server_share_is_no_slowdown() -> None:
    # By pairs alone, 4 % would be 40 standard errors; one server pair of two has none of it.
    lucky = [0.08, 0.081, 0.079, 0.08, 0.0, 0.001]
    numbers = [1, 1, 1, 1, 2, 2]
    pairs = (
        msgspec.structs.replace(made_pair(slowdown), server=number)
        for slowdown, number in zip(lucky, numbers, strict=True)
    )
    clock = Clock()

    def pair() -> Pair:
        clock.now += 1.0
        return next(pairs)

    batch = run_batch(pair, FIRST_OF_FORKS, 0.015, until=6.5, clock=clock)
    (look,) = batch.looks
    assert look.answer is None and look.wall.low < 0 and len(batch.pairs) == 6


def test_code_that_turns_out_not_to_fork_is_judged_by_the_rules_of_fresh_pairs() -> None:
    # Servers load while the counts are made: only then is it known that they have threads.
    bench, log = made_bench(forever(0.001, -0.001, 0.0))
    can_fork = [True]

    def facts(case: Case) -> tuple[Facts, Facts]:
        can_fork[0] = False
        return FACTS, FACTS

    late = msgspec.structs.replace(bench, facts=facts, forks=lambda case: can_fork[0])
    assert checked(late).verdict == "pass" and log == ["pair"] * 3


def test_a_batch_of_forked_pairs_keeps_its_rules_though_later_code_cant_be_forked() -> None:
    can_fork = [True]
    # Student's t of six pairs has p = 0.027: enough for fresh ones, and too little for forked ones.
    numbers = iter(range(100))
    forked = (
        msgspec.structs.replace(pair, server=next(numbers)) for pair in forever(0.097, 0.0053)
    )
    bench = of_models({"c3d_tiny": forked, "x3d_tiny": forever(0.0)}, pair_s=6.0)

    def facts(case: Case) -> tuple[Facts, Facts]:
        can_fork[0] = case.model == "c3d_tiny"
        return FACTS, FACTS

    late = msgspec.structs.replace(bench, facts=facts, forks=lambda case: can_fork[0])
    found, _ = check([made_case(), made_case("x3d_tiny")], late, TERMS, lambda line: None)
    assert found.first and len(found.first.pairs) == 6
    (look,) = found.first.looks
    assert 0.0135 < look.p < 0.05
    assert found.verdict == "inconclusive" and found.second is None


def test_a_slowdown_that_a_fresh_batch_doesnt_show_is_no_fail() -> None:
    def pairs() -> Iterator[Pair]:
        yield from (made_pair(each) for each in (0.049, 0.050, 0.051))
        yield from forever(0.001, -0.001, 0.0)

    bench, _ = made_bench(pairs())
    found = checked(bench)
    assert found.verdict == "inconclusive" and "doesn't confirm" in (found.reason or "")
    assert found.shown and found.shown.wall.slowdown == pytest.approx(0.0, abs=1e-4)


def test_lost_parallelism_is_a_fail_though_it_costs_no_processor_time() -> None:
    def pairs() -> Iterator[Pair]:
        while True:
            yield from (made_pair(each, cpu=-0.05) for each in (0.49, 0.50, 0.51))

    bench, _ = made_bench(pairs())
    found = checked(bench, case=made_case(threads=2))
    assert found.verdict == "fail"
    assert found.shown and found.shown.cpu and found.shown.cpu.slowdown == pytest.approx(-0.05)
    bench, _ = made_bench(pairs())
    assert checked(bench).verdict == "inconclusive"


def test_a_slowdown_about_as_large_as_the_budget_is_not_called_noise() -> None:
    bench, _ = made_bench(forever(0.0287, 0.0288, 0.0289))
    found = checked(bench, msgspec.structs.replace(TERMS, budget=0.0288))
    assert found.verdict == "inconclusive" and found.first
    assert "the interval includes the budget" in (found.reason or "")


def test_a_neighbour_that_moves_the_wall_clock_alone_is_no_fail() -> None:
    def pairs() -> Iterator[Pair]:
        while True:
            yield from (made_pair(each, cpu=0.0) for each in (0.049, 0.050, 0.051))

    bench, _ = made_bench(pairs())
    found = checked(bench)
    assert found.verdict == "inconclusive" and "only the wall clock is slower" in (
        found.reason or ""
    )


def test_noise_is_inconclusive_and_says_what_could_be_seen() -> None:
    bench, log = made_bench(forever(0.08, -0.06, 0.03, -0.05))
    found = checked(bench)
    assert found.verdict == "inconclusive" and "would show" in (found.reason or "")
    assert len(log) == 7  # of 5 s each, in the 39 s of a first batch


def test_a_model_that_the_baseline_lacks_is_new() -> None:
    def facts(case: object) -> tuple[Facts, Facts]:
        raise MissingModelError("the baseline: no such model")

    bench, _ = made_bench(forever(0.0))
    found = checked(msgspec.structs.replace(bench, facts=facts))
    assert found.verdict == "new" and exit_code(found) == 0


@pytest.mark.parametrize(("of_candidate", "verdict"), [(True, "broken"), (False, "inconclusive")])
def test_a_side_that_fails_is_told_of_its_model_and_the_others_are_checked(
    of_candidate: bool, verdict: str
) -> None:
    bench, _ = made_bench(forever(0.0))

    def facts(case: Case) -> tuple[Facts, Facts]:
        if case.model == "x3d_tiny":
            raise SideError("RuntimeError: no kernel", of_candidate=of_candidate)
        return FACTS, FACTS

    cases = [made_case("x3d_tiny"), made_case()]
    failing = msgspec.structs.replace(bench, facts=facts)
    one, other = check(cases, failing, TERMS, log=lambda line: None)
    assert one.verdict == verdict and "no kernel" in (one.reason or "")
    assert other.verdict == "pass" and exit_code(one, other) == (1 if of_candidate else 3)


@pytest.mark.parametrize(("of_candidate", "verdict"), [(True, "broken"), (False, "inconclusive")])
@pytest.mark.parametrize("after", [0, 3])
def test_a_side_that_fails_while_it_is_timed_costs_no_other_model_its_row(
    of_candidate: bool, verdict: str, after: int
) -> None:
    slow = forever(0.049, 0.050, 0.051)
    noisy = forever(0.08, -0.06, 0.03)
    for pairs in (slow, noisy):  # the 4th pair is the first of the confirming batch, or not
        bench = of_models(
            {
                "x3d_tiny": then_fails(pairs, after, of_candidate=of_candidate),
                "c3d_tiny": forever(0.049, 0.050, 0.051),
                "i3d_tiny": forever(0.0),
            }
        )
        cases = [made_case(each) for each in ("x3d_tiny", "c3d_tiny", "i3d_tiny")]
        found = check(cases, bench, TERMS, log=lambda line: None)
        assert [each.verdict for each in found] == [verdict, "fail", "pass"]
        assert "crashed" in (found[0].reason or "")
        assert (found[0].first is not None) == (pairs is slow and after == 3)


def test_of_many_models_one_that_is_slower_is_found_as_if_it_were_alone() -> None:
    models = [f"model_{number}" for number in range(10)]
    pairs = {model: forever(0.001, -0.001, 0.0) for model in models}
    # A t of 8.7 in 3 pairs is at the level of one model, and would not be at a tenth of it.
    pairs["model_3"] = forever(0.04, 0.05, 0.06)
    found = check([made_case(each) for each in models], of_models(pairs), TERMS, lambda line: None)
    assert [each.verdict for each in found] == ["pass"] * 3 + ["fail"] + ["pass"] * 6
    slower = found[3]
    assert slower.first and slower.second
    assert len(slower.first.pairs) == len(slower.second.pairs) == 3


def test_models_that_are_slower_make_room_for_the_next_one() -> None:
    # The last one's first batch has p between 0.05 / 2 and 0.05: too much as one of 20, and enough
    # as one of 10, once the others have failed.
    one_look = Rule(looks=(3,), alpha=0.05, beta=0.05)
    terms = msgspec.structs.replace(TERMS, max_s=30.0, first=one_look)
    models = [f"model_{number}" for number in range(20)]
    pairs = {model: forever(0.049, 0.050, 0.051) for model in models}
    pairs["model_0"] = forever(0.02, 0.04, 0.06)
    found = check([made_case(each) for each in models], of_models(pairs), terms, lambda line: None)
    first = found[0].first
    assert first is not None and 0.025 < first.p(terms.first) < 0.05
    assert first.answer == "inconclusive" and found[0].second is not None
    pairs |= {model: forever(0.0) for model in models[1:]} | {"model_0": forever(0.02, 0.04, 0.06)}
    found = check([made_case(each) for each in models], of_models(pairs), terms, lambda line: None)
    assert found[0].second is None


def test_when_the_time_is_up_what_there_is_is_looked_at_once() -> None:
    clock = Clock()

    def pair() -> Pair:
        clock.now += 10
        return made_pair(0.05 + clock.now / 1e5)

    batch = run_batch(pair, FIRST, 0.015, until=45.0, clock=clock)
    assert len(batch.pairs) == 3 and batch.answer == "fail"
    clock.now = 0.0
    batch = run_batch(pair, FIRST, 0.9, until=15.0, clock=clock)
    assert len(batch.pairs) == 1 and batch.looks == () and batch.answer == "inconclusive"
    noisy = forever(0.3, -0.3)

    def noisy_pair() -> Pair:
        clock.now += 10
        return next(noisy)

    clock.now = 0.0
    batch = run_batch(noisy_pair, FIRST, 0.015, until=45.0, clock=clock)
    assert [(look.wall.pairs, look.shares) for look in batch.looks] == [(3, 1), (4, 3)]


def test_forked_pairs_are_reckoned_with_by_their_mean_because_few_of_them_wait() -> None:
    durations = iter([4.0, 1.0, 1.0, 2.0])
    clock = Clock()

    def batch(server: int | None) -> PairBatch:
        def pair() -> Pair:
            clock.now += next(durations)
            return msgspec.structs.replace(made_pair(0.0), server=server)

        return run_batch(pair, FIRST, 0.015, until=clock.now + 9.0, clock=clock)

    forked = batch(server=1)
    assert forked.longest_s == 4.0 and len(forked.pairs) == 3 and forked.pair_s == 2.0
    durations = iter([4.0, 1.0, 1.0])
    assert batch(server=None).pair_s == 4.0


def test_one_pair_is_no_answer() -> None:
    bench, _ = made_bench(forever(0.0), pair_s=50.0)
    found = checked(bench)
    assert found.verdict == "inconclusive" and "too few pairs" in (found.reason or "")
    assert "a pair of processes takes 50 s: --max-seconds 420" in (found.reason or "")


@pytest.mark.parametrize(("pair_s", "counting_s"), [(50.0, 0.0), (50.0, 200.0), (7.0, 3.0)])
def test_the_time_that_is_said_to_be_enough_is_enough_for_three_pairs_in_each_batch(
    pair_s: float, counting_s: float
) -> None:
    enough = float(cure(pair_s, counting_s, TERMS).split()[1])
    for slowdowns in ((0.049, 0.050, 0.051), (0.2, -0.1, 0.2, 0.05)):
        bench, _ = made_bench(forever(*slowdowns), pair_s=pair_s)
        clock = bench.clock
        assert isinstance(clock, Clock)

        def facts(case: Case, clock: Clock = clock) -> tuple[Facts, Facts]:
            clock.now += counting_s
            return FACTS, FACTS

        slow = msgspec.structs.replace(bench, facts=facts)
        found = checked(slow, msgspec.structs.replace(TERMS, max_s=enough))
        assert found.first and len(found.first.pairs) >= 3
        assert found.second is None or len(found.second.pairs) >= 3


def itself(bench: Bench, terms: Terms = TERMS) -> SelfCheck:
    return measure_itself(made_case(), bench, terms, lambda line: None)


def test_a_quiet_machine_suffices_and_a_noisy_one_says_that_it_doesnt() -> None:
    quiet, _ = made_bench(forever(0.001, -0.001))
    found = itself(quiet)
    assert found.suffices and found.false_alarm_rate == 0.0 and len(found.pairs) == 12
    assert found.least_detectable and 0.015 < found.least_detectable < 0.02
    noisy, _ = made_bench(forever(0.05, -0.05))
    found = itself(noisy)
    report = gate_page.Report(title="", budget=0.015, itself=(found,))
    assert report.exit_code == 3 and "too much noise" in found.faults[0]


def test_the_noise_of_forked_pairs_is_measured_with_more_of_them() -> None:
    pairs = (
        msgspec.structs.replace(pair, server=number // 4)
        for number, pair in enumerate(forever(0.001, -0.001))
    )
    bench, _ = made_bench(pairs, pair_s=1.5)
    found = itself(msgspec.structs.replace(bench, forks=lambda case: True))
    assert found.suffices and len(found.pairs) == 24 and found.affords == 24
    _, rows = gate_page.table(gate_page.Report(title="", budget=0.015, itself=(found,)))
    assert rows[0][1] == "24 (6 server pairs)"


def test_a_spread_of_eight_tenths_suffices_for_a_budget_of_one_and_a_half() -> None:
    draw = random.Random(0)
    drawn = [draw.gauss(0.0, 1.0) for _ in range(12)]
    mean, spread = statistics.mean(drawn), statistics.stdev(drawn)
    bench, _ = made_bench(forever(*(0.008 * (each - mean) / spread for each in drawn)))
    assert itself(bench).faults == ()


def test_equal_sides_that_differ_are_a_fault_of_the_machine_and_cause_false_alarms() -> None:
    bench, _ = made_bench(forever(0.0199, 0.0200, 0.0201))
    found = itself(bench)
    assert found.bias == pytest.approx(math.log(1.02), abs=1e-4) and found.false_alarm_rate == 1.0
    assert len(found.faults) == 2 and "+1.98 % [" in found.remarks[0]
    assert gate_page.Report(title="", budget=0.015, itself=(found,)).exit_code == 3
    bench, _ = made_bench(forever(-0.0069, -0.0070, -0.0071))  # no false alarms, but not equal
    (fault,) = itself(bench).faults
    assert "equal sides differ" in fault
    bench, _ = made_bench(forever(0.0039, 0.0040, 0.0041))  # within a third of the budget
    assert itself(bench).faults == ()


@pytest.mark.parametrize(
    ("pairs", "pair_s", "said"),
    [
        (forever(0.0), 50.0, "one takes 50 s: --max-seconds 420"),
        (then_fails(forever(0.0), 3, of_candidate=True), 5.0, "it crashed"),
    ],
)
def test_a_machine_that_cant_be_measured_has_a_row_that_says_why(
    pairs: Iterator[Pair], pair_s: float, said: str
) -> None:
    bench, _ = made_bench(pairs, pair_s=pair_s)
    report = gate_page.Report(title="", budget=0.015, itself=(itself(bench),))
    assert report.exit_code == 3 and said in report.itself[0].remarks[0]
    assert "–" in gate_page.markdown(report)
    msgspec.json.encode(gate_page.plain(report))


def test_one_model_that_fails_leaves_the_others_their_noise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = of_models(
        {
            "x3d_tiny": then_fails(forever(0.0), 3, of_candidate=True),
            "c3d_tiny": forever(0.001, -0.001),
        }
    )
    monkeypatch.setattr(gate_command, "_bench", lambda *sides: contextlib.nullcontext(bench))
    cases = [made_case("x3d_tiny"), made_case()]
    report = gate_command.noise(cases, (), TERMS, lambda line: None)
    assert [each.suffices for each in report.itself] == [False, True]
    assert any("x3d_tiny: it crashed" in line for line in gate_page.remarks(report))


def test_a_slowdown_that_was_put_in_is_to_be_seen() -> None:
    bench, _ = made_bench(forever(0.049, 0.050, 0.051))
    seen = gate_page.Report(title="", budget=0.015, inject=0.05, checked=(checked(bench),))
    assert seen.exit_code == 0
    bench, _ = made_bench(forever(0.0))
    unseen = msgspec.structs.replace(seen, checked=(checked(bench),))
    assert unseen.exit_code == 3 and "Not seen" in unseen.summary


def test_the_comment_is_a_table_with_the_reasons_below() -> None:
    bench, _ = made_bench(forever(0.049, 0.050, 0.051))
    report = gate_page.Report(title="A against B.", budget=0.015, checked=(checked(bench),))
    text = gate_page.markdown(report)
    assert text.startswith("### kinobench check: FAIL")
    (row,) = (line for line in text.splitlines() if line.startswith("| c3d_tiny"))
    assert "| FAIL | +5.00 % |" in row and "| 3 + 3 |" in row
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1
    assert report.exit_code == 1 and gate_page.plain(report)["exit_code"] == 1


@pytest.mark.parametrize("text", ["3", "three %", "0%", "-1%", "100%", "", "%", "nan%"])
def test_a_budget_that_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(KinobenchError, match="percentage"):
        gate_command.share_of(text, "--budget")
    assert gate_command.share_of("1.5 %", "--budget") == pytest.approx(0.015)


def stored(median_s: float, width: float = 0.001, **changes: object) -> gate_stored.Stored:
    fields: dict[str, object] = {
        "case": made_case(),
        "median_s": median_s,
        "interval_s": (median_s * (1 - width), median_s * (1 + width)),
        "fingerprint": MACHINE.fingerprint,
        "machine": "here",
    }
    return gate_stored.Stored(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (stored(1.0), stored(1.05), "fail"),
        (stored(1.0), stored(1.01), "pass"),
        (stored(1.0, 0.04), stored(1.05, 0.04), "inconclusive"),
        (stored(1.0, interval_s=None), stored(1.05), "inconclusive"),
        # The machine is slower as a whole, by the kernel that never changes.
        (stored(1.0, reference_s=0.5), stored(1.05, reference_s=0.525), "pass"),
        (stored(1.0, reference_s=0.5), stored(1.0, reference_s=0.475), "fail"),
    ],
)
def test_the_weaker_check_compares_intervals_in_units_of_the_reference_kernel(
    old: gate_stored.Stored, new: gate_stored.Stored, verdict: str
) -> None:
    found = gate_stored.compare(old, new, 0.03)
    assert found.verdict == verdict
    assert found.normalised == (old.reference_s is not None)


def test_times_of_another_machine_are_refused_and_both_are_told() -> None:
    here = msgspec.structs.replace(MACHINE, fingerprint="0000000000000001", cpu="Other CPU")
    with pytest.raises(UnfitEnvironmentError, match=r"00000000feedface.*Other CPU"):
        gate_stored.refuse_other_machine([stored(1.0)], here)
    gate_stored.refuse_other_machine([stored(1.0)], MACHINE)


def test_records_are_read_and_the_last_of_a_case_counts(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    records = [made_record(latency=made_latency(each)) for each in (0.01, 0.02)]
    file.write_bytes(b"\n".join(record.to_json() for record in records) + b"\n")
    (found,) = stored_files.read_stored(file)
    assert found.median_s == 0.02 and found.fingerprint == MACHINE.fingerprint


PYTEST_BENCHMARK = {
    "benchmarks": [
        {"name": "test_else", "stats": {"median": 1.0}},
        {
            "name": "test_forward[c3d_tiny]",
            "stats": {"median": 0.02, "iqr": 0.001, "rounds": 100},
            "extra_info": {
                "model": "c3d_tiny",
                "protocol": "pointlight",
                "classes": 8,
                "device": "cpu",
                "precision": "fp32",
                "mode": "eager",
                "batch": 1,
                "threads": 1,
                "weights": None,
                "fingerprint": "00000000feedface",
                "cpu": "Made-up",
                "gpu": None,
            },
        },
    ]
}


def test_what_pytest_benchmark_wrote_is_read(tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    file.write_bytes(msgspec.json.encode(PYTEST_BENCHMARK))
    (found,) = stored_files.read_stored(file)
    assert found.case.model == "c3d_tiny" and found.case.protocol.name == "pointlight"
    # 100 rounds of 0.02 s are 20 blocks: 1.57 * 0.001 / sqrt(20).
    assert found.interval_s == pytest.approx((0.02 - 0.000351, 0.02 + 0.000351), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b"not json"),
        ("a.jsonl", b""),
        ("a.json", b"[]"),
        ("a.json", b"{}"),
        ("a.json", b'{"benchmarks": []}'),
        ("missing.json", None),
    ],
)
def test_a_file_without_times_is_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(KinobenchError, match=name):
        stored_files.read_stored(file)


def test_a_case_that_is_another_one_today_is_refused(tmp_path: Path) -> None:
    plain = msgspec.json.decode(msgspec.json.encode(PYTEST_BENCHMARK))
    plain["benchmarks"][1]["extra_info"]["case"] = "0123456789abcdef"
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(plain))
    with pytest.raises(KinobenchError, match="0123456789abcdef"):
        stored_files.read_stored(tmp_path / "a.json")


PLUGIN = """
import torch
from kinobench.zoo.registry import register

class Net(torch.nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = torch.nn.Linear(3, num_classes)

    def forward(self, clip):
        {first}
        return self.head(clip.mean(dim=(2, 3, 4)))

@register("plugged")
def build(num_classes, frames, size):
    return Net(num_classes)
"""
CRASH = "raise ValueError('no such kernel')"


@pytest.mark.parametrize(
    ("baseline", "candidate", "kind", "of_candidate"),
    [
        ("pass", CRASH, SideError, True),
        pytest.param(CRASH, CRASH, SideError, False, marks=pytest.mark.slow),
        (None, "pass", MissingModelError, False),
    ],
)
def test_who_fails_is_told_and_only_a_baseline_without_the_model_makes_it_new(
    tmp_path: Path,
    baseline: str | None,
    candidate: str,
    kind: type[SideError],
    of_candidate: bool,
) -> None:
    sides = []
    for name, first in (("baseline", baseline), ("candidate", candidate)):
        file = tmp_path / f"{name}.py"
        if first is not None:
            file.write_text(PLUGIN.format(first=first))
        sides.append(Code(name=name, root=str(gate_command.CHECKOUT), plugins=(str(file),)))
    with pytest.raises(SideError, match="candidate" if of_candidate else "baseline") as told:
        exact_facts(started(*sides, random.Random(0)), made_case("plugged"))
    assert type(told.value) is kind and told.value.of_candidate == of_candidate


def test_planning_and_reporting_import_no_torch() -> None:
    code = (
        "import sys; from kinobench.bench.cli import check; "
        "from kinobench.bench.gate import against_file, command, table; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
