"""Which records stand in one table, which of them stand for a case, and in what order."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard.columns import table_of
from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.bench.leaderboard.values import columns
from kinobench.bench.records.latency import Drift
from kinobench.bench.records.record import Failure
from kinobench.bench.records.results import Bound, FlowTime, Peak, Roofline
from kinobench.bench.records.store import RunFile
from kinobench.bench.records.times import Sweep, SweepPoint
from kinobench.datasets.errors import UnknownNameError
from kinobench.datasets.protocol import preset

from ...fakes.made_records import (
    MACHINE,
    elsewhere,
    failed_record,
    made_accuracy,
    made_copy,
    made_cost,
    made_energy,
    made_export,
    made_latency,
    made_memory,
    made_record,
)

DAYS = [f"2026-01-{day:02d}T00:00:00Z" for day in range(1, 9)]
ABSENT: dict[str, Any] = dict.fromkeys(("cost", "latency", "memory", "accuracy"))


def only(*records: Any) -> Board:
    (board,) = boards(records)
    return board


def only_row(*records: Any) -> SimpleNamespace:
    """The values of the only row, as CSV and JSON have them, and two of its record's."""
    (row,) = only(*records).rows
    record = row.record
    return SimpleNamespace(
        **{name: read(row) for name, read in columns().items()},
        total_s=record.total_s,
        peak_bytes=record.memory.peak_bytes if record.memory else None,
    )


def models(board: Board) -> list[str]:
    return [row.record.case.model for row in board.rows]


def test_a_row_is_the_record_in_base_units() -> None:
    row = only_row(made_record(energy=made_energy()))
    assert (row.model, row.weights, row.threads, row.eval_batch) == ("c3d_tiny", "untrained", 1, 8)
    assert (row.params, row.macs, row.flops) == (10_000_000, 1_234_567_890, 2_469_135_780)
    assert (row.latency_s, row.latency_low_s, row.latency_high_s) == (
        *(0.0125, 0.012),
        0.013000000000000001,
    )
    assert (row.weights_bytes, row.peak_activation_bytes) == (40_000_000, 2_345_678)
    assert (row.joules_per_clip, row.joules_per_video, row.throughput_per_s) == (12.5, 12.5, 80.0)
    assert (row.top1, row.top1_low, row.top1_high) == (0.25, 0.1875, 0.328125)
    assert (row.top5, row.top5_low, row.top5_high) == (0.75, 0.6796875, 0.8203125)
    assert (row.scored, row.expected, row.top1_of_expected) == (160, 160, 0.25)
    assert row.run == "20260101T000000Z-000000"
    assert row.started == row.since == "2026-01-01T00:00:00Z"
    assert (row.commit, row.torch, row.python) == ("abc1234", "2.11.0", "3.11.0")
    assert row.peak_bytes == 42_345_678


