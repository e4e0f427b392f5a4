"""TensorRT, and ONNX Runtime on a GPU: what can be seen without one."""

import sys
import warnings
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest
import torch

from kinobench.bench.measure import memory as measured_memory
from kinobench.bench.network.gpu_memory import GpuMemory, OnGpu
from kinobench.bench.network.runtimes import known, onnxruntime_gpu, tensorrt
from kinobench.bench.network.runtimes.cache import ABOUT, Entry, ExportCache, ExportKey, Made
from kinobench.bench.network.runtimes.errors import ExportError
from kinobench.bench.network.runtimes.onnxruntime_gpu import OnnxRuntimeGpuSession, providers_for
from kinobench.bench.network.runtimes.program import write_onnx
from kinobench.bench.network.runtimes.tensorrt import TensorRtSession
from kinobench.bench.records.case import Case
from kinobench.bench.records.results import Memory
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ...fakes.deployed_networks import TwoInputs
from ...fakes.fake_tensorrt import DEVICE_BYTES, FakeStream, FakeTensorRt, fake_gpu

CUDA = "CUDAExecutionProvider"


def case_of(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "model": "c3d_tiny",
        "classes": 8,
        "protocol": preset("pointlight"),
        "device": "cuda",
        "runtime": "tensorrt",
    }
    return Case(**(fields | changes))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeTensorRt:
    found = FakeTensorRt()
    monkeypatch.setitem(sys.modules, "tensorrt", found)
    fake_gpu(monkeypatch)
    return found


def onnx_entry(folder: Path) -> Entry:
    made = Made(file="model.onnx", format="onnx", path="torch.export, torch.onnx", opset=20)
    return Entry(folder, made, made_s=3.0, cached=True, size_bytes=1)


@pytest.mark.parametrize(("precision", "flags"), [("tf32", {"TF32"}), ("fp32", set())])
def test_tf32_is_allowed_in_its_precision_alone(
    fake: FakeTensorRt, tmp_path: Path, precision: str, flags: set[str]
) -> None:
    made = tensorrt.write_engine(tmp_path, onnx_entry(tmp_path), case_of(precision=precision))
    assert fake.flags == flags
    assert (tmp_path / made.file).read_bytes() == b"an engine"
    assert (made.format, made.opset, made.before_s) == ("tensorrt", 20, 3.0)


def test_an_engine_runs_on_a_stream_in_order_with_torchs(
    fake: FakeTensorRt, tmp_path: Path
) -> None:
    file = tmp_path / "model.engine"
    file.write_bytes(b"an engine")
    session = TensorRtSession(file, case_of(), 1)
    clip = torch.arange(6.0).view(3, 2).t()  # not contiguous
    (logits,) = session(clip)
    assert torch.equal(logits, 2 * clip) and logits.data_ptr() == fake.addresses["logits"]
    assert fake.streams == [FakeStream.cuda_stream]
    assert FakeStream.order == [
        "FakeStream waits for CurrentStream",
        "CurrentStream waits for FakeStream",
    ]
    assert session.activation_bytes == DEVICE_BYTES


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        ("parse", "can't be read by TensorRT from ONNX at operator Einsum: no such rank;"),
        ("build", "can't be built by TensorRT: RuntimeError: Error Code 4: build failed;"),
    ],
)
def test_an_engine_that_can_not_be_built_is_an_error_of_one_line(
    fake: FakeTensorRt, tmp_path: Path, failing: str, said: str
) -> None:
    fake.failing = failing
    with pytest.raises(ExportError) as raised:
        tensorrt.write_engine(tmp_path, onnx_entry(tmp_path), case_of())
    assert said in str(raised.value)


def test_an_engine_that_fails_says_what_tensorrt_logged(fake: FakeTensorRt, tmp_path: Path) -> None:
    file = tmp_path / "model.engine"
    file.write_bytes(b"an engine")
    session = TensorRtSession(file, case_of(), 1)
    fake.failing = "execute"
    with pytest.raises(RuntimeError, match="execute c3d_tiny: Error Code 4: execute failed"):
        session(torch.zeros(2, 3))
    fake.failing = "load"
    with pytest.raises(ExportError, match="c3d_tiny can't be loaded by TensorRT: RuntimeError"):
        TensorRtSession(file, case_of(), 1)


