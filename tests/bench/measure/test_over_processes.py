"""One latency from those of several processes: literal times, intervals by hand."""

import math
from typing import Any

import msgspec
import pytest

from kinobench.bench.measure.latency_remarks import latency_remarks
from kinobench.bench.measure.over_processes import over_processes, quiet_of, without_disturbed
from kinobench.bench.records.latency import BlockLoad, Latency
from kinobench.bench.records.results import GpuConditions, Spread

from ...fakes.made_records import made_latency
from ...fakes.quiet_watch import made_load

DRIFT = 1.959964 * 0.03
"""Half width of a 95 % interval, of logarithms, by what changes from run to run on a CPU."""


def part(median_s: float, blocks: int = 4, loads: Any = None, **changes: Any) -> Latency:
    """Return one process's latency of equal blocks, of three samples each."""
    fields: dict[str, Any] = {
        "samples_s": ((median_s,) * 3,) * blocks,
        "blocks_of_processes": (blocks,),
        "loads": loads or (made_load(3),) * blocks,
        "cpu_s": (median_s,) * blocks,
    }
    return made_latency(median_s, **(fields | changes))


def test_the_interval_is_students_over_the_logarithms_of_the_processes_medians() -> None:
    times_s = (0.010, 0.011, 0.0121)  # each a tenth more: logarithms apart by ln 1.1
    found = over_processes([part(each) for each in times_s], wanted=3, tolerance=0.02)
    assert found.median_s == 0.011 and found.blocks_of_processes == (4, 4, 4)
    assert found.process_medians_s == times_s
    # The standard deviation is ln 1.1; t for 95 % and two degrees of freedom is 4.302653.
    # Runs of one hour differ by 3 % more than that; squares are added up.
    half = math.hypot(4.302653 * math.log(1.1) / math.sqrt(3), DRIFT)
    expected = (0.011 * math.exp(-half), 0.011 * math.exp(half))
    assert found.interval_s == pytest.approx(expected, rel=1e-6)
    assert not found.converged and found.is_rough and not found.disturbed
    assert len(found.samples_s) == len(found.loads or ()) == len(found.cpu_s or ()) == 12


def test_a_memory_whose_speed_changes_makes_the_interval_wider_and_no_more_processes() -> None:
    # The copy takes 1, 1.21 and 1.4641 units: the logarithms have a standard deviation of 2 ln 1.1,
    # of which a forward follows four tenths. One block of four is an outlier.
    def next_to(memory_s: float, median_s: float = 0.01) -> Latency:
        loads = (*(made_load(3, memory_s=memory_s),) * 3, made_load(3, memory_s=9.0))
        return part(median_s, loads=loads)

    found = over_processes([next_to(1.0), next_to(1.21), next_to(1.4641)], 3, 0.02)
    half = math.hypot(1.959964 * 0.4 * 2 * math.log(1.1), DRIFT)
    expected = (0.01 * math.exp(-half), 0.01 * math.exp(half))
    assert found.interval_s == pytest.approx(expected, rel=1e-6)
    # With a spread of the processes, squares are added up.
    apart = [next_to(1.0, 0.010), next_to(1.21, 0.011), next_to(1.4641, 0.0121)]
    student = 4.302653 * math.log(1.1) / math.sqrt(3)
    low_s, _ = over_processes(apart, 3, 0.02).interval_s or (0, 0)
    assert low_s == pytest.approx(0.011 * math.exp(-math.hypot(student, half)), rel=1e-6)


def test_on_a_gpu_runs_are_not_said_to_drift() -> None:
    unwatched = (made_load(3, reference_s=None),) * 4
    found = over_processes([part(each, loads=unwatched) for each in (0.01, 0.011, 0.0121)], 3, 0.02)
    half = 4.302653 * math.log(1.1) / math.sqrt(3)
    assert (found.interval_s or (0, 0))[1] == pytest.approx(0.011 * math.exp(half), rel=1e-6)


