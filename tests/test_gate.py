"""The speed gate with fake sides and a fake clock: what is measured, and what is said of it."""

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kinobench.bench import gate_command, gate_page, gate_stored, stored_files
from kinobench.bench.environment import UnfitEnvironmentError
from kinobench.bench.gate import Bench, Checked, Terms, check, run_batch
from kinobench.bench.gate_exact import Facts, differences
from kinobench.bench.gate_self import measure_itself
from kinobench.bench.gate_stats import FIRST
from kinobench.bench.gate_turns import (
    DISCARDED,
    LED,
    MissingModelError,
    Pair,
    SideError,
    take_turns,
    turns_of,
)
from kinobench.bench.record import Case
from kinobench.datasets.errors import KinobenchError

from .made_records import MACHINE, made_case, made_latency, made_record

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


def checked(bench: Bench, terms: Terms = TERMS) -> Checked:
    (found,) = check([made_case()], bench, terms, tell=lambda line: None)
    return found


@pytest.mark.parametrize("candidate_first", [False, True])
def test_sides_alternate_one_forward_at_a_time_and_each_is_first_as_often(
    candidate_first: bool,
) -> None:
    log: list[str] = []
    ticks = iter(map(float, range(1000)))
    a, b = (FakeSide(name, log, ticks) for name in "AB")
    pair = take_turns(a, b, 2 * LED, candidate_first=candidate_first)
    asked = "".join(log)
    begins, follows = "BA" if candidate_first else "AB"
    led, other = LED * (begins + follows), LED * (follows + begins)
    assert asked == led + begins + other + follows + led  # a change costs one forward
    assert "AA" not in asked and "BB" not in asked
    ahead = [x < y for x, y in zip(pair.baseline_s, pair.candidate_s, strict=True)]
    assert ahead == LED * [candidate_first] + LED * [not candidate_first]


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


@pytest.mark.parametrize("field", ["launches", "output_bytes", "peak_bytes", "graph_breaks"])
def test_launches_and_bytes_are_told_and_decide_nothing(field: str) -> None:
    base = msgspec.structs.replace(FACTS, peak_bytes=1, graph_breaks=0)
    (found,) = differences(base, msgspec.structs.replace(base, **{field: 7}))
    assert not found.decisive and found.candidate == 7


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


def test_a_slowdown_that_a_fresh_batch_doesnt_show_is_no_fail() -> None:
    def pairs() -> Iterator[Pair]:
        yield from (made_pair(each) for each in (0.049, 0.050, 0.051))
        yield from forever(0.001, -0.001, 0.0)

    bench, _ = made_bench(pairs())
    found = checked(bench)
    assert found.verdict == "inconclusive" and "doesn't confirm" in (found.reason or "")


def test_a_neighbour_that_moves_the_wall_clock_alone_is_no_fail() -> None:
    def pairs() -> Iterator[Pair]:
        while True:
            yield from (made_pair(each, cpu=0.0) for each in (0.049, 0.050, 0.051))

    bench, _ = made_bench(pairs())
    found = checked(bench)
    assert found.verdict == "inconclusive" and "wall clock alone" in (found.reason or "")


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
    assert found.verdict == "new"
    assert gate_page.Report(title="", budget=0.03, checked=(found,)).exit_code == 0


def test_a_side_that_fails_leaves_its_model_inconclusive_and_the_others_are_checked() -> None:
    bench, _ = made_bench(forever(0.0))

    def facts(case: Case) -> tuple[Facts, Facts]:
        if case.model == "x3d_tiny":
            raise SideError("the candidate: RuntimeError: broken")
        return FACTS, FACTS

    cases = [made_case("x3d_tiny"), made_case()]
    failing = msgspec.structs.replace(bench, facts=facts)
    one, other = check(cases, failing, TERMS, tell=lambda line: None)
    assert one.verdict == "inconclusive" and "broken" in (one.reason or "")
    assert other.verdict == "pass"


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


def test_one_pair_is_no_answer() -> None:
    bench, _ = made_bench(forever(0.0), pair_s=50.0)
    found = checked(bench)
    assert found.verdict == "inconclusive" and "too few pairs" in (found.reason or "")


def test_a_quiet_machine_suffices_and_a_noisy_one_says_that_it_doesnt() -> None:
    quiet, _ = made_bench(forever(0.001, -0.001))
    found = measure_itself(made_case(), quiet, TERMS, lambda line: None)
    assert found and found.suffices and found.false_alarm_rate == 0.0 and len(found.pairs) == 12
    noisy, _ = made_bench(forever(0.05, -0.05))
    found = measure_itself(made_case(), noisy, TERMS, lambda line: None)
    assert found and not found.suffices
    report = gate_page.Report(title="", budget=0.015, itself=(found,))
    assert report.exit_code == 3 and "exceeds the budget" in report.says


def test_a_slowdown_that_was_put_in_is_to_be_seen() -> None:
    bench, _ = made_bench(forever(0.049, 0.050, 0.051))
    seen = gate_page.Report(title="", budget=0.015, inject=0.05, checked=(checked(bench),))
    assert seen.exit_code == 0
    bench, _ = made_bench(forever(0.0))
    unseen = msgspec.structs.replace(seen, checked=(checked(bench),))
    assert unseen.exit_code == 3 and "Not seen" in unseen.says


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


def test_planning_and_reporting_import_no_torch() -> None:
    code = (
        "import sys; from kinobench.bench import cli_gate, gate_command, gate_file, gate_table; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