def test_every_value_of_a_row_can_be_read_of_a_record_that_has_all() -> None:
    drift = Drift(largest_logit_difference=0.25, logit_spread=2.0, top1_flips=1, clips=8)
    latency = launch_bound(0.5, 0.75, mfu=0.25, drift=drift)
    flow_time = FlowTime(
        method="dis",
        samples_s=(0.1,),
        median_s=0.1,
        interval_s=None,
        pairs=15,
        height=64,
        width=64,
        threads=1,
        opencv="4.0",
    )
    sweep = Sweep(
        points=(SweepPoint(batch=4, latency=made_latency(0.5), memory=made_memory()),),
        ended="max_batch",
        ended_at=8,
    )
    row = only_row(
        made_record(
            case={
                "flow": "dis",
                "probe": "reversed",
                "runtime": "openvino",
                "provider": "gpu",
                "hint": "throughput",
                "precision": "int8",
                "calibration": 64,
            },
            export=made_export(),
            latency=latency,
            energy=made_energy(),
            peak=PEAK,
            roofline=ROOFLINE,
            flow_time=flow_time,
            sweep=sweep,
            accuracy=made_accuracy(
                predictions="predictions/x", top5_of_expected=0.5, copy=made_copy()
            ),
        )
    )
    absent = {name for name, value in vars(row).items() if value is None}
    of_other_scorings = {name for name in vars(row) if name.startswith(("hit", "map"))}
    of_no_mean = {"no_mean"}
    of_other_tasks = {name for name in vars(row) if name.startswith(("segment_map", "box_map"))}
    of_other_tasks |= {"step", "boxes", "proposals", "rule", "end_to_end_s"}
    nothing = {"rank", "unranked", "error", "later_failure"}
    assert absent == nothing | of_other_scorings | of_no_mean | of_other_tasks
    assert row.scoring == "top-k"
    assert (row.exported_bytes, row.export_s, row.load_s) == (41_000_000, 12.5, 0.25)
    assert (row.found, row.layout, row.copy_digest) == (160, "flat", "fedcba9876543210")
    assert (row.short_side_least, row.short_side_median, row.short_side_most) == (256, 256, 340)
    assert (row.copy_bytes, row.codecs) == (41_200_000, ("h264 (120)", "vp9 (40)"))
    assert (row.knee, row.knee_throughput_per_s, row.flow_s) == (4, 8.0, 0.1)
    assert (row.total_s, row.reached_s, row.wall_high_s) == (0.85, 0.75, 0.75 * 1.2)
    assert row.throughput_per_s == 1 / 0.85 and row.knee_throughput_per_s == 4 / 0.5


def test_what_was_not_measured_is_none_in_a_row() -> None:
    row = only_row(failed_record(message="it broke"))
    assert row.error == "exception: it broke"
    absent = {name for name, value in vars(row).items() if value is None}
    assert {"params", "macs", "latency_s", "weights_bytes", "top1", "scored"} <= absent
    assert row.peak_bytes is None
    assert only_row(made_record(memory=made_memory(activation=None))).peak_bytes is None
    unsure = made_record(latency=made_latency(interval_s=None), accuracy=made_accuracy(top1=None))
    row = only_row(unsure)
    assert (row.latency_s, row.latency_low_s, row.top1, row.top1_low) == (0.0125, None, None, None)


@pytest.mark.parametrize(
    "other",
    [
        {"case": {"protocol": msgspec.structs.replace(preset("pointlight"), stride=2)}},
        {"case": {"protocol": preset("pointlight").with_views(3, 1)}},
        {"case": {"dataset": None, "split": None}, "accuracy": None},
        {"case": {"dataset": "ucf101"}},
        {"case": {"split": "train"}},
        {"case": {"device": "cuda"}},
        {"environment": elsewhere()},
        {"accuracy": made_accuracy(manifest="fedcba9876543210")},
    ],
    ids=["stride", "views", "no dataset", "dataset", "split", "device", "machine", "manifest"],
)
def test_what_may_not_be_compared_stands_in_two_tables(other: dict[str, Any]) -> None:
    found = boards([made_record("c3d_tiny"), made_record("x3d_tiny", **other)])
    assert sorted(models(board)[0] for board in found) == ["c3d_tiny", "x3d_tiny"]
    assert [len(board.rows) for board in found] == [1, 1]


@pytest.mark.parametrize(
    "other",
    [
        {"precision": "bf16"},
        {"mode": "compile"},
        {"batch": 8},
        {"threads": 2},
        {"weights": "mine"},
        {"protocol": msgspec.structs.replace(preset("pointlight"), name="another name")},
    ],
)
def test_what_may_be_compared_stands_in_one_table(other: dict[str, Any]) -> None:
    board = only(made_record("c3d_tiny"), made_record("x3d_tiny", case=other))
    assert models(board) == ["c3d_tiny", "x3d_tiny"]


