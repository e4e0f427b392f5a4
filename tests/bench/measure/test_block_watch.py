"""The readings before and after each block, and the reference kernel between forwards."""

import time

import pytest
import torch

from kinobench.bench.machine.scheduling import Counters
from kinobench.bench.measure.block_watch import BlockWatch, is_disturbed, quiet_reference_s
from kinobench.bench.measure.reference_kernel import MemoryKernel, ReferenceKernel

from ...fakes.quiet_watch import made_load


def counters(wall_s: float, processor_s: float, waited_s: float | None, faults: int) -> Counters:
    waits = None if waited_s is None else {"1": waited_s}
    return Counters(wall_s, processor_s, waits, faults // 10, faults)


def test_a_block_has_the_differences_of_the_counters_by_its_wall_time() -> None:
    readings = iter(
        [counters(0, 0, 0, 0), counters(10.0, 5.0, 1.0, 100), counters(10.5, 5.4, 1.125, 350)]
    )
    watch = BlockWatch(read=lambda: next(readings))
    watch.begin()
    load = watch.end(5)
    assert load.forwards == 5 and load.processor_share == pytest.approx(0.8)
    assert load.waited_share == 0.25
    assert (load.involuntary_switches, load.minor_faults) == (25, 250)
    assert load.reference_s is None and watch.missing == {}


def test_what_the_system_lacks_is_none_with_the_reason() -> None:
    watch = BlockWatch(read=lambda: Counters(1.0, 1.0, None, None, None))
    watch.begin()
    load = watch.end(1)
    assert (load.waited_share, load.involuntary_switches, load.minor_faults) == (None, None, None)
    assert set(watch.missing) == {"time in the run queue", "page faults and switches"}
    assert "/proc/self/task/*/schedstat" in watch.missing["time in the run queue"]


def test_the_reference_kernel_takes_at_most_three_hundredths_of_the_time() -> None:
    calls = 0

    def reference() -> float:
        nonlocal calls
        calls += 1
        return 15e-6

    watch = BlockWatch(reference)
    watch.begin()
    for _ in range(1000):
        watch.sampled(1e-3)
    load = watch.end(1000)
    # Four computations of 15 us are 3 % of 2 ms: after every second forward, and at the beginning.
    assert calls == 1 + 500 and load.reference_s == 15e-6


def test_a_block_of_one_long_forward_has_the_reference_kernel_before_and_after_it() -> None:
    times = iter([1e-5, 3e-5])
    watch = BlockWatch(lambda: next(times))
    watch.begin()
    watch.sampled(2.0)
    assert watch.end(1).reference_s == 2e-5


def test_a_copy_is_timed_once_before_each_block() -> None:
    times = iter([2e-3, 3e-3])
    watch = BlockWatch(lambda: 1e-5, time_memory=lambda: next(times))
    for expected_s in (2e-3, 3e-3):
        watch.begin()
        watch.sampled(1.0)
        assert watch.end(1).memory_s == expected_s
    watch = BlockWatch(lambda: 1e-5)
    watch.begin()
    assert watch.end(1).memory_s is None


def test_the_limits_of_an_undisturbed_block() -> None:
    assert not is_disturbed(made_load(waited_share=0.02, reference_s=1.06e-5), 1e-5)
    assert is_disturbed(made_load(waited_share=0.021), 1e-5)
    assert is_disturbed(made_load(reference_s=1.061e-5), 1e-5)
    assert not is_disturbed(made_load(reference_s=None), 1e-5)
    assert quiet_reference_s([made_load(reference_s=2e-5), made_load(reference_s=None)]) == 2e-5
    assert quiet_reference_s([]) is None


def test_a_thread_that_waits_for_its_only_processor_is_seen_on_this_machine() -> None:
    """Two busy threads of this process, bound to one processor, wait for it half of the time."""
    import os
    import threading

    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("processes can't be bound to a processor here")
    watch = BlockWatch(ReferenceKernel().time_s)
    if "time in the run queue" in watch.missing:
        pytest.skip(watch.missing["time in the run queue"])
    before = os.sched_getaffinity(0)
    one = {min(before)}
    stop = threading.Event()
    values = torch.rand(512, 512)

    def work() -> None:
        os.sched_setaffinity(0, one)  # of this thread
        while not stop.is_set():
            values @ values  # without the interpreter's lock

    neighbour = threading.Thread(target=work)
    os.sched_setaffinity(0, one)
    try:
        neighbour.start()
        watch.begin()
        end = time.perf_counter() + 1.0
        while time.perf_counter() < end:
            values @ values
        load = watch.end(1)
    finally:
        stop.set()
        neighbour.join()
        os.sched_setaffinity(0, before)
    assert load.waited_share is not None and load.waited_share > 0.2
    assert is_disturbed(load, load.reference_s)


def test_the_copy_is_of_24_megabytes_by_the_given_clock() -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            self.now += 0.5
            return self.now

    kernel = MemoryKernel(Clock())
    assert kernel.time_s() == 0.5
    assert kernel._target.nbytes == kernel._source.nbytes == 24 * 2**20
    assert bool((kernel._target == 1).all())


def test_the_reference_kernel_reports_the_time_of_one_computation() -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            self.now += 0.25
            return self.now

    assert ReferenceKernel(Clock()).time_s() == 0.125  # two between two readings