@pytest.mark.parametrize(
    ("load", "slowed"),
    [
        ({"reference_s": 1.5e-5}, 1.5),  # 1e-5 on the undisturbed machine
        ({"waited_share": 0.5}, 2.0),
        ({"waited_share": 0.2, "reference_s": 1.5e-5}, 1.5),  # the more of the two
    ],
)
def test_a_disturbed_interval_reaches_down_to_the_undisturbed_machine(
    load: dict[str, float], slowed: float
) -> None:
    disturbed = (made_load(3, **load),) * 4
    found = over_processes([part(0.015, loads=disturbed)] * 3, 3, 0.02, quiet_s=1e-5)
    assert found.disturbed and found.median_s == 0.015
    expected = (0.015 / slowed * math.exp(-DRIFT), 0.015 * math.exp(DRIFT))
    assert found.interval_s == pytest.approx(expected, rel=1e-6)


def test_other_cases_show_that_a_whole_case_was_slowed() -> None:
    slow = (made_load(3, reference_s=1.4e-5),) * 4
    parts = [part(0.014, loads=slow)] * 3
    assert not over_processes(parts, 3, 0.02).disturbed
    assert over_processes(parts, 3, 0.02, quiet_s=1.2e-5).disturbed
    assert quiet_of(parts, 1.2e-5) == 1.2e-5 and quiet_of(parts, 2e-5) == 1.4e-5


def test_processes_that_agree_have_a_narrow_interval_and_are_not_rough() -> None:
    found = over_processes([part(0.0100), part(0.01001), part(0.00999)], 3, 0.02)
    assert found.converged and not found.is_rough


def test_one_slow_process_of_three_is_seen_by_the_width() -> None:
    found = over_processes([part(0.0100), part(0.01001), part(0.02)], 3, 0.02)
    assert found.median_s == 0.01001 and found.is_rough


def test_the_fastest_reference_kernel_of_all_processes_says_what_was_disturbed() -> None:
    slow = (made_load(3, reference_s=1.4e-5),) * 4
    mixed = (*(made_load(3),) * 3, made_load(3, reference_s=1.3e-5))
    parts = [part(0.014, loads=slow), part(0.010, loads=mixed), part(0.010), part(0.0101)]
    assert quiet_of(parts) == 1e-5
    found = over_processes(parts, 3, 0.02)
    assert (
        not found.disturbed and found.median_s == 0.010 and found.blocks_of_processes == (3, 4, 4)
    )
    # Four blocks of the slow process, and one of the second.
    assert len(found.discarded_s) == len(found.discarded_loads) == 5
    assert (0.014,) * 3 in found.discarded_s


def test_too_few_undisturbed_processes_are_told_and_marked() -> None:
    slow = (made_load(3, waited_share=0.5),) * 4
    parts = [part(0.02, loads=slow), part(0.010), part(0.0101)]
    two = over_processes(parts, 3, 0.02)
    assert two.disturbed and two.is_rough and not two.converged
    assert two.blocks_of_processes == (4, 4) and len(two.discarded_s) == 4
    none = over_processes([part(0.02, loads=slow)] * 3, 3, 0.02)
    # There is nothing better: all of them count.
    assert none.disturbed and none.blocks_of_processes == (4, 4, 4) and none.discarded_s == ()
    assert any("a thread waited for a processor in 12" in text for text in latency_remarks(none))


def test_the_remark_on_disturbances_counts_each_block_under_its_own_reason() -> None:
    mixed = (
        *(made_load(3, waited_share=0.5),) * 2,
        made_load(3, waited_share=0.5, slowed=True),
        made_load(3, reference_s=1.5e-5),
        *(made_load(3),) * 2,
    )
    disturbed = part(0.02, blocks=6, loads=mixed, disturbed=True)
    (remark,) = [text for text in latency_remarks(disturbed) if "disturbed" in text]
    assert "of 6 blocks, a thread waited for a processor in 2, the GPU was slowed in 1" in remark
    assert "the processor was slower than at other times in 1, nothing disturbed 2;" in remark


def test_blocks_left_out_with_their_process_are_not_said_to_be_slow() -> None:
    mixed = (*(made_load(3, waited_share=0.5),) * 2, *(made_load(3),) * 2)
    found = over_processes([part(0.02, loads=mixed), *[part(0.010)] * 3], 3, 0.02)
    (remark,) = [text for text in latency_remarks(found) if "discarded" in text]
    assert remark == (
        "discarded 4 of 16 blocks: a thread waited for a processor in 2, nothing disturbed 2"
    )


def test_a_process_that_failed_was_not_disturbed() -> None:
    found = over_processes([part(0.0100), part(0.01001)], 3, 0.02)
    assert not found.disturbed and found.blocks_of_processes == (4, 4)


