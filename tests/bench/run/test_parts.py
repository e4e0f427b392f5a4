"""The processes of a latency: when each is measured, and when there are more."""

import sys
from typing import Any

import msgspec
import pytest

from kinobench.bench.records.job import Budget
from kinobench.bench.records.latency import Latency
from kinobench.bench.run import process
from kinobench.bench.run.parts import Parts, sampled_s, schedule
from kinobench.bench.run.planned import Planned
from kinobench.bench.run.run import with_failed_part
from kinobench.bench.run.workers import Workers

from ...fakes.made_records import made_case, made_latency, made_record
from ...fakes.quiet_watch import made_load


def part(median_s: float = 0.01, **load: Any) -> Latency:
    return made_latency(
        median_s,
        samples_s=((median_s,) * 10,) * 4,
        blocks_of_processes=(4,),
        loads=(made_load(10, **load),) * 4,
        cpu_s=(median_s,) * 4,
    )


def planned(*measures: tuple[str, ...]) -> list[Planned]:
    return [Planned(made_case(f"model{place}"), each) for place, each in enumerate(measures)]


class Measured:
    """Takes note of what is measured; the times come in turn."""

    def __init__(self, *parts: Latency | str) -> None:
        self.asked: list[tuple[int, int]] = []
        self.before: list[int] = []
        self.parts = list(parts)

    def __call__(self, number: int, process: int, earlier: tuple[Latency, ...]) -> Latency | str:
        self.asked.append((number, process))
        self.before.append(len(earlier))
        return self.parts.pop(0) if self.parts else part()


def test_the_processes_of_a_case_lie_cases_apart() -> None:
    # Four cases: two of them lie between. Before the first case: process 0 of the first three
    # (two would do for the third), process 1 of the first.
    found = schedule(range(4), cases=4, processes=3)
    assert [(case, process) for _, case, process in found] == [
        (0, 0),
        (1, 0),
        (0, 1),
        (2, 0),
        (1, 1),
        (3, 0),
        (2, 1),
        (3, 1),
    ]
    assert [due for due, _, _ in found] == [-4, -3, -2, -2, -1, -1, 0, 1]


def test_a_long_suite_has_eight_cases_between_and_a_single_case_none() -> None:
    assert (20, 0) in [(due + 16, process) for due, case, process in schedule([20], 40, 3)]
    assert schedule([0], 1, 3) == [(-2, 0, 0), (-1, 0, 1)]
    assert schedule([0, 1], 2, 1) == []


def test_each_case_gets_its_own_parts_and_those_without_a_latency_none() -> None:
    measure = Measured()
    parts = Parts(planned(("latency",), ("flops",), ("latency",)), quick(), measure)
    assert [len(parts.of(number)) for number in range(3)] == [2, 0, 2]
    assert sorted(measure.asked) == [(0, 0), (0, 1), (2, 0), (2, 1)]


def quick(**changes: Any) -> Budget:
    return Budget(**({"processes": 3, "max_processes": 3, "min_s": 0.1, "max_s": 30.0} | changes))


def test_a_case_that_was_slow_throughout_is_found_out_by_the_others() -> None:
    slow = part(reference_s=1.3e-5)  # 1.3 times what the first case shows
    measure = Measured(part(), part(), slow, slow, part())
    parts = Parts(planned(("latency",), ("latency",)), quick(), measure)
    assert parts.quiet_s(0) is None
    assert len(parts.of(0)) == 2
    assert parts.quiet_s(1) == pytest.approx(1.2e-5)
    assert len(parts.of(1)) > 2


def test_a_clock_that_a_network_itself_lowers_is_no_disturbance() -> None:
    own = part(reference_s=1.2e-5)  # with wide vectors, a fifth more than next to the first case
    measure = Measured(part(), part(), own, own)
    parts = Parts(planned(("latency",), ("latency",)), quick(), measure)
    assert [len(parts.of(number)) for number in range(2)] == [2, 2]


