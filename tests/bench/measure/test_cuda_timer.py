"""Times on a made-up GPU: without the gaps in which it waits for the host, or told to have them."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from kinobench.bench.measure import latency, timers
from kinobench.bench.measure import modules as module_time
from kinobench.bench.measure.gpu_spin import LATE_IN_A_ROW, LONGEST_S, cycles_per_second
from kinobench.bench.measure.latency import measure_latency
from kinobench.bench.measure.latency_remarks import latency_remarks
from kinobench.bench.measure.modules import time_modules
from kinobench.bench.measure.timers import cuda_timer
from kinobench.bench.records.job import Budget
from kinobench.bench.records.latency import Latency

from ...fakes.fake_cuda import LAUNCH_S, FakeGpu, Forward

CALIBRATION = 5
"""Spins that come before all others."""


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    fake = FakeGpu()
    fake.take(monkeypatch, timers)
    return fake


def test_a_launch_bound_forward_has_its_kernels_time_alone(gpu: FakeGpu) -> None:
    # The host takes 10 us for a kernel, the GPU 2 us.
    once = cuda_timer(Forward(gpu, kernels=500, kernel_s=2e-6), [()])
    for _ in range(20):
        found = once()
        assert found.time_s == pytest.approx(500 * 2e-6) and not found.gaps
        assert found.wall_s == pytest.approx(500 * LAUNCH_S + 2e-6)
    assert gpu.spins[CALIBRATION:] == pytest.approx([2 * 500 * LAUNCH_S] * 20)


def test_a_busy_gpu_has_the_same_time_by_both_clocks(gpu: FakeGpu) -> None:
    found = cuda_timer(Forward(gpu, kernels=50, kernel_s=1e-3), [()])()
    assert found.time_s == pytest.approx(0.05) and not found.gaps
    assert found.wall_s == pytest.approx(0.05 + LAUNCH_S)


@pytest.mark.parametrize("hz", [0.5e9, 2e9, 2.8e9])
def test_a_spin_lasts_as_long_as_meant_at_any_clock(
    monkeypatch: pytest.MonkeyPatch, hz: float
) -> None:
    fake = FakeGpu(hz)
    fake.take(monkeypatch, timers)
    assert cycles_per_second() == pytest.approx(hz)
    fake.spins.clear()
    cuda_timer(Forward(fake, kernels=500, kernel_s=2e-6), [()])()
    assert fake.spins[CALIBRATION] == pytest.approx(2 * 500 * LAUNCH_S)


def test_a_forward_that_waits_for_the_gpu_makes_no_spin_longer_and_ends_them(gpu: FakeGpu) -> None:
    once = cuda_timer(Forward(gpu, kernels=100, kernel_s=1e-5, waits=True), [()])
    found = [once() for _ in range(50)]
    assert all(sample.gaps for sample in found)
    spins = gpu.spins[CALIBRATION:]
    # Enqueueing takes 100 launches, and half of the kernels are waited for.
    assert spins == pytest.approx([2 * (100 * LAUNCH_S + LAUNCH_S)] * LATE_IN_A_ROW)
    assert found[-1].time_s == pytest.approx(found[-1].wall_s, rel=0.05)


def test_a_forward_that_is_late_once_or_twice_is_spun_for_again(gpu: FakeGpu) -> None:
    # Of each turn's two calls the second is behind a spin; another process takes the core in it.
    pauses = dict.fromkeys((7, 9, 17), 0.2)
    once = cuda_timer(Forward(gpu, kernels=100, kernel_s=1e-6, pauses_s=pauses), [()])
    assert [once().gaps for _ in range(12)] == [turn in (3, 4, 8) for turn in range(12)]
    assert len(gpu.spins) == CALIBRATION + 12


def test_no_spin_is_longer_than_a_tenth_of_a_second(gpu: FakeGpu) -> None:
    cuda_timer(Forward(gpu, kernels=1, kernel_s=1e-5, pauses_s={0: 0.25}), [()])()
    assert gpu.spins[-1] == pytest.approx(LONGEST_S)


def measured(monkeypatch: pytest.MonkeyPatch, forward: Forward) -> Latency:
    watch = SimpleNamespace(undisturbed=lambda: True, conditions=lambda: None)
    monkeypatch.setattr(latency, "GpuWatch", lambda: watch)
    network: Any = SimpleNamespace(
        device=torch.device("cuda"),
        case=SimpleNamespace(cold_l2=False),
        inputs=lambda count: [()] * count,
        fresh=lambda inputs: inputs,
        forward=forward,
        reference=None,
        build_s=0.0,
        prepare_s=None,
        first_call_s=0.0,
    )
    return measure_latency(network, Budget(min_s=0.01, max_s=0.01, warmup_max_s=0.01))


def test_the_latency_of_a_launch_bound_forward_has_both_clocks_samples(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured(monkeypatch, Forward(gpu, kernels=20, kernel_s=2e-6))
    assert found.median_s == pytest.approx(20 * 2e-6)
    assert found.wall_median_s == found.reached_s == pytest.approx(20 * LAUNCH_S + 2e-6)
    assert (found.launch_bound, found.host_gaps) == (True, False)
    assert found.wall_samples_s is not None
    assert [len(block) for block in found.wall_samples_s] == [len(b) for b in found.samples_s]


def test_where_gaps_cannot_be_told_from_work_nothing_is_called_launch_bound(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured(monkeypatch, Forward(gpu, kernels=20, kernel_s=2e-6, waits=True))
    assert (found.launch_bound, found.host_gaps) == (None, True)
    assert found.reached_s == found.median_s == pytest.approx(20 * LAUNCH_S, rel=0.05)
    assert any("gaps in which the GPU waits" in remark for remark in latency_remarks(found))


class Launches(nn.Module):
    """A module that is a forward on the made-up GPU."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.run = forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(x)


@pytest.mark.parametrize("waits", [False, True])
def test_modules_have_their_kernels_time_alone_or_are_told_to_have_gaps(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    cuda = torch.device("cuda")
    one = Launches(Forward(gpu, kernels=300, kernel_s=2e-6))
    other = Launches(Forward(gpu, kernels=100, kernel_s=2e-6, waits=waits))
    network = nn.Sequential(one, other)
    found = time_modules(
        network,
        {one: "0", other: "1"},
        lambda turn: network(torch.zeros(1)),
        *module_time._instants(cuda),
        on=cuda,
        least_s=0.0,
        clock=gpu.clock,
    )
    assert found.host_gaps is waits and len(found.whole) == 10
    if waits:
        assert len(gpu.spins) == CALIBRATION + LATE_IN_A_ROW
        assert found.whole[-1] == pytest.approx(400 * LAUNCH_S, rel=0.01)
    else:
        assert found.whole == pytest.approx([400 * 2e-6] * 10)
        assert found.by_module["0"] == pytest.approx([300 * 2e-6] * 10)
        assert found.by_module["1"] == pytest.approx([100 * 2e-6] * 10)
