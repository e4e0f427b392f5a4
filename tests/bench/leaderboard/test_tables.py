"""Every format holds every number, says what is missing, and survives odd names."""

import csv
import io
import json
import re
from typing import Any

import msgspec
import pandas as pd
import pytest
from rich.console import Console

from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.bench.leaderboard.render import FORMATS, render
from kinobench.bench.leaderboard.screen import View, show
from kinobench.bench.records.latency import Drift
from kinobench.bench.records.results import Bound, Roofline
from kinobench.bench.text.units import ABSENT as NOT_MEASURED
from kinobench.datasets.errors import UnknownNameError
from kinobench.datasets.protocol import preset

from ...fakes.made_records import (
    MACHINE,
    failed_record,
    made_accuracy,
    made_case,
    made_cost,
    made_energy,
    made_latency,
    made_memory,
    made_record,
)

ODD = "/weights/a_b|c<i>&50%.pt"
ODD_ERROR = "RuntimeError: <b>no</b> kernel | 5% of x_y & z\nsecond line"


def board_of(*records: Any) -> list[Board]:
    return [ordered(board) for board in boards(records)]


def odd() -> list[Board]:
    return board_of(
        made_record("c3d_tiny", params=78_409_573),
        made_record(
            "late_fusion_pool_tiny",
            case={"weights": ODD},
            latency=made_latency(1.234567, converged=False),
        ),
        failed_record("x3d_tiny", message=ODD_ERROR),
    )


def printed(found: list[Board], width: int) -> str:
    """What a terminal shows of all columns and lines."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None, markup=False)
    show(found, console, View(wide=True, explain=True))
    return out.getvalue()


def cells(markdown: str) -> list[list[str]]:
    """Parse the cells of the lines that begin with a bar, as GitHub would."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_markdown_has_a_table_with_its_units_and_every_cell() -> None:
    text = render(board_of(made_record("c3d_tiny")), "md")
    assert text.startswith(
        "# Leaderboard\n\n## pointlight test, pointlight, 1 view, cpu: Made-up CPU &amp; Sons "
    )
    head, rule, row = cells(text)
    assert head == [
        *("model", "weights", "params (M)", "GMACs", "GFLOPs", "latency (ms)"),
        *("peak memory (MB)", "top-1 (%)", "top-5 (%)"),
    ]
    assert all(set(cell) <= {"-", ":"} for cell in rule)
    assert row == [
        *("c3d_tiny", "untrained", "10.000", "1.235", "2.469", "12.50 [12.00, 13.00]"),
        *("42.3", "25.0 [18.8, 32.8]", "75.0 [68.0, 82.0]"),
    ]
    assert "- All rows" not in text and "- Settings: precision fp32, mode eager, batch 1" in text


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("classes", [5, 6])
def test_no_format_has_a_top_5_of_five_classes_or_fewer(classes: int, form: str) -> None:
    accuracy = made_accuracy(scored=158, top1_of_expected=0.25, top5_of_expected=0.75)
    found = board_of(made_record(case={"classes": classes}, accuracy=accuracy))
    text = render(found, form)
    if form == "csv":
        (line,) = csv.DictReader(io.StringIO(text))
        values = [line[name] for name in ("top5", "top5_low", "top5_high", "top5_of_expected")]
    elif form == "json":
        (row,) = json.loads(text)[0]["rows"]
        values = [row[name] for name in ("top5", "top5_low", "top5_high", "top5_of_expected")]
    elif form == "latex":  # it shows the chosen few
        assert "top-1" in text and "top-5" not in text
        return
    else:
        assert "top-1" in text and ("top-5" in text) == (classes == 6)
        assert ("top-5" in printed(found, 200)) == (classes == 6)
        return
    assert [bool(value) for value in values] == [classes == 6] * 4


def test_the_cells_of_scores_are_rounded_half_to_even() -> None:
    accuracy = made_accuracy(0.6125, interval_top1=(0.5025, 0.7125), top5=0.8125)
    _, _, row = cells(render(board_of(made_record(accuracy=accuracy)), "md"))
    assert row[-2:] == ["61.2 [50.2, 71.2]", "81.2 [68.0, 82.0]"]


