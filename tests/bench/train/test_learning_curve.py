"""The curves of many trainings can be told apart."""

from pathlib import Path

import pytest

from kinobench.bench.figures.lines import GREY
from kinobench.bench.figures.style import MOST_LINES, STYLES, drawing
from kinobench.bench.records.fitted_weights import Epoch
from kinobench.bench.train.learning_curve import _figure_of, draw_curves


def curves(count: int) -> dict[str, list[Epoch]]:
    return {
        f"net{number}_tiny": [
            Epoch(
                epoch=epoch,
                step=epoch,
                learning_rate=0.1,
                loss=2 / epoch,
                top1=0.02 * number,
                seconds=1.0,
            )
            for epoch in (1, 2, 3)
        ]
        for number in range(count)
    }


def test_up_to_eight_share_their_axes_and_each_has_its_look() -> None:
    with drawing(STYLES["paper"]):
        figure = _figure_of(curves(MOST_LINES), 0.125, "top-k", STYLES["paper"])
    loss, top1 = figure.axes
    for axes in (loss, top1):
        lines = [line for line in axes.lines if str(line.get_gid()).startswith("highlighted")]
        assert len({(line.get_color(), line.get_marker()) for line in lines}) == MOST_LINES
    assert list(loss.lines[0].get_ydata()) == [2, 1, 2 / 3]


@pytest.mark.parametrize("count", [9, 32])
def test_more_have_axes_of_their_own_each(count: int) -> None:
    with drawing(STYLES["paper"]):
        figure = _figure_of(curves(count), 0.125, "top-k", STYLES["paper"])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 2 * count
    assert [axes.get_title() for axes in shown] == 2 * [f"net{number}" for number in range(count)]
    for number, axes in enumerate(shown[:count]):
        gids = [line.get_gid() for line in axes.lines]
        assert gids.count(GREY) == count - 1
        own = axes.lines[gids.index(f"net{number}")]
        assert list(own.get_ydata()) == pytest.approx([2 * number] * 3)


def test_the_file_is_a_picture_with_its_description(tmp_path: Path) -> None:
    for count in (1, 9):
        draw_curves(tmp_path / "curves.png", curves(count), 0.125)
        content = (tmp_path / "curves.png").read_bytes()
        assert content.startswith(b"\x89PNG") and b"net0_tiny: 0.0 %" in content