def test_a_board_says_what_its_rows_have_in_common() -> None:
    board = only(made_record(case={"protocol": preset("common-112"), "dataset": "ucf101"}))
    assert (board.dataset, board.split, board.views) == ("ucf101", "test", 30)
    assert board.protocol_digest == preset("common-112").digest
    assert board.manifest == "0123456789abcdef" and board.environment == MACHINE
    assert board.title == (
        "ucf101 test, common-112, 30 views, cpu: Made-up CPU & Sons <i9> (2 cores)"
    )
    gpu = msgspec.structs.replace(MACHINE, gpu="Made-up GPU")
    board = only(made_record(case={"device": "cuda"}, environment=gpu))
    assert board.title == "pointlight test, pointlight, 1 view, cuda: Made-up GPU"
    without = made_record(case={"dataset": None, "split": None}, accuracy=None)
    assert only(without).title.startswith("no dataset, pointlight, cpu: ")
    assert only(made_record(accuracy=None)).title.startswith("pointlight test, pointlight, cpu: ")


def test_the_newest_record_of_a_case_stands() -> None:
    older = made_record(started=DAYS[0], latency=made_latency(0.5), run="a")
    newer = made_record(started=DAYS[1], latency=made_latency(0.25), run="b")
    for records in ((older, newer), (newer, older)):
        row = only_row(*records)
        assert (row.latency_s, row.run) == (0.25, "b")


def test_other_settings_are_another_case_and_both_stand() -> None:
    board = only(made_record(started=DAYS[0]), made_record(started=DAYS[1], case={"batch": 8}))
    assert [row.record.case.batch for row in board.rows] == [1, 8]


def test_a_part_that_was_not_asked_for_comes_from_the_newest_record_that_has_it() -> None:
    records = [
        made_record(started=DAYS[0], accuracy=made_accuracy(0.5), latency=made_latency(0.5)),
        made_record(started=DAYS[1], **ABSENT | {"accuracy": made_accuracy(0.625)}),
        made_record(started=DAYS[2], **ABSENT | {"memory": made_memory(7, 3)}),
        made_record(started=DAYS[3], run="last", **ABSENT | {"latency": made_latency(0.25)}),
    ]
    row = only_row(*records)
    assert (row.latency_s, row.top1, row.peak_bytes, row.macs) == (0.25, 0.625, 10, 1_234_567_890)
    assert row.run == "last"


PEAK = Peak(flops_per_s=1e12, bytes_per_s=1e11, precision="fp32", rows=4096, copied_bytes=2**28)
BOUND = Bound(moved_bytes=10**6, intensity=100.0, limit="compute", least_s=0.001, share=0.5)
ROOFLINE = Roofline(
    flops=10**8,
    weights_bytes=10**5,
    input_bytes=10**5,
    output_bytes=10**3,
    ridge=10.0,
    network=BOUND,
    operators=BOUND,
)


def test_a_latency_brings_the_peak_and_the_roofline_along_that_it_is_held_against() -> None:
    held = {"peak": PEAK, "roofline": ROOFLINE, "latency": made_latency(0.5, mfu=0.25)}
    notes = ("roofline: rough", "memory: rough")
    older = made_record(started=DAYS[0], notes=notes, **held)
    newer = made_record(started=DAYS[1], **ABSENT | {"memory": made_memory(7, 3)})
    row = only_row(older, newer)
    assert (row.latency_s, row.mfu, row.limit, row.peak_bytes) == (0.5, 0.25, "compute", 10)
    assert row.notes == ("roofline: rough",)


def test_rates_are_sorted_and_shown_with_the_optical_flow() -> None:
    flow = FlowTime(
        method="dis",
        samples_s=(0.25,),
        median_s=0.25,
        interval_s=None,
        pairs=15,
        height=64,
        width=64,
        threads=1,
        opencv="4.0",
    )
    flowing = {"batch": 2, "flow": "dis"}
    board = only(
        made_record("flow", case=flowing, latency=made_latency(0.125), flow_time=flow),
        made_record("rgb", latency=made_latency(0.25)),
        made_record("untimed", case=flowing, latency=made_latency(0.125)),
    )
    # By the forward alone the first would give 16 clips a second; with two flows it gives 3.2.
    assert models(ordered(board, "throughput")) == ["rgb", "flow", "untimed"]
    table = table_of(board)
    place = table.head.index("clips/s")
    shown = {line[0][0]: line[place][0] for line in table.lines}
    assert shown == {"rgb": "4.00", "flow": "3.20", "untimed": "–"}
    assert "clips/s: forward and optical flow (CPU), one after the other." in footnotes(board)


