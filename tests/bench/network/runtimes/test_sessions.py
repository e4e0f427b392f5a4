"""Real networks in ONNX Runtime and OpenVINO: the same logits as eager torch, and no fallback."""

import sys
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest
import torch

from kinobench.bench.measure.memory import blocks_apart, measure_memory
from kinobench.bench.network.network import Network
from kinobench.bench.network.runtimes import openvino as openvino_module
from kinobench.bench.network.runtimes.errors import ExportError
from kinobench.bench.network.runtimes.onnxruntime import refuse_fallback
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ....fakes.exported import MIB, built, case_of, settled

RUNTIMES = ("onnxruntime", "openvino")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINOBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def tolerance(logits: torch.Tensor) -> float:
    """Sums of some thousand terms in another order differ by some hundred roundings at most."""
    return 256 * torch.finfo(torch.float32).eps * max(1.0, float(logits.abs().max()))


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= tolerance(expected)


def clips_of(network: Network, count: int, seed: int = 3) -> tuple[torch.Tensor, ...]:
    protocol, generator = network.case.protocol, torch.Generator().manual_seed(seed)
    shapes = {
        "rgb": (count, 3, protocol.frames, protocol.size, protocol.size),
        "flow": (count, 2 * (protocol.frames - 1), protocol.size, protocol.size),
    }
    return tuple(torch.rand(shapes[kind], generator=generator) for kind in network.kinds)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("runtime", "model"),
    list(product(RUNTIMES, ["exported_small", "exported_writes", "exported_gives_dict"])),
)
def test_logits_are_those_of_eager_for_any_number_of_clips(runtime: str, model: str) -> None:
    eager, other = settled(model), settled(model, runtime, eval_batch=4)
    clips = clips_of(eager, 6)
    before = [each.clone() for each in clips]
    expected = eager.classify(*(each.clone() for each in clips))
    if isinstance(expected, dict):
        expected = expected["logits"]
    assert_same(other.classify(*clips), expected)  # four, and two that are filled up
    assert_same(other.forward_clips(*clips), expected)  # one after another
    assert all(torch.equal(a, b) for a, b in zip(clips, before, strict=True))
    assert other.export is not None and other.export.arithmetic in ("fp32", "f32")
    assert other.export.threads == 1 and not any("input:" in note for note in other.notes)


@torch.inference_mode()
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_clip_that_changes_in_place_is_read_anew(runtime: str) -> None:
    eager, other = settled("exported_small"), settled("exported_small", runtime)
    (dense,) = clips_of(eager, 1)
    spread = dense.flip(-1).transpose(-1, -2).contiguous().transpose(-1, -2)
    assert not spread.is_contiguous()
    for clip in (dense, spread):  # read where it lies, and copied
        for _ in range(2):
            assert_same(other.forward(clip), eager.forward(clip))
            clip.mul_(0.25)


@torch.inference_mode()
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_network_of_two_inputs_gives_the_logits_of_eager(runtime: str) -> None:
    case = {"flow": "dis", "eval_batch": 1}
    eager, other = settled("two_stream_tiny", **case), settled("two_stream_tiny", runtime, **case)
    assert eager.kinds == ("rgb", "flow")
    clips = clips_of(eager, 2)
    assert_same(other.classify(*clips), eager.classify(*clips))


@torch.inference_mode()
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_stream_gives_the_logits_of_eager_frame_by_frame_and_for_whole_clips(
    runtime: str,
) -> None:
    case: dict[str, Any] = {"mode": "stream", "eval_batch": 2}
    eager, other = settled("cnn_lstm_tiny", **case), settled("cnn_lstm_tiny", runtime, **case)
    (clips,) = clips_of(eager, 3)
    stream, expected = other.stream(), eager.stream()
    for frame in clips[:1].unbind(dim=2):
        assert_same(stream(frame), expected(frame))
    # Two clips and one that is filled up, while the timed stream has a state of its own.
    frame = clips[:1, :, 0]
    first = other.forward(frame).clone()
    assert_same(other.classify(clips), eager.classify(clips))
    assert not torch.equal(other.forward(frame), first)
    assert_same(other.stream()(frame), eager.stream()(frame))


def test_the_onnx_file_is_valid_and_says_its_inputs_and_opset(tmp_path: Path) -> None:
    network = settled("exported_small", "onnxruntime")
    deployed: Any = network._deployed
    (entry,) = [deployed._exporter.entry(part) for part in deployed._parts(1)]
    assert entry.cached
    onnx.checker.check_model(str(entry.file), full_check=True)
    graph = onnx.load(str(entry.file)).graph
    assert [each.name for each in graph.input] == ["clip"]
    assert [each.name for each in graph.output] == ["logits"]
    assert network.export is not None and (network.export.opset or 0) >= 18
    assert network.export.size_bytes == sum(
        each.stat().st_size for each in entry.folder.iterdir() if each.name != "about.json"
    )


@pytest.mark.parametrize(
    "runtime", ["onnxruntime", pytest.param("openvino", marks=pytest.mark.slow)]
)
def test_an_operator_that_no_runtime_has_is_named_in_one_line(runtime: str) -> None:
    network = Network(case_of("exported_has_no_export", runtime))
    with pytest.raises(ExportError) as caught:
        network.settle()
    message = str(caught.value)
    assert "bessel_j0: " in message and "--runtime torch" in message
    assert "\n" not in message and "Traceback" not in message


