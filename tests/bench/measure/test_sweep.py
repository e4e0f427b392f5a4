"""Batch sweeps of a made-up network: where they end, their knee, and what is shown of them."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch
from click.testing import Result
from rich.console import Console

from kinobench.bench.leaderboard import sweep_table
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.leaderboard.values import frame
from kinobench.bench.measure import sweep as sweeping
from kinobench.bench.measure.sweep import budget_of_a_batch, is_flat, measure_sweep
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case
from kinobench.bench.records.job import Budget
from kinobench.bench.records.latency import Drift
from kinobench.bench.records.record import from_json
from kinobench.bench.records.times import FORWARD_ALONE, Sweep, SweepPoint
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ...fakes.command import call
from ...fakes.made_records import made_latency, made_memory, made_record
from ...fakes.media import FAKES

OWN_BATCH = 3
"""The case's; no sweep tries it, and there is always room for it."""
SHORT = Budget(min_s=0.02, max_s=0.06, warmup_max_s=0.03)


def made_sweep(*throughputs: float, **changes: Any) -> Sweep:
    """At batches 1, 2, 4, ..., with the given clips a second."""
    points = tuple(
        SweepPoint(
            batch=2**step,
            latency=made_latency(2**step / rate),
            memory=made_memory(1_000_000, 2**step * 500_000),
        )
        for step, rate in enumerate(throughputs)
    )
    fields = {"points": points, "ended": "out_of_memory", "ended_at": 2 ** len(points)}
    return Sweep(**(fields | changes))


class Device:
    """Stands in for a network: clips a second by batch, and room for so many clips."""

    def __init__(self, rates: dict[int, float], room: int, kind: str = "cuda") -> None:
        self.rates, self.room = rates, room
        self.device = torch.device(kind)
        self.case = SimpleNamespace(batch=OWN_BATCH)
        self.failure: Exception = torch.OutOfMemoryError("CUDA out of memory. Tried to\nallocate")
        self.tried: list[int] = []
        self.export = None

    def weights_bytes(self) -> int:
        return 4

    def rebatch(self, batch: int) -> None:
        self.case.batch = batch
        self.tried.append(batch)
        if batch > self.room and batch != OWN_BATCH:
            raise self.failure


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "measure_memory", lambda network: (made_memory(), ["memory: x"]))
    monkeypatch.setattr(sweeping, "measure_drift", lambda network: None)

    def latency(network: Any, budget: Budget, drift: bool) -> Any:
        assert not drift
        batch = network.case.batch
        return made_latency(batch / network.rates.get(batch, 100 * batch))

    monkeypatch.setattr(sweeping, "measure_latency", latency)


def swept(device: Device, **options: Any) -> tuple[Sweep, list[str]]:
    return measure_sweep(device, SHORT, **options)  # type: ignore[arg-type]


def test_a_gpus_sweep_ends_where_memory_runs_out_and_the_network_is_as_before() -> None:
    device = Device({}, room=16)
    found, notes = swept(device)
    assert [point.batch for point in found.points] == [1, 2, 4, 8, 16]
    assert (found.ended, found.ended_at) == ("out_of_memory", 32)
    assert found.reason == "CUDA out of memory. Tried to"
    assert device.tried == [1, 2, 4, 8, 16, 32, OWN_BATCH]
    assert notes == ["memory: x", "sweep: The sweep ended where memory ran out, at batch 32."]


def test_batches_that_other_work_disturbed_are_named_in_one_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def latency(network: Any, budget: Budget, drift: bool) -> Any:
        disturbed = network.case.batch > 1
        names = ("stress (pid 7)",) if disturbed else ()
        return made_latency(disturbed=disturbed, others=names)

    monkeypatch.setattr(sweeping, "measure_latency", latency)
    _, notes = swept(Device({}, room=4))
    assert [note for note in notes if "disturbed" in note] == [
        "sweep: batch 2, 4: disturbed by other work (stress (pid 7)); measure it again while "
        "nothing else runs"
    ]


@pytest.mark.parametrize(("most", "tried"), [(1, [1]), (8, [1, 2, 4, 8]), (12, [1, 2, 4, 8])])
def test_a_largest_batch_is_never_passed(most: int, tried: list[int]) -> None:
    found, _ = swept(Device({}, room=10**6), max_batch=most)
    assert [point.batch for point in found.points] == tried
    assert found.ended == "max_batch"


