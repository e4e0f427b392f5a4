"""Networks quantised by the libraries made for it, on real clips."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

from kinobench.bench.network import calibration
from kinobench.bench.network.calibration import CalibrationClips
from kinobench.bench.network.network import Network
from kinobench.bench.network.runtimes import quantise_onnxruntime, quantise_openvino
from kinobench.bench.network.runtimes.cache import ExportCache, ExportKey
from kinobench.bench.network.runtimes.errors import ExportError
from kinobench.bench.network.runtimes.executed_macs import of_product
from kinobench.bench.network.runtimes.openvino import write_ir
from kinobench.bench.network.runtimes.program import write_onnx
from kinobench.bench.network.runtimes.quantising import Task
from kinobench.bench.records.case import Case, Runtime
from kinobench.datasets import catalog
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split

from ...fakes.made_records import made_case
from ...fakes.media import REPOSITORY

PROTOCOL = preset("pointlight")
RUNTIMES: tuple[Runtime, ...] = ("onnxruntime", "openvino")


@pytest.fixture(scope="module")
def train(few_points: Path) -> Split:
    return catalog.load_split(catalog.get("pointlight"), few_points, "train")


@pytest.fixture(scope="module")
def test_clips(few_points: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All test videos `[64, 3, 16, 64, 64]`, and their labels."""
    split = catalog.load_split(catalog.get("pointlight"), few_points, "test")
    clips = CalibrationClips(split, PROTOCOL, ("rgb",), len(split.videos))
    (inputs,) = next(clips.batches(len(split.videos), tmp_path_factory.mktemp("clips")))
    return inputs, torch.tensor([draw.video.label for draw in clips.draws])


def _int8(runtime: Runtime, **changes: Any) -> Case:
    fields = {"precision": "int8", "runtime": runtime, "weights": "pointlight", "calibration": 16}
    return made_case(**(fields | changes))