def test_one_video_and_one_core_are_no_plurals() -> None:
    machine = msgspec.structs.replace(MACHINE, physical_cores=1)
    accuracy = made_accuracy(1.0, scored=1, expected=1)
    (board,) = board_of(made_record(accuracy=accuracy, environment=machine))
    assert board.title.endswith(" (1 core)")
    assert ", 1 video of manifest 0123456789abcdef," in footnotes(board)[-1]


def test_markdown_keeps_odd_names_in_their_cells_and_shows_them_as_they_are() -> None:
    text = render(odd(), "md")
    head, _, *rows = cells(text)
    assert {len(row) for row in rows} == {len(head)}
    assert rows[0][1] == r"/weights/a_b\|c&lt;i>&amp;50%.pt"
    (note,) = (line for line in text.splitlines() if "failed" in line)
    assert note == (
        r"- x3d_tiny failed: exception: RuntimeError: &lt;b>no&lt;/b> kernel \| 5% of x_y &amp; z "
        "second line"
    )


def test_csv_is_in_base_units_unrounded_and_integers_stay_integers() -> None:
    # Without pandas, whose reader rounds the last digit in some versions.
    written = list(csv.DictReader(io.StringIO(render(odd(), "csv"), newline="")))
    first, second, third = written
    assert [line["model"] for line in written] == ["late_fusion_pool_tiny", "c3d_tiny", "x3d_tiny"]
    assert float(first["latency_s"]) == 1.234567 and first["converged"] == "False"
    assert float(second["latency_low_s"]) == 0.012
    assert float(second["latency_high_s"]) == 0.013000000000000001
    assert [second[name] for name in ("top1", "top1_low", "top5")] == ["0.25", "0.1875", "0.75"]
    assert first["weights"] == ODD and second["weights"] == "untrained"
    assert third["error"] == f"exception: {ODD_ERROR}" and third["latency_s"] == ""
    assert {line["fingerprint"] for line in written} == {"00000000feedface"}
    assert {line["views"] for line in written} == {"1"}
    assert [line["params"] for line in written] == ["10000000", "78409573", ""]
    assert [line["flops"] for line in written] == ["2469135780", "2469135780", ""]
    made_by = [first[name] for name in ("started", "commit", "torch", "python")]
    assert made_by == ["2026-01-01T00:00:00Z", "abc1234", "2.11.0", "3.11.0"]


def test_csv_has_the_rows_of_all_boards() -> None:
    found = board_of(made_record("a"), made_record("b", case={"split": "train"}))
    frame = pd.read_csv(io.StringIO(render(found, "csv")))
    assert list(zip(frame["model"], frame["split"], strict=True)) == [("a", "test"), ("b", "train")]


@pytest.mark.parametrize("name", ["[2cm]x", "*x", "[red]"])
def test_no_name_is_the_argument_of_the_end_of_a_row(name: str) -> None:
    text = render(board_of(made_record("a"), made_record(name)), "latex")
    assert not re.search(r"(\\\\|\\midrule)\s*[*\[]", text) and f"{{}}{name}" in text


def test_latex_has_no_sign_that_pdflatex_lacks() -> None:
    text = render(board_of(uncounted("c3d_tiny"), failed_record("x3d_tiny")), "latex")
    assert text.isascii() and r"\ensuremath{\geq}0.042" in text and "& -- &" in text


def test_json_has_the_boards_with_their_rows() -> None:
    (board,) = json.loads(render(odd(), "json"))
    assert (board["dataset"], board["device"]) == ("pointlight", "cpu")
    assert board["environment"]["fingerprint"] == "00000000feedface"
    assert [row["latency_s"] for row in board["rows"]] == [1.234567, 0.0125, None]


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'latex'"):
        render([], "latx")