FLAT = {1: 100.0, 2: 150.0, 4: 151.0, 8: 152.0, 16: 900.0}


def test_a_cpus_sweep_ends_when_two_doublings_have_gained_nothing() -> None:
    found, notes = swept(Device(FLAT, room=16, kind="cpu"))
    assert [point.batch for point in found.points] == [1, 2, 4, 8]
    assert (found.ended, found.ended_at) == ("flat", 16)
    assert notes[-1].endswith("two doublings had made throughput grow by less than 2 %.")


def test_a_gpus_sweep_goes_on_however_flat_it_is() -> None:
    found, _ = swept(Device(FLAT, room=16))
    assert found.ended == "out_of_memory" and found.points[-1].batch == 16


def test_a_cpu_that_lacks_memory_ends_the_sweep_too() -> None:
    device = Device({}, room=2, kind="cpu")
    device.failure = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
    found, _ = swept(device)
    assert (found.ended, found.ended_at) == ("out_of_memory", 4)


def test_another_failure_ends_the_sweep_in_its_own_words_and_the_points_are_kept() -> None:
    device = Device({}, room=2)
    device.failure = RuntimeError("integer out of range")
    found, notes = swept(device)
    assert len(found.points) == 2 and (found.ended, found.ended_at) == ("error", 4)
    assert "at batch 4, which failed: integer out of range" in notes[-1]


def test_no_room_for_one_clip_is_a_sweep_without_points_and_a_broken_network_an_error() -> None:
    found, _ = swept(Device({}, room=0))
    assert found.points == () and found.knee is None and found.ended_at == 1
    broken = Device({}, room=0)
    broken.failure = RuntimeError("this network never works")
    with pytest.raises(RuntimeError, match="never works"):
        swept(broken)


def test_each_batch_is_kept_before_the_next_is_tried() -> None:
    seen: list[Sweep] = []
    swept(Device({}, room=4), keep=seen.append)
    assert [len(each.points) for each in seen] == [1, 2, 3]
    assert [(each.ended, each.ended_at) for each in seen] == [
        ("unfinished", 2),
        ("unfinished", 4),
        ("unfinished", 8),
    ]


@pytest.mark.parametrize(
    ("throughputs", "flat"),
    [
        ([100, 100], False),
        ([100, 100, 100], True),
        ([100, 101.9, 101.9], True),
        ([100, 90, 102.1], False),
        ([100, 200, 150, 203.9], True),
        ([100, 200, 150, 204.1], False),
        ([100, 200, 400, 800], False),
        ([100], False),
        ([], False),
    ],
)
def test_flat_is_less_than_two_percent_over_two_doublings(
    throughputs: list[float], flat: bool
) -> None:
    assert is_flat(throughputs) is flat


@pytest.mark.parametrize(
    ("throughputs", "knee"),
    [
        ((100, 180, 300, 390, 400), 8),
        ((100, 180, 300, 379, 400), 16),
        ((100, 99, 98), 1),
        ((100, 300, 200, 310), 2),
        ((50,), 1),
    ],
)
def test_the_knee_is_the_smallest_batch_with_95_percent_of_the_best(
    throughputs: tuple[float, ...], knee: int
) -> None:
    assert made_sweep(*throughputs).knee == knee


def test_a_batch_gets_a_third_of_the_longest_time_and_the_least_as_far_as_it_fits() -> None:
    usual = budget_of_a_batch(Budget())
    assert (usual.min_s, usual.max_s, usual.warmup_max_s) == (2.0, 10.0, 10.0)
    quick = budget_of_a_batch(Budget(min_s=0.75, max_s=1.5, warmup_max_s=3.0))
    assert (quick.min_s, quick.max_s, quick.warmup_max_s) == (0.5, 0.5, 1.0)


def test_a_sweep_comes_back_from_json_with_its_knee_and_throughputs_beside_it() -> None:
    record = made_record(sweep=made_sweep(100, 180, 182))
    plain = msgspec.json.decode(record.to_json())["sweep"]
    assert (plain["knee"], plain["ended"], plain["ended_at"]) == (2, "out_of_memory", 8)
    latency = plain["points"][1]["latency"]
    assert latency["throughput_per_s"] == pytest.approx(180)
    assert latency["throughput_interval_per_s"] == pytest.approx([180 / 1.04, 180 / 0.96])
    assert latency["p90_s"] is None
    assert from_json(record.to_json()) == record


