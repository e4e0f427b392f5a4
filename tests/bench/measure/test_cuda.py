"""What an evaluation does on a GPU: the same pixels, the same answers, less memory if need be.

`pytest -m gpu`; elsewhere each says that there is no GPU.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import KEEP_NOTHING, Evaluation, Sink
from kinobench.bench.evaluation.shard_files import read_shard
from kinobench.bench.measure.sweep import measure_sweep
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case
from kinobench.bench.records.job import Budget
from kinobench.bench.records.results import Accuracy
from kinobench.datasets import catalog
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import Protocol, preset
from kinobench.datasets.views.maker import make_views
from kinobench.zoo import registry

from ...fakes.media import REPOSITORY
from ...fakes.trees import make_ucf101
from ..evaluation.test_accuracy import read_code

CUDA = torch.device("cuda")
pytestmark = pytest.mark.gpu
TINY = [name for name in registry.names() if name.endswith("_tiny")]
MAKE_INDICES_ON_THE_HOST = ("mvit_v2_tiny",)
"""A forward that copies from the host (torchvision's MViT v2) can't be captured in a graph."""


@pytest.fixture(autouse=True)
def gpu() -> Iterator[None]:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no GPU")
    yield
    torch.cuda.empty_cache()


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Two gibibytes for this process."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2 * 2**30 / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.parametrize(
    "name", ["common-112", "pytorchvideo", "pyslowfast", "torchvision", "mmaction2", "tsn"]
)
def test_views_are_the_same_as_on_a_cpu(name: str) -> None:
    protocol = preset(name)
    frames = np.random.default_rng(0).integers(0, 256, (12, 240, 320, 3), dtype=np.uint8)
    places = [[(3 * clip + t) % 12 for t in range(protocol.frames)] for clip in range(2)]
    cpu, cuda = (make_views(frames, places, protocol, device).cpu() for device in ("cpu", "cuda"))
    assert cpu.shape == cuda.shape
    mean, std = (torch.tensor(each).view(3, 1, 1, 1) for each in (protocol.mean, protocol.std))
    levels = ((cuda - cpu) * std).abs() * 255
    # CUDA's filter has its own float32 weights: some thousandths of a level. What lies that near
    # to halfway between two bytes is rounded to the one or the other.
    if protocol.resize_on == "uint8":
        assert levels.max() < 1.01 and (levels > 0.01).float().mean() < 1e-3
    else:
        assert levels.max() < 0.01
    assert cpu.mean() == pytest.approx(((127.5 / 255 - mean) / std).mean().item(), abs=0.02)


def test_two_networks_of_mode_cudagraph_classify_to_the_same_bits(tmp_path: Path) -> None:
    """As a killed run and the one that continues it: without a graph, nothing is chosen by time."""
    make_ucf101(tmp_path, [0, 3, 50])
    protocol = preset("common-112").with_views(2, 1)
    found = []
    for name in ("first", "second"):
        case = Case(model="c3d_tiny", protocol=protocol, classes=101, device="cuda")
        network = Network(msgspec.structs.replace(case, mode="cudagraph"))
        network.settle()
        assert network.classify is network.module and network.forward is not network.module
        split = catalog.get("ucf101").load(tmp_path, "1")
        evaluation = Evaluation(protocol, device=CUDA, batch=4)
        evaluate(network.classify, split, evaluation, Sink(tmp_path / name))
        found.append((tmp_path / name / "shard-00000.parquet").read_bytes())
    assert found[0] == found[1]


class Reads:
    """`read_code` on the GPU, whose forward takes so much memory a view."""

    def __init__(self, bytes_a_view: int = 0) -> None:
        self.bytes_a_view = bytes_a_view
        self.sizes: list[int] = []

    def __call__(self, views: torch.Tensor) -> torch.Tensor:
        assert views.device.type == "cuda"
        self.sizes.append(len(views))
        torch.empty(len(views) * self.bytes_a_view, dtype=torch.uint8, device=CUDA)
        return read_code(views.cpu().float()).to(CUDA)


def _score(
    root: Path, network: Reads, protocol: Protocol, sink: Sink = KEEP_NOTHING, **options
) -> Accuracy:
    split = catalog.get("ucf101").load(root, "1")
    return evaluate(network, split, Evaluation(protocol, device=CUDA, **options), sink)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_painted_is_read_and_a_continued_run_has_the_same_bytes(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    labels = [7 * number % 101 for number in range(40)]
    shown = [label if number % 4 else (label + 3) % 101 for number, label in enumerate(labels)]
    make_ucf101(tmp_path, labels, shown)
    protocol = preset("common-112").with_views(10, 3)
    kept, options = tmp_path / "kept", {"dtype": dtype, "readers": 4}
    whole = _score(tmp_path, Reads(), protocol, Sink(kept), **options)
    # The five guesses are the code and the four classes after it: never one that lies before it.
    assert (whole.top1, whole.scored) == (0.75, 40)
    shards = sorted(kept.glob("shard-*.parquet"))
    before = [shard.read_bytes() for shard in shards]
    assert len(shards) == 5 and read_shard(shards[0]).logits.shape == (8, 30, 101)
    shards[1].unlink()
    notes: list[str] = []
    sink = Sink(kept, note=notes.append)
    again = _score(tmp_path, Reads(), protocol, sink, batch=8, **options)
    assert notes == ["continued after 32 of 40 videos"]
    assert [shard.read_bytes() for shard in shards] == before
    assert msgspec.structs.replace(again, wall_s=0) == msgspec.structs.replace(whole, wall_s=0)


def test_real_want_of_memory_halves_the_batch(tmp_path: Path, little_memory: None) -> None:
    make_ucf101(tmp_path, [0, 3, 50])
    network, notes = Reads(600 * 2**20), []
    protocol = preset("common-112").with_views(4, 1)
    accuracy = _score(tmp_path, network, protocol, Sink(note=notes.append), batch=8)
    assert (accuracy.top1, accuracy.scored) == (1.0, 3)
    assert network.sizes[:3] == [8, 4, 2] and set(network.sizes[3:]) == {2}
    assert notes == ["out of memory with 8 views in a forward: the most that fit was 2"]


@pytest.mark.filterwarnings("ignore:RNN module weights:UserWarning")  # torch packs none in bf16
@pytest.mark.parametrize("model", TINY)
def test_a_tiny_network_gives_the_same_in_a_graph_in_bf16_and_on_a_cpu(model: str) -> None:
    case = Case(model=model, classes=8, protocol=preset("pointlight"), device="cuda", batch=2)
    outputs = {}
    modes = ("eager",) if model in MAKE_INDICES_ON_THE_HOST else ("eager", "cudagraph")
    for precision in ("fp32", "bf16"):
        for mode in modes:
            network = Network(msgspec.structs.replace(case, precision=precision, mode=mode))
            network.settle()
            clips = [network.placed(each) for each in network._random_inputs(2, seed=1)]
            with torch.inference_mode():
                found = [network.forward_clips(*clip).float().cpu() for clip in clips]
            outputs[precision, mode] = torch.stack(found)
    cpu = Network(msgspec.structs.replace(case, device="cpu"))
    cpu.settle()
    with torch.inference_mode():
        expected = torch.stack([cpu.forward_clips(*each) for each in cpu._random_inputs(2, seed=1)])
    scale = expected.abs().max().item()
    torch.testing.assert_close(outputs["fp32", "eager"], expected, atol=1e-3 * scale, rtol=0)
    torch.testing.assert_close(outputs["bf16", "eager"], expected, atol=0.1 * scale, rtol=0)
    for precision in ("fp32", "bf16"):
        if (precision, "cudagraph") in outputs:
            tolerance = (1e-3 if precision == "fp32" else 0.05) * scale
            torch.testing.assert_close(
                outputs[precision, "cudagraph"],
                outputs[precision, "eager"],
                atol=tolerance,
                rtol=0,
            )


def run(folder: Path, *options: str) -> dict:
    command = [sys.executable, str(REPOSITORY / "bench.py"), "run", "--device", "cuda", "--json"]
    done = subprocess.run(
        [*command, *options], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


@pytest.mark.parametrize("mode", ["compile_cudagraph", "channels_last_3d"])
def test_every_mode_has_its_drift_and_how_the_gpu_was(tmp_path: Path, mode: str) -> None:
    asked = ("--model", "x3d_tiny", "--measure", "memory,latency", "--mode", mode, "--cold-l2")
    record = run(tmp_path, *asked)
    latency = record["latency"]
    assert latency["drift"]["clips"] == 8 and latency["drift"]["top1_flips"] == 0
    assert latency["gpu"]["looks"] > 2 and latency["cold_l2_bytes"] >= 256 * 2**20
    assert (latency["prepare_s"] is None) == (mode == "channels_last_3d")
    assert record["memory"]["peak_activation_bytes"] > 0
    if mode == "compile_cudagraph":
        assert record["memory"]["graph_pool_bytes"] > 0


def test_a_sweep_ends_where_the_gpu_is_full(tmp_path: Path, little_memory: None) -> None:
    case = Case(model="c3d_tiny", classes=8, protocol=preset("common-112"), device="cuda")
    network = Network(case)
    network.settle()
    short = Budget(min_s=0.05, max_s=0.2, warmup_max_s=0.1)
    found, _ = measure_sweep(network, short)
    assert found.ended == "out_of_memory" and found.ended_at == 2 * found.points[-1].batch
    peaks = [point.memory.peak_activation_bytes for point in found.points]
    assert peaks == sorted(peaks) and network.case.batch == 1


@pytest.mark.parametrize("model", MAKE_INDICES_ON_THE_HOST)
def test_what_cannot_be_captured_is_refused_with_the_cure(model: str) -> None:
    protocol = preset("pointlight")
    network = Network(
        Case(model=model, classes=8, protocol=protocol, device="cuda", mode="cudagraph")
    )
    with pytest.raises(KinobenchError, match=f"{model} can't be captured in a CUDA graph: "):
        network.settle()


@pytest.mark.parametrize("model", ["x3d_tiny", *MAKE_INDICES_ON_THE_HOST])
def test_a_forward_that_waits_for_the_gpu_is_told_to_have_gaps(tmp_path: Path, model: str) -> None:
    record = run(tmp_path, "--model", model, "--measure", "latency")
    latency, waits = record["latency"], model in MAKE_INDICES_ON_THE_HOST
    assert latency["host_gaps"] is waits and (latency["launch_bound"] is None) is waits
    assert any("gaps in which the GPU waits" in note for note in record["notes"]) is waits
    blocks = [len(block) for block in latency["samples_s"]]
    assert [len(block) for block in latency["wall_samples_s"]] == blocks
    assert sum(blocks) > 20  # no spin of a tenth of a second before each


def test_the_peak_is_the_same_to_the_byte_in_two_processes(tmp_path: Path) -> None:
    asked = ("--model", "x3d_tiny", "--measure", "memory", "--batch", "4")
    one, other = (run(tmp_path, *asked)["memory"] for _ in range(2))
    for field in ("weights_bytes", "peak_activation_bytes", "peak_reserved_bytes"):
        assert one[field] == other[field] > 0


def test_a_whole_case_is_measured(tmp_path: Path) -> None:
    record = run(
        *(tmp_path, "--model", "two_stream_tiny", "--precision", "bf16", "--mode", "compile"),
        *("--measure", "flops,latency,memory,energy,accuracy"),
    )
    latency, accuracy, energy = record["latency"], record["accuracy"], record["energy"]
    assert accuracy["scored"] == accuracy["expected"] == 320
    assert 0 < latency["median_s"] <= latency["wall_median_s"]
    assert len(latency["wall_interval_s"]) == 2
    assert latency["drift"]["clips"] == 8 and latency["drift"]["top1_flips"] <= 8
    assert energy is None or energy["window_s"] >= 5
    assert record["memory"]["peak_activation_bytes"] > 0 and record["error"] is None
    assert record["environment"]["gpu"]