@pytest.mark.parametrize("form", FORMATS)
def test_no_boards_are_no_error(form: str) -> None:
    render([], form)
    assert "No records yet. Measure networks first: kinobench run" in printed([], 80)
    assert list(pd.read_csv(io.StringIO(render([], "csv"))).columns) == list(
        pd.read_csv(io.StringIO(render(odd(), "csv"))).columns
    )


def test_what_was_not_measured_is_a_dash_and_a_column_of_dashes_is_left_out() -> None:
    text = render(board_of(made_record("c3d_tiny"), failed_record("x3d_tiny")), "md")
    assert cells(text)[3] == ["x3d_tiny", "untrained", *[NOT_MEASURED] * 7]
    text = render(board_of(made_record("c3d_tiny", accuracy=None, memory=None)), "md")
    assert cells(text)[0] == [
        *("model", "weights", "params (M)", "GMACs", "GFLOPs", "latency (ms)"),
    ]


def test_energy_is_shown_where_it_was_measured() -> None:
    found = board_of(made_record("c3d_tiny", energy=made_energy()), made_record("x3d_tiny"))
    column = cells(render(found, "md"))[0].index("energy (J/clip)")
    assert [row[column] for row in cells(render(found, "md"))[2:]] == ["12.5", NOT_MEASURED]


@pytest.mark.parametrize(
    ("latency", "cell"),
    [
        (made_latency(0.0125), "12.50 [12.00, 13.00]"),
        (made_latency(0.0125, converged=False), "~12.50 [12.00, 13.00]"),
        (made_latency(0.0125, interval_s=None), "12.50"),
        (made_latency(0.000625, interval_s=(0.0006, 0.00065)), "0.625 [0.600, 0.650]"),
        (made_latency(2.5, interval_s=(2.0, 12.0)), "2500.00 [2000.00, 12000.00]"),
    ],
)
def test_a_latency_has_its_interval_to_the_same_digits(latency: Any, cell: str) -> None:
    assert cells(render(board_of(made_record(latency=latency)), "md"))[2][5] == cell


def test_settings_that_differ_are_columns_and_shared_ones_a_footnote() -> None:
    found = board_of(
        made_record("a", case={"batch": 1, "precision": "bf16", "threads": None}),
        made_record("b", case={"batch": 8, "precision": "bf16", "threads": None}),
    )
    head, _, first, second = cells(render(found, "md"))
    assert head[2] == "batch" and (first[2], second[2]) == ("1", "8")
    assert footnotes(found[0])[0] == (
        "All rows: precision bf16, mode eager, threads default, classes 8, eval batch 8."
    )


ORIGIN = (
    "Measured with torch 2.11.0, Python 3.11.0, kinobench commit abc1234, 2026-01-01, protocol "
    f"{preset('pointlight').digest}, 160 videos of manifest 0123456789abcdef, machine "
    "00000000feedface."
)


def test_both_accuracies_of_a_split_that_could_not_all_be_read_are_told() -> None:
    of_all = {"top1_of_expected": 0.05, "top5_of_expected": 0.15}
    scored = made_accuracy(0.0588, scored=17, expected=20, **of_all)
    boards = board_of(made_record(accuracy=scored))
    assert (
        "c3d_tiny: 17 of 20 videos scored; over all 20: top-1 5.0 %, top-5 15.0 %."
    ) in footnotes(boards[0])
    (line,) = csv.DictReader(io.StringIO(render(boards, "csv")))
    assert (line["top1_of_expected"], line["top5_of_expected"]) == ("0.05", "0.15")


def test_footnotes_say_what_a_reader_must_know() -> None:
    plain = board_of(made_record(case={"weights": "mine"}, memory=None))
    assert footnotes(plain[0]) == [
        "Settings: precision fp32, mode eager, batch 1, threads 1, classes 8, eval batch 8.",
        "GMACs, GFLOPs: arithmetic of one view.",
        "latency: time of one forward of the batch.",
        ORIGIN,
    ]
    notes = footnotes(odd()[0])
    assert "untrained: the weights are random; the accuracy ranks nothing." in notes
    rough = "~: the latency was disturbed, or its interval is wider than 20 % to a side."
    assert rough in notes
    short = board_of(made_record(accuracy=made_accuracy(scored=158)))
    (told,) = (note for note in footnotes(short[0]) if "158 of 160" in note)
    assert told.startswith("c3d_tiny: 158 of 160 videos scored; over all 160: top-1 ")
    assert all("\n" not in note for note in notes)


