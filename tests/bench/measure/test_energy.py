"""Joules by a made-up GPU's counter, on a made-up clock: 20 W idle, 120 W at work."""

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest
import torch

from kinobench.bench.measure import energy, energy_counters
from kinobench.bench.measure.energy import measure_energy

from ...fakes.fake_nvml import OWN_PID, FakeNvml

IDLE_W, WORK_W = 20.0, 120.0
BATCH, FORWARD_S = 4, 0.3
UUID = "01234567-89ab-cdef-0123-456789abcdef"


class Gpu:
    """A clock that moves only by forwards and sleeps, and a counter that follows it."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.millijoules = 7_000_000.0
        self.asked_for: list[str] = []
        self.reads = 0
        self.fails_at_read: int | None = None
        self.stands_still = False
        self.nvml: FakeNvml

    def pass_time(self, seconds: float, watts: float) -> None:
        self.now_s += seconds
        if not self.stands_still:
            self.millijoules += 1e3 * seconds * watts

    def handle(self, uuid: str) -> "Gpu":
        self.asked_for.append(uuid)
        return self

    def total_energy(self, gpu: "Gpu") -> int:
        assert gpu is self
        self.reads += 1
        if self.fails_at_read == self.reads:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return round(self.millijoules)


class Network:
    """Stands in for a placed network whose forward takes 0.3 s."""

    def __init__(self, gpu: Gpu, device: str = "cuda") -> None:
        self.device = torch.device(device)
        self.case = SimpleNamespace(batch=BATCH)
        self.gpu = gpu
        self.seen: list[torch.Tensor] = []

    def fresh(self, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return inputs

    def inputs(self, count: int) -> list[tuple[torch.Tensor]]:
        return [(torch.zeros(BATCH, 3, 2, 2, 2),) for _ in range(count)]

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        assert torch.is_inference_mode_enabled()
        self.seen.append(clip)
        self.gpu.pass_time(FORWARD_S, WORK_W)
        return clip


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    gpu = Gpu()
    clock = SimpleNamespace(
        perf_counter=lambda: gpu.now_s,
        process_time=lambda: gpu.now_s,
        sleep=lambda seconds: gpu.pass_time(seconds, IDLE_W),
    )
    monkeypatch.setattr(energy, "time", clock)
    monkeypatch.setattr(energy_counters, "time", clock)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid=UUID)
    )
    gpu.nvml = FakeNvml()
    gpu.nvml.install(monkeypatch)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", gpu.handle)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", gpu.total_energy)
    return gpu


def measured(gpu: Gpu) -> Any:
    found, notes = measure_energy(Network(gpu))  # type: ignore[arg-type]
    assert found is not None and notes == []
    return found


def test_joules_are_the_counters_difference_over_the_clips(gpu: Gpu) -> None:
    found = measured(gpu)
    # 17 forwards of 0.3 s are the first that fill 5 s: 5.1 s at 120 W, 612 J over 17 x 4 clips.
    assert found.forwards == 17
    assert found.window_s == pytest.approx(5.1)
    assert found.window_j == pytest.approx(612.0)
    assert found.j_per_clip == pytest.approx(9.0)


def test_idle_power_is_told_apart(gpu: Gpu) -> None:
    found = measured(gpu)
    assert found.idle_w == pytest.approx(20.0)
    # 100 W above idle for 5.1 s, over 68 clips.
    assert found.j_per_clip_above_idle == pytest.approx(7.5)


def test_the_window_lasts_at_least_five_seconds(gpu: Gpu) -> None:
    assert energy.WINDOW_S >= 5.0
    assert measured(gpu).window_s >= 5.0


def test_the_first_forward_is_not_counted_and_the_clips_take_turns(gpu: Gpu) -> None:
    network = Network(gpu)
    found, _ = measure_energy(network)  # type: ignore[arg-type]
    assert found is not None and len(network.seen) == found.forwards + 1
    assert len({id(clip) for clip in network.seen}) == 2


def test_the_gpu_is_looked_at_during_the_window_but_never_twice_in_half_a_second(gpu: Gpu) -> None:
    conditions = measured(gpu).gpu
    # At the begin, at 0.6, 1.2, ... 4.8 s, and at the end: forwards take 0.3 s.
    assert conditions.looks == 1 + 8 + 1
    assert conditions.sm_clock_hz.median == 1.98e9 and conditions.missing == {}


def test_a_slowdown_and_intruders_during_the_window_are_told(gpu: Gpu) -> None:
    gpu.nvml.reasons = [0, 0, 0x40, 0]
    gpu.nvml.compute = [OWN_PID, 1]
    found, notes = measure_energy(Network(gpu))  # type: ignore[arg-type]
    assert found is not None and found.gpu is not None
    assert found.gpu.limits == ("hw_thermal_slowdown",)
    assert notes[0] == "energy: the GPU was under hardware thermal slowdown"
    assert notes[1].startswith("energy: other processes on the GPU: ") and "(1)" in notes[1]


def test_the_counter_is_that_of_the_gpu_that_torch_uses(gpu: Gpu) -> None:
    measured(gpu)
    assert set(gpu.asked_for) == {f"GPU-{UUID}"}


@pytest.mark.parametrize("read", [1, 2, 4])
def test_a_counter_that_cannot_be_read_gives_no_number_and_the_reason(gpu: Gpu, read: int) -> None:
    gpu.fails_at_read = read
    found, notes = measure_energy(Network(gpu))  # type: ignore[arg-type]
    assert found is None
    assert notes == ["energy: this GPU's counter can't be read (Not Supported)"]


def test_a_missing_driver_gives_no_number_and_the_reason(
    gpu: Gpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    found, (note,) = measure_energy(Network(gpu))  # type: ignore[arg-type]
    assert found is None and "NVML Shared Library Not Found" in note


def test_a_counter_that_stands_still_gives_no_number_and_the_reason(gpu: Gpu) -> None:
    gpu.stands_still = True
    found, notes = measure_energy(Network(gpu))  # type: ignore[arg-type]
    assert found is None and notes == ["energy: this GPU's counter stands still"]


def test_a_record_says_that_nvml_counted_the_gpu(gpu: Gpu) -> None:
    found = measured(gpu)
    assert (found.counter, found.domains, found.other_processors) == ("NVML", ("gpu",), None)


@pytest.mark.gpu
def test_a_gpu_measures_joules_or_says_why_not() -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no GPU")
    module = torch.nn.Linear(4096, 4096).cuda()
    network = SimpleNamespace(
        device=torch.device("cuda"),
        case=SimpleNamespace(batch=1),
        fresh=lambda inputs: inputs,
        inputs=lambda count: [(torch.randn(4096, 4096, device="cuda"),) for _ in range(count)],
        forward=module,
    )
    found, notes = measure_energy(network)  # type: ignore[arg-type]
    if found is None:
        assert notes[0].startswith("energy: ")
    else:
        assert found.window_s >= 5.0 and found.j_per_clip > 0 and found.window_j > found.idle_w
