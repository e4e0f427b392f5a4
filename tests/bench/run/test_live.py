"""The rows of a run as its cases end, on made-up terminals."""

import io
import re
from datetime import datetime
from typing import Any

import pytest

from kinobench.bench.records.job import Progress
from kinobench.bench.records.record import Record
from kinobench.bench.run.case_rows import CaseRows, Row
from kinobench.bench.run.live import Live
from kinobench.bench.run.planned import Planned
from kinobench.bench.text.terminal import PlainConsole

from ...fakes.made_records import failed_record, made_accuracy, made_latency, made_record

ALL = ("flops", "latency", "memory", "accuracy")
LONG = "a_network_of_ones_own_with_a_name_that_goes_on_and_on"


def planned(*records: Record, measures: tuple[str, ...] = ALL) -> list[Planned]:
    return [Planned(record.case, measures) for record in records]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def live_on(
    console: PlainConsole, records: list[Record], clock: Clock | None = None, **options: Any
) -> Live:
    return Live(
        planned(*records),
        console,
        clock=clock or Clock(),
        now=lambda: datetime(2026, 1, 1, 12, 0),
        **options,
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal_that_can_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def terminal(width: int) -> PlainConsole:
    return PlainConsole(width=width, file=Terminal())


def written(console: PlainConsole) -> str:
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())


@pytest.mark.parametrize("width", [80, 120])
def test_rows_keep_their_columns_and_fit(width: int) -> None:
    records = [
        made_record("karpathy_single_frame_tiny"),
        made_record(
            LONG, params=1_234_567_000, latency=made_latency(12.3456), accuracy=made_accuracy(1.0)
        ),
        *(made_record(f"model{number}") for number in range(30)),
    ]
    rows = CaseRows(planned(*records), "top-1")
    heads = rows.heads(width)
    shown = [
        rows.row(Row(number + 1, name, record, 12.0 * (number + 1)), width)
        for number, (name, record) in enumerate(zip(rows.names, records, strict=True))
    ]
    assert {len(each) for each in (heads[0], *shown)} == {len(heads[0])}
    assert len(heads[0]) < width
    for head, value in (
        *(("params", "10.000"), ("GMACs", "1.235"), ("latency", "12.50")),
        *(("top-1", "25.0"), ("time", "12 s")),
    ):
        end = heads[0].index(head) + len(head)
        assert shown[0][:end].endswith(value), head
    assert "karpathy_single_frame_tiny " in shown[0]
    assert ("…" in shown[1]) == (width == 80)
    assert "1234.567" in shown[1] and "12345.60" in shown[1] and "100.0" in shown[1]


def test_a_failure_has_its_reason_where_its_numbers_would_be() -> None:
    records = [made_record("works"), failed_record("breaks", "no memory " * 30)]
    rows = CaseRows(planned(*records), "top-1")
    row = rows.row(Row(2, "breaks", records[1], 3.0), 80)
    assert row.startswith("2/2  breaks") and "  failed: exception: no memory no" in row
    assert row.endswith("…") and len(row) == 79
    plain = rows.plain(Row(2, "breaks", records[1], 3.0))
    assert plain.startswith("2/2 breaks: failed: exception: no memory") and plain.endswith(
        "; 3.0 s"
    )


def test_only_what_is_measured_has_a_column() -> None:
    record = made_record(case={"dataset": None, "split": None})
    rows = CaseRows(planned(record, measures=("flops", "accuracy")), "top-1")
    assert rows.heads(80)[0].split() == ["model", "params", "GMACs", "time"]


def test_a_log_gets_a_line_a_case_and_nothing_else() -> None:
    console = PlainConsole(file=io.StringIO(), width=40)
    clock = Clock()
    records = [made_record("one"), failed_record("two"), made_record("three", run="R")]
    with live_on(console, records, clock) as live:
        live.take(2, records[2])
        live.turn_to(0)
        live.show(0, Progress(stage="counting"))
        clock.now = 12.0
        live.finish(0, records[0])
        live.turn_to(1)
        clock.now = 13.5
        live.finish(1, records[1])
    assert written(console).splitlines() == [
        "1/3 three: 12.50 ms, top-1 25.0 %, from R, 2026-01-01T00:00:00Z",
        "2/3 one: 12.50 ms, top-1 25.0 %, 12 s",
        "3/3 two: failed: exception: it broke; 1.5 s",
    ]


def test_a_terminal_gets_heads_once_and_the_run_that_cases_come_from() -> None:
    console = terminal(80)
    second = made_record("two", run="R", started="2026-01-01T00:00:09Z")
    records = [made_record("one", run="R"), second, made_record("three")]
    with live_on(console, records) as live:
        live.take(0, records[0])
        live.take(1, records[1])
        live.turn_to(2)
        live.finish(2, records[2])
    text = written(console)
    assert text.count("params") == 1 and text.count("from R, ") == 1
    assert "from R, 2026-01-01T00:00:00Z:" in text
    assert text.count("stored") == 2 and "3/3  three" in text


def test_the_end_counts_down_and_is_never_before_now() -> None:
    console, clock = terminal(80), Clock()
    records = [made_record("one"), made_record("two"), made_record("three")]
    live = live_on(console, records, clock)
    assert live.status == ("0/3  0.0 s", "")
    live.turn_to(1)  # a part of a later case is measured first
    clock.now = 30.0
    live.turn_to(0)
    live.show(0, Progress(stage="accuracy", done=40, total=80))
    clock.now = 130.0
    assert live.status == ("0/3  2 min", "one: accuracy 40/80")
    live.finish(0, records[0])
    assert live.status[0] == "1/3  2 min  about 12:02, 3 min left"  # 100 - 30 + 100 s
    live.turn_to(1)
    clock.now = 180.0
    assert live.status[0] == "1/3  3 min  about 12:02, 2 min left"
    clock.now = 100_000.0
    assert live.status[0].endswith("about 12:01, 2 min left")  # 10 s of the one, 100 s of the other


def test_the_bar_alone_is_shown_where_no_rows_are_wanted() -> None:
    console = terminal(80)
    records = [made_record("one")]
    with live_on(console, records, rows=False) as live:
        live.turn_to(0)
        live.finish(0, records[0])
    assert "1/1" in written(console) and "params" not in written(console)


def test_a_quiet_console_and_names_that_are_orders_to_the_terminal() -> None:
    quiet = terminal(80)
    quiet.quiet = True
    record = made_record("evil\x1b]0;x\x07[red]")
    for console in (quiet, PlainConsole(file=io.StringIO(), width=80)):
        with live_on(console, [record]) as live:
            live.turn_to(0)
            live.finish(0, record)
    assert written(quiet) == ""
    assert r"evil\x1b]0;x\x07[red]" in written(console)


def test_a_failed_case_says_nothing_of_the_time_of_the_others() -> None:
    clock = Clock()
    records = [made_record("works"), failed_record("breaks"), made_record("waits")]
    live = live_on(terminal(80), records, clock)
    for number, took_s in ((0, 600.0), (1, 1.0)):
        live.turn_to(number)
        clock.now += took_s
        live.finish(number, records[number])
    assert live.status[0].endswith("about 12:10, 10 min left")
