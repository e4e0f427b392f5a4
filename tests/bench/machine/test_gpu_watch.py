"""A made-up GPU that throttles and has company, watched between blocks on a made-up clock."""

from types import SimpleNamespace

import msgspec
import psutil
import pynvml
import pytest

from kinobench.bench.machine.scheduling import Counters
from kinobench.bench.measure.block_watch import BlockWatch
from kinobench.bench.measure.gpu_watch import GpuWatch, watch_remarks
from kinobench.bench.measure.latency_remarks import latency_remarks
from kinobench.bench.measure.sampling import Sample, Until, sample
from kinobench.bench.records.results import Spread

from ...fakes.fake_nvml import OWN_PID, FakeNvml
from ...fakes.made_records import made_latency

NO_LIMIT, POWER_CAP, HW_SLOWDOWN, SW_THERMAL, HW_THERMAL, POWER_BRAKE = 0, 4, 8, 0x20, 0x40, 0x80
IDLE, CLOCKS_SET = 1, 2
ALL = ("clock", "temperature", "power", "throttling", "other processes")


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    fake = FakeNvml()
    fake.install(monkeypatch)
    return fake


class Clock:
    """Moves by a call alone; a call takes an eighth of a second, and so is a block."""

    def __init__(self, nvml: FakeNvml | None = None) -> None:
        self.now = 0.0
        self.calls = 0
        self.nvml = nvml

    def __call__(self) -> float:
        return self.now

    def once(self) -> Sample:
        asked = dict(self.nvml.asked) if self.nvml else {}
        self.calls += 1
        self.now += 0.125
        assert self.nvml is None or self.nvml.asked == asked
        return Sample(self.calls, self.calls, self.calls)


def watched(gpu: GpuWatch) -> BlockWatch:
    """Return a watch of blocks on a machine on which nothing else runs."""
    return BlockWatch(gpu=gpu, read=lambda: Counters(0.0, 0.0, {1: 0.0}, 0, 0))


def sampled(nvml: FakeNvml, max_s: float) -> tuple[GpuWatch, list[float], bool]:
    """Sample for at most so long; return the number of each call whose block was kept."""
    watch, clock = GpuWatch(), Clock(nvml)
    until = Until(min_s=max_s, max_s=max_s, tolerance=0.005)
    found = sample(
        clock.once,
        until,
        watched(watch),
        clock=clock,
    )
    if found.disturbed:
        watch.keep_slowed()
    return watch, [each.time_s for block in found.blocks for each in block], found.converged


@pytest.mark.parametrize("slowdown", [HW_SLOWDOWN, SW_THERMAL, HW_THERMAL, POWER_BRAKE])
def test_blocks_beside_a_slowdown_are_discarded_and_counted(nvml: FakeNvml, slowdown: int) -> None:
    # One look before the first block, one after each: it is slowed after the third and the fourth.
    nvml.reasons = [NO_LIMIT, NO_LIMIT, NO_LIMIT, slowdown, slowdown | POWER_CAP, NO_LIMIT]
    watch, kept, _ = sampled(nvml, 1.0)
    # The fifth began under it.
    assert kept == [1, 2, 6, 7, 8]
    conditions = watch.conditions()
    assert conditions.discarded_blocks == 3 and not conditions.kept_slowed
    assert conditions.looks == 9 and len(conditions.limits or ()) == 2
    assert "3 blocks of samples under" in watch_remarks(conditions)[0]


def test_a_power_cap_is_noted_and_discards_nothing(nvml: FakeNvml) -> None:
    nvml.reasons = [NO_LIMIT, POWER_CAP, NO_LIMIT]
    watch, kept, _ = sampled(nvml, 0.5)
    assert kept == [1, 2, 3, 4]
    assert watch.conditions().limits == ("sw_power_cap",)
    assert watch_remarks(watch.conditions()) == ["the power cap held the clocks down"]


