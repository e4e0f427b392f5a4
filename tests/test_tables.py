"""Every format holds every number, says what is missing, and survives odd names."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from kinobench.bench.leaderboard import Board, boards, ordered
from kinobench.bench.tables import FORMATS, NOT_MEASURED, footnotes, render, show
from kinobench.datasets.errors import UnknownNameError

from .made_records import (
    failed_record,
    made_accuracy,
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
    out = io.StringIO()
    show(found, Console(file=out, width=width))
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
    assert "- All rows" not in text and "- Setting: precision fp32, mode eager, batch 1" in text


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
    frame = pd.read_csv(io.StringIO(render(odd(), "csv")), float_precision="round_trip")
    assert list(frame["model"]) == ["late_fusion_pool_tiny", "c3d_tiny", "x3d_tiny"]
    first, second, third = (line for _, line in frame.iterrows())
    assert first["latency_s"] == 1.234567 and not first["converged"]
    assert second["latency_low_s"] == 0.012 and second["latency_high_s"] == 0.013000000000000001
    assert (second["top1"], second["top1_low"], second["top5"]) == (0.25, 0.1875, 0.75)
    assert first["weights"] == ODD and second["weights"] == "untrained"
    assert third["error"] == f"exception: {ODD_ERROR}" and third.isna()["latency_s"]
    assert set(frame["fingerprint"]) == {"00000000feedface"} and set(frame["views"]) == {1}
    written = list(csv.DictReader(io.StringIO(render(odd(), "csv"))))
    assert [line["params"] for line in written] == ["10000000", "78409573", ""]
    assert [line["flops"] for line in written] == ["2469135780", "2469135780", ""]


def test_csv_has_the_rows_of_all_boards() -> None:
    found = board_of(made_record("a"), made_record("b", case={"split": "train"}))
    frame = pd.read_csv(io.StringIO(render(found, "csv")))
    assert list(zip(frame["model"], frame["split"], strict=True)) == [("a", "test"), ("b", "train")]


def test_latex_escapes_what_latex_would_read() -> None:
    text = render(odd(), "latex")
    printed = [line for line in text.splitlines() if not line.startswith("%")]
    assert printed[0].startswith(r"\begin{tabular}") and printed[-1] == r"\end{tabular}"
    rows = [line for line in printed if line.endswith(r"\\")]
    assert len(rows) == 4
    for row in rows:
        bare = re.sub(r"\\[&%_]|\\ensuremath\{[<>]\}|\\textasciitilde\{\}", "", row[:-2])
        assert bare.count("&") == 8 and not set(bare) & set("_%<>~$#{}\\")
    assert r"/weights/a\_b|c\ensuremath{<}i\ensuremath{>}\&50\%.pt" in text
    assert r"\textasciitilde{}1234.57 [1185.18, 1283.95]" in text
    assert (
        "% x3d_tiny failed: exception: RuntimeError: <b>no</b> kernel | 5% of x_y & z second"
        in (text)
    )


class Reader(HTMLParser):
    """Holds tags against each other and collects the texts of cells and paragraphs."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag in {
            *("html", "meta", "title", "style", "h1", "h2", "table", "thead", "tbody"),
            *("tr", "th", "td", "p"),
        }, tag
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        if text.strip():
            self.texts.append((self.open[-1], text.strip()))


def test_html_is_well_formed_and_shows_odd_names_as_they_are() -> None:
    reader = Reader()
    reader.feed(render(odd(), "html"))
    reader.close()
    assert reader.open == []
    assert ("td", ODD) in reader.texts
    assert ("td", "~1234.57 [1185.18, 1283.95]") in reader.texts
    titles = [text for tag, text in reader.texts if tag == "h2"]
    assert titles == ["pointlight test, pointlight, 1 view, cpu: Made-up CPU & Sons <i9> (2 cores)"]
    notes = [text for tag, text in reader.texts if tag == "p"]
    assert notes[-1] == f"x3d_tiny failed: exception: {' '.join(ODD_ERROR.split())}"


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
    assert printed([], 80) == ""
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
    assert footnotes(found[0])[0] == ("All rows: precision bf16, mode eager, threads default.")


def test_footnotes_say_what_a_reader_must_know() -> None:
    plain = board_of(made_record(case={"weights": "mine"}, memory=None))
    assert footnotes(plain[0]) == ["Setting: precision fp32, mode eager, batch 1, threads 1."]
    notes = footnotes(odd()[0])
    assert notes[1] == "untrained: the accuracy is that of random weights; it ranks nothing."
    assert notes[2] == "~ the latency had not converged when its time was up."
    short = board_of(made_record(accuracy=made_accuracy(scored=158)))
    assert "c3d_tiny: 158 of 160 videos were scored." in footnotes(short[0])
    assert all("\n" not in note for note in notes)


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


def test_markup_in_names_and_errors_is_printed_as_it_is() -> None:
    found = board_of(
        made_record("c3d_tiny", case={"weights": "[red]w.pt"}),
        failed_record("x3d_tiny", message="expected [/bold] before [B, 3, T]"),
    )
    for width in (60, 80, 160):
        text = printed(found, width)
        assert "[red]w.pt" in text and "expected [/bold] before [B, 3, T]" in " ".join(text.split())
