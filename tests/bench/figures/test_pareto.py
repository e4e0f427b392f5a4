"""The points are the records' numbers, the front is theirs, and no name covers another."""

import math
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from kinobench.bench.figures import pareto, points
from kinobench.bench.figures.labels import LABEL
from kinobench.bench.figures.rows import without_shared_end
from kinobench.bench.figures.style import STYLES, drawing
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.fields import field
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.datasets.errors import KinobenchError, UnknownNameError

from ...fakes.made_records import made_accuracy, made_cost, made_latency, made_record
from ...fakes.media import REPOSITORY

LATENCY, SCORE = field("latency"), field("score")


def scored(model: str, latency_s: float, top1: float, **changes: Any) -> Any:
    return made_record(
        model,
        case={"weights": "pointlight"},
        latency=made_latency(latency_s),
        accuracy=made_accuracy(top1, interval_top1=(top1 - 0.1, top1 + 0.05)),
        **changes,
    )


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Board:
    folder = tmp_path_factory.mktemp("figures") / "quick"
    shutil.copytree(REPOSITORY / "results" / "quick", folder)
    (board,) = read_boards(folder, lambda line: None)
    return board


def drawn_by(figure: Any, gid: str) -> list[tuple[float, float]]:
    (axes,) = figure.axes
    return [
        (float(x), float(y))
        for line in axes.lines
        if line.get_gid() == gid
        for x, y in zip(*line.get_data(), strict=True)
    ]


def test_the_points_are_the_numbers_of_the_records(quick: Board) -> None:
    with drawing(STYLES["paper"]):
        figure = pareto.draw(quick, LATENCY, SCORE, STYLES["paper"]).figure
    drawn = drawn_by(figure, pareto.REST) + drawn_by(figure, pareto.POINTS)
    assert len(drawn) == 32
    assert sorted(drawn) == sorted(
        (LATENCY.read(quick, row), SCORE.read(quick, row)) for row in quick.rows
    )
    assert figure.axes[0].get_xscale() == "log"  # 1.7 to 21 ms
    assert figure.axes[0].get_yscale() == "log" or figure.axes[0].get_ylim()[0] <= 0


def test_the_front_is_drawn_as_steps_from_point_to_point() -> None:
    found = [scored("a", 0.001, 0.3), scored("b", 0.002, 0.5), scored("c", 0.003, 0.45)]
    (board,) = boards([*found, scored("d", 0.004, 0.8)])
    with drawing(STYLES["paper"]):
        figure = pareto.draw(board, LATENCY, SCORE, STYLES["paper"]).figure
    steps = np.array(drawn_by(figure, pareto.FRONT))
    assert steps == pytest.approx(np.array([(1, 30), (2, 30), (2, 50), (4, 50), (4, 80)]))
    assert drawn_by(figure, pareto.REST) == [pytest.approx((3, 45))]
    assert figure.axes[0].get_xscale() == "linear"


def test_a_number_of_which_more_is_better_goes_the_other_way() -> None:
    (board,) = boards([scored("a", 0.001, 0.3), scored("b", 0.002, 0.5)])
    with drawing(STYLES["paper"]):
        figure = pareto.draw(board, field("throughput"), SCORE, STYLES["paper"]).figure
    steps = np.array(drawn_by(figure, pareto.FRONT))
    assert steps == pytest.approx(np.array([(1000, 30), (500, 30), (500, 50)]))


def test_untrained_accuracies_and_lower_bounds_are_not_drawn() -> None:
    untrained = made_record("untrained", accuracy=made_accuracy(0.9))
    bound = scored("bound", 0.001, 0.4, cost=_with_uncounted())
    (board,) = boards([untrained, bound, scored("a", 0.002, 0.3)])
    assert {p.name for p in points.points_of(board, LATENCY, SCORE)} == {"a", "bound"}
    assert [p.name for p in points.points_of(board, field("macs"), SCORE)] == ["a"]
    with drawing(STYLES["paper"]):
        picture = pareto.draw(board, field("macs"), SCORE, STYLES["paper"])
    assert "Not drawn, without both numbers: 2 rows." in picture.description