def test_idleness_and_clocks_that_the_user_has_set_are_no_fault(nvml: FakeNvml) -> None:
    nvml.reasons = [IDLE | CLOCKS_SET]
    watch, kept, _ = sampled(nvml, 0.5)
    assert len(kept) == 4 and watch.conditions().limits == ()
    assert watch_remarks(watch.conditions()) == []


def test_a_gpu_that_is_slowed_all_the_time_is_timed_all_the_same_and_that_is_told(
    nvml: FakeNvml,
) -> None:
    nvml.reasons = [HW_THERMAL]
    watch, kept, converged = sampled(nvml, 1.0)
    assert len(kept) == 8 and not converged
    conditions = watch.conditions()
    assert conditions.kept_slowed and conditions.discarded_blocks == 0
    (remark,) = watch_remarks(conditions)
    assert remark.startswith("every block of samples was under hardware thermal slowdown")


def test_discarded_blocks_do_not_count_for_convergence(nvml: FakeNvml) -> None:
    # Equal medians are narrow from six blocks on: of eight, three are thrown away.
    nvml.reasons = [NO_LIMIT, NO_LIMIT, HW_SLOWDOWN, HW_SLOWDOWN, NO_LIMIT]
    watch, clock = GpuWatch(), Clock()

    def once() -> Sample:
        clock.once()
        return Sample(0.125, 0.125, 0.125)

    until = Until(min_s=0.125, max_s=30, tolerance=0.005)
    found = sample(
        once,
        until,
        watched(watch),
        clock=clock,
    )
    assert found.converged and len(found.blocks) == 6 and clock.calls == 9
    assert len(found.discarded) == 3 and all(load.slowed for load in found.discarded_loads)


def test_clock_temperature_and_power_have_their_least_median_and_most(nvml: FakeNvml) -> None:
    nvml.clocks_mhz = [1980, 1200, 1755]
    nvml.temperatures_c = [50, 70, 61]
    nvml.powers_mw = [100_000, 700_000, 350_500]
    watch = GpuWatch()
    watch.look()
    watch.look()
    found = watch.conditions()
    assert found.sm_clock_hz == Spread(least=1.2e9, median=1.755e9, most=1.98e9)
    assert found.temperature_c == Spread(least=50, median=61, most=70)
    assert found.power_w == Spread(least=100, median=350.5, most=700)