def test_a_newer_latency_is_not_held_against_an_older_roofline() -> None:
    held = {"peak": PEAK, "roofline": ROOFLINE, "latency": made_latency(0.5, mfu=0.25)}
    older = made_record(started=DAYS[0], **held)
    newer = made_record(started=DAYS[1], **ABSENT | {"latency": made_latency(0.25)})
    row = only_row(older, newer)
    assert (row.latency_s, row.mfu, row.limit) == (0.25, None, None)


def launch_bound(median_s: float, wall_s: float, **changes: Any) -> Any:
    made_of = {"wall_interval_s": (wall_s * 0.9, wall_s * 1.2), "launch_bound": True}
    return made_latency(median_s, **{"cpu_s": None, "wall_median_s": wall_s} | made_of | changes)


def test_what_is_launch_bound_is_rated_by_the_wall_and_what_is_not_by_the_device() -> None:
    protocol = preset("pointlight").with_views(10, 3)
    bound = made_record(case={"batch": 4, "protocol": protocol}, latency=launch_bound(0.125, 0.5))
    row = only_row(bound)
    assert (row.latency_s, row.wall_median_s, row.launch_bound) == (0.125, 0.5, True)
    assert (row.wall_low_s, row.wall_high_s) == (0.45, 0.6)
    assert (row.reached_s, row.total_s, row.throughput_per_s) == (0.5, 0.5, 8.0)
    assert row.video_s == 0.5 / 4 * 30
    busy = launch_bound(0.125, 0.1328125, launch_bound=False)
    row = only_row(made_record(case={"batch": 4, "protocol": protocol}, latency=busy))
    assert (row.reached_s, row.total_s, row.throughput_per_s) == (0.125, 0.125, 32.0)
    assert (row.video_s, row.wall_median_s) == (0.125 / 4 * 30, 0.1328125)


def test_rows_are_ordered_by_what_can_be_reached() -> None:
    board = only(
        made_record("waits", latency=launch_bound(0.125, 0.5)),
        made_record("works", latency=made_latency(0.25)),
    )
    assert models(ordered(board, "latency")) == ["works", "waits"]
    assert models(ordered(board, "throughput")) == ["works", "waits"]


def test_a_sweep_without_a_latency_has_its_drift_in_the_row() -> None:
    drift = Drift(largest_logit_difference=0.25, logit_spread=2.0, top1_flips=1, clips=8)
    sweep = Sweep(points=(), ended="max_batch", ended_at=1, drift=drift)
    row = only_row(made_record(latency=None, sweep=sweep))
    assert (row.drift, row.logit_spread, row.flips, row.drift_clips) == (0.25, 2.0, 1, 8)
    row = only_row(made_record(latency=made_latency(), sweep=sweep))
    assert row.drift_clips is None  # the latency's own: eager fp32


def test_a_failed_run_wipes_no_row_and_is_told_until_one_succeeds() -> None:
    whole = made_record(started=DAYS[0], latency=made_latency(0.5))
    failed = failed_record(started=DAYS[1], cost=made_cost(99))
    row = only_row(failed, whole)
    assert (row.error, row.later_failure) == (None, "exception: it broke")
    assert (row.macs, row.latency_s, row.top1) == (1_234_567_890, 0.5, 0.25)
    mended = made_record(started=DAYS[2], **ABSENT | {"latency": made_latency(0.25)})
    row = only_row(whole, failed, mended)
    assert (row.error, row.later_failure, row.latency_s) == (None, None, 0.25)
    assert (row.macs, row.top1, row.since, row.started) == (1_234_567_890, 0.25, DAYS[0], DAYS[2])


def test_a_failed_record_stands_where_nothing_good_does_and_completes_nothing() -> None:
    failures = [failed_record(started=day, message=day, cost=made_cost(99)) for day in DAYS[:2]]
    row = only_row(*failures)
    assert row.error == f"exception: {DAYS[1]}" and row.macs == 99
    mended = made_record(started=DAYS[2], **ABSENT | {"latency": made_latency(0.25)})
    row = only_row(*failures, mended)
    assert (row.error, row.later_failure, row.macs, row.latency_s) == (None, None, None, 0.25)