def _with_uncounted() -> Any:
    return msgspec.structs.replace(made_cost(), uncounted={"aten::odd": 3})


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("axes", [("latency", "score"), ("macs", "latency"), ("params", "memory")])
@pytest.mark.parametrize("width", [None, 14.0])
def test_no_name_covers_a_name_or_leaves_the_axes(
    quick: Board, style: str, axes: tuple[str, str], width: float | None
) -> None:
    with drawing(STYLES[style]):
        picture = pareto.draw(quick, *map(field, axes), STYLES[style], width_in=width)
        renderer = picture.figure.canvas.get_renderer()
        (drawn,) = picture.figure.axes
        names = [text for text in drawn.texts if text.get_gid() == LABEL]
        boxes = [text.get_window_extent(renderer) for text in names]
        room = drawn.get_window_extent(renderer)
    assert len(boxes) >= (12 if width else 1)
    for number, box in enumerate(boxes):
        inside = box.x0 >= room.x0 - 1 and box.x1 <= room.x1 + 1 and box.y1 <= room.y1 + 1
        assert inside, names[number]
        for other, text in zip(boxes[:number], names, strict=False):
            assert not box.overlaps(other), (names[number], text)
    at = drawn.transData.transform
    for point in points.points_of(quick, *map(field, axes)):
        x, y = at((point.x, point.y))
        assert not any(box.x0 < x < box.x1 and box.y0 < y < box.y1 for box in boxes), point.name


def test_the_points_of_the_front_and_the_asked_ones_have_names(quick: Board) -> None:
    with drawing(STYLES["paper"]):
        picture = pareto.draw(quick, LATENCY, SCORE, STYLES["paper"], models=["c3d_tiny"])
    texts = {t.get_text() for t in picture.figure.axes[0].texts if t.get_gid() == LABEL}
    assert texts == {"videomae", "early_fusion", "slow_fusion", "c3d"}
    assert "early_fusion_tiny: 2.03 ms, 91.2 %; slow_fusion_tiny: 4.09 ms" in picture.description


def test_an_end_that_all_names_share_is_left_out() -> None:
    assert without_shared_end(["a_x", "b_x", "c_x"]) == (["a", "b", "c"], "_x")
    for kept in (["a_x", "b_x"], ["a_x", "b_x", "c_y"], ["a", "b", "c"], []):
        assert without_shared_end(kept) == (kept, "")


def test_settings_and_unknown_names_are_no_axes() -> None:
    with pytest.raises(KinobenchError, match="--x device: it is no number; the numbers are"):
        points.number_field("device", "--x")
    with pytest.raises(UnknownNameError, match="did you mean 'latency"):
        points.number_field("latncy", "--x")


def test_nothing_to_plot_says_what_to_measure() -> None:
    said = points.missing(field("energy"), SCORE)
    assert "no trained network has both j_per_clip and score_percent" in said
    assert said.endswith("run --measure energy,accuracy")
    assert "trained" not in points.missing(field("macs"), LATENCY)


def test_odd_names_are_text_and_never_a_formula(tmp_path: Path) -> None:
    (board,) = boards([scored(r"$\frac{1}{2}$ <b>\x", 0.001, 0.3), scored("字\x1b[2J", 0.002, 0.5)])
    with drawing(STYLES["paper"]):
        picture = pareto.draw(board, LATENCY, SCORE, STYLES["paper"])
        picture.figure.savefig(tmp_path / "odd.svg", metadata={"Date": None})
    text = (tmp_path / "odd.svg").read_text()
    assert r"$\frac{1}{2}$ &lt;b&gt;\x" in text and "\x1b" not in text
    assert math.isclose(drawn_by(picture.figure, pareto.POINTS)[0][0], 1.0)