def test_without_an_accuracy_neither_views_nor_videos_nor_their_batch_are_told() -> None:
    (board,) = board_of(made_record(accuracy=None, cost=None))
    assert "view" not in board.title
    notes = footnotes(board)
    assert not any("eval batch" in note or "videos" in note for note in notes)
    assert "latency: time of one forward of the batch." in notes


def test_boards_that_were_split_are_told_apart() -> None:
    newer_torch = msgspec.structs.replace(
        MACHINE, fingerprint="11111111feedface", versions=MACHINE.versions | {"torch": "2.12.0"}
    )
    found = board_of(
        made_record(),
        made_record(environment=newer_torch),
        made_record(accuracy=made_accuracy(manifest="fedcba9876543210"), case={"batch": 2}),
        made_record(case={"protocol": msgspec.structs.replace(preset("pointlight"), stride=2)}),
    )
    assert len(found) == 4 and len({board.title for board in found}) == 1
    origins = [footnotes(board)[-1] for board in found]
    assert len(set(origins)) == 4
    assert sum("torch 2.12.0" in origin for origin in origins) == 1
    assert sum("manifest fedcba9876543210" in origin for origin in origins) == 1


def test_the_origin_names_every_commit_and_the_first_and_last_day() -> None:
    other = msgspec.structs.replace(MACHINE, kinobench_commit="9999999")
    absent = msgspec.structs.replace(MACHINE, kinobench_commit=None)
    (board,) = board_of(
        made_record("a", started="2026-01-05T00:00:00Z"),
        made_record("b", started="2026-02-01T00:00:00Z", environment=other),
        made_record("c", environment=absent),
    )
    origin = footnotes(board)[-1]
    assert "commit 9999999, abc1234, unknown, 2026-01-01 to 2026-02-01, " in origin


def uncounted(model: str) -> Any:
    cost = msgspec.structs.replace(made_cost(42_000_000), uncounted={"aten::odd_op": 3, "fft": 1})
    return made_record(model, cost=cost)


def test_a_cost_with_uncounted_operators_is_a_lower_bound_everywhere() -> None:
    found = board_of(uncounted("c3d_tiny"), uncounted("i3d_tiny"), made_record("x3d_tiny"))
    rows = {row[0]: row[3:5] for row in cells(render(found, "md"))[2:]}
    assert rows == {
        "c3d_tiny": ["≥0.042", "≥0.084"],
        "i3d_tiny": ["≥0.042", "≥0.084"],
        "x3d_tiny": ["1.235", "2.469"],
    }
    told = "c3d_tiny, i3d_tiny: ≥ is a lower bound; not counted: aten::odd_op (3), fft (1)"
    assert told in footnotes(found[0])
    written = csv.DictReader(io.StringIO(render(found, "csv")))
    assert [line["uncounted"] for line in written] == ["aten::odd_op (3); fft (1)"] * 2 + [""]


def test_what_was_asked_for_and_not_measured_is_told_once_for_all_models() -> None:
    note = "energy: this GPU's counter stands still"
    found = board_of(
        made_record("a", notes=(note,)), made_record("b", notes=(note,)), made_record("c")
    )
    assert f"a, b: {note}" in footnotes(found[0])
    assert sum("energy" in line for line in footnotes(found[0])) == 1


def test_a_later_failure_is_told_and_the_row_stays() -> None:
    found = board_of(made_record(), failed_record(started="2026-01-02T00:00:00Z"))
    assert cells(render(found, "md"))[2][3] == "1.235"
    assert "c3d_tiny: a later run failed: exception: it broke" in footnotes(found[0])


def test_a_note_on_one_of_several_rows_of_a_model_says_on_which() -> None:
    (board,) = board_of(made_record(), failed_record(case={"batch": 8}))
    assert "c3d_tiny (batch 8) failed: exception: it broke" in footnotes(board)


