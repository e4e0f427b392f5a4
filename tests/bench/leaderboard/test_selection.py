"""The rows that `--where`, `--pareto`, `--top` and `--group-by` leave of a leaderboard."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import kinobench
from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.render import render
from kinobench.bench.leaderboard.selection import Selected, selected, selection
from kinobench.bench.records.store import RunFile
from kinobench.datasets.errors import KinobenchError

from ...fakes.command import call
from ...fakes.made_records import elsewhere, made_accuracy, made_latency, made_record

QUICK = Path(__file__).parents[3] / "results" / "quick"


def made(name: str, milliseconds: float | None, top1: float, **case: Any) -> Any:
    latency = None if milliseconds is None else made_latency(milliseconds / 1e3)
    return made_record(
        name, case={"weights": "mine"} | case, latency=latency, accuracy=made_accuracy(top1)
    )


FOUR = (made("a", 1, 0.5), made("b", 2, 0.75), made("c", 4, 0.7), made("d", None, 0.9))


def ranked(*records: Any) -> list[Board]:
    """Boards whose rows have ranks, as predictions would give."""
    return [
        msgspec.structs.replace(
            board, rows=tuple(msgspec.structs.replace(row, rank=1) for row in board.rows)
        )
        for board in boards(records)
    ]


def select(*records: Any, **wanted: Any) -> Selected:
    return selected(ranked(*records), selection(**wanted))


def models(found: Selected) -> list[list[str]]:
    return [[row.record.case.model for row in board.rows] for board in found.boards]


def test_a_condition_leaves_rows_and_says_what_it_left_out() -> None:
    found = select(*FOUR, where="latency_ms <  3", sort="latency")
    assert models(found) == [["a", "b"]] and not found.lines
    (remark,) = found.boards[0].remarks
    assert remark == (
        "2 of 4 rows where latency_ms < 3 (1 left out because a value is unknown: latency of 1); "
        "ranks are those of the whole table."
    )
    assert footnotes(found.boards[0])[0] == remark
    assert json.loads(render(list(found.boards), "json"))[0]["remarks"] == [remark]


def test_a_number_far_from_those_of_all_rows_is_likely_in_another_unit() -> None:
    """The rows have 1, 2 and 4 ms, and 10 M parameters."""
    for condition, warned in (
        ("latency_ms < 0.003", True),
        ("latency_ms < 0.004", False),
        ("latency_ms < 1199", False),
        ("1200 > latency_ms", True),
        ("params < 10000000", True),
        ("params < 30", False),
        ("trained and 0.001 < latency < 3", True),
        ("latency > 0", False),
    ):
        lines = select(*FOUR, where=condition).lines
        assert any("meant?" in each for each in lines) == warned, condition
    (line,) = select(*FOUR, where="params < 30000000").lines
    assert line == "params is in M, and the rows have 10: is 3e+07 M meant?"


def test_the_first_rows_are_taken_after_sorting_and_after_the_front() -> None:
    assert models(select(*FOUR, sort="latency", top=2)) == [["a", "b"]]
    assert models(select(*FOUR, top=1)) == [["d"]]
    found = select(*FOUR, pareto="latency,top1", top=1)
    assert models(found) == [["b"]]
    assert found.boards[0].remarks == (
        "1 of 4 rows: 2 on the Pareto front of latency and top1; the first; ranks are "
        "those of the whole table.",
    )
    assert models(select(*FOUR, where="model != 'b'", pareto="latency,top1")) == [["c", "a"]]


def test_two_costs_and_two_scores_have_a_front_too() -> None:
    assert models(select(*FOUR, pareto="latency,params")) == [["a"]]
    assert models(select(*FOUR, pareto="top1,top5")) == [["d"]]


def test_ranks_stay_those_of_the_whole_board() -> None:
    board = ranked(*FOUR)[0]
    numbered = tuple(
        msgspec.structs.replace(row, rank=number) for number, row in enumerate(board.rows, 1)
    )
    whole = msgspec.structs.replace(board, rows=numbered, comparisons=6)
    found = selected([whole], selection(where="model in ('b', 'd')"))
    assert {row.record.case.model: row.rank for row in found.boards[0].rows} == {"b": 2, "d": 4}
    assert found.boards[0].comparisons == 6


def test_nothing_is_said_where_nothing_is_left_out() -> None:
    for wanted in ({}, {"sort": "latency"}, {"top": 4}):
        found = select(*FOUR, **wanted)
        assert not found.lines and not found.boards[0].remarks


def test_groups_part_a_board_and_are_named() -> None:
    records = (made("a", 1, 0.5), made("b", 2, 0.6, precision="fp16"), made("c", 3, 0.7))
    found = select(*records, group_by="device,precision")
    assert models(found) == [["c", "a"], ["b"]]
    assert found.lines == (
        "2 groups by device, precision: cpu, precision fp32 (2 rows); cpu, precision fp16 (1 row)",
    )
    assert [board.group for board in found.boards] == ["precision fp32", "precision fp16"]
    assert found.boards[1].title.endswith("(2 cores), precision fp16")
    assert found.boards[1].remarks == ("Ranks are those of the table before it was parted.",)


def test_a_group_never_puts_protocols_machines_or_videos_together() -> None:
    far = msgspec.structs.replace(made("b", 2, 0.6), environment=elsewhere())
    other = msgspec.structs.replace(
        made("c", 3, 0.7), accuracy=made_accuracy(0.7, manifest="fedcba9876543210")
    )
    found = select(made("a", 1, 0.5), far, other, group_by="dataset")
    assert sorted(map(len, models(found))) == [1, 1, 1]
    assert found.lines == (
        "1 group by dataset: pointlight (3 rows in 3 tables, which differ in videos and machine)",
    )
    assert select(made("a", 1, 0.5), far, top=1).lines == (
        "2 tables, which differ in machine; ranks are within each",
    )


def test_a_table_without_a_row_that_is_left_is_said() -> None:
    far = msgspec.structs.replace(made("b", 9, 0.6), environment=elsewhere())
    found = select(made("a", 1, 0.5), far, where="latency < 5")
    assert models(found) == [["a"]]
    (line,) = found.lines
    assert line.startswith("1 of 2 tables left out: ") and "0 of 1 row where latency < 5" in line
    (line,) = select(*FOUR, where="latency < 0.1").lines
    assert line.startswith("no row is left: ") and "latency of 1" in line


def test_slips_are_said() -> None:
    lines = select(*FOUR, where="top1 > 0.5 and device != 'gpu' and model ~ 'zz'").lines
    assert lines[0] == "top1 is in percent: write 50 for 50 %, not 0.5"
    assert lines[1] == "no row has device 'gpu': there are cpu"
    assert lines[2] == "no row has a model like 'zz'"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"pareto": "latency"}, "--pareto latency: give two numbers, as in latency,top1"),
        ({"pareto": "latency,model"}, "neither less nor more of model is better"),
        ({"pareto": "latency,latency_ms"}, "both are latency_ms"),
        ({"pareto": "latency,top_1"}, "did you mean 'top1'"),
        ({"group_by": "latency"}, "--group-by latency: latency_ms is measured; give settings"),
        ({"group_by": " , "}, "--group-by: give settings"),
        ({"group_by": "devise"}, "did you mean 'device'"),
        ({"sort": "latncy"}, "did you mean 'latency'"),
        ({"top": 0}, "--top 0: it must be 1 or more"),
    ],
)
def test_a_wish_that_cannot_be_read_is_refused(wanted: dict[str, Any], why: str) -> None:
    with pytest.raises(KinobenchError, match=why):
        selection(**wanted)


def test_the_command_selects_what_it_shows_and_keeps_its_files_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RunFile(tmp_path / "results", "20260101T000000Z-abcdef")
    for record in FOUR:
        file.append(record)
    options = ("leaderboard", "--where", "latency < 3")
    done = call(monkeypatch, tmp_path, *options, "--format", "csv")
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == 3
    assert "2 of 4 rows where latency < 3" in done.stderr  # CSV has no footnotes
    done = call(monkeypatch, tmp_path, *options, "--top", "1")
    assert (
        done.exit_code == 0
        and "2 where latency < 3 (1 left out because a value is unknown: latency of 1); the first."
        in " ".join(done.stdout.split())
    )
    assert len((tmp_path / "results" / "leaderboard.csv").read_text().splitlines()) == 5
    done = call(monkeypatch, tmp_path, "leaderboard", "--where", "latncy < 3")
    assert done.exit_code == 2 and "did you mean 'latency'?\n  latncy < 3\n  ^^^^^^" in done.stderr
    assert call(monkeypatch, tmp_path, "leaderboard", "--top", "0").exit_code == 2


def test_the_same_in_python() -> None:
    records = kinobench.Records(FOUR)
    with pytest.warns(UserWarning, match="top1 is in percent"):
        board = records.leaderboard(where="top1 > 0.6 and latency < 5", top=1).boards[0]
    assert [row.record.case.model for row in board.rows] == ["b"]
    with pytest.raises(kinobench.KinobenchError, match=r"^pareto='latency': give two"):
        records.leaderboard(pareto="latency")


def test_the_stored_table_of_the_quick_suite_is_selected_from() -> None:
    records = kinobench.Records.read(QUICK)
    (board,) = records.leaderboard(where="latency < 5 and rank == 1", sort="latency").boards
    # As the stored leaderboard.md shows them; temporal_stream_tiny needs 8.19 ms with its flow.
    assert [row.record.case.model for row in board.rows] == [
        *("videomae_tiny", "vivit_tiny", "early_fusion_tiny", "vjepa2_tiny", "slow_fusion_tiny")
    ]
    (board,) = records.leaderboard(pareto="latency,top1").boards
    assert [row.record.case.model for row in board.rows] == [
        *("slow_fusion_tiny", "early_fusion_tiny", "videomae_tiny")
    ]
