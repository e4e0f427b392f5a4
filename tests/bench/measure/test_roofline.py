"""The peak is the best of what was timed, and the roofline is arithmetic on it."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch

from kinobench.bench.cost.traffic import Traffic
from kinobench.bench.measure import peak as peaks
from kinobench.bench.measure.peak import measure_peak
from kinobench.bench.measure.roofline import bound, ridge_of, roofline, utilisation
from kinobench.bench.records.results import Peak

from ...fakes.command import call
from ...fakes.made_records import made_cost, made_latency

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


def test_a_bound_that_the_measured_time_is_below_has_no_share() -> None:
    at_most = bound(5_000_000, 1_000_000, PEAK, 1e-5)  # the bytes take 1e-5 s too
    below = bound(5_000_000, 1_000_000, PEAK, 0.5e-5)
    assert (at_most.share, below.share) == (1, None)
    assert below.least_s == at_most.least_s == 1e-5


class FakeTimer:
    """Times calls as given, in order, and runs them."""

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
    monkeypatch.setattr(peaks, "ROUNDS", 2)
    monkeypatch.setattr(peaks, "PAUSE_S", 0)


@pytest.mark.usefixtures("small")
def test_the_fastest_product_and_the_fastest_copy_of_all_rounds_are_the_peak() -> None:
    timer = FakeTimer(
        *(9e-9, 0.25, 0.5),  # a call that warms up doesn't count; 64 rows would take too long
        *(0.01, 0.5),
        *(0.25, 0.125),  # the second round
        *(0.25,),
    )
    found = measure_peak(CPU, "fp32", timer)
    assert timer.seconds == []
    assert (found.rows, found.flops_per_s) == (32, 2 * 32**3 / 0.125)
    assert (found.copied_bytes, found.bytes_per_s) == (2**20, 2 * 2**20 / 0.25)
    assert (found.threads, found.measured) == (torch.get_num_threads(), 1)


@pytest.mark.usefixtures("small")
def test_larger_products_are_tried_while_there_is_time_and_the_best_counts() -> None:
    timer = FakeTimer(
        *(0.01, 0.001, 0.001),
        *(0.01, 0.002, 0.002),  # four times as fast
        *(0.02, 0.020, 0.020),  # slower again
        *(0.5, 0.5),
        *(0.001, 0.001, 0.002, 0.002, 0.020, 0.020, 0.5),
    )
    found = measure_peak(CPU, "bf16", timer)
    assert timer.seconds == []
    assert (found.rows, found.precision) == (64, "bf16")
    assert found.flops_per_s == 2 * 64**3 / 0.002


@pytest.mark.usefixtures("small")
def test_a_round_on_a_busy_machine_neither_decides_the_peak_nor_which_products_are_tried() -> None:
    timer = FakeTimer(
        *(0.2, 0.2, 0.2),  # 200 times too slow: larger products would seem to take far too long
        *(0.5, 0.5),
        *(0.001, 0.001),
        *(0.002, 0.002, 0.002),
        *(0.020, 0.016, 0.016),
        *(0.1,),
    )
    found = measure_peak(CPU, "fp32", timer)
    assert timer.seconds == []
    assert (found.rows, found.flops_per_s) == (64, 2 * 64**3 / 0.002)
    assert found.bytes_per_s == 2 * 2**20 / 0.1


@pytest.mark.usefixtures("small")
def test_no_round_is_begun_on_a_machine_that_is_busy_all_the_time() -> None:
    timer = FakeTimer(2.0, 1.0, 1.0, 0.25, 0.25)
    assert measure_peak(CPU, "fp32", timer).flops_per_s == 2 * 32**3
    assert timer.seconds == []


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


class FakeContext:
    """A case of a network that does 1 GFLOP a view in 1 ms, and what is reported of it."""

    def __init__(self, earlier: Peak | None = None, batch: int = 1) -> None:
        case = SimpleNamespace(batch=batch, precision="fp32")
        self.network = SimpleNamespace(case=case, device=CPU)
        self.job = SimpleNamespace(peak=earlier)
        cost = msgspec.structs.replace(made_cost(), flops=10**9)
        self.found: dict[str, Any] = {"cost": cost, "latency": made_latency(0.001)}
        self.notes: list[str] = []

    def keep(self, **results: Any) -> None:
        self.found |= results

    def note(self, text: str, about: str = "peak") -> None:
        self.notes.append(f"{about}: {text}")


def ran(
    monkeypatch: pytest.MonkeyPatch, context: FakeContext, *measured: Peak, moved: int = 10**6
) -> FakeContext:
    """Run the measurement with peaks that are measured one after the other."""
    waiting = list(measured)
    traffic = Traffic(moved, 0, 0, moved, {"": moved})
    monkeypatch.setattr(peaks, "measure_peak", lambda device, precision: waiting.pop(0))
    monkeypatch.setattr(peaks, "case_traffic", lambda network: traffic)
    peaks.run(context)  # type: ignore[arg-type]
    assert waiting == []
    return context


def test_a_network_that_moves_nothing_has_no_roofline(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ran(monkeypatch, FakeContext(), made_peak(1e13), moved=0)
    assert "roofline" not in context.found
    assert context.notes == [
        "roofline: no operator moves a byte: the logits don't depend on the clip"
    ]


def made_peak(flops_per_s: float, bytes_per_s: float = 1e12, **changes: Any) -> Peak:
    return msgspec.structs.replace(
        PEAK, flops_per_s=flops_per_s, bytes_per_s=bytes_per_s, **changes
    )


def test_a_share_that_is_possible_is_kept_and_the_peak_is_measured_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ran(monkeypatch, FakeContext(), made_peak(4e12))
    assert context.found["latency"].mfu == 0.25
    assert context.found["roofline"].network.share == 0.25 and context.notes == []


@pytest.mark.parametrize("earlier", [False, True], ids=["measured now", "of an earlier case"])
def test_a_peak_that_a_forward_beats_is_measured_again_and_the_larger_one_counts(
    monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    # 1 TFLOP/s over 58 GFLOP/s would be an MFU of 1726 %.
    mistimed = made_peak(1e12 / 17.26, bytes_per_s=2e12, rows=256, copied_bytes=128)
    right = made_peak(2e12, rows=1024)
    if earlier:
        context = ran(monkeypatch, FakeContext(mistimed), right)
    else:
        context = ran(monkeypatch, FakeContext(), mistimed, right)
    peak = context.found["peak"]
    assert (peak.flops_per_s, peak.rows) == (2e12, 1024)
    assert (peak.bytes_per_s, peak.copied_bytes, peak.measured) == (2e12, 128, 2)
    assert context.found["latency"].mfu == 0.5
    assert context.found["roofline"].network.share == 0.5
    assert context.found["roofline"].ridge == 1 and context.notes == []


def test_a_share_that_stays_above_one_is_left_out_with_the_figures_and_what_it_may_mean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ran(monkeypatch, FakeContext(), made_peak(5e11), made_peak(4e11))
    assert context.found["latency"].mfu is None and context.found["peak"].flops_per_s == 5e11
    found = context.found["roofline"]
    assert found.network.share is found.operators.share is None
    assert (found.network.limit, found.network.least_s) == ("compute", 0.002)
    mfu, *others = context.notes
    assert mfu.startswith("peak: MFU is left out, since it would be 200 %: ")
    assert "the forward's 1000 GFLOP/s over the peak's 500, measured 2 times" in mfu
    assert "Winograd, FFT" in mfu and "other work on the machine" in mfu
    assert others == [
        f"roofline: {level}: share is left out, since it would be 200 %: at least 2 ms by compute, "
        "1 ms measured; see the note on MFU"
        for level in ("network", "operators")
    ]


def test_bytes_that_a_cache_holds_are_looked_at_twice_in_a_run_and_then_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 1 GB in 1 ms would need 1 TB/s of the 0.5 that the copy reached.
    slow = made_peak(4e12, bytes_per_s=5e11)
    context = ran(monkeypatch, FakeContext(), slow, slow, moved=10**9)
    assert context.found["latency"].mfu == 0.25 and context.found["peak"].measured == 2
    assert context.found["roofline"].network.share is None
    assert [note.partition(": at least")[0] for note in context.notes] == [
        f"roofline: {level}: share is left out, since it would be 200 %"
        for level in ("network", "operators")
    ]
    assert "2 ms by memory, 1 ms measured; a cache holds bytes" in context.notes[0]
    later = ran(monkeypatch, FakeContext(context.found["peak"]), moved=10**9)
    assert later.found["peak"].measured == 2 and later.notes == context.notes


def test_where_the_peak_cannot_be_measured_again_the_first_one_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(device: Any, precision: Any) -> Peak:
        raise RuntimeError("out of memory")

    context = FakeContext(made_peak(5e11))
    monkeypatch.setattr(peaks, "case_traffic", lambda network: Traffic(1, 0, 0, 1, {"": 1}))
    monkeypatch.setattr(peaks, "measure_peak", no_memory)
    peaks.run(context)  # type: ignore[arg-type]
    assert context.found["latency"].mfu is None and context.found["peak"].measured == 1
    assert "measured once" in context.notes[0]


def test_an_mfu_that_is_left_out_is_explained_though_the_bytes_cannot_be_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def uncounted(network: Any) -> Traffic:
        raise ValueError("no rule")

    context = FakeContext()
    monkeypatch.setattr(peaks, "measure_peak", lambda device, precision: made_peak(5e11))
    monkeypatch.setattr(peaks, "case_traffic", uncounted)
    peaks.run(context)  # type: ignore[arg-type]
    assert context.found["latency"].mfu is None and "roofline" not in context.found
    bytes_note, mfu = context.notes
    assert bytes_note.startswith("roofline: bytes could not be counted: ")
    assert mfu.startswith("peak: MFU is left out, since it would be 200 %: ")


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
    mfu = flops / (latency["median_s"] * peak["flops_per_s"])
    assert latency["mfu"] == (pytest.approx(mfu) if mfu <= 1 else None)
    assert (peak["precision"], peak["threads"]) == ("fp32", 1)
    assert found["flops"] == flops
    assert found["weights_bytes"] >= 4 * record["params"]
    assert found["input_bytes"] == 4 * 2 * 3 * 16 * 64 * 64 and found["output_bytes"] == 4 * 2 * 8
    for level in ("network", "operators"):
        at = found[level]
        share = at["least_s"] / latency["median_s"]
        assert at["share"] == (pytest.approx(share) if share <= 1 else None)
    left_out = [note for note in record["notes"] if note.startswith("roofline: ")]
    assert len(left_out) == sum(found[level]["share"] is None for level in ("network", "operators"))


@pytest.mark.usefixtures("shared_workers")
def test_a_latency_alone_has_no_utilisation_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = _record(monkeypatch, tmp_path, "latency")
    assert record["latency"]["mfu"] is record["peak"] is record["roofline"] is None
    assert any(note.startswith("peak and roofline: ") for note in record["notes"])