def test_what_a_process_discarded_stays_discarded() -> None:
    with_rest = part(
        0.010,
        discarded_s=((0.02, 0.03),),
        discarded_loads=(made_load(2, waited_share=0.4),),
    )
    found = over_processes([with_rest, part(0.0101), part(0.0102)], 3, 0.02)
    assert found.discarded_s == ((0.02, 0.03),) and len(found.samples_s) == 12
    assert found.discarded_loads[0].waited_share == 0.4


def test_blocks_without_readings_all_count() -> None:
    unwatched = made_latency(0.01)  # as of an older record
    assert without_disturbed(unwatched, 1e-5) is unwatched


def test_a_single_process_is_left_as_it_is_and_its_remark_says_so() -> None:
    alone = part(0.010)
    assert over_processes([alone], 1, 0.02) is alone
    assert any("interval is that of one process" in text for text in latency_remarks(alone))
    several = over_processes([alone] * 3, 3, 0.02)
    assert not any("one process" in text for text in latency_remarks(several))


def test_names_of_other_work_are_given_once_and_warm_ups_are_added_up() -> None:
    parts = [
        part(0.010, others=("stress (pid 7)",), warmup_calls=10),
        part(0.010, others=("stress (pid 7)", "make (pid 9)"), warmup_calls=20, warm=False),
        part(0.010, warmup_calls=30),
    ]
    found = over_processes(parts, 3, 0.02)
    assert found.others == ("stress (pid 7)", "make (pid 9)")
    assert found.warmup_calls == 60 and not found.warm


def test_a_gpus_wall_times_and_conditions_are_those_of_all_processes() -> None:
    def on_gpu(median_s: float, wall_s: float, discarded: int, *limits: str) -> Latency:
        conditions = GpuConditions(
            looks=5,
            sm_clock_hz=Spread(least=1e9, median=1e9 + discarded, most=2e9 + discarded),
            temperature_c=None,
            power_w=None,
            limits=limits,
            discarded_blocks=discarded,
            intruders=(),
            missing={},
        )
        loads = (made_load(3, reference_s=None),) * 4
        return part(
            median_s,
            loads=loads,
            cpu_s=None,
            wall_samples_s=((wall_s,) * 3,) * 4,
            host_gaps=False,
            launch_bound=False,
            gpu=conditions,
        )

    parts = [on_gpu(0.01, 0.02, 1, "a"), on_gpu(0.01, 0.03, 2, "b"), on_gpu(0.01, 0.025, 3, "a")]
    found = over_processes(parts, 3, 0.005)
    assert found.wall_median_s == 0.025 and found.launch_bound is True
    low_s, high_s = found.wall_interval_s or (0, 0)
    assert low_s < 0.02 and high_s > 0.03
    assert found.gpu is not None and found.gpu.limits == ("a", "b")
    assert (found.gpu.looks, found.gpu.discarded_blocks) == (15, 6)
    assert found.gpu.sm_clock_hz == Spread(least=1e9, median=1e9 + 2, most=2e9 + 3)


def test_many_page_faults_are_told_with_the_allocator() -> None:
    loads = (made_load(3, minor_faults=8100),) * 4
    found = part(0.01, loads=loads, allocator="glibc 2.36, trimming off")
    assert found.faults_per_forward == 2700
    (remark,) = [text for text in latency_remarks(found) if "page faults" in text]
    assert remark.startswith("2700 page faults a forward") and "glibc 2.36" in remark
    few = msgspec.structs.replace(found, loads=(made_load(3, minor_faults=300),) * 4)
    assert not [text for text in latency_remarks(few) if "page faults" in text]


def test_older_records_are_rough_if_they_had_not_converged() -> None:
    assert not made_latency().is_rough and made_latency(converged=False).is_rough
    assert made_latency().process_medians_s == (0.0125,)


def test_the_width_decides_at_a_fifth_to_either_side() -> None:
    loads = (BlockLoad(forwards=2, processor_share=1.0),) * 2
    edge = made_latency(0.0119, interval_s=(0.0100, 0.0143), loads=loads, converged=False)
    assert not edge.is_rough  # sqrt 1.43 is 1.1958
    assert msgspec.structs.replace(edge, interval_s=(0.0100, 0.01441)).is_rough
    assert msgspec.structs.replace(edge, interval_s=None).is_rough