def machine(**changes: Any) -> dict[str, Any]:
    return {"environment": msgspec.structs.replace(MACHINE, **changes)}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"params": 10_000_000}, {"params": 10_000_001}),
        ({"params": None}, {"params": 10_000_000}),
        ({"params": None}, {"params": None}),
        ({"weights_digest": "aa"}, {"weights_digest": "bb"}),
        ({}, machine(versions=MACHINE.versions | {"fvcore": "0.1.6"})),
        ({}, machine(kinobench_commit="def5678")),
        ({}, machine(kinobench_commit=None)),
        (machine(kinobench_commit="abc1234+"), machine(kinobench_commit="abc1234+")),
    ],
    ids=[
        *("other params", "params once known", "params never known", "weights"),
        *("versions", "commit", "no commit", "changed files"),
    ],
)
def test_a_record_that_may_be_of_another_network_or_code_completes_nothing(
    older: dict[str, Any], newer: dict[str, Any]
) -> None:
    row = only_row(
        made_record(started=DAYS[0], **older),
        made_record(started=DAYS[1], **ABSENT | {"latency": made_latency(0.25)} | newer),
    )
    assert (row.macs, row.peak_bytes, row.top1, row.latency_s) == (None, None, None, 0.25)
    assert row.since == DAYS[1]


@pytest.mark.parametrize(
    ("older", "newer", "is_completed"),
    [
        *(("c0de", "c0de", True), ("c0de", "0ther", False)),
        *((None, "c0de", False), (None, None, False)),  # the commit says too little
    ],
)
def test_records_of_files_that_differ_from_a_commit_are_told_apart_by_their_code(
    older: str | None, newer: str | None, is_completed: bool
) -> None:
    changed = machine(kinobench_commit="abc1234+")
    row = only_row(
        made_record(started=DAYS[0], environment=changed["environment"], code=older),
        made_record(
            started=DAYS[1],
            environment=changed["environment"],
            code=newer,
            **ABSENT | {"latency": made_latency(0.25)},
        ),
    )
    assert (row.macs is not None) == is_completed and row.latency_s == 0.25


def test_a_row_tells_what_was_asked_for_and_not_measured() -> None:
    told = "energy: the CPU has no counter that kinobench reads"
    notes = (
        *(told, "memory: not asked for", "latency: not converged in the time that it had"),
        "cost: not counted, so MACs are too low: aten::odd (3)",
    )
    assert only_row(made_record(notes=notes)).notes == (told,)


def test_a_part_brings_its_notes_along() -> None:
    notes = ("memory: rough", "latency: rough", "pointlight: made otherwise", "energy: none")
    older = made_record(started=DAYS[0], notes=notes)
    newer = made_record(started=DAYS[1], notes=(), **ABSENT | {"latency": made_latency()})
    assert only_row(older, newer).notes == ("memory: rough", "pointlight: made otherwise")


def test_other_weights_under_the_same_name_complete_nothing() -> None:
    case = {"weights": "mine.pt"}
    older = made_record(started=DAYS[0], case=case, weights_digest="aa")
    newer = made_record(
        started=DAYS[1], case=case, weights_digest="bb", **ABSENT | {"latency": made_latency()}
    )
    row = only_row(older, newer)
    assert (row.top1, row.macs, row.latency_s) == (None, None, 0.0125)


def test_another_machine_completes_nothing() -> None:
    older = made_record(started=DAYS[0], environment=elsewhere())
    newer = made_record(started=DAYS[1], **ABSENT | {"latency": made_latency()})
    scores = [board.rows[0].record.accuracy for board in boards([older, newer])]
    assert [score and score.top1 for score in scores] == [0.25, None]


