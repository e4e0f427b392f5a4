"""Chosen columns: by the names of the fields, in their order, in every format."""

import csv
import io
import json
from typing import Any

import pytest
from rich.cells import cell_len

from kinobench.bench.leaderboard.chosen import chosen
from kinobench.bench.leaderboard.fields import fields, names
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.bench.leaderboard.render import render
from kinobench.bench.text.units import ABSENT
from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.datasets.protocol import preset

from ...fakes.made_records import (
    failed_record,
    made_accuracy,
    made_cost,
    made_energy,
    made_latency,
    made_record,
)


def board_of(*records: Any) -> list[Board]:
    return [ordered(board) for board in boards(records)]


def trained(name: str = "c3d_tiny", **changes: Any) -> Any:
    return made_record(name, **({"case": {"weights": "w"}} | changes))


def rows_of(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ASKED = chosen("top1, model,latency_ms,batch")


def test_markdown_has_them_in_their_order() -> None:
    head, rule, row = rows_of(render(board_of(trained()), "md", ASKED))
    assert head == ["top-1 (%)", "model", "latency (ms)", "batch"]
    assert row == ["25.0 [18.8, 32.8]", "c3d_tiny", "12.50 [12.00, 13.00]", "1"]
    assert len(rule) == 4


def test_csv_and_json_have_their_full_names_in_the_units_of_the_names() -> None:
    found = board_of(trained(), failed_record("x3d_tiny", case={"batch": 8}))
    first, second = csv.DictReader(io.StringIO(render(found, "csv", ASKED)))
    assert list(first) == ["top1_percent", "model", "latency_ms", "batch"]
    assert list(first.values()) == ["25.0", "c3d_tiny", "12.5", "1"]
    assert list(second.values()) == ["", "x3d_tiny", "", "8"]
    (board,) = json.loads(render(found, "json", ASKED))
    assert board["dataset"] == "pointlight"
    assert board["rows"] == [
        {"top1_percent": 25.0, "model": "c3d_tiny", "latency_ms": 12.5, "batch": 1},
        {"top1_percent": None, "model": "x3d_tiny", "latency_ms": None, "batch": 8},
    ]


def test_latex_has_no_other_columns() -> None:
    text = render(board_of(trained()), "latex", ASKED)
    assert "(ms)" in text and "GMACs" not in text and "params" not in text
    (line,) = (line for line in text.splitlines() if r"c3d\_tiny" in line)
    places = [line.index(cell) for cell in ("25.0", r"c3d\_tiny", "12.5", r"& 1 \\")]
    assert places == sorted(places)


@pytest.mark.parametrize("name", [*names(), *fields()])
def test_every_field_is_a_column_of_every_row(name: str) -> None:
    found = board_of(trained(energy=made_energy()), failed_record("x3d_tiny"))
    head, _, first, second = rows_of(
        render(found, "md", chosen(f"model,{name}" if name != "model" else name))
    )
    assert len(first) == len(second) == len(head) and all(first)


def test_a_cell_is_that_of_the_whole_table() -> None:
    found = board_of(trained(energy=made_energy()))
    head, _, whole = rows_of(render(found, "md"))
    by_title = {each.title: each for each in fields().values() if each.title}
    for title, cell in zip(head[2:], whole[2:], strict=True):
        (field,) = (each for name, each in by_title.items() if name == title)
        assert rows_of(render(found, "md", [field]))[2] == [cell]


def test_lines_under_it_are_on_its_columns() -> None:
    text = render(board_of(trained()), "md", ASKED)
    assert "latency: time of one forward" in text and "GMACs" not in text


def test_rows_that_look_alike_say_which_setting_is_missing() -> None:
    found = board_of(trained(), trained(case={"weights": "w", "mode": "compile"}))
    told = "- rows differ in settings that no column here shows: mode."
    assert told in render(found, "md", ASKED)
    assert told not in render(found, "md", chosen("model,mode"))


@pytest.mark.parametrize("listed", ["", ",", " , "])
def test_no_name_is_refused(listed: str) -> None:
    with pytest.raises(KinobenchError, match="no column is named; choose some, such as 'model,"):
        chosen(listed)


def test_a_name_that_comes_twice_or_is_unknown_is_refused() -> None:
    with pytest.raises(KinobenchError, match="'latency_ms' is named twice"):
        chosen("latency,model,latency_ms")
    with pytest.raises(UnknownNameError, match="no column is named 'top-1': did you mean 'top1'"):
        chosen("model,top-1")


def test_the_cost_of_a_video_has_columns_where_it_has_several_views() -> None:
    several = preset("pointlight").with_views(2, 3)
    record = trained(
        case={"weights": "w", "protocol": several},
        cost=made_cost(1_000_000_000),
        latency=made_latency(0.01),
        energy=made_energy(),
        accuracy=made_accuracy(0.5),
    )
    head, _, row = rows_of(render(board_of(record), "md"))
    cells = dict(zip(head, row, strict=True))
    assert cells["GMACs"] == "1.000" and cells["GMACs/video"] == "6.000"
    assert cells["time/video (ms)"] == "60.00 [57.60, 62.40]"
    assert cells["energy (J/clip)"] == "12.5" and cells["energy/video (J)"] == "75"
    assert "video" not in render(board_of(trained()), "md").partition("\n\n- ")[0]


def test_points_for_a_cost_are_of_a_whole_video() -> None:
    several = preset("pointlight").with_views(2, 3)
    record = trained(
        case={"weights": "w", "protocol": several},
        cost=made_cost(1_000_000_000),
        latency=made_latency(0.01),
        energy=made_energy(),
        accuracy=made_accuracy(0.5),
    )
    found = board_of(record, made_record("untrained", case={"protocol": several}))
    asked = chosen("model,score_per_gmac,score_per_ms,score_per_j")
    head, _, first, second = rows_of(render(found, "md", asked))
    assert head == ["model", "points/GMAC", "points/ms", "points/J"]
    assert first == ["c3d_tiny", "8.33", "0.833", "0.667"]  # 50 points: 6 GMACs, 60 ms, 75 J
    assert second == ["untrained", *[ABSENT] * 3]


def test_markdown_is_aligned_for_names_that_take_two_columns_a_letter() -> None:
    found = board_of(trained("動画認識"), trained("c3d_tiny"), trained("n" * 80))
    lines = [line for line in render(found, "md").splitlines() if line.startswith("|")]
    assert len(lines) == 5 and len({cell_len(line) for line in lines}) == 1
