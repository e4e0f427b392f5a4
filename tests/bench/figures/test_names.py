"""Long names in figures: shortened, and never wider than their share of the figure."""

from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len

from kinobench.bench.figures import latency, lines, pareto
from kinobench.bench.figures.rows import shortened
from kinobench.bench.figures.style import STYLES, Style, drawing, new_figure
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.fields import field
from kinobench.bench.leaderboard.leaderboard import boards

from ...fakes.made_records import made_latency, made_record
from ...fakes.shown_results import made_results

LONG = ("x" * 120, "a_rather_long_name_of_a_network_finetuned_on_kinetics400_16x4", "動画認識" * 9)


@pytest.mark.parametrize(
    ("name", "letters", "expected"),
    [
        ("c3d_tiny", 8, "c3d_tiny"),
        ("c3d_tiny", 7, "c3d…iny"),
        ("c3d_tiny", 6, "c3d…ny"),
        ("動画認識", 7, "動画…識"),
        ("", 3, ""),
    ],
)
def test_a_long_name_keeps_its_ends(name: str, letters: int, expected: str) -> None:
    assert shortened(name, letters) == expected
    assert cell_len(shortened(name, letters)) <= letters


@pytest.mark.parametrize("style", STYLES.values())
def test_long_names_leave_half_of_the_width_to_the_samples(style: Style) -> None:
    rows = [made_record(name, latency=made_latency(n)) for n, name in enumerate(LONG, 1)]
    (board,) = boards(rows)
    with drawing(style):
        picture = latency.draw(board, style)
        picture.figure.draw_without_rendering()  # a layout without room is a warning, and fails
    (axes,) = picture.figure.axes
    assert axes.get_position().width > 0.4
    assert all(name in picture.description for name in LONG)


def test_many_latencies_fit_a_page() -> None:
    rows = [made_record(f"net_{n}", latency=made_latency(0.01 + n)) for n in range(60)]
    (board,) = boards(rows)
    with drawing(STYLES["paper"]):
        figure = latency.draw(board, STYLES["paper"]).figure
        figure.draw_without_rendering()
    assert figure.get_figheight() < 9.5
    ticks = figure.axes[0].yaxis.get_ticklabels()
    boxes = sorted((tick.get_window_extent() for tick in ticks), key=lambda box: box.y0)
    assert len(boxes) == 60
    assert all(below.y1 <= above.y0 for below, above in pairwise(boxes))


@pytest.mark.parametrize("count", [1, 8])
def test_every_line_has_its_name_and_the_axes_keep_their_height(count: int) -> None:
    paper = STYLES["paper"]
    made = [lines.Line(f"{n}{'_long' * 20}", [1, 2], [n, n + 1], colour=n) for n in range(count)]
    with drawing(paper):
        figure = new_figure(paper, None, 0.78)
        axes = figure.subplots()
        lines.draw_lines(axes, made, paper)
        lines.add_legend(figure, axes, made, paper)
        figure.draw_without_rendering()
        (legend,) = figure.legends
        box = legend.get_window_extent()
    texts = [text.get_text() for text in legend.get_texts()]
    assert [text[0] for text in texts] == [str(n) for n in range(count)]
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width
    assert axes.get_window_extent().height / figure.dpi > 1.2  # inches


def test_rows_under_probes_are_told_apart_by_the_probe(tmp_path: Path) -> None:
    (board,) = read_boards(made_results(tmp_path, 1), print)
    with drawing(STYLES["paper"]):
        figure = latency.draw(board, STYLES["paper"]).figure
    named = {tick.get_text() for tick in figure.axes[0].yaxis.get_ticklabels()}
    probes = ("none", "reversed", "shuffled", "frozen")
    assert named == {*(f"net_0 (probe {each})" for each in probes), "untrained_net"}


def test_a_point_that_has_no_room_for_its_name_is_in_the_description_whole() -> None:
    (board,) = boards([made_record(name, latency=made_latency(1)) for name in LONG])
    with drawing(STYLES["paper"]):
        picture = pareto.draw(board, field("latency"), field("params"), STYLES["paper"])
    assert picture.description.count("x" * 120) >= 1
