"""Sampling in blocks, on a made-up clock: when it ends, and which blocks count."""

from typing import Any

import pytest

from kinobench.bench.machine.other_work import Busy, OtherWork
from kinobench.bench.measure import sampling
from kinobench.bench.measure.sampling import Until, other_work, sample
from kinobench.bench.records.job import Budget
from kinobench.bench.run.suite import load

from ...fakes.fake_clock import FakeClock
from ...fakes.quiet_watch import MadeWatch


def sampled(clock: FakeClock, until: Until, watch: MadeWatch | None = None, **changes: Any) -> Any:
    return sample(clock.once, until, watch or MadeWatch(), clock=clock, **changes)


# Times below are sums of powers of two, so that adding them up is exact.


def test_sampling_goes_on_for_at_least_the_least_time() -> None:
    clock = FakeClock(lambda call: 0.0625)
    found = sampled(clock, Until(2.0, 30.0, 0.02))
    # A block is two calls, 0.125 s; 16 blocks are 2 s, and equal medians are narrow at once.
    assert found.converged and [len(block) for block in found.blocks] == [2] * 16


def test_a_call_longer_than_a_block_is_a_block() -> None:
    clock = FakeClock(lambda call: 3.0)
    found = sampled(clock, Until.interval(Budget(), "cpu"))
    # Six values are the fewest with a 95 % interval: 18 s, not the 2 s that would do otherwise.
    assert found.converged and [len(block) for block in found.blocks] == [1] * 6


def test_one_of_several_processes_samples_its_share_of_the_time_however_wide_the_spread() -> None:
    clock = FakeClock(lambda call: 0.125 if call % 2 else 0.25)
    found = sampled(clock, Until.share(Budget(processes=3, min_s=4.5, max_s=30.0)))
    # 1.5 s of 0.375 s for two calls, each a block of its own.
    assert clock.now == 1.5 and len(found.blocks) == 8 and not found.disturbed


def test_three_blocks_are_the_fewest_of_a_process() -> None:
    clock = FakeClock(lambda call: 1.0)
    assert len(sampled(clock, Until.share(Budget(processes=2, min_s=2.0))).blocks) == 3


@pytest.mark.parametrize("milliseconds", range(1, 161, 8))
def test_the_quick_suites_time_is_enough_for_three_blocks_of_a_process(milliseconds: int) -> None:
    clock = FakeClock(lambda call: milliseconds / 1000)
    found = sampled(clock, Until.share(load("quick").latency))
    assert len(found.blocks) >= 3 and not found.disturbed


def test_noise_without_end_is_reported_at_the_cap_and_every_sample_is_kept() -> None:
    clock = FakeClock(lambda call: 0.125 if call % 2 else 0.25)
    found = sampled(clock, Until(2.0, 6.0, 0.02))
    assert not found.converged
    assert sum(len(block) for block in found.blocks) == clock.calls
    # A pair of calls takes 0.375 s: 16 pairs are 6 s exactly.
    assert clock.now == 6.0 and len(found.blocks) == 32


def test_an_outlier_delays_the_end_until_the_interval_has_closed_over_it() -> None:
    clock = FakeClock(lambda call: 0.5 if call in (0, 1) else 0.25)
    found = sampled(clock, Until(1.0, 30.0, 0.02))
    # The interval leaves out two values at each end from 12 values on (B(12, 1/2): P(X <= 2) is
    # 1.93 %), so that two outliers at the top are inside until then.
    assert found.converged and len(found.blocks) == 12


@pytest.mark.parametrize(
    "disturbance",
    [{"waited_share": 0.03}, {"reference_s": 1.07e-5}, {"slowed": True}],
    ids=["no processor", "a slower processor", "a slowed GPU"],
)
def test_disturbed_blocks_are_discarded_and_others_are_sampled_instead(
    disturbance: dict[str, Any],
) -> None:
    clock = FakeClock(lambda call: 0.125)
    watch = MadeWatch(lambda block: disturbance if 2 <= block < 5 else {})
    found = sampled(clock, Until(1.0, 30.0), watch)
    # Eight blocks make 1 s; three more were disturbed.
    assert (len(found.blocks), len(found.discarded), clock.calls) == (8, 3, 11)
    assert not found.disturbed


def test_the_start_is_found_out_as_slow_once_a_faster_block_was_seen() -> None:
    clock = FakeClock(lambda call: 0.125)
    watch = MadeWatch(lambda block: {"reference_s": 1.5e-5 if block < 4 else 1e-5})
    found = sampled(clock, Until(1.0, 30.0), watch)
    assert (len(found.blocks), len(found.discarded)) == (8, 4)


def test_an_earlier_process_says_what_an_undisturbed_machine_is() -> None:
    clock = FakeClock(lambda call: 0.125)
    found = sampled(clock, Until(0.5, 2.0), MadeWatch(), quiet_s=0.9e-5)
    assert found.disturbed and not found.converged
    # There is nothing else: all 16 are kept, and marked.
    assert len(found.blocks) == 16 and found.discarded == ()


def test_without_time_in_the_run_queue_one_threads_processor_time_tells_the_same() -> None:
    def load(block: int) -> dict[str, Any]:
        return {"waited_share": None, "processor_share": 0.9 if block < 3 else 0.99}

    clock = FakeClock(lambda call: 0.125)
    one = sampled(clock, Until(0.5, 30.0), MadeWatch(load), threads=1)
    assert len(one.discarded) == 3
    two = sampled(FakeClock(lambda call: 0.125), Until(0.5, 30.0), MadeWatch(load), threads=2)
    assert two.discarded == ()  # threads that wait for each other use no processor time either


def test_what_else_ran_is_looked_for_only_where_time_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never() -> None:
        raise AssertionError("it takes half a second")

    monkeypatch.setattr(sampling, "sample_other_work", never)
    clock = FakeClock(lambda call: 0.125)
    assert other_work(sampled(clock, Until(0.5, 30.0))) == ()
    slower = MadeWatch(lambda block: {"reference_s": 2e-5 if block < 3 else 1e-5})
    assert other_work(sampled(clock, Until(0.5, 30.0), slower)) == ()


def test_what_else_ran_is_looked_for_where_a_neighbour_left_too_few_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = Busy(name="stress", pid=7, processors=1.0)
    found = OtherWork(load=1.0, processors=1.0, busiest=(busy,), sampled_s=0.5)
    monkeypatch.setattr(sampling, "sample_other_work", lambda: found)
    slower = MadeWatch(lambda block: {"reference_s": 2e-5})
    clock = FakeClock(lambda call: 0.125)
    assert other_work(sampled(clock, Until(0.5, 1.0), slower, quiet_s=1e-5)) == ("stress (pid 7)",)
