"""The peak is the best of what was timed, and the roofline is arithmetic on it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from kinobench.bench.cost.traffic import Traffic
from kinobench.bench.measure import peak as peaks
from kinobench.bench.measure.peak import measure_peak
from kinobench.bench.measure.roofline import bound, ridge_of, roofline, utilisation
from kinobench.bench.records.results import Peak

from ...fakes.command import call

PEAK = Peak(flops_per_s=1e12, bytes_per_s=1e11, precision="fp32", rows=64, copied_bytes=64)
CPU = torch.device("cpu")


def test_utilisation_is_the_flops_over_what_the_peak_does_in_that_time() -> None:
    # 4 GFLOPs in 8 ms are 0.5 TFLOP/s of 1.
    assert utilisation(4_000_000_000, 0.008, PEAK) == pytest.approx(0.5)


def test_below_the_ridge_memory_binds_and_above_it_arithmetic_does() -> None:
    assert ridge_of(PEAK) == 10
    low = bound(5_000_000, 1_000_000, PEAK, 2e-5)
    assert (low.intensity, low.limit) == (5, "memory")
    assert low.least_s == pytest.approx(1e-5) and low.share == pytest.approx(0.5)
    high = bound(20_000_000, 1_000_000, PEAK)
    assert (high.intensity, high.limit, high.share) == (20, "compute", None)
    assert high.least_s == pytest.approx(2e-5)
    assert bound(0, 10, PEAK).limit == "memory"


def test_a_network_is_held_against_the_peak_at_both_levels() -> None:
    traffic = Traffic(300_000, 150_000, 50_000, 4_000_000, {"": 4_000_000})
    found = roofline(10_000_000, traffic, PEAK, 1e-4)
    assert (found.network.moved_bytes, found.network.limit) == (500_000, "compute")
    assert (found.operators.moved_bytes, found.operators.limit) == (4_000_000, "memory")
    assert found.network.share == pytest.approx(0.1)
    assert found.operators.share == pytest.approx(0.4)
    assert (found.weights_bytes, found.input_bytes, found.output_bytes) == (
        300_000,
        150_000,
        50_000,
    )


class FakeTimer:
    """Times calls as told, in order, and runs them."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)

    def __call__(self, call: Callable[[], object]) -> float:
        call()
        return self.seconds.pop(0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "ROWS", {"cpu": (32, 64, 128)})
    monkeypatch.setattr(peaks, "COPIED_BYTES", {"cpu": 2**20})
    monkeypatch.setattr(peaks, "last_level_cache_bytes", lambda: 0)
    monkeypatch.setattr(peaks, "REPEATS", 2)


@pytest.mark.usefixtures("small")
def test_the_fastest_product_and_the_fastest_copy_are_the_peak() -> None:
    timer = FakeTimer(
        *(9.0, 0.001, 0.002),  # 32 rows took 9 s to warm up: no time is left for 64
        *(5.0, 0.25, 0.5),
    )
    found = measure_peak(CPU, "fp32", timer)
    assert timer.seconds == []
    assert (found.rows, found.flops_per_s) == (32, 2 * 32**3 / 0.001)
    assert (found.copied_bytes, found.bytes_per_s) == (2**20, 2 * 2**20 / 0.25)
    assert found.threads == torch.get_num_threads()


@pytest.mark.usefixtures("small")
def test_larger_products_are_tried_while_there_is_time_and_the_best_counts() -> None:
    timer = FakeTimer(
        *(0.01, 0.001, 0.001),
        *(0.01, 0.002, 0.002),  # four times as fast
        *(0.02, 0.020, 0.020),  # slower again
        *(1.0, 1.0, 1.0),
    )
    found = measure_peak(CPU, "bf16", timer)
    assert (found.rows, found.precision) == (64, "bf16")
    assert found.flops_per_s == 2 * 64**3 / 0.002


@pytest.mark.parametrize(
    ("cache", "free", "copied"),
    [
        (2**25, 2**40, 2**27),  # 4 x 32 MiB are the 128 MiB that are copied at least
        (384 * 2**20, 2**40, 1536 * 2**20),
        (1152 * 2**20, 2**40, 4608 * 2**20),
        (1152 * 2**20, 2**34 + 7, 2**31),  # an eighth of what is free, in whole steps
        (0, 2**40, 2**27),
        (2**30, 2**19, 2**18),
    ],
)
def test_no_cache_holds_what_is_copied_as_far_as_there_is_memory(
    cache: int, free: int, copied: int
) -> None:
    assert peaks._to_copy(2**27, cache, free) == copied


@pytest.mark.usefixtures("small")
def test_on_a_cpu_the_copy_is_four_times_the_last_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "last_level_cache_bytes", lambda: 3 * 2**18)
    assert measure_peak(CPU, "fp32").copied_bytes == 12 * 2**18
    monkeypatch.setattr(peaks, "available_memory_bytes", lambda: 16 * 2**18)
    assert measure_peak(CPU, "fp32").copied_bytes == 2 * 2**18


@pytest.mark.usefixtures("small")
def test_the_peak_of_this_machine_is_measured() -> None:
    found = measure_peak(CPU, "fp32")
    assert found.flops_per_s > 1e6 and found.bytes_per_s > 1e6


SUITE = """
models = ["early_fusion_tiny"]
dataset = "none"
protocol = "pointlight"
classes = 8
batch = [2]
threads = 1
latency = {min_s = 0.1, max_s = 0.2, warmup_max_s = 0.1}
"""


def _record(monkeypatch: pytest.MonkeyPatch, folder: Path, measure: str) -> dict:
    (folder / "short.toml").write_text(SUITE)
    done = call(monkeypatch, folder, "run", "short.toml", "--json", "--measure", measure)
    assert done.exit_code == 0, done.stderr
    record: dict = json.loads(done.stdout)
    return record


@pytest.mark.usefixtures("shared_workers")
def test_the_record_of_a_latency_and_a_cost_has_both_against_the_peak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = _record(monkeypatch, tmp_path, "flops,latency")
    peak, latency, found = record["peak"], record["latency"], record["roofline"]
    flops = 2 * record["cost"]["flops"]  # two views in a batch
    assert latency["mfu"] == pytest.approx(flops / (latency["median_s"] * peak["flops_per_s"]))
    assert (peak["precision"], peak["threads"]) == ("fp32", 1)
    assert found["flops"] == flops
    assert found["weights_bytes"] >= 4 * record["params"]
    assert found["input_bytes"] == 4 * 2 * 3 * 16 * 64 * 64 and found["output_bytes"] == 4 * 2 * 8
    for level in ("network", "operators"):
        at = found[level]
        assert at["share"] == pytest.approx(at["least_s"] / latency["median_s"])
    assert not any("roofline" in note for note in record["notes"])


@pytest.mark.usefixtures("shared_workers")
def test_a_latency_alone_has_no_utilisation_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = _record(monkeypatch, tmp_path, "latency")
    assert record["latency"]["mfu"] is record["peak"] is record["roofline"] is None
    assert any(note.startswith("peak and roofline: ") for note in record["notes"])