def _right(network: Network, clips: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.inference_mode():
        return float((network.classify(clips).argmax(1) == labels).float().mean())


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_int8_keeps_the_accuracy_and_is_made_once(
    runtime: Runtime,
    train: Split,
    test_clips: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    eager = Network(made_case(weights="pointlight"))
    eager.settle(reference=False)
    network = Network(_int8(runtime), lambda: train)
    network.settle(reference=False)
    assert network.export is not None
    made = network.export.quantised
    assert made is not None
    assert (made.clips, network.export.cached) == (16, False)
    assert made.clips_digest == CalibrationClips(train, PROTOCOL, ("rgb",), 16).digest
    assert made.macs_share is not None
    assert made.macs_share > 0.9  # its convolutions and its linear layers
    assert network.export.size_bytes < 2 * eager.params  # type: ignore[operator]  # fp32 has 4
    before = _right(eager, *test_clips)
    assert before > 0.9
    assert abs(_right(network, *test_clips) - before) <= 0.03

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"{arguments} was read")

    monkeypatch.setattr(calibration, "open_video", refuse)
    again = Network(_int8(runtime), lambda: train)
    again.settle(reference=False)
    assert again.export is not None
    assert (again.export.cached, again.export.quantised) == (True, made)
    with pytest.raises(ExportError, match="was read"):  # other clips are another network
        Network(_int8(runtime, calibration=8), lambda: train).settle(reference=False)


class ConvolutionAndLstm(nn.Module):
    """Both libraries take the convolution to int8, and leave the LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(3, 8, 3, padding=1)
        self.lstm = nn.LSTM(8, 16, batch_first=True)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        frames = self.convolution(clip).relu().mean((3, 4)).transpose(1, 2)
        states, _ = self.lstm(frames)
        return states[:, -1]


CONVOLUTION = 8 * 16 * 64 * 64 * (3 * 3 * 3 * 3)
"""Of a clip: outputs of 8 channels, each of 27 places in 3 channels."""
LSTM = 16 * 4 * 16 * (8 + 16)
"""Of 16 frames: four gates of 16, each of 8 inputs and 16 states."""


def test_a_network_whose_shapes_symbolic_inference_cannot_follow_is_quantised(
    train: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    network = Network(_int8("onnxruntime", model="single_frame_tiny"), lambda: train)
    network.settle(reference=False)
    assert network.export is not None and network.export.quantised is not None
    assert network.export.quantised.macs_share == pytest.approx(1.0)


def _quantised(module: nn.Module, runtime: Runtime, train: Split, folder: Path) -> Any:
    clip = (torch.zeros(1, 3, 16, 64, 64),)
    case = made_case("two_layers", precision="int8", runtime=runtime)
    clips = CalibrationClips(train, PROTOCOL, ("rgb",), 2)
    task = Task(case, ("clip",), 1, clips, threads=1)
    cache = ExportCache(folder / "cache")
    write: Callable[[Path], Any] = lambda to: write_onnx(  # noqa: E731
        to, module, clip, (["clip"], ["logits"]), "two_layers"
    )
    exported = cache.entry(_key("onnx"), write)
    (folder / "made").mkdir()
    if runtime == "onnxruntime":
        return quantise_onnxruntime.write(folder / "made", exported, task).quantised
    onnx = exported
    exported = cache.entry(
        _key("openvino"), lambda to: write_ir(to, onnx, lambda: None, "two_layers")
    )
    return quantise_openvino.write(folder / "made", exported, task).quantised


def _key(kind: str) -> ExportKey:
    return ExportKey(
        network=kind, code="", shapes=((1, 3, 16, 64, 64),), dtype="f", kind=kind, versions={}
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_share_in_int8_is_that_of_the_multiply_adds(
    runtime: Runtime, train: Split, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    found = _quantised(ConvolutionAndLstm().eval(), runtime, train, tmp_path)
    assert found.macs_share == pytest.approx(CONVOLUTION / (CONVOLUTION + LSTM), rel=1e-9)


def test_products_are_counted_whichever_is_transposed() -> None:
    assert of_product((2, 5, 7), (2, 5, 3)) == 2 * 5 * 7 * 3
    assert of_product((2, 7, 5), (2, 5, 3)) == 2 * 5 * 7 * 3
    assert of_product((7,), (3,)) == 7 * 3


def test_a_network_is_scored_as_it_was_timed(
    train: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    network = Network(_int8("onnxruntime", model="early_fusion_tiny", weights=None), lambda: train)
    network.settle(reference=False)
    (inputs,) = network.inputs(1)
    with torch.inference_mode():
        assert torch.equal(network.classify(*inputs), network.forward(*inputs))
    about = [file for file in tmp_path.rglob("about.json") if "quantise_s" in file.read_text()]
    assert len(about) == 1  # and none of `eval_batch`


def test_a_network_without_training_clips_says_what_it_needs() -> None:
    network = Network(_int8("onnxruntime", dataset=None, split=None))
    with pytest.raises(KinobenchError, match="--precision int8 takes training clips"):
        network.settle(reference=False)


_WATCHED = """
import socket, sys
reached = []

def reach(*arguments, **named):
    reached.append(arguments)
    raise OSError("no network here")

socket.getaddrinfo = socket.create_connection = reach
socket.socket.connect = socket.socket.connect_ex = reach
sys.path.insert(0, {repository!r})
import bench as _  # the name of the checkout
import torch
from pathlib import Path
from kinobench.bench.network.runtimes.openvino import write_ir
from kinobench.bench.network.runtimes.quantise_openvino import write
from kinobench.bench.network.runtimes.cache import ExportCache, ExportKey
from kinobench.bench.network.runtimes.program import exported_program
from kinobench.bench.network.runtimes.quantising import Task
from kinobench.bench.records.case import Case
from kinobench.datasets.protocol import preset

class Clips:
    count, were_read, digest, left_out = 2, 2, "0", ()
    def batches(self, batch, folder):
        return iter([(torch.rand(1, 3, 8, 8),)] * 2)

module = torch.nn.Conv2d(3, 4, 3).eval()
program = lambda: exported_program(module, (torch.rand(1, 3, 8, 8),), "one")
key = ExportKey(network="", code="", shapes=(), dtype="", kind="", versions={{}})
entry = ExportCache(Path("cache")).entry(key, lambda to: write_ir(to, None, program, "one"))
case = dict(model="one", classes=4, protocol=preset("pointlight"), runtime="openvino")
case = Case(**case, precision="int8")
Path("made").mkdir()
made = write(Path("made").absolute(), entry, Task(case, ("clip",), 1, Clips(), 1))
assert made.quantised.macs_share == 1.0, made
import concurrent.futures.thread as threads
threads._python_exit()  # whatever waits to be sent
assert not reached, reached
"""


def test_neither_openvino_nor_nncf_reports_to_its_makers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        name: value for name, value in os.environ.items() if name not in ("CI", "NNCF_CI")
    }
    script = _WATCHED.format(repository=str(REPOSITORY)).replace("import bench as _", "pass")
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment | {"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not (home / "intel").exists()  # where its id of this user would be
    assert "Statistics collection" not in done.stdout + done.stderr


def test_a_changed_clip_list_is_another_entry(train: Split) -> None:
    other = msgspec.structs.replace(train, videos=train.videos[::-1])
    first, second = (
        CalibrationClips(split, PROTOCOL, ("rgb",), 4).digest for split in (train, other)
    )
    assert first != second