def test_rows_without_a_score_join_the_newest_videos() -> None:
    records = [
        made_record("c3d_tiny", started=DAYS[0], accuracy=made_accuracy(manifest="old")),
        made_record("x3d_tiny", started=DAYS[1], accuracy=None),
        made_record("i3d_tiny", started=DAYS[2], accuracy=made_accuracy(manifest="new")),
        failed_record("slowfast_tiny", started=DAYS[3]),
    ]
    found = {board.manifest: models(board) for board in boards(records)}
    assert found == {"old": ["c3d_tiny"], "new": ["x3d_tiny", "i3d_tiny", "slowfast_tiny"]}


def test_no_records_make_no_boards() -> None:
    assert boards([]) == []


def mixed() -> Board:
    trained = {"weights": "mine"}
    return only(
        failed_record("broken"),
        made_record("slow", latency=made_latency(0.5), params=1),
        made_record("unmeasured", latency=None, memory=None, cost=None),
        made_record("good", case=trained, accuracy=made_accuracy(0.5), latency=made_latency(0.75)),
        made_record("fast", latency=made_latency(0.125), cost=made_cost(100)),
        made_record("best", case=trained, accuracy=made_accuracy(0.75), latency=made_latency(1.0)),
        made_record("unscored", case=trained, accuracy=None, latency=made_latency(0.25)),
    )


def test_trained_come_first_by_top1_then_the_others_by_latency_and_the_failed_last() -> None:
    assert models(ordered(mixed())) == [
        *("best", "good"),
        *("fast", "unscored", "slow", "unmeasured"),
        "broken",
    ]


@pytest.mark.parametrize(
    ("column", "order"),
    [
        ("latency", "fast unscored slow good best unmeasured broken"),
        ("macs", "fast best good slow unscored unmeasured broken"),
        ("flops", "fast best good slow unscored unmeasured broken"),
        ("params", "slow best fast good unmeasured unscored broken"),
        ("memory", "best fast good slow unscored unmeasured broken"),
        ("top1", "best good fast slow unmeasured unscored broken"),
        ("top5", "best fast good slow unmeasured unscored broken"),
        ("model", "best fast good slow unmeasured unscored broken"),
    ],
)
def test_a_column_sorts_the_best_first_and_what_was_not_measured_last(
    column: str, order: str
) -> None:
    assert models(ordered(mixed(), column)) == order.split()


def test_energy_sorts_by_joules() -> None:
    cheap = msgspec.structs.replace(made_energy(), j_per_clip=1.0)
    board = only(
        made_record("none"),
        made_record("dear", energy=made_energy()),
        made_record("c", energy=cheap),
    )
    assert models(ordered(board, "energy")) == ["c", "dear", "none"]


@pytest.mark.parametrize(("wrong", "right"), [("latncy", "latency"), ("top-1", "top1")])
def test_an_unknown_column_names_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(
        UnknownNameError, match=f"no column is named '{wrong}': did you .*'{right}'"
    ):
        ordered(mixed(), wrong)


def test_a_case_that_failed_after_its_score_keeps_it() -> None:
    failure = Failure(kind="unreadable", message="1 of 160 videos could not be read")
    record = made_record(error=failure, accuracy=made_accuracy(scored=159))
    row = only_row(record)
    assert (row.top1, row.scored, row.expected) == (0.25, 159, 160)
    assert row.error == "unreadable: 1 of 160 videos could not be read"


def test_the_tables_are_rebuilt_from_stored_records_without_torch(tmp_path: Path) -> None:
    file = RunFile(tmp_path, "run")
    for record in (made_record("c3d_tiny"), failed_record("x3d_tiny")):
        file.append(record)
    code = (
        "import sys\n"
        "from kinobench.bench.cli.commands import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules and 'av' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "leaderboard", "--results", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "c3d_tiny" in done.stdout and "x3d_tiny failed: exception: it broke" in done.stdout
    assert "| c3d_tiny" in (tmp_path / "leaderboard.md").read_text()
    head, *lines = (tmp_path / "leaderboard.csv").read_text().splitlines()
    assert head.startswith("dataset,") and len(lines) == 2
    assert {"started", "commit", "torch", "python", "uncounted"} <= set(head.split(","))
