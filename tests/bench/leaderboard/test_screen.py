"""The table on a terminal: it fits, points out what is best, and hides nothing in silence."""

import io
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

from kinobench.bench.leaderboard import whole_screen
from kinobench.bench.leaderboard.candidates import IMPORTANCE, candidates
from kinobench.bench.leaderboard.chosen import chosen
from kinobench.bench.leaderboard.columns import table_of
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.bench.leaderboard.screen import View, show
from kinobench.bench.records.results import FlowTime
from kinobench.bench.text.terminal import PlainConsole

from ...fakes.made_records import (
    failed_record,
    made_accuracy,
    made_cost,
    made_energy,
    made_latency,
    made_memory,
    made_record,
)


def board_of(*records: Any) -> list[Board]:
    return [ordered(board) for board in boards(records)]


class Screen(io.StringIO):
    """What a terminal gets."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(found: list[Board], width: int = 80, **view: Any) -> str:
    screen = Screen()
    show(found, PlainConsole(file=screen, width=width), View(**view))
    return re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue())


def piped(found: list[Board], **view: Any) -> str:
    out = io.StringIO()
    show(found, PlainConsole(file=out, width=80), View(**view))
    return out.getvalue()


def network(name: str, number: int, **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "case": {"weights": "w"},
        "params": 10_111_000 + number * 1_001_000,
        "cost": made_cost(1_000_000_000 + number * 10**8),
        "latency": made_latency((10.37 + 11.11 * number) / 1e3),
        "memory": made_memory(123_400_000 + number * 10_000_000, 0),
        "accuracy": made_accuracy(0.223 + number / 10),
    }
    return made_record(name, **(fields | changes))


def five() -> list[Board]:
    """A board where more latency is more accuracy, but for the last network."""
    records = [network(f"network_{number}", number) for number in range(4)]
    return board_of(*records, network("worse", 5, accuracy=made_accuracy(0.1)))


def row_of(text: str, name: str) -> str:
    (line,) = (line for line in text.splitlines() if re.search(rf"(^|\s){name}\s", line))
    return line


def test_80_columns_have_one_line_a_row_and_what_matters_most() -> None:
    text = on_terminal(five())
    assert max(map(cell_len, text.splitlines())) <= 80
    (head,) = (line for line in text.splitlines() if line.startswith("model"))
    above = text.splitlines()[text.splitlines().index(head) - 1]
    assert "params" in above and "latency" in above + head
    assert "GMACs" in head and "rank" not in head  # no predictions are stored: nothing is ranked
    row = row_of(text, "network_0")
    assert row.split()[:5] == ["▸", "network_0", "10.111*", "1.000*", "10.37*"]
    assert "top-1 (%)" in head and re.search(r"22\.3 +\[18(\.8)?, 3[23](\.8)?\]", row)


@pytest.mark.parametrize("width", [20, 30, 45, 60, 80, 100, 140, 180, 260])
def test_the_table_fits_and_has_what_matters_most(width: int) -> None:
    found = board_of(*(network(f"n{number}", number, energy=made_energy()) for number in range(3)))
    text = on_terminal(found, width)
    assert max(map(cell_len, text.splitlines())) <= width
    row = row_of(text, "n1")
    for least, value in ((20, "32.3"), (30, "21.48"), (45, "11.112"), (60, "133.4"), (180, "75.0")):
        assert value in row or width < least


def test_what_has_no_room_is_named_with_its_names_for_columns_and_the_cure() -> None:
    (told,) = (line for line in on_terminal(five()).splitlines() if "more column" in line)
    assert told.startswith("4 more columns (--wide, --columns): top5, score_per_gmac, ")
    for name in told.partition(": ")[2].removesuffix("…").split(", "):
        assert chosen(name)
    assert "more column" not in on_terminal(five(), 250)


def test_every_column_has_a_place_in_the_order_of_importance() -> None:
    whole = network("a", 1, energy=made_energy())
    (board,) = board_of(whole, network("b", 2))
    assert {each.name for each in candidates(board)} <= set(IMPORTANCE)
    assert len(set(IMPORTANCE)) == len(IMPORTANCE)


def test_the_documentation_has_the_order_of_importance() -> None:
    page = (Path(__file__).parents[3] / "docs" / "choose.md").read_text(encoding="utf-8")
    listed = page[page.index("1. top-1") : page.index("A line under the table names")]
    told = listed.replace("in whole percent if there is no room for more", "")
    places = [re.search(rf"(?<![\w/]){re.escape(name)}(?![\w/])", told) for name in IMPORTANCE]
    found = [place.start() for place in places if place is not None]
    assert len(found) == len(IMPORTANCE) and found == sorted(found)


def test_the_front_and_the_best_have_marks_that_need_no_colour() -> None:
    lines = on_terminal(five()).splitlines()
    front = {line.split()[1] for line in lines if line.startswith("▸ net")}
    assert front == {f"network_{number}" for number in range(4)}
    assert "▸ Pareto front of top-1 against latency   * best of its column" in lines
    assert row_of("\n".join(lines), "network_3").count("*") == 1  # of top-1
    assert "*" not in row_of("\n".join(lines), "worse")


def test_without_latencies_the_front_is_against_gmacs_and_without_accuracies_there_is_none() -> (
    None
):
    (records,) = ([network(f"n{number}", number, latency=None) for number in range(3)],)
    assert "Pareto front of top-1 against GMACs" in on_terminal(board_of(*records))
    unscored = [network(f"n{number}", number, accuracy=None) for number in range(3)]
    assert "Pareto" not in on_terminal(board_of(*unscored))
    assert "Pareto" not in on_terminal(board_of(network("alone", 1)))


def test_a_best_value_that_many_share_or_that_ranks_nothing_has_no_mark() -> None:
    alike = [network(f"n{number}", 1) for number in range(5)]
    assert "*" not in on_terminal(board_of(*alike))
    untrained = made_record("lucky", accuracy=made_accuracy(0.99))
    text = on_terminal(board_of(untrained, network("n1", 1), network("n2", 2)))
    assert "99.0 " in row_of(text, "lucky") and "42.3*" in row_of(text, "n2")


def test_a_disturbed_best_value_is_marked_as_both() -> None:
    rough = network("rough", 0, latency=made_latency(0.001, converged=False))
    assert "~1.00*" in row_of(on_terminal(board_of(rough, network("n1", 1))), "rough")


OTHER: dict[str, Any] = {
    "weights": "mine.pt",
    "classes": 9,
    "precision": "bf16",
    "mode": "compile",
    "batch": 2,
    "threads": None,
    "eval_batch": 16,
    "flow": "tvl1",
    "decoder": "torchcodec",
    "cold_l2": True,
    "probe": "reversed",
}


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_two_rows_look_the_same(width: int) -> None:
    records = [made_record("net", case={"weights": "w"})]
    records += [made_record("net", case={"weights": "w", **{f: OTHER[f]}}) for f in OTHER]
    text = on_terminal(board_of(*records), width)
    table = text[text.index("─\n") + 2 :].partition("\n\n")[0]
    rows = re.split(r"\n(?=(?:▸ |  )net)", table)
    assert len(rows) == len(records)
    assert len({" ".join(row.replace("▸", "").split()) for row in rows}) == len(records)


def test_usual_weights_are_said_once_and_others_with_the_model() -> None:
    usual = [network(f"n{number}", number) for number in range(3)]
    text = on_terminal(
        board_of(*usual, network("n0", 4, case={}), network("x", 4, case={"weights": "k"}))
    )
    assert "n0 untrained" in text and "x@k" in text and "n1@" not in text
    assert "weights w unless named" in text
    assert "All rows: weights w, precision fp32" in on_terminal(board_of(*usual))


def test_a_failed_case_is_a_row_with_its_reason() -> None:
    found = board_of(network("a", 1), failed_record("x3d", message="no kernel for it\nmore"))
    assert "failed: exception: no kernel for it more" in row_of(on_terminal(found), "x3d")
    row = next(line for line in piped(found).splitlines() if line.startswith("x3d"))
    assert row.rstrip().endswith("exception: no kernel for it more")
    long = board_of(network("a", 1), failed_record("x3d", message="why " * 60))
    lines = on_terminal(long).splitlines()
    assert max(map(cell_len, lines)) <= 80 and row_of("\n".join(lines), "x3d").rstrip().endswith(
        "…"
    )
    assert "why " * 59 + "why" in " ".join(on_terminal(long, explain=True).split())


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_board_whose_rows_all_failed_has_their_reasons(width: int) -> None:
    text = on_terminal(board_of(failed_record("a"), failed_record("b", message="it fell")), width)
    assert max(map(cell_len, text.splitlines())) <= width
    joined = " ".join(text.split())
    assert "failed: exception: it broke" in joined and "failed: exception: it fell" in joined


def test_no_records_have_the_next_command() -> None:
    assert on_terminal([]) == "No records yet. Measure networks first: kinobench run\n"


@pytest.mark.parametrize("name", ["動画認識ネットワーク", "n" * 80])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_wide_and_long_names_keep_the_columns_in_place(name: str, width: int) -> None:
    text = on_terminal(board_of(network(name, 1), network("net", 2)), width)
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert name in "".join(part for line in lines for part in re.findall(r"[^\x00-\x60]+|n+", line))
    ends = set()
    for number in ("32.3", "42.3*"):
        (line,) = (line for line in lines if number in line)
        ends.add(cell_len(line[: line.index(number)]) + len(number.rstrip("*")))
    assert len(ends) == 1


def test_a_long_name_is_cut_between_its_parts() -> None:
    text = on_terminal(board_of(network("karpathy_single_frame_tiny", 1), network("b", 2)), 40)
    (at,) = (n for n, row in enumerate(text.splitlines()) if "karpathy" in row)
    first, second = (row.lstrip("▸ ").split()[0] for row in text.splitlines()[at : at + 2])
    assert (first[-1], second) == ("_", "single_frame_")


def test_five_hundred_rows_have_a_line_each() -> None:
    text = on_terminal(board_of(*(network(f"n{number}", number % 50) for number in range(500))))
    assert sum("n4" in line for line in text.splitlines()) > 100
    assert len(text.splitlines()) < 500 + 20


def test_the_latency_includes_the_flow_and_says_so() -> None:
    flow = FlowTime(
        method="dis",
        samples_s=(0.005, 0.005),
        median_s=0.005,
        interval_s=None,
        pairs=15,
        height=64,
        width=64,
        threads=1,
        opencv="5.0",
    )
    two = network("two", 1, flow_time=flow, case={"weights": "w", "flow": "dis"})
    text = on_terminal(board_of(two, network("one", 1)))
    assert "26.48" in row_of(text, "two") and "21.48*" in row_of(text, "one")
    assert "two: latency includes optical flow (CPU)." in text
    unknown = network("two", 1, case={"weights": "w", "flow": "dis"})
    text = on_terminal(board_of(unknown, network("one", 1)))
    assert "21.48" not in row_of(text, "two")
    assert "two: latency is unknown: the optical flow before the forward was not timed." in text


def warned() -> list[Board]:
    """A board with many footnotes, of all kinds."""
    bound = msgspec.structs.replace(made_cost(42_000_000), uncounted={"aten::odd_op": 3})
    records = [
        network(f"n{number}", number, notes=(f"energy: reason {number}",)) for number in range(6)
    ]
    return board_of(
        *records,
        network("bound", 7, cost=bound),
        network("part", 8, accuracy=made_accuracy(scored=158)),
        network("rough", 8, latency=made_latency(0.2, converged=False)),
        made_record("untrained"),
    )


def footnotes_of(text: str) -> list[str]:
    return text[text.index("best of its column\n") :].splitlines()[1:]


def test_a_terminal_has_four_lines_of_footnotes_the_weightiest_first() -> None:
    lines = footnotes_of(on_terminal(warned(), 160))
    assert lines[0].startswith("bound: ≥ is a lower bound") and "158 of 160" in lines[1]
    assert [line.partition(":")[0] for line in lines[2:4]] == ["~", "untrained"]
    assert re.fullmatch(r"\d+ more footnotes \(--explain\)", lines[4])


def test_explain_has_every_line_and_their_number_is_right() -> None:
    (count,) = map(int, re.findall(r"(\d+) more footnotes", on_terminal(warned(), 400)))
    every = footnotes_of(on_terminal(warned(), 400, explain=True))
    assert len([line for line in every if line]) == count + 4
    assert every[:2] == [
        "GMACs, GFLOPs: arithmetic of one view.",
        "latency: time of one forward of the batch.",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_footnotes_are_four_lines_of_the_screen_at_most(width: int) -> None:
    text = on_terminal(warned(), width)
    lines = footnotes_of(text) if "best of its column\n" in text else []
    place = next((n for n, line in enumerate(lines) if "more footnote" in line), 0)
    assert place <= 4


def test_a_note_of_every_row_is_of_all_rows() -> None:
    note = "latency: not settled when the warm-up's time was up"
    found = board_of(*(network(f"n{number}", number, notes=(note,)) for number in range(6)))
    assert f"All rows: {note}" in on_terminal(found, 120)
    plain = network("plain", 7)
    found = board_of(*(network(f"n{number}", number, notes=(note,)) for number in range(6)), plain)
    assert f"All rows but plain: {note}" in on_terminal(found, 120)


def test_a_pipe_has_a_line_a_row_with_all_columns_and_neither_marks_nor_colours() -> None:
    text = piped(five())
    rows = [line for line in text.splitlines() if "network_" in line]
    assert len(rows) == 4 and "\x1b" not in text and "▸" not in text and "*" not in text
    assert all("[18.8, 32.8]" in row for row in rows)
    (head,) = (line for line in text.splitlines() if line.startswith("model"))
    assert "latency (ms)" in head and "GFLOPs" in head and "peak memory (MB)" in head


def test_chosen_columns_come_in_their_order_with_marks() -> None:
    text = on_terminal(five(), chosen=chosen("model,latency,top1,params"))
    (head,) = (line for line in text.splitlines() if "model" in line)
    assert head.split() == ["model", "latency", "(ms)", "top-1", "(%)", "params", "(M)"]
    row = row_of(text, "network_0")
    assert row.split()[:3] == ["▸", "network_0", "10.37*"] and "more column" not in text
    assert "▸ Pareto front of top-1 against latency   * best of its column" in text


def test_chosen_columns_that_leave_rows_alike_say_what_is_missing() -> None:
    found = board_of(network("a", 1), network("a", 1, case={"weights": "w", "precision": "bf16"}))
    told = "rows differ in settings that no column here shows: precision."
    assert told in on_terminal(found, chosen=chosen("model,latency"))
    assert told not in on_terminal(found, chosen=chosen("model,precision,latency"))


def test_chosen_columns_leave_out_intervals_before_they_take_more_lines() -> None:
    text = on_terminal(five(), 60, chosen=chosen("model,latency,top1,params,memory"))
    assert "[" not in row_of(text, "network_1")


def test_the_next_command_is_named_where_the_table_is_not_of_leaderboard() -> None:
    text = on_terminal(five(), command="kinobench leaderboard ")
    assert "more columns (kinobench leaderboard --wide, --columns): " in text
    assert "more footnotes (kinobench leaderboard --explain)" in text


def test_no_color_keeps_the_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Screen()
    show(five(), PlainConsole(file=screen, width=80))
    text = screen.getvalue()
    assert "10.37*" in re.sub(r"\x1b\[[\d;]*m", "", text) and "▸" in text
    assert not re.search(r"\x1b\[[\d;]*3[1-7]m", text)


def test_a_pipe_has_the_table_that_rich_would_draw() -> None:
    names = ("network", "ネットワーク", "réseau [bold]x")
    found = board_of(*(network(name, 10**number) for number, name in enumerate(names)))
    plain = piped(found).splitlines()
    console = PlainConsole(file=io.StringIO(), width=1000)
    console.print(whole_screen._in_one_line(table_of(found[0])))
    drawn = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    at = plain.index(drawn[0].rstrip())
    assert [each.rstrip() for each in drawn] == plain[at : at + len(drawn)]
    assert len(drawn) == 5
    assert len({cell_len(line) for line in plain[at : at + len(drawn)]}) == 1


def test_a_pipe_has_a_title_and_footnotes_in_one_line_each_however_long() -> None:
    note = " ".join(["the clock was not steady"] * 30)
    text = piped(board_of(network("n", 1, notes=(note, "a\x1b[2J"))), explain=True)
    assert any(each.endswith(note) for each in text.splitlines())
    assert "\x1b" not in text and "a\\x1b[2J" in text
