"""`tests/benchmarks/gpu_zoo.py`: every network on a GPU, in as many calls as it takes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from kinobench.bench.job import Budget
from kinobench.bench.models import read_index

SCRIPT = Path(__file__).parent / "benchmarks" / "gpu_zoo.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load the script; its latencies are short, and its sweeps end at 2."""
    spec = importlib.util.spec_from_file_location("gpu_zoo", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu_zoo", module)
    spec.loader.exec_module(module)
    return module


def test_a_network_of_each_family_comes_before_the_second_of_any(script: ModuleType) -> None:
    names = script.order(read_index())
    family = {model.name: model.family for model in read_index()}
    families = {each for name, each in family.items() if not name.endswith("_tiny")}
    assert {family[name] for name in names[: len(families)]} == families
    assert len(names) == len(set(names)) == sum(not name.endswith("_tiny") for name in family)


def test_each_network_has_its_own_input_both_ways(script: ModuleType) -> None:
    slow, fast = (entry.case for entry in script.cases_of("x3d_s", "cuda"))
    (model,) = (each for each in read_index() if each.name == "x3d_s")
    assert (slow.precision, slow.mode) == ("fp32", "eager")
    assert (fast.precision, fast.mode) == ("bf16", "compile_cudagraph")
    for case in (slow, fast):
        assert (case.protocol.frames, case.protocol.size) == (model.frames, model.size)
        assert case.device == "cuda" and case.batch == 1 and case.dataset is None


def test_a_second_call_goes_on_where_the_first_stopped(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(script, "MAX_BATCH", 2)
    monkeypatch.setattr(script, "LATENCY", Budget(min_s=0.05, max_s=0.1, warmup_max_s=0.1))
    words = [str(tmp_path), "--device", "cpu", "--model", "early_fusion_tiny"]
    records = script.main(words)
    assert [record.case.precision for record in records] == ["fp32", "bf16"]
    assert all(record.error is None and record.sweep is not None for record in records)
    printed = capsys.readouterr().out
    assert "| early_fusion_tiny | " in printed and "Geometric mean of 1 networks" in printed
    assert (tmp_path / "leaderboard.md").is_file()
    assert script.main(words) == records
    assert script.main([*words, "--model", "c3d_tiny", "--minutes", "0"]) == records
    assert script.main([*words, "--table"]) == records


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_nine_minutes_of_the_zoo_on_a_gpu(script: ModuleType, tmp_path: Path) -> None:
    records = script.main([str(tmp_path)])
    assert records and all(record.error is None for record in records)
    for record in records:
        assert record.latency is not None and record.memory is not None
        assert (record.latency.drift is None) == (record.case.precision == "fp32")