OTHER: dict[str, Any] = {
    "model": "x3d_tiny",
    "weights": "mine.pt",
    "classes": 9,
    "runtime": "onnxruntime",
    "provider": "gpu",
    "hint": "throughput",
    "precision": "bf16",
    "calibration": 64,
    "mode": "compile",
    "batch": 2,
    "threads": None,
    "eval_batch": 16,
    "flow": "tvl1",
    "decoder": "torchcodec",
    "cold_l2": True,
    "probe": "reversed",
    "step": 8,
    "boxes": 3,
    "proposals": "people.csv 0123456789abcdef",
}
TOLD_AS = {None: "default", True: "cold"}


def test_every_field_of_a_case_splits_boards_or_is_varied_here() -> None:
    of_the_board = {"protocol", "dataset", "split", "device"}
    of_the_board.add("task")  # that of the dataset
    assert set(OTHER) == set(made_case().__struct_fields__) - of_the_board


@pytest.mark.parametrize("accuracy", [made_accuracy(), None], ids=["scored", "unscored"])
@pytest.mark.parametrize("field", OTHER)
def test_two_cases_of_one_board_never_look_the_same(field: str, accuracy: Any) -> None:
    found = board_of(
        made_record(accuracy=accuracy),
        made_record(accuracy=accuracy, case={field: OTHER[field]}),
    )
    assert len(found) == 1
    first, second = cells(render(found, "md"))[2:]
    assert first != second
    for width in (60, 160):
        text = printed(found, width)
        assert TOLD_AS.get(OTHER[field], str(OTHER[field])) in text


def test_a_decoder_is_told_where_it_is_not_the_default_one() -> None:
    (usual,) = board_of(made_record(accuracy=made_accuracy()))
    assert not any("decoder" in note for note in footnotes(usual))
    (other,) = board_of(made_record(accuracy=made_accuracy(), case={"decoder": "torchcodec"}))
    assert any("decoder torchcodec" in note for note in footnotes(other))


def numbers() -> list[Board]:
    """A board in which every number is another one."""
    models = ("single_frame_tiny", "late_fusion_pool_tiny", "c3d_tiny", "slowfast_r50")
    records = [
        made_record(
            name,
            params=10_111_000 + number * 1_001_000,
            latency=made_latency((100.37 + 111.11 * number) / 1e3),
            memory=made_memory(123_400_000 + number * 10_000_000, 0),
            accuracy=made_accuracy(0.123 + number / 10),
        )
        for number, name in enumerate(models)
    ]
    return board_of(*records, failed_record("x3d_tiny", message="it broke for a long reason"))