def test_a_disturbed_process_is_followed_by_another_one() -> None:
    measure = Measured(part(waited_share=0.5), part())
    parts = Parts(planned(("latency",)), quick(), measure)
    assert len(parts.of(0)) == 3 and measure.asked == [(0, 0), (0, 1), (0, 0)]


def test_processes_that_are_all_disturbed_end_at_twice_the_number() -> None:
    measure = Measured(*(part(waited_share=0.5) for _ in range(20)))
    parts = Parts(planned(("latency",)), quick(), measure)
    assert len(parts.of(0)) == 4


def test_no_further_process_is_started_once_the_time_of_the_others_is_up() -> None:
    # Two parts of 0.4 s each are two thirds of 1.2 s; the rest is the case's own process's.
    measure = Measured(*(part(waited_share=0.5) for _ in range(20)))
    parts = Parts(planned(("latency",)), quick(max_s=1.2), measure)
    assert sampled_s([part()]) == pytest.approx(0.4)
    assert len(parts.of(0)) == 2


def test_two_that_agree_are_enough_with_the_cases_own() -> None:
    # ln 1.01 / sqrt 2 is a spread of 0.7 %; with three, 4.303 / sqrt 3 times that is within 5 %.
    measure = Measured(part(0.0100), part(0.0101))
    parts = Parts(planned(("latency",)), quick(max_processes=8), measure)
    assert len(parts.of(0)) == 2


def test_more_processes_follow_until_the_interval_is_narrow() -> None:
    # The first two differ by a tenth. With the case's own, half widths of 16.7, 8.3 and 5.2 % are
    # expected after two, three and four; after five it is 2.571 / sqrt 6 times 3.8 %, 4.0 %.
    measure = Measured(part(0.0100), part(0.0110), *(part(0.0101) for _ in range(10)))
    parts = Parts(planned(("latency",)), quick(max_processes=8), measure)
    assert len(parts.of(0)) == 5


def test_a_spread_that_stays_wide_ends_at_the_most_processes() -> None:
    measure = Measured(*(part(0.01 + 0.001 * (place % 2)) for place in range(20)))
    parts = Parts(planned(("latency",)), quick(max_processes=6), measure)
    assert len(parts.of(0)) == 5  # the case's own is the sixth


def test_a_process_that_fails_is_followed_by_no_other_and_its_reason_is_kept() -> None:
    measure = Measured("it broke")
    parts = Parts(planned(("latency",)), quick(max_processes=8), measure)
    assert parts.of(0) == () and measure.asked == [(0, 0)]
    assert parts.failure(0) == "it broke"


def test_a_part_is_given_those_before_it_so_that_it_knows_the_quiet_machine() -> None:
    measure = Measured()
    parts = Parts(planned(("latency",), ("latency",)), quick(), measure)
    assert len(parts.of(0)) == len(parts.of(1)) == 2
    assert dict(zip(measure.asked, measure.before, strict=True)) == {
        (0, 0): 0,
        (0, 1): 1,
        (1, 0): 0,
        (1, 1): 1,
    }


def test_the_failure_of_another_process_is_a_note_where_the_own_one_did_not_fail() -> None:
    record = made_record("model0")
    noted = with_failed_part(record, "the process was ended by SIGKILL")
    assert noted.notes[-1].endswith("no further one was started: the process was ended by SIGKILL")
    assert with_failed_part(record, None) is record
    failed = msgspec.structs.replace(record, latency=None)
    assert with_failed_part(failed, "it broke") is failed


def test_an_interrupt_while_a_part_loads_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(worker: process.Worker) -> None:
        started.append(worker)
        raise KeyboardInterrupt

    started: list[process.Worker] = []
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(process, "worker_command", lambda: sleeper)
    monkeypatch.setattr(process.Worker, "wait_until_loaded", interrupted)
    workers = Workers(planned(("latency",)), quick())
    with pytest.raises(KeyboardInterrupt):
        workers.part(0, 0)
    assert started[0].process.poll() is not None


def test_one_process_is_enough_where_the_budget_says_so() -> None:
    measure = Measured()
    parts = Parts(planned(("latency",)), quick(processes=1, max_processes=1), measure)
    assert parts.of(0) == () and measure.asked == []