def test_the_leaderboard_has_the_knee_and_keeps_it_when_a_later_run_has_no_sweep() -> None:
    old = made_record(sweep=made_sweep(100, 180, 182))
    new = made_record(started="2026-01-02T00:00:00Z")
    (row,) = frame(boards([old, new])).itertuples()
    assert row.knee == 2 and row.knee_throughput_per_s == pytest.approx(180)


def printed(record: Any) -> str:
    console = Console(width=120, record=True, force_terminal=False)
    with console.capture() as captured:
        sweep_table.show(record, console)
    return captured.get()


def test_the_table_has_a_line_a_batch_and_marks_the_knee() -> None:
    text = printed(made_record(sweep=made_sweep(100, 180, 182)))
    lines = [line.split() for line in text.splitlines()]
    (knee,) = (line for line in lines if line and line[-1] == "knee")
    assert knee == ["2", "11.11", "[10.67,", "11.56]", "180", "[173,", "188]", "1.0", "2.0", "knee"]
    assert "memory ran out, at batch 8" in text and "95 % of the best throughput" in text


def test_the_table_of_a_stream_counts_frames() -> None:
    record = made_record(case={"mode": "stream"}, sweep=made_sweep(100))
    assert "frames/s" in printed(record) and "clips/s" not in printed(record)


def test_the_sweep_of_a_network_with_flow_says_that_its_rates_leave_the_flow_out() -> None:
    text = printed(made_record(case={"flow": "dis"}, sweep=made_sweep(100)))
    assert "throughput and knee are of the forward alone, without optical flow." in text
    assert "optical flow" not in printed(made_record(sweep=made_sweep(100)))


@pytest.mark.parametrize("flow", [None, "dis"])
def test_the_record_of_a_network_with_flow_says_what_its_sweep_leaves_out(
    flow: str | None,
) -> None:
    notes: list[str] = []
    context = SimpleNamespace(
        network=Device({}, room=1),
        budget=SHORT,
        job=SimpleNamespace(max_batch=None),
        case=SimpleNamespace(flow=flow),
        keep=lambda sweep: None,
        note=lambda text: notes.append(f"sweep: {text}"),
        notes=notes.extend,
    )
    sweeping.run(context)  # type: ignore[arg-type]
    assert (f"sweep: {FORWARD_ALONE}" in notes) == (flow is not None)


def launch_bound_sweep(drift: Drift | None = None) -> Sweep:
    """Whose host takes 8 ms for a call of any batch, beside 2 ms of the GPU for a clip."""
    points = []
    for batch in (1, 2, 4, 8):
        busy_s = 0.002 * batch
        wall_s = max(0.008, busy_s)
        latency = made_latency(
            busy_s,
            wall_median_s=wall_s,
            wall_interval_s=(wall_s * 0.9, wall_s * 1.25),
            launch_bound=wall_s > 1.1 * busy_s,
        )
        points.append(SweepPoint(batch=batch, latency=latency, memory=made_memory()))
    return Sweep(points=tuple(points), ended="out_of_memory", ended_at=16, drift=drift)


def test_the_knee_is_where_the_host_stops_to_hold_up_the_gpu() -> None:
    found = launch_bound_sweep()
    # By the GPU's own time every batch would reach 500 clips/s.
    rates = [point.throughput_per_s for point in found.points]
    assert rates == pytest.approx([125, 250, 500, 500])
    assert found.knee == 4


def test_the_table_marks_launch_bound_batches_and_shows_the_wall_clock() -> None:
    text = printed(made_record(case={"device": "cuda"}, sweep=launch_bound_sweep()))
    rows = [line.split() for line in text.splitlines()]
    (first,) = (row for row in rows if row[:1] == ["1"])
    assert first[1:8] == ["2.00", "[1.92,", "2.08]", "8.00", "125", "[100,", "139]"]
    assert first[-2:] == ["launch", "bound"]
    (knee,) = (row for row in rows if row[-1:] == ["knee"])
    assert knee[0] == "4" and "wall (ms)" in text and "throughput is by wall there" in text
    assert "wall" not in printed(made_record(sweep=made_sweep(100, 180, 182)))


