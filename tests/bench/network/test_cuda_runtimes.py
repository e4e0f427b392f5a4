"""Other runtimes than torch on a GPU; elsewhere each test says that there is none.

`pytest -m gpu`. Those of a runtime that is not installed are skipped, too.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from kinobench.bench.measure.latency import measure_drift
from kinobench.bench.measure.memory import measure_memory
from kinobench.bench.network.network import Network
from kinobench.bench.network.runtimes import known
from kinobench.bench.network.runtimes.known import problem_of
from kinobench.bench.records.case import Case
from kinobench.datasets.protocol import preset

pytestmark = pytest.mark.gpu
PLACES = (
    ("aotinductor", "cuda"),
    ("onnxruntime", "cuda"),
    ("onnxruntime", "tensorrt"),
    ("tensorrt", "cuda"),
)
LARGEST = {"fp32": 1e-4, "tf32": 2e-2, "fp16": 2e-2, "bf16": 1e-1}
"""The largest difference of a logit of about 1: some hundred roundings of each type."""


@pytest.fixture(autouse=True)
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no GPU")
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    yield
    torch.cuda.empty_cache()


def settled(runtime: Any, provider: Any, **changes: Any) -> Network:
    if not known.is_installed(runtime):
        pytest.skip(f"{runtime} is not installed")
    fields: dict[str, Any] = {
        "model": "c3d_tiny",
        "classes": 8,
        "protocol": preset("pointlight"),
        "device": "cuda",
        "runtime": runtime,
        "provider": provider,
        "batch": 2,
    }
    case = Case(**(fields | changes))
    if (problem := problem_of(case)) is not None:
        pytest.skip(problem)
    network = Network(case)
    network.settle()
    return network


@pytest.mark.parametrize("mode", ["eager", "cudagraph"])
@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "bf16"])
@pytest.mark.parametrize(("runtime", "provider"), PLACES)
def test_a_runtime_gives_the_logits_of_eager_fp32(
    runtime: str, provider: str, precision: str, mode: str
) -> None:
    network = settled(runtime, provider, precision=precision, mode=mode)
    drift = measure_drift(network)
    assert drift is not None and drift.largest_logit_difference is not None
    assert drift.largest_logit_difference < LARGEST[precision]
    first, second = network.inputs(2)
    with torch.inference_mode():  # a graph computes what it is given, not what it was captured with
        one, other = (network.forward(*each).clone() for each in (first, second))
        torch.cuda.synchronize()
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("runtime", "provider"), PLACES)
def test_events_on_torchs_stream_time_a_runtime(runtime: str, provider: str) -> None:
    network = settled(runtime, provider, batch=64)
    (inputs,) = network.inputs(1)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    with torch.inference_mode():
        network.forward(*inputs)
        torch.cuda.synchronize()
        begin.record()
        for _ in range(20):
            network.forward(*inputs)
        end.record()
        torch.cuda.synchronize()
    # 64 clips of 0.145 GMACs, twenty times, at 60 TFLOP/s, which no GPU reaches in fp32.
    assert begin.elapsed_time(end) * 1e-3 > 20 * 64 * 2 * 0.145e9 / 60e12


@pytest.mark.parametrize(("runtime", "provider"), PLACES)
def test_the_memory_of_a_runtime_is_more_than_torchs_allocator_knows(
    runtime: str, provider: str
) -> None:
    network = settled(runtime, provider)
    memory, notes = measure_memory(network)
    assert memory.peak_reserved_bytes is not None and memory.weights_bytes is not None
    assert memory.peak_reserved_bytes > memory.weights_bytes
    assert any("the runtime's own" in note for note in notes)
