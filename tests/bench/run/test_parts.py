"""The processes of a latency: when each is measured, and when there are more."""

from typing import Any

import pytest

from kinobench.bench.records.job import Budget
from kinobench.bench.records.latency import Latency
from kinobench.bench.run.parts import Parts, sampled_s, schedule
from kinobench.bench.run.plan import Planned

from ...fakes.made_records import made_case, made_latency
from ...fakes.quiet_watch import made_load


def part(median_s: float = 0.01, **load: Any) -> Latency:
    return made_latency(
        median_s,
        samples_s=((median_s,) * 10,) * 4,
        processes=(4,),
        loads=(made_load(10, **load),) * 4,
        cpu_s=(median_s,) * 4,
    )


def planned(*measures: tuple[str, ...]) -> list[Planned]:
    return [Planned(made_case(f"model{place}"), each) for place, each in enumerate(measures)]


class Measured:
    """Takes note of what is measured; the times come in turn."""

    def __init__(self, *parts: Latency | None) -> None:
        self.asked: list[tuple[int, int]] = []
        self.parts = list(parts)

    def __call__(self, number: int, process: int) -> Latency | None:
        self.asked.append((number, process))
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


def test_a_disturbed_process_is_followed_by_another_one() -> None:
    measure = Measured(part(waited_share=0.5), part())
    parts = Parts(planned(("latency",)), quick(), measure)
    assert len(parts.of(0)) == 3 and measure.asked == [(0, 0), (0, 1), (0, 3)]


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


def test_more_processes_follow_until_the_interval_is_narrow() -> None:
    # t is 4.303 with three: 2.48 times 0.8 % is within 2 %; with two 12.7 / 1.41 times is not.
    measure = Measured(part(0.0100), part(0.0101), part(0.01005))
    parts = Parts(planned(("latency",)), quick(max_processes=8), measure)
    assert len(parts.of(0)) == 3


def test_a_spread_that_stays_wide_ends_at_the_most_processes() -> None:
    measure = Measured(*(part(0.01 + 0.001 * (place % 2)) for place in range(20)))
    parts = Parts(planned(("latency",)), quick(max_processes=6), measure)
    assert len(parts.of(0)) == 5  # the case's own is the sixth


def test_a_process_that_fails_is_followed_by_no_other() -> None:
    measure = Measured(None)
    parts = Parts(planned(("latency",)), quick(max_processes=8), measure)
    assert parts.of(0) == () and measure.asked == [(0, 0)]


def test_one_process_is_enough_where_the_budget_says_so() -> None:
    measure = Measured()
    parts = Parts(planned(("latency",)), quick(processes=1, max_processes=1), measure)
    assert parts.of(0) == () and measure.asked == []
