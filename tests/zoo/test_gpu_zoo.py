"""`tests/benchmarks/gpu_zoo.py`: every network on a GPU, in as many calls as it takes."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch

from kinobench.bench.cost.models import read_index
from kinobench.bench.records.job import Budget
from kinobench.bench.records.latency import Drift
from kinobench.bench.records.record import Record
from kinobench.bench.records.store import RunFile

from ..fakes.made_records import MACHINE, elsewhere, failed_record, made_latency, made_record
from ..fakes.media import REPOSITORY

SCRIPT = REPOSITORY / "tests" / "benchmarks" / "gpu_zoo.py"


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


@pytest.mark.usefixtures("shared_workers")
@pytest.mark.parametrize(
    "measures",
    [
        ("flops", "latency"),
        pytest.param(("flops", "latency", "memory", "energy", "sweep"), marks=pytest.mark.slow),
    ],
)
def test_a_second_call_goes_on_where_the_first_stopped(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    measures: tuple[str, ...],
) -> None:
    assert script.MEASURES[: len(measures)] == measures
    monkeypatch.setattr(script, "MEASURES", measures)
    monkeypatch.setattr(script, "MAX_BATCH", 2 if "sweep" in measures else None)
    monkeypatch.setattr(script, "LATENCY", Budget(min_s=0.05, max_s=0.1, warmup_max_s=0.1))
    words = [str(tmp_path), "--device", "cpu", "--model", "early_fusion_tiny"]
    records = script.main(words)
    # Records of one second may come in either order.
    assert sorted(record.case.precision for record in records) == ["bf16", "fp32"]
    assert all(record.error is None and record.latency is not None for record in records)
    assert all((record.sweep is not None) == ("sweep" in measures) for record in records)
    printed = capsys.readouterr().out
    assert "| early_fusion_tiny | " in printed and "Geometric mean of 1 network:" in printed
    assert (tmp_path / "leaderboard.md").is_file()
    assert script.main(words) == records
    assert script.main([*words, "--model", "c3d_tiny", "--minutes", "0"]) == records
    assert script.main([*words, "--table"]) == records


class Measured:
    """Stands in for measuring: what was tried with how much time, on a clock of its own."""

    def __init__(self, script: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.script, self.folder = script, folder
        self.now, self.takes_s, self.breaks = 0.0, 100.0, set[str]()
        self.tried: list[str] = []
        self.given_s: list[float] = []
        monkeypatch.setattr(script, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(script.environment, "require_device", lambda device: None)
        monkeypatch.setattr(script.environment, "describe", lambda device: MACHINE)
        monkeypatch.setattr(script.run, "measure", self.measure)
        monkeypatch.setattr(script.cli_boards, "rebuild", lambda folder, report: None)

    def measure(self, planned: Any, about: Any, options: Any, console: Any) -> Iterator[Record]:
        (entry,) = planned
        name = f"{entry.case.model} {entry.case.precision}"
        self.tried.append(name)
        self.given_s.append(options.timeout_s)
        self.now += min(self.takes_s, options.timeout_s)
        made = failed_record if name in self.breaks else made_record
        record = msgspec.structs.replace(made(), case=entry.case, started=f"{self.now:09.2f}")
        RunFile(self.folder, f"run-{len(self.tried):03d}").append(record)
        yield record

    def call(self, *models: str, minutes: float = 60.0) -> list[str]:
        """Call the script; return what it tried."""
        before = len(self.tried)
        asked = [word for model in models for word in ("--model", model)]
        self.script.main([str(self.folder), *asked, "--minutes", str(minutes)])
        return self.tried[before:]


@pytest.fixture
def measured(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measured:
    return Measured(script, tmp_path, monkeypatch)


def test_what_failed_is_tried_once_more_in_each_call_after_all_others(measured: Measured) -> None:
    measured.breaks = {"x3d_s bf16"}
    assert measured.call("x3d_s") == ["x3d_s fp32", "x3d_s bf16"]
    both = ["x3d_xs fp32", "x3d_xs bf16"]
    assert measured.call("x3d_s", "x3d_xs") == [*both, "x3d_s bf16"]
    measured.breaks = set()
    assert measured.call("x3d_s", "x3d_xs") == ["x3d_s bf16"]
    assert measured.call("x3d_s", "x3d_xs") == []


def test_no_case_is_begun_or_goes_on_when_time_is_up(measured: Measured) -> None:
    measured.takes_s = 1000.0
    # Nine minutes: two cases of four, and what is left, which is less than a case has taken.
    assert len(measured.call("x3d_s", "x3d_xs", minutes=9.0)) == 2
    assert measured.given_s == [240.0, 240.0] and measured.now <= 540
    measured.call("x3d_s", "x3d_xs", minutes=2.0)
    assert measured.given_s[2:] == [120.0]
    assert measured.call("x3d_s", "x3d_xs", minutes=0.0) == []


def test_what_another_machine_measured_is_measured_here(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured.call("x3d_s")
    monkeypatch.setattr(measured.script.environment, "describe", lambda device: elsewhere())
    assert measured.call("x3d_s") == ["x3d_s fp32", "x3d_s bf16"]


GRAPH: dict[str, Any] = {"precision": "bf16", "mode": "compile_cudagraph"}


def on_gpu(model: str, latency: Any = None, **case: Any) -> Any:
    gpu = msgspec.structs.replace(MACHINE, gpu="Made-up GPU")
    return made_record(
        model, case={"device": "cuda"} | case, latency=latency, environment=gpu, accuracy=None
    )


def failed_on_gpu(model: str, **case: Any) -> Any:
    made = on_gpu(model, **case)
    return msgspec.structs.replace(
        failed_record(model), case=made.case, environment=made.environment
    )


def test_the_table_takes_what_a_user_can_reach_and_says_where_the_host_holds_it_up(
    script: ModuleType,
) -> None:
    drift = Drift(largest_logit_difference=0.02, logit_spread=0.5, top1_flips=0, clips=8)
    held_up = made_latency(0.003, wall_median_s=0.008, launch_bound=True)
    text = script.table(
        [
            on_gpu("x3d_m", held_up),
            on_gpu("x3d_m", made_latency(0.002, wall_median_s=0.0021, drift=drift), **GRAPH),
        ]
    )
    assert "On Made-up GPU:" in text and "| fp32 eager, ms | bf16 compile_cudagraph, ms |" in text
    assert "| x3d_m | 8.00 (3.00) | 2.00 | 4.00 | 0.02 (4%, 0/8) | - |" in text
    assert "**4.00** times as fast" in text and "launch bound" in text
    assert "Failed: 0 of 2 cases." in text and "Without both" not in text


def test_only_cases_that_differ_in_precision_and_mode_alone_are_held_side_by_side(
    script: ModuleType,
) -> None:
    text = script.table(
        [
            on_gpu("x3d_m", made_latency(0.008)),
            on_gpu("x3d_m", made_latency(0.002), **GRAPH),
            on_gpu("x3d_m", made_latency(0.032), batch=4),
            on_gpu("x3d_m", made_latency(0.016), batch=4, **GRAPH),
            on_gpu("x3d_m", made_latency(0.001), precision="bf16"),  # eager, and no way of these
            on_gpu("c3d", made_latency(0.001)),
            made_record("c3d", case={"precision": "bf16"}),  # on the CPU
        ]
    )
    assert "| x3d_m (16 x 64, batch 1) | 8.00 | 2.00 | 4.00 |" in text
    assert "| x3d_m (16 x 64, batch 4) | 32.00 | 16.00 | 2.00 |" in text
    assert "Geometric mean of 2 networks: **2.83** times as fast." in text
    assert "| c3d |" not in text and "not in the mean: 1 of 3." in text
    assert text.count("On ") == 2


def test_failures_are_listed_and_counted_below_the_table(script: ModuleType) -> None:
    text = script.table(
        [
            on_gpu("x3d_m", made_latency(0.008)),
            failed_on_gpu("x3d_m", **GRAPH),
            failed_on_gpu("c3d"),
            on_gpu("c3d", made_latency(0.008)),  # tried once more
        ]
    )
    assert "Failed: 1 of 3 cases." in text
    assert "- x3d_m (16 x 64, batch 1), bf16 compile_cudagraph: exception: it broke" in text
    assert "Geometric mean" not in text and "not in the mean: 2 of 2." in text


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_nine_minutes_of_the_zoo_on_a_gpu(script: ModuleType, tmp_path: Path) -> None:
    records = script.main([str(tmp_path)])
    assert records and all(record.error is None for record in records)
    for record in records:
        assert record.latency is not None and record.memory is not None
        assert (record.latency.drift is None) == (record.case.precision == "fp32")
