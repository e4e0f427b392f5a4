"""Operators are timed in a runtime, by what the runtime says of itself."""

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from rich.console import Console
from torch import nn

from kinobench.bench.cards.model import ModelCard, make_card, profiled, show_card, to_json
from kinobench.bench.cards.profile import ProfileSettings, profile_settings
from kinobench.bench.measure import modules
from kinobench.bench.network.runtimes.onnxruntime import read_profile
from kinobench.bench.network.runtimes.session import OperatorTimes
from kinobench.bench.records.case import Runtime
from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.registry import registered
from kinobench.zoo.spec import Architecture


class Net(nn.Module):
    """A convolution, and a layer of its means."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Conv3d(3, 4, 3)
        self.head = nn.Linear(4, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(clip).mean(dim=(2, 3, 4)))


def event(name: str, duration_us: float, **args: str) -> dict[str, Any]:
    return {"cat": "Node", "ph": "X", "name": name, "ts": 1, "dur": duration_us, "args": args}


def test_the_times_of_each_node_are_read_from_the_file_of_onnx_runtime() -> None:
    conv = {"op_name": "FusedConv", "provider": "CPUExecutionProvider", "node_index": "3"}
    content = [
        {"cat": "Session", "ph": "X", "name": "model_run", "ts": 0, "dur": 900, "args": {}},
        event("conv_1_fence_before", 7, op_name="FusedConv"),
        event("conv_1_kernel_time", 250, **conv),
        event("view_kernel_time", 2, op_name="Reshape", provider="CPUExecutionProvider"),
        event("conv_1_kernel_time", 150, **conv),
        event("view_kernel_time", 3, op_name="Reshape", provider="CPUExecutionProvider"),
        {"name": "process_name", "ph": "M", "pid": 1},
    ]
    assert read_profile(json.dumps(content).encode()) == [
        OperatorTimes("conv_1", "FusedConv", "CPUExecutionProvider", (250e-6, 150e-6)),
        OperatorTimes("view", "Reshape", "CPUExecutionProvider", (2e-6, 3e-6)),
    ]


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_card_has_the_operators_of_a_runtime_with_their_times(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(runtime)
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(modules, "PROFILED_S", 0.0)
    architecture = Architecture(
        name="conv_and_head",
        family="tests",
        paper="none",
        build=lambda num_classes, frames, size: Net(num_classes),
    )
    with registered(architecture):
        settings = ProfileSettings("cpu", "fp32", 2, 1, runtime)
        card = profiled(make_card("conv_and_head", 4, 8, 5), 2, settings)
    found = card.operators
    assert found is not None and card.profile is None
    assert (found.runtime, found.provider, found.batch, found.threads) == (runtime, "cpu", 2, 1)
    kinds = {each.kind for each in found.operators}
    assert kinds & {"Conv", "FusedConv", "Convolution"}
    assert sum(each.share for each in found.operators) == pytest.approx(1.0)
    assert all(each.median_s >= 0 for each in found.operators) and found.median_s > 0
    assert msgspec.json.decode(to_json(card), type=ModelCard) == card
    out = io.StringIO()
    show_card(card, Console(file=out, width=200))
    assert f"Profile: {runtime} on cpu, fp32, batch 2, threads 1" in out.getvalue()
    assert all(each.name in out.getvalue() for each in found.operators)


def test_settings_of_a_runtime_need_a_profile_and_are_one() -> None:
    with pytest.raises(KinobenchError, match="--runtime openvino: nothing is timed; add --profile"):
        profile_settings(False, None, None, None, None, "openvino")
    with pytest.raises(KinobenchError, match=r"--runtime all: .* give one runtime"):
        profile_settings(True, None, None, None, None, "all")


@pytest.mark.parametrize("runtime", ["aotinductor", "tensorrt"])
def test_a_runtime_that_times_no_operators_is_refused_with_the_reason(runtime: Runtime) -> None:
    device = "cuda" if runtime == "tensorrt" else "cpu"
    settings = ProfileSettings(device, "fp32", 1, None, runtime)  # type: ignore[arg-type]
    message = rf"--profile --runtime {runtime}: it isn't offered, because "
    with pytest.raises(KinobenchError, match=message):
        profiled(make_card("c3d_tiny", 16, 16, 10), 2, settings)
