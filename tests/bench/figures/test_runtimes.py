"""The figure of runtimes: from which point to which a network moves."""

import pytest

from kinobench.bench.figures.runtimes import AFTER, BEFORE, GAIN, draw, gains_of
from kinobench.bench.figures.style import drawing, style_of
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.runtimes import runtime_table
from kinobench.datasets.errors import KinobenchError, UnknownNameError

from ...fakes.made_runtimes import in_runtime


def board_of(*records: object) -> Board:
    (board,) = boards(records)  # type: ignore[arg-type]
    return board


BOARD = board_of(
    in_runtime("c3d_tiny", "torch", 0.016, top1=0.95),
    in_runtime("c3d_tiny", "onnxruntime", 0.004, top1=0.945),
    in_runtime("c3d_tiny", "openvino", 0.002, top1=0.90),  # faster, and five points worse
    in_runtime("x3d_tiny", "torch", 0.008),
    in_runtime("x3d_tiny", "onnxruntime", 0.032),
    in_runtime("mvit_tiny", "torch", 0.004),
    in_runtime("mvit_tiny", "openvino", 0.001, top1=None),
)


def test_a_network_goes_from_eager_to_the_fastest_that_keeps_its_accuracy() -> None:
    table = runtime_table(BOARD)
    assert table is not None
    found = {gain.network.model: gain for gain in gains_of(table)}
    assert set(found) == {"c3d_tiny", "x3d_tiny"}  # nobody scored mvit_tiny in OpenVINO
    assert found["c3d_tiny"].begin == pytest.approx((16.0, 95.0))
    assert found["c3d_tiny"].end == pytest.approx((4.0, 94.5))
    assert found["x3d_tiny"].after.way == "torch"


@pytest.mark.parametrize("style", ["paper", "slides", "dark"])
def test_the_points_are_drawn_at_their_places_and_the_legend_counts_them(style: str) -> None:
    with drawing(style_of(style)):
        picture = draw(BOARD, style_of(style))
    (axes,) = picture.figure.axes
    by_gid = {line.get_gid(): line for line in axes.lines}
    assert sum(line.get_gid() == GAIN for line in axes.lines) == 2
    assert sorted(by_gid[BEFORE].get_xdata()) == pytest.approx([8.0, 16.0])
    assert list(by_gid[f"{AFTER} onnxruntime"].get_xdata()) == pytest.approx([4.0])
    labels = [text.get_text() for text in picture.figure.legends[0].get_texts()]
    assert "fastest in onnxruntime (1)" in labels and "fastest in eager PyTorch (1)" in labels
    assert "c3d_tiny: 16 ms, 95.0 % to 4 ms, 94.5 % in onnxruntime" in picture.description


def test_without_another_runtime_it_says_what_to_measure() -> None:
    style = style_of("paper")
    with drawing(style), pytest.raises(KinobenchError, match="run deploy"):
        draw(board_of(in_runtime("c3d_tiny", "torch", 0.016)), style)
    with drawing(style), pytest.raises(UnknownNameError, match="c3d_tiny"):
        draw(BOARD, style, models=["c3d_tin"])
