"""What a mode does to a network, and what is said of one that can't be run so."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from kinobench.bench.measure.latency import measure_drift
from kinobench.bench.measure.memory import measure_memory
from kinobench.bench.measure.timers import l2_flush_bytes
from kinobench.bench.network.cuda_graph import CapturedForward
from kinobench.bench.network.digest import network_digest
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import Settings, settings_of
from kinobench.bench.run.suite import parse
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.zoo.registry import register

from ...fakes.fake_cuda_graph import FakeCuda
from ...fakes.fake_nvml import FakeNvml


def settled(model: str, **changes: Any) -> Network:
    fields = {"model": model, "classes": 8, "protocol": preset("pointlight"), "batch": 2}
    network = Network(Case(**(fields | changes)))
    network.settle()
    return network


def is_laid_out(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last_3d)


def test_channels_last_3d_lays_out_weights_and_clips_and_gives_the_same_answers() -> None:
    network = settled("c3d_tiny", mode="channels_last_3d")
    weights = [each for each in network.module.parameters() if each.dim() == 5]
    assert weights and all(map(is_laid_out, weights)) and network.notes == []
    ((clip,),) = network.inputs(1)
    assert is_laid_out(clip) and not clip.is_contiguous()
    drift = measure_drift(network)
    assert drift is not None and drift.clips == 8 and drift.top1_flips == 0
    assert drift.largest_logit_difference is not None and drift.largest_logit_difference < 1e-4
    with torch.inference_mode():  # clips of a video come as they are decoded
        torch.testing.assert_close(network.classify(clip.contiguous()), network.forward(clip))


@pytest.mark.parametrize("model", ["single_frame_tiny", "two_stream_tiny", "cnn_lstm_tiny"])
def test_a_network_without_5d_weights_is_run_all_the_same_and_that_is_noted(model: str) -> None:
    flow = {"flow": "dis"} if model == "two_stream_tiny" else {}
    network = settled(model, mode="channels_last_3d", **flow)
    (note,) = network.notes
    assert note.startswith("mode channels_last_3d: the network has no 5D weights")
    assert measure_drift(network) is not None


@pytest.mark.parametrize(
    ("precision", "mode"), [("bf16", "eager"), ("fp32", "stream"), ("bf16", "stream")]
)
def test_whatever_is_not_eager_fp32_is_held_against_it(precision: str, mode: str) -> None:
    drift = measure_drift(settled("cnn_gru_tiny", precision=precision, mode=mode))
    assert drift is not None and drift.clips == 8
    assert drift.largest_logit_difference is not None
    assert drift.largest_logit_difference < (1e-5 if precision == "fp32" else 0.1)


def test_eager_fp32_has_no_drift_and_prepares_nothing() -> None:
    network = settled("early_fusion_tiny")
    assert measure_drift(network) is None
    assert network.prepare_s is None and network.first_call_s > 0


def test_the_reference_of_a_large_batch_is_computed_eight_clips_at_a_time() -> None:
    network = settled("early_fusion_tiny", precision="bf16", batch=20)
    assert network.reference is not None and network.reference.shape == (1, 20, 8)
    drift = measure_drift(network)
    assert drift is not None and drift.clips == 20


def test_compiling_is_timed_apart_from_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    calls: list[tuple[int, ...]] = []

    def compiled(module: nn.Module, dynamic: bool) -> Callable[..., torch.Tensor]:
        assert not dynamic  # a second batch would be timed with code for any size

        def forward(clip: torch.Tensor) -> torch.Tensor:
            nonlocal now
            now += 0.25 if tuple(clip.shape) in calls else 7.0
            calls.append(tuple(clip.shape))
            return module(clip)

        return forward

    monkeypatch.setattr(torch, "compile", compiled)
    monkeypatch.setattr(torch.compiler, "reset", calls.clear)
    monkeypatch.setattr("kinobench.bench.network.network.time.perf_counter", lambda: now)
    network = settled("early_fusion_tiny", mode="compile")
    assert (network.prepare_s, network.first_call_s) == (7.0, 0.25)
    # Another batch is compiled anew, for its own shape and no other.
    network.rebatch(4)
    assert (network.prepare_s, network.first_call_s) == (7.0, 0.25) and len(calls) == 2


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    fake = FakeCuda()
    fake.install(monkeypatch)
    return fake


def test_any_number_of_clips_goes_through_the_captured_batch(cuda: FakeCuda) -> None:
    with torch.inference_mode():
        captured = CapturedForward(lambda clip: clip * 2, (torch.zeros(4, 3),), "a_model")
        logits = captured._logits
        cuda.replay = lambda: logits.copy_(captured._inputs[0] * 2)
        for clips in (1, 4, 10):
            given = torch.randn(clips, 3)
            torch.testing.assert_close(captured(given), given * 2)
    assert cuda.replays == 1 + 1 + 3


def test_a_forward_that_cannot_be_captured_is_refused_with_the_cure(cuda: FakeCuda) -> None:
    def forward(clip: torch.Tensor) -> torch.Tensor:
        if cuda.capturing:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nx")
        return clip

    with pytest.raises(KinobenchError) as caught:
        CapturedForward(forward, (torch.zeros(1, 3),), "mvit_v2_s")
    message = str(caught.value)
    assert message.startswith("mvit_v2_s can't be captured in a CUDA graph: ")
    assert "operation not permitted when stream is capturing)" in message
    assert message.endswith("--mode eager or --mode compile") and "\n" not in message


def test_want_of_memory_in_a_capture_stays_what_it_is(cuda: FakeCuda) -> None:
    def forward(clip: torch.Tensor) -> torch.Tensor:
        if cuda.capturing:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return clip

    with pytest.raises(torch.OutOfMemoryError):
        CapturedForward(forward, (torch.zeros(1, 3),), "c3d")


def test_an_error_of_the_network_itself_is_no_failed_capture(cuda: FakeCuda) -> None:
    def forward(clip: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("this network never works")

    with pytest.raises(RuntimeError, match="never works"):
        CapturedForward(forward, (torch.zeros(1, 3),), "raises")


def test_a_graphs_memory_is_that_of_its_capture_and_its_pool(
    cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvml = FakeNvml()
    nvml.install(monkeypatch)
    network = settled("early_fusion_tiny")
    ((clip,),) = network.inputs(1)
    network.forward = CapturedForward(network.module, (clip,), "early_fusion_tiny")
    memory, notes = measure_memory(network)
    # Of 400 bytes of garbage and 7000 of cache, which the warm-ups left, nothing counts.
    assert memory.peak_activation_bytes == 500 and memory.graph_pool_bytes == 3072
    assert memory.peak_allocated_bytes == 1000 + 500
    assert memory.peak_reserved_bytes == 1000 + 500 + 96 and memory.fragmentation_bytes == 96
    assert memory.peak_process_bytes == 2**30 and cuda.replays == 0
    assert notes == ["memory: activations are those of the capture; a replay takes nothing more"]


@pytest.mark.parametrize("mode", ["cudagraph", "compile_cudagraph"])
def test_a_cpu_has_no_cuda_graphs(mode: str) -> None:
    with pytest.raises(KinobenchError, match=f"mode '{mode}' needs device 'cuda'"):
        plan(parse('models = ["c3d_tiny"]', "my.toml"), settings_of(mode=mode))
    (entry,) = plan(parse('models = ["c3d_tiny"]', "my.toml"), Settings(mode=mode, device="cuda"))
    assert entry.case.mode == mode


def test_a_cold_cache_is_asked_for_on_a_gpu_alone_and_is_another_case() -> None:
    suite = parse('models = ["c3d_tiny"]', "my.toml")
    with pytest.raises(KinobenchError, match="cold_l2 needs device 'cuda'"):
        plan(suite, settings_of(cold_l2=True))
    (cold,) = plan(suite, settings_of(cold_l2=True, device="cuda"))
    (warm,) = plan(suite, settings_of(device="cuda"))
    assert cold.case.cold_l2 and cold.case.digest != warm.case.digest


def test_what_empties_the_cache_is_larger_than_any(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeNvml().install(monkeypatch)
    assert l2_flush_bytes() == 256 * 2**20 > 2 * 50 * 2**20
    monkeypatch.setattr("kinobench.bench.measure.timers.L2_FLUSH_BYTES", 0)
    assert l2_flush_bytes() == 100 * 2**20


def test_a_network_has_its_digest_from_before_its_precision_wherever_it_is_settled() -> None:
    case = Case(model="c3d_tiny", classes=8, protocol=preset("pointlight"), precision="bf16")
    elsewhere, here = Network(case), Network(case)
    built = here.digest
    here.settle()
    assert here.digest == built == elsewhere.digest
    assert network_digest(here.module) != built


def test_logits_of_another_shape_are_refused_with_the_shape_that_they_must_have() -> None:
    class WrongShape(nn.Module):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            return clip.mean(dim=(3, 4)).transpose(1, 2)

    register("wrong_shape")(lambda num_classes, frames, size: WrongShape())
    network = Network(Case(model="wrong_shape", classes=8, protocol=preset("pointlight")))
    with pytest.raises(KinobenchError) as caught:
        network.settle()
    assert str(caught.value) == (
        f"wrong_shape ({__file__}) gives [1, 16, 3] for rgb [1, 3, 16, 64, 64]; "
        "logits must be [B, classes], [1, 8]"
    )