def test_other_processes_are_named_once_with_their_numbers(
    nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Named:
        def __init__(self, pid: int) -> None:
            if pid == 4343:
                raise psutil.NoSuchProcess(pid)

        def name(self) -> str:
            return "miner"

    monkeypatch.setattr(psutil, "Process", Named)
    nvml.compute, nvml.graphics = [OWN_PID, 4242], [4343]
    watch = GpuWatch()
    watch.look()
    assert watch.conditions().intruders == ("miner (4242)", "of unknown name (4343)")
    (remark,) = watch_remarks(watch.conditions())
    assert remark == "other processes on the GPU: miner (4242), of unknown name (4343)"


def test_this_process_alone_is_no_intruder(nvml: FakeNvml) -> None:
    assert GpuWatch().conditions().intruders == ()


@pytest.mark.parametrize("listed", [[], [77]])
def test_where_nvml_does_not_list_this_process_nobody_is_accused(
    nvml: FakeNvml, listed: list[int]
) -> None:
    nvml.compute = listed
    found = GpuWatch().conditions()
    assert found.intruders is None and "container" in found.missing["other processes"]


def test_more_processes_than_one_that_cannot_be_told_apart_are_an_intruder(nvml: FakeNvml) -> None:
    nvml.compute = [77, 78]
    (intruder,) = GpuWatch().conditions().intruders or ()
    assert intruder.startswith("1 or more")


def test_what_this_gpu_lacks_is_left_out_with_the_reason_and_asked_once(nvml: FakeNvml) -> None:
    nvml.lacking = {
        "nvmlDeviceGetPowerUsage": pynvml.NVML_ERROR_NOT_SUPPORTED,
        "nvmlDeviceGetClockInfo": pynvml.NVML_ERROR_NOT_SUPPORTED,
    }
    watch, kept, _ = sampled(nvml, 0.5)
    found = watch.conditions()
    assert len(kept) == 4 and found.power_w is None and found.sm_clock_hz is None
    assert found.temperature_c is not None
    assert found.missing == dict.fromkeys(("clock", "power"), "Not Supported")
    assert nvml.asked["nvmlDeviceGetPowerUsage"] == 1
    assert watch_remarks(found) == ["not watched: clock, power (Not Supported)"]


def test_what_was_seen_before_nvml_fell_silent_is_kept(
    nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "Process", lambda pid: SimpleNamespace(name=lambda: "miner"))
    nvml.reasons, nvml.compute = [NO_LIMIT, HW_SLOWDOWN, NO_LIMIT], [OWN_PID, 4242]
    watch = GpuWatch()
    assert not watch.undisturbed() and not watch.undisturbed()
    nvml.lacking = dict.fromkeys(
        ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetComputeRunningProcesses"),
        pynvml.NVML_ERROR_GPU_IS_LOST,
    )
    assert watch.undisturbed()
    found = watch.conditions()
    assert (found.limits, found.intruders) == (("hw_slowdown",), ("miner (4242)",))
    assert watch_remarks(found) == [
        "2 blocks of samples under hardware slowdown discarded",
        "other processes on the GPU: miner (4242)",
        "not watched: throttling, other processes (GPU is lost)",
    ]
    older = msgspec.structs.replace(found, limits=None)
    assert watch_remarks(older)[0] == "2 blocks of samples under a slowdown discarded"


def test_an_old_nvidia_ml_py_is_asked_by_the_old_name(
    nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(pynvml, "nvmlDeviceGetCurrentClocksEventReasons")
    nvml.reasons = [HW_SLOWDOWN]
    assert GpuWatch().conditions().limits == ("hw_slowdown",)


def test_an_old_driver_is_asked_by_the_old_name(nvml: FakeNvml) -> None:
    nvml.lacking = {"nvmlDeviceGetCurrentClocksEventReasons": pynvml.NVML_ERROR_FUNCTION_NOT_FOUND}
    nvml.reasons = [HW_SLOWDOWN]
    assert GpuWatch().conditions().limits == ("hw_slowdown",)


@pytest.mark.parametrize("function", ["nvmlInit", "nvmlDeviceGetHandleByUUID"])
def test_without_nvml_nothing_is_watched_and_the_reason_is_told(
    nvml: FakeNvml, function: str
) -> None:
    nvml.lacking = {function: pynvml.NVML_ERROR_LIBRARY_NOT_FOUND}
    watch, kept, _ = sampled(nvml, 0.5)
    found = watch.conditions()
    assert len(kept) == 4
    absent = (found.sm_clock_hz, found.temperature_c, found.power_w, found.limits, found.intruders)
    assert absent == (None,) * 5 and set(found.missing) == set(ALL)
    (remark,) = watch_remarks(found)
    assert remark == (
        "not watched: clock, temperature, power, throttling, other processes "
        "(NVML Shared Library Not Found)"
    )


def test_a_latency_tells_that_it_is_launch_bound_and_that_the_cache_is_cold() -> None:
    latency = made_latency(
        0.001, wall_median_s=0.003, launch_bound=True, cold_l2_bytes=268_435_456, warm=False
    )
    assert latency_remarks(latency) == [
        "launch bound: the GPU waits for the host; a call takes over 1.1 times what the GPU works "
        "for it",
        "the L2 cache is cold: 268 MB are written before each sample",
        "not settled when the warm-up's time was up",
    ]
    assert latency_remarks(made_latency()) == []
    (gaps,) = latency_remarks(made_latency(wall_median_s=0.02, host_gaps=True))
    assert gaps.startswith("gaps in which the GPU waits for the host are in it: ")
