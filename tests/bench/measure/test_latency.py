import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kinobench.bench.measure import latency as measuring
from kinobench.bench.measure import memory as memory_module
from kinobench.bench.measure.latency import measure_drift, measure_latency, warm_up
from kinobench.bench.measure.latency_remarks import latency_remarks
from kinobench.bench.measure.memory import measure_memory
from kinobench.bench.measure.sampling import Sample, Sampled
from kinobench.bench.measure.timers import cpu_timer
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case
from kinobench.bench.records.job import Budget
from kinobench.bench.records.latency import Drift
from kinobench.datasets.protocol import preset

from ...fakes.fake_clock import FakeClock
from ...fakes.made_records import made_latency
from ...fakes.quiet_watch import made_load
from ...fakes.zoo_names import TINY, family, one_of_each

# Times below are sums of powers of two, so that adding them up is exact.


def test_warm_up_ends_when_two_windows_agree_after_a_second() -> None:
    clock = FakeClock(lambda call: 0.125)
    # Windows of five calls (0.625 s): the second ends with call 10, at 1.25 s, and agrees.
    assert warm_up(clock.once, 30.0, clock) == (10, True)


def test_warm_up_waits_until_the_times_have_settled() -> None:
    clock = FakeClock(lambda call: 0.25 if call < 8 else 0.125)
    # Medians of the windows: 0.25 | 0.25 0.25 0.25 0.125 0.125 -> 0.25: these agree at call 10;
    clock_of_three = FakeClock(lambda call: 0.25 if call < 5 else 0.125)
    # here the first is 0.25, the second and the third 0.125: call 15.
    assert warm_up(clock.once, 30.0, clock) == (10, True)
    assert warm_up(clock_of_three.once, 30.0, clock_of_three) == (15, True)


def test_a_forward_of_two_threads_that_was_given_one_is_found_out_by_processor_time() -> None:
    def burn() -> None:
        begin = time.thread_time()
        while time.thread_time() - begin < 0.02:
            pass

    def forward() -> None:
        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(burn) for _ in range(2)]:
                each.result()

    assert cpu_timer(forward, [()])().cpu_s >= 0.04  # that of both threads
    taken = made_latency(0.02, cpu_s=(0.04, 0.04))
    (remark,) = [each for each in latency_remarks(taken) if "cores" in each]
    assert remark.startswith("took 2.0 cores, though it was given 1 thread")
    for fair in (made_latency(0.02, cpu_s=(0.04, 0.04), threads=2), made_latency(cpu_s=None)):
        assert not any("cores" in each for each in latency_remarks(fair))