def test_without_a_gpu_tensorrt_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(KinobenchError, match="needs an NVIDIA GPU, and torch finds none here"):
        tensorrt.built_for()


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx")
    inputs = (torch.zeros(1, 3, 4, 8, 8), torch.zeros(1, 30, 8, 8))
    names = (["clip", "flow"], ["logits"])
    write_onnx(folder, TwoInputs().eval(), inputs, names, "c3d_tiny")
    return folder / "model.onnx"


def of_onnxruntime(**changes: Any) -> Case:
    return case_of(**({"runtime": "onnxruntime", "provider": "cuda"} | changes))


def test_a_build_without_the_provider_is_refused_with_the_cure(onnx_file: Path) -> None:
    with pytest.raises(KinobenchError, match=rf"has no {CUDA}, only .*pip install onnxruntime-gpu"):
        OnnxRuntimeGpuSession(onnx_file, of_onnxruntime(), 1)


def test_a_provider_that_is_replaced_by_the_cpu_is_found_out(
    onnx_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_gpu(monkeypatch)
    # A GPU build lists it, and takes the CPU if its libraries can't be loaded, as this one does.
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(
            KinobenchError, match=f"fell back to CPUExecutionProvider, though {CUDA}"
        ):
            OnnxRuntimeGpuSession(onnx_file, of_onnxruntime(), 1)


def test_onnx_runtime_says_which_nodes_run_where(onnx_file: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    session = onnxruntime.InferenceSession(
        str(onnx_file), options, providers=["CPUExecutionProvider"]
    )
    placed = onnxruntime_gpu.placed_nodes(session)
    assert placed is not None and set(placed) == {"CPUExecutionProvider"}
    nodes = placed["CPUExecutionProvider"]
    assert sum(nodes[each] for each in ("Conv", "FusedConv", "NhwcFusedConv")) == 2
    with pytest.raises(KinobenchError, match=rf"doesn't execute two by {CUDA}: CPUExecution.*Conv"):
        onnxruntime_gpu.notes_on("two", CUDA, placed)
    assert onnxruntime_gpu.notes_on("two", "CPUExecutionProvider", placed) == ()


def test_nodes_of_shapes_on_the_cpu_are_noted_and_those_that_compute_are_refused() -> None:
    placed = {CUDA: Counter(Conv=3), "CPUExecutionProvider": Counter(Shape=1, Gather=2)}
    assert onnxruntime_gpu.notes_on("net", CUDA, placed) == (
        f"{CUDA}: CPUExecutionProvider executes 2 Gather, 1 Shape",
    )
    placed["CPUExecutionProvider"]["Conv"] = 1
    with pytest.raises(KinobenchError, match=r"has 1 Conv, 2 Gather, 1 Shape; .* kernels of Conv"):
        onnxruntime_gpu.notes_on("net", CUDA, placed)
    with pytest.raises(KinobenchError, match="kernels of any of them"):
        onnxruntime_gpu.notes_on("net", CUDA, {"CPUExecutionProvider": Counter(Add=1)})
    (note,) = onnxruntime_gpu.notes_on("net", CUDA, None)
    assert "doesn't say which nodes run on the CPU" in note


def test_the_providers_get_the_precision_the_stream_and_the_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    ((name, cuda),) = providers_for(of_onnxruntime(mode="cudagraph"), 77, Path("engines"))
    assert name == CUDA
    assert (cuda["use_tf32"], cuda["enable_cuda_graph"], cuda["user_compute_stream"]) == (
        *("0", "1"),
        "77",
    )
    ((_, tf32),) = providers_for(of_onnxruntime(precision="tf32"), 77, Path("engines"))
    assert (tf32["use_tf32"], tf32["enable_cuda_graph"]) == ("1", "0")
    case = of_onnxruntime(provider="tensorrt", precision="fp16")
    (name, built), (after, _) = providers_for(case, 77, Path("engines"))
    assert (name, after) == ("TensorrtExecutionProvider", CUDA)
    assert (built["trt_fp16_enable"], built["trt_engine_cache_path"]) == ("1", "engines")


def test_a_precision_that_nobody_can_keep_is_not_offered() -> None:
    case = of_onnxruntime(provider="tensorrt", precision="fp32")
    problem = known.problem_of(case)
    assert problem is not None and "give --precision tf32, fp16 or bf16" in problem
    assert known.problem_of(case_of(precision="int8")) is not None


def test_what_a_runtime_takes_past_torchs_allocator_is_counted_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = GpuMemory(free_bytes=1000 * 10**6, reserved_bytes=10 * 10**6)
    after = GpuMemory(free_bytes=700 * 10**6, reserved_bytes=60 * 10**6)
    assert after.taken_since(before) == 250 * 10**6
    monkeypatch.setattr(GpuMemory, "now", classmethod(lambda _: after))
    of_torch = Memory(
        weights_bytes=5,
        peak_activation_bytes=100,
        peak_allocated_bytes=200,
        peak_reserved_bytes=60 * 10**6,
        peak_process_bytes=None,
    )
    memory, notes = measured_memory._with_runtime(of_torch, OnGpu(before, lambda: 4096))
    assert memory.peak_activation_bytes == 4196 and memory.peak_allocated_bytes is None
    assert memory.peak_reserved_bytes == 310 * 10**6
    assert notes[0].startswith("memory: 250.0 MB of the reserved bytes are the runtime's own")
    memory, notes = measured_memory._with_runtime(of_torch, OnGpu(before, lambda: None))
    assert memory.peak_activation_bytes is None and len(notes) == 2


def test_an_entry_of_the_cache_has_all_that_its_runtime_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "onnx"
    source.mkdir()
    for name in ("model.onnx", "model.onnx.data", ABOUT):
        (source / name).write_text(name)
    loaded: list[Path] = []
    monkeypatch.setattr(
        onnxruntime_gpu, "OnnxRuntimeGpuSession", lambda file, *_: loaded.append(file)
    )
    case = of_onnxruntime(provider="tensorrt")
    key = ExportKey(network="n", code="c", shapes=(), dtype="d", kind="k", versions={})
    entry = ExportCache(tmp_path / "exports").entry(
        key,
        lambda folder: onnxruntime_gpu.write_engines(folder, onnx_entry(source), case, 1),
    )
    assert entry.made.path == "torch.export, torch.onnx, TensorRT" and entry.made_s > 3.0
    assert {each.name for each in entry.folder.iterdir()} == {
        *("model.onnx", "model.onnx.data"),
        ABOUT,
    }
    assert [each.name for each in loaded] == ["model.onnx"]


class Binding(SimpleNamespace):
    """Keeps what was bound, by name."""

    def bind_input(self, **bound: Any) -> None:
        self.bound[bound["name"]] = bound

    bind_output = bind_input


def test_arguments_and_outputs_are_bound_where_torch_has_them(
    onnx_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_gpu(monkeypatch)
    binding = Binding(bound={})
    runs: list[Any] = []
    real = onnxruntime.InferenceSession

    class OnGpu(real):  # type: ignore[misc, valid-type]
        def get_providers(self) -> list[str]:
            return [CUDA, "CPUExecutionProvider"]

        def get_provider_graph_assignment_info(self) -> list[Any]:
            node = SimpleNamespace(op_type="Conv")
            return [SimpleNamespace(ep_name=CUDA, get_nodes=lambda: [node])]

        def io_binding(self) -> Binding:
            return binding

        def run_with_iobinding(self, bound: Any, options: Any) -> None:
            runs.append(bound)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA])
    monkeypatch.setattr(
        onnxruntime_gpu,
        "providers_for",
        lambda *_: ["CPUExecutionProvider"],
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", OnGpu)
    clip, flow = torch.ones(1, 3, 4, 8, 8), torch.ones(1, 30, 8, 8)
    session = OnnxRuntimeGpuSession(onnx_file, of_onnxruntime(), 1)
    (logits,) = session(clip, flow)
    assert (logits.shape, logits.dtype) == ((1, 8), torch.float32)
    assert binding.bound["clip"]["buffer_ptr"] == clip.data_ptr()
    assert binding.bound["logits"]["buffer_ptr"] == logits.data_ptr()
    assert binding.bound["flow"]["element_type"] == 1 and runs == [binding]
    assert session.runs_on == (CUDA,) and session.notes == ()
    # A graph reads where it was captured: later arguments are copied there.
    graph = OnnxRuntimeGpuSession(onnx_file, of_onnxruntime(mode="cudagraph"), 1)
    graph(clip, flow)
    first = binding.bound["clip"]["buffer_ptr"]
    graph(2 * clip, flow)
    assert binding.bound["clip"]["buffer_ptr"] == first != clip.data_ptr()
    assert torch.equal(graph._given[0], 2 * clip)