def test_a_provider_that_was_not_asked_for_is_named() -> None:
    asked = "CUDAExecutionProvider"
    refuse_fallback(asked, [asked, "CPUExecutionProvider"])
    with pytest.raises(KinobenchError, match="fell back to CPUExecutionProvider, though CUDA"):
        refuse_fallback(asked, ["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("runtime", "provider", "message"),
    [
        ("onnxruntime", "cuda", r"has no CUDAExecutionProvider, only .*CPUExec"),
        ("openvino", "gpu", "OpenVINO finds no device GPU here, only CPU"),
    ],
)
def test_an_absent_provider_is_refused_before_anything_is_exported(
    runtime: str, provider: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    if runtime == "openvino":
        import openvino

        core = SimpleNamespace(available_devices=["CPU"])
        monkeypatch.setattr(openvino, "Core", lambda: core)
    network = Network(case_of("exported_small", runtime, provider=provider))
    with pytest.raises(KinobenchError, match=message):
        network.settle()
    assert not any(tmp_path.rglob("about.json"))


def test_a_network_built_in_inference_mode_is_exported() -> None:
    with torch.inference_mode():
        network = settled("exported_small", "onnxruntime")
        expected = settled("exported_small").classify(*network.inputs(1)[0])
    assert_same(network.forward(*network.inputs(1)[0]), expected)


@pytest.mark.parametrize(
    ("devices", "arithmetic", "message"),
    [
        (["GPU.0"], "f32", "OpenVINO executes exported_small on GPU.0, though CPU was asked for"),
        (["CPU"], "bf16", "OpenVINO computes in bf16, though --precision fp32 was asked for"),
    ],
)
def test_openvino_elsewhere_or_in_another_precision_is_refused(
    monkeypatch: pytest.MonkeyPatch, devices: list[str], arithmetic: str, message: str
) -> None:
    import openvino

    said: dict[str, Any] = {
        "EXECUTION_DEVICES": devices,
        "INFERENCE_PRECISION_HINT": SimpleNamespace(get_type_name=lambda: arithmetic),
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
    }
    compiled = SimpleNamespace(get_property=said.__getitem__)
    core = SimpleNamespace(available_devices=["CPU"], compile_model=lambda *_: compiled)
    monkeypatch.setattr(openvino, "Core", lambda: core)
    with pytest.raises(KinobenchError, match=message):
        openvino_module.OpenVinoSession(Path("model.xml"), case_of("exported_small", "openvino"), 1)


def test_a_network_that_only_classifies_is_exported_for_that_batch_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(case_of("exported_small", "onnxruntime", batch=1, eval_batch=4))
    network.settle(to_classify=True)
    deployed: Any = network._deployed
    monkeypatch.setattr(deployed, "_exporter", None)  # any further export fails
    with torch.inference_mode():
        assert network.classify(*clips_of(network, 6)).shape == (6, 8)


@torch.inference_mode()
def test_a_thread_of_its_own_gets_a_session_of_the_runtime_and_no_torch() -> None:
    network = settled("exported_small", "openvino")
    other = network.again()
    clips = clips_of(network, 3)
    expected = network.classify(*clips)
    with torch.no_grad():
        network.module.head.bias.add_(1.0)  # type: ignore[union-attr, operator]
    assert torch.equal(other(*clips), expected)


@torch.inference_mode()
def test_a_network_of_unknown_code_is_exported_anew_though_its_weights_are_the_same() -> None:
    """As in a notebook whose cell was changed and run again."""
    first = settled("exported_small", "onnxruntime", eval_batch=1)
    clips = clips_of(first, 1)
    before = first.classify(*clips)
    changed = built("exported_small", "onnxruntime", eval_batch=1)
    kind = type(changed.module)
    forward = kind.forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "forward", lambda self, clip: forward(self, clip) + 1.0)
        changed.settle(reference=False)
        found = changed.classify(*clips)
    assert changed.digest == first.digest and changed.export is not None
    assert not changed.export.cached
    assert_same(found, before + 1.0)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's high-water mark is Linux's")
@pytest.mark.parametrize(("runtime", "batch"), list(product(RUNTIMES, [1, 2])))
def test_memory_is_that_of_a_first_forward_without_the_weights(runtime: str, batch: int) -> None:
    network = settled("exported_one_layer", runtime, batch=batch)
    with blocks_apart():
        memory, notes = measure_memory(network)
    assert notes == []
    weights = 4 * (3 * 256 + 256 + 256 * 16 * 1024 + 16 * 1024)
    assert memory.weights_bytes == weights
    # 256 channels of 16 x 64 x 64 for each clip; a runtime may have a copy of the weights.
    activations = batch * 64 * MIB
    assert memory.peak_activation_bytes is not None
    assert activations <= memory.peak_activation_bytes <= activations + weights + 16 * MIB


def test_protocols_are_of_the_size_that_the_counts_above_take() -> None:
    protocol = preset("pointlight")
    assert (protocol.frames, protocol.size) == (16, 64)