def test_times_that_never_settle_are_told() -> None:
    clock = FakeClock(lambda call: 0.5 / 2 ** (call // 5))
    # Windows of 2.5, 1.25, 0.625 and 0.3125 s, each twice as fast: 4.6875 s; then 0.15625 s for
    # five calls is less than a quarter second, and the limit of 4.75 s comes with 2 calls of 1/32.
    assert warm_up(clock.once, 4.75, clock) == (22, False)


@pytest.fixture(scope="module")
def network() -> Network:
    case = Case(model="early_fusion_tiny", classes=8, protocol=preset("pointlight"), batch=2)
    network = Network(case)
    network.settle()
    return network


def test_a_real_network_is_timed_with_its_facts(network: Network) -> None:
    latency = measure_latency(network, Budget(min_s=0.2, max_s=0.4, warmup_max_s=0.2))
    times = [time for block in latency.samples_s for time in block]
    assert min(times) > 0 and min(times) <= latency.median_s <= max(times)
    assert latency.threads == torch.get_num_threads()
    assert latency.first_call_s > 0 and latency.build_s > 0 and latency.drift is None
    assert latency.cpu_s is not None and len(latency.cpu_s) == len(latency.samples_s)


def test_another_precision_is_held_against_eager_fp32() -> None:
    case = Case(
        model="early_fusion_tiny", classes=8, protocol=preset("pointlight"), precision="bf16"
    )
    network = Network(case)
    network.settle()
    latency = measure_latency(network, Budget(min_s=0.1, max_s=0.1, warmup_max_s=0.1))
    assert latency.drift is not None and latency.drift.clips == 8
    # bfloat16 keeps 8 bits: outputs move, by far less than they are large.
    assert 0 < latency.drift.largest_logit_difference < 0.5
    assert latency.drift.logit_spread is not None and latency.drift.logit_spread > 0


def test_drift_has_the_spread_of_the_reference_over_the_classes_as_its_scale() -> None:
    # Classes spread by 1, 2 and 6 around their clip's mean; how clips differ is no part of it.
    reference = torch.tensor([[[1.0, 3.0], [100.0, 104.0], [-6.0, 6.0]]])
    outputs = reference[0] + torch.tensor([[0.0, 0.5], [0.0, -0.25], [12.5, 0.0]])
    network: Any = SimpleNamespace(
        reference=reference,
        reference_inputs=[()],
        placed=lambda inputs: inputs,
        forward_clips=lambda: outputs,
    )
    assert measure_drift(network) == Drift(
        largest_logit_difference=12.5, logit_spread=3.0, top1_flips=1, clips=3
    )


def test_clips_are_random_and_have_the_cases_shape(network: Network) -> None:
    (first,), (second,) = network.inputs(2)
    assert first.shape == (2, 3, 16, 64, 64)
    assert not torch.equal(first, second) and first.std() > 0.9


def tiny(model: str) -> Network:
    network = Network(Case(model=model, classes=8, protocol=preset("pointlight")))
    network.settle()
    return network


@pytest.mark.parametrize("model", one_of_each(family, TINY))
def test_every_tiny_network_is_timed(model: str) -> None:
    latency = measure_latency(tiny(model), Budget(min_s=0.01, max_s=0.02, warmup_max_s=0.02))
    assert min(time for block in latency.samples_s for time in block) > 0
    assert latency.warmup_calls >= 1


OF_EACH_KIND = {
    "early_fusion_tiny",  # 2D, 3D, recurrent, two inputs, attention
    "c3d_tiny",
    "conv_gru_tiny",
    "two_stream_tiny",
    "videomae_tiny",
}


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(model, marks=[] if model in OF_EACH_KIND else pytest.mark.slow)
        for model in TINY
    ],
)
def test_the_memory_of_every_tiny_network_is_measured(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "_MARKS_S", 0.0)  # as few forwards as it takes
    network = tiny(model)
    memory, _ = measure_memory(network)
    # float32: four bytes for each parameter, and the buffers.
    assert memory.weights_bytes >= 4 * network.params > 0


def test_on_a_gpu_the_walls_median_has_an_interval_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Seven blocks, whose medians on the wall are 0.02, 0.03, ... 0.08; the device takes as long
    # in all of them.
    wall_s = [0.01 * (2 + number) for number in range(7)]
    blocks = [[Sample(0.01, each, 0.0)] * 3 for each in wall_s]
    sampled = Sampled(
        blocks=tuple(map(tuple, blocks)),
        loads=(made_load(3),) * 7,
        discarded=(),
        discarded_loads=(),
        converged=True,
        disturbed=False,
    )
    monkeypatch.setattr(measuring, "cuda_timer", lambda *_: None)
    monkeypatch.setattr(measuring, "GpuWatch", lambda: SimpleNamespace(conditions=lambda: None))
    monkeypatch.setattr(measuring, "warm_up", lambda *_: (10, True))
    monkeypatch.setattr(measuring, "sample", lambda *_, **__: sampled)
    network: Any = SimpleNamespace(
        device=torch.device("cuda"),
        case=SimpleNamespace(cold_l2=False),
        inputs=lambda count: [],
        fresh=lambda inputs: inputs,
        forward=None,
        build_s=0.0,
        prepare_s=None,
        first_call_s=0.0,
    )
    found = measure_latency(network, Budget(), drift=False)
    assert found.wall_median_s == 0.05 and found.wall_interval_s == (wall_s[0], wall_s[-1])
    assert found.interval_s == (0.01, 0.01)