@pytest.mark.parametrize("width", [60, 80, 100, 118, 160, 250])
def test_no_number_is_cut_or_broken_at_any_width(width: int) -> None:
    found = numbers()
    text = printed(found, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for row in cells(render(found, "md"))[2:]:
        for cell in row[2:]:
            for number in re.findall(r"[\d.]+", cell):
                assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", text), number
    joined = "".join(text.split())
    assert "c3d_tiny" in joined and "slowfast_r50" in joined
    assert "failed:exception:itbrokeforalongreason" in joined


def test_a_wide_console_has_one_line_a_row() -> None:
    lines = printed(numbers(), 160).splitlines()
    (line,) = (line for line in lines if "single_frame_tiny" in line)
    assert "untrained" in line and "100.37 [96.36, 104.38]" in line and "123.4" in line


def test_a_console_of_80_columns_has_the_interval_under_its_value() -> None:
    lines = printed(numbers(), 80).splitlines()
    place = next(number for number, line in enumerate(lines) if "100.37" in line)
    assert "[96.36," in lines[place + 1] and "104.38]" in lines[place + 2]


def test_a_narrow_console_has_a_block_a_row() -> None:
    lines = [line.strip() for line in printed(numbers(), 60).splitlines()]
    place = lines.index("single_frame_tiny, untrained")
    assert lines[place + 1 : place + 5] == [
        *("params (M): 10.111", "GMACs: 1.235", "GFLOPs: 2.469"),
        "latency (ms): 100.37 [96.36, 104.38]",
    ]


def test_one_blank_line_parts_blocks_from_what_is_around_them() -> None:
    found = board_of(made_record("c3d_tiny"), made_record("x3d_tiny"))
    text = printed(found, 20).rstrip("\n")
    assert text.count("\n\n") == 3 and "\n\n\n" not in text
    assert "\n\nx3d_tiny, " in text and "\n\nAll rows: " in text


def test_markup_in_names_and_errors_is_printed_as_it_is() -> None:
    found = board_of(
        made_record("c3d_tiny", case={"weights": "[red]w.pt"}),
        failed_record("x3d_tiny", message="expected [/bold] before [B, 3, T]"),
    )
    for width in (60, 80, 160):
        text = printed(found, width)
        assert "[red]w.pt" in text and "expected [/bold] before [B, 3, T]" in " ".join(text.split())


def test_throughput_is_a_column_where_a_batch_holds_several_clips() -> None:
    (alone,) = board_of(made_record())
    assert "clips/s" not in render([alone], "md")
    (both,) = board_of(made_record(), made_record(case={"batch": 8}))
    head, _, first, second = cells(render([both], "md"))[:4]
    place = head.index("clips/s")
    assert {first[place], second[place]} == {"80.0", "640"}


def test_drift_is_a_column_where_anything_but_eager_fp32_was_timed() -> None:
    drift = Drift(largest_logit_difference=0.01234, top1_flips=1, clips=8)
    overflowed = Drift(largest_logit_difference=None, top1_flips=8, clips=8)
    (board,) = board_of(
        made_record(latency=made_latency(drift=drift), case={"precision": "bf16"}),
        made_record(latency=made_latency(drift=overflowed), case={"precision": "fp16"}),
        made_record(),
    )
    text = render([board], "md")
    assert "0.012 (1/8)" in text and "not finite (8/8)" in text and "drift: largest" in text
    assert "drift" not in render(board_of(made_record()), "md")


def test_drift_has_its_scale_where_the_spread_of_the_logits_is_known() -> None:
    near = Drift(largest_logit_difference=0.0068, logit_spread=0.016, top1_flips=1, clips=8)
    far = Drift(largest_logit_difference=0.5, logit_spread=0.25, top1_flips=8, clips=8)
    alike = Drift(largest_logit_difference=0.5, logit_spread=0.0, top1_flips=0, clips=8)
    found = board_of(
        made_record("a", latency=made_latency(drift=near), case={"precision": "bf16"}),
        made_record("b", latency=made_latency(drift=far), case={"precision": "bf16"}),
        made_record("c", latency=made_latency(drift=alike), case={"precision": "bf16"}),
    )
    text = render(found, "md")
    place = cells(text)[0].index("drift")
    assert [row[place] for row in cells(text)[2:]] == [
        *("0.0068 (42%, 1/8)", "0.5 (200%, 8/8)", "0.5 (0/8)"),
    ]
    told = "drift: largest logit difference from eager fp32 (in parentheses: its share of the"
    assert told in text
    (line, *_) = csv.DictReader(io.StringIO(render(found, "csv")))
    assert (line["drift"], line["logit_spread"]) == ("0.0068", "0.016")


def launch_bound(median_s: float, wall_s: float, **changes: Any) -> Any:
    made_of = {"wall_interval_s": (wall_s * 0.96, wall_s * 1.04), "launch_bound": True}
    return made_latency(median_s, **{"cpu_s": None, "wall_median_s": wall_s} | made_of | changes)


def test_the_wall_clock_is_a_column_where_a_row_is_launch_bound() -> None:
    waits = made_record("waits", latency=launch_bound(0.0025, 0.01), case={"batch": 4})
    works = made_record("works", latency=launch_bound(0.0125, 0.013, launch_bound=False))
    old = made_record("z_old", latency=made_latency(0.0125))
    (board,) = board_of(waits, works, old)
    head, _, *rows = cells(render([board], "md"))
    wall, rate = head.index("wall (ms)"), head.index("clips/s")
    assert [(row[0], row[wall], row[rate]) for row in rows] == [
        ("waits", "10.00 [9.60, 10.40]", "400"),
        ("works", "13.00 [12.48, 13.52]", "80.0"),
        ("z_old", NOT_MEASURED, "80.0"),
    ]
    assert any("clips/s and the order by latency use wall" in note for note in footnotes(board))
    (alone,) = board_of(works)
    assert "wall" not in render([alone], "md")


def test_csv_has_the_wall_clock_and_what_can_be_reached() -> None:
    found = board_of(made_record("a", latency=launch_bound(0.25, 1.0)), made_record("b"))
    bound, plain = sorted(
        csv.DictReader(io.StringIO(render(found, "csv"))), key=lambda line: line["model"]
    )
    names = ("latency_s", "wall_median_s", "launch_bound", "reached_s", "throughput_per_s")
    assert [bound[name] for name in names] == ["0.25", "1.0", "True", "1.0", "1.0"]
    assert [plain[name] for name in names] == ["0.0125", "", "", "0.0125", "80.0"]


def test_a_stream_says_which_columns_are_of_frames() -> None:
    frames = {"mode": "stream"}
    (board,) = board_of(made_record(case=frames, energy=made_energy()))
    assert "mode stream: cost, latency and energy are for one frame." in footnotes(board)
    (board,) = board_of(made_record(case=frames), made_record(case=frames | {"batch": 4}))
    told = "mode stream: cost and latency are for one frame; clips/s counts frames."
    assert any(told in note for note in footnotes(board))
    (board,) = board_of(made_record(case=frames, latency=None, cost=None, energy=made_energy()))
    assert "mode stream: energy is for one frame." in footnotes(board)
    (board,) = board_of(made_record(energy=made_energy()))
    assert not any("stream" in note for note in footnotes(board))


def bounded(limit: Any) -> Roofline:
    bound = Bound(moved_bytes=10**6, intensity=100.0, limit=limit, least_s=0.001, share=0.5)
    other = msgspec.structs.replace(bound, limit="memory" if limit == "compute" else "compute")
    return Roofline(
        flops=10**8,
        weights_bytes=10**5,
        input_bytes=10**5,
        output_bytes=10**3,
        ridge=10.0,
        network=other,
        operators=bound,
    )


def test_mfu_is_a_column_with_what_bounds_the_operators_and_says_what_it_is() -> None:
    found = board_of(
        made_record("a", latency=made_latency(mfu=0.5532), roofline=bounded("compute")),
        made_record("b", latency=made_latency(mfu=0.0079), roofline=bounded("memory")),
        made_record("c", latency=made_latency(mfu=17.26), roofline=bounded("compute")),
        made_record("d"),
    )
    text = render(found, "md")
    place = cells(text)[0].index("MFU (%)")
    assert {row[0]: row[place] for row in cells(text)[2:]} == {
        "a": "55.3 (compute)",
        "b": "0.8 (memory)",
        "c": NOT_MEASURED,
        "d": NOT_MEASURED,
    }
    told = "MFU: FLOPs per second at the latency, as a share of those of a large matrix product"
    assert any(told in note for note in footnotes(found[0]))
    assert any("c: the stored MFU, 1726 %, is left out" in note for note in footnotes(found[0]))
    (without,) = board_of(made_record())
    assert "MFU" not in render([without], "md")
    assert not any("MFU" in note for note in footnotes(without))


def test_mfu_sorts_the_largest_share_first_and_what_has_none_last() -> None:
    (board,) = boards(
        [
            made_record("none"),
            made_record("little", latency=made_latency(0.001, mfu=0.125)),
            made_record("much", latency=made_latency(1.0, mfu=0.5)),
            made_record("impossible", latency=made_latency(1.0, mfu=17.26)),
        ]
    )
    assert [row.record.case.model for row in ordered(board, "mfu").rows] == [
        "much",
        "little",
        "impossible",
        "none",
    ]