def test_the_table_tells_the_drift_of_a_sweep() -> None:
    drift = Drift(largest_logit_difference=0.012, logit_spread=0.4, top1_flips=1, clips=9)
    text = printed(made_record(case={"batch": 3}, sweep=launch_bound_sweep(drift)))
    assert (
        "drift from eager fp32, at batch 3: the largest logit difference is 0.012 (3% of the "
        "standard deviation over the classes); another top-1 class: 1 of 9 clips."
    ) in " ".join(text.split())
    old = Drift(largest_logit_difference=None, top1_flips=9, clips=9)
    text = printed(made_record(sweep=launch_bound_sweep(old)))
    assert "difference is not finite; another top-1 class: 9 of 9 clips." in " ".join(text.split())
    assert "drift" not in printed(made_record(sweep=launch_bound_sweep()))


def test_the_table_names_batches_whose_time_holds_gaps_of_the_host() -> None:
    gaps = made_latency(0.5, host_gaps=True)
    points = (SweepPoint(batch=1, latency=gaps, memory=made_memory()),)
    text = printed(made_record(sweep=Sweep(points=points, ended="max_batch", ended_at=2)))
    assert "batch 1: latency includes gaps in which the GPU waits for the host." in text


def test_a_real_network_is_swept_and_left_with_its_own_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    case = Case(
        model="early_fusion_tiny",
        classes=8,
        protocol=preset("pointlight"),
        batch=3,
        precision="bf16",
    )
    network = Network(case)
    network.settle()
    found, _ = measure_sweep(network, SHORT, max_batch=2)
    assert [point.batch for point in found.points] == [1, 2]
    for point in found.points:
        assert point.latency.median_s > 0 and point.memory.weights_bytes > 0
        assert point.latency.drift is None
    assert found.drift is not None and found.drift.clips == 9
    ((clip,),) = network.inputs(1)
    assert network.case.batch == 3 and clip.shape[0] == 3


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str) -> Result:
    (folder / "sweep.toml").write_text(
        'models = ["needs_room", "works"]\ndataset = "none"\nprotocol = "pointlight"\n'
        'classes = 8\nmeasure = ["sweep"]\nmemory_limit_gib = 4\n'
        "[latency]\nmin_s = 0.01\nmax_s = 0.05\nwarmup_max_s = 0.05\n"
    )
    plugin = FAKES / "misbehaving_models.py"
    return call(monkeypatch, folder, "run", "sweep.toml", "--plugin", plugin, *options)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
@pytest.mark.usefixtures("shared_workers")
def test_want_of_memory_ends_the_sweep_and_neither_the_case_nor_the_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(monkeypatch, tmp_path, "--json", "--max-batch", "8")
    assert done.exit_code == 0, done.stderr
    full, works = (from_json(line) for line in done.stdout.splitlines())
    assert full.error is None and full.sweep is not None and works.sweep is not None
    assert [point.batch for point in full.sweep.points] == [1, 2]
    assert (full.sweep.ended, full.sweep.ended_at) == ("out_of_memory", 4)
    assert "can't allocate memory" in (full.sweep.reason or "")
    assert works.sweep.ended in ("max_batch", "flat") and len(works.sweep.points) >= 3


@pytest.mark.usefixtures("shared_workers")
def test_the_table_is_printed_after_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, tmp_path, "--model", "works", "--max-batch", "2")
    assert done.exit_code == 0, done.stderr
    assert "Batch sweep of works, pointlight, cpu, fp32, eager" in done.stdout
    assert "knee" in done.stdout


def test_a_sweep_is_planned_once_for_each_model() -> None:
    from kinobench.bench.run.plan import plan
    from kinobench.bench.run.settings import settings_of
    from kinobench.bench.run.suite import parse

    suite = parse('models = ["c3d_tiny"]\nbatch = [1, 8]\nsweep = true\nmax_batch = 64', "my.toml")
    first, second = plan(suite, settings_of())
    assert "sweep" in first.measures and first.max_batch == 64
    assert "sweep" not in second.measures
    suite = parse('models = ["c3d_tiny"]', "my.toml")
    with pytest.raises(KinobenchError, match=r"--max-batch 8: .*--sweep"):
        plan(suite, settings_of(max_batch=8))
    (entry,) = plan(suite, settings_of(max_batch=8, measure=("sweep",)))
    assert entry.measures == ("sweep",) and entry.max_batch == 8
