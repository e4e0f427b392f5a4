"""What users wait for around a measurement: building, counting, reading records, tables, start-up.

`pytest tests/benchmarks/test_harness_speed.py --benchmark-only`
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kinobench.bench.cost.architectures import build_without_memory
from kinobench.bench.cost.shape import Shape
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.leaderboard.render import render
from kinobench.bench.records.record import Record
from kinobench.bench.records.store import read_records
from kinobench.zoo import registry

from ..fakes.made_records import made_latency, made_record
from ..fakes.media import REPOSITORY

RECORDS = 1_000
MODELS = ("r3d_18", "slowfast_r50", "mvit_base_16x4")


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """One of each of so many networks, on one machine."""
    return [
        made_record(f"net_{number:04d}", latency=made_latency(0.001 * (number + 1)))
        for number in range(RECORDS)
    ]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> Path:
    """Their files, of fifty records each."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "runs").mkdir()
    for first in range(0, RECORDS, 50):
        lines = (record.to_json() + b"\n" for record in records[first : first + 50])
        (folder / "runs" / f"run-{first:04d}.jsonl").write_bytes(b"".join(lines))
    return folder


@pytest.mark.benchmark(group="harness: networks")
@pytest.mark.parametrize("model", MODELS)
def test_build(benchmark: Callable, model: str) -> None:
    architecture = registry.get(model)
    benchmark.pedantic(  # type: ignore[attr-defined]
        architecture.build, (400, 16, 224), rounds=3, warmup_rounds=1
    )


@pytest.mark.benchmark(group="harness: networks")
@pytest.mark.parametrize("model", MODELS)
def test_count_macs(benchmark: Callable, model: str) -> None:
    from kinobench.bench.cost.flops import count_cost

    frames = {"slowfast_r50": 32}.get(model, 16)
    module, inputs = build_without_memory(registry.get(model), Shape(frames, 224, 400))
    cost = benchmark.pedantic(  # type: ignore[attr-defined]
        count_cost, (module, *inputs), rounds=3, warmup_rounds=1
    )
    assert cost.macs > 10**10 and not cost.uncounted


@pytest.mark.benchmark(group=f"harness: {RECORDS:,} records")
def test_read_records(benchmark: Callable, results: Path) -> None:
    read, notes = benchmark(read_records, results)
    assert len(read) == RECORDS and notes == []


@pytest.mark.benchmark(group=f"harness: {RECORDS:,} records")
@pytest.mark.parametrize("form", ["md", "latex", "csv"])
def test_render_a_leaderboard(benchmark: Callable, records: list[Record], form: str) -> None:
    page = benchmark(lambda: render(boards(records), form))
    assert "net_0000" in page and "net_0999" in page


@pytest.mark.benchmark(group=f"harness: {RECORDS:,} records")
def test_from_files_to_boards(benchmark: Callable, results: Path) -> None:
    found = benchmark(read_boards, results, print)
    assert sum(len(board.rows) for board in found) == RECORDS


@pytest.mark.benchmark(group="harness: start-up")
@pytest.mark.parametrize(
    "command",
    ["--version", "--help", "run --help", "list models", "list protocols", "environment"],
)
def test_start_up(benchmark: Callable, command: str, tmp_path: Path) -> None:
    """A process from its start to its end."""

    def run() -> str:
        line = [sys.executable, str(REPOSITORY / "bench.py"), *command.split()]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    assert benchmark.pedantic(run, rounds=5, warmup_rounds=1)  # type: ignore[attr-defined]
