"""Accuracy, or any number, against a cost: points with intervals, and the front as steps."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ...datasets.plurals import quantity
from ..leaderboard.fields import Field
from ..leaderboard.leaderboard import Board
from ..leaderboard.recommendation import Figure
from ..leaderboard.shown_values import of_figure
from ..records.results import SCORE_NAMES
from .axes import distances, scale
from .labels import Named, Segment, place_labels
from .picture import Picture
from .points import Point, points_of
from .rows import letters_in, shortened, without_shared_end
from .style import Style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS, FRONT, REST = "points of the front", "front", "other points"
"""The gids of what is drawn."""
_NAME_SHARE = 0.4
"""Largest share of the width that a name takes."""


def draw(
    board: Board,
    x: Field,
    y: Field,
    style: Style,
    *,
    width_in: float | None = None,
    models: Sequence[str] = (),
) -> Picture:
    """Draw a number against another.

    Args:
        board: The board, with a row that has both.
        x: The number across, such as the latency.
        y: The number upwards, such as the accuracy.
        style: The style; call this within `drawing`.
        width_in: Width in inches; None: the style's.
        models: Networks whose names must be there, besides those of the front.

    Raises:
        KinobenchError: No row is of one of the models; or the width can't be.
    """
    points = points_of(board, x, y, models)
    figure = new_figure(style, width_in, 0.55 if style.is_broad(width_in) else 0.72)
    axes = figure.subplots()
    scale(axes, "x", [point.x for point in points])
    scale(axes, "y", [point.y for point in points])
    axes.set(xlabel=x.head, ylabel=_y_head(board, y))
    corners = _steps(points, x)
    _draw_front(axes, corners, style)
    for gid, drawn, colour, above in (
        (REST, [each for each in points if not each.in_front], style.quiet, 3),
        (POINTS, [each for each in points if each.in_front], style.colours[0], 4),
    ):
        _draw_points(axes, drawn, colour, gid, above, style)
    _limits(axes, points, y, style)
    chance = _draw_chance(axes, board, y, style)
    texts, end = without_shared_end([point.name for point in points])
    letters = letters_in(_NAME_SHARE * figure.get_figwidth(), style)
    texts = [shortened(text, letters) for text in texts]
    lines = list(pairwise(corners))
    if chance is not None:
        left, right = axes.get_xlim()
        lines.append(((left, chance), (right, chance)))
    every = style.is_broad(figure.get_figwidth())
    left_out = _name(axes, points, texts, style, lines, every=every)
    if end:
        _remark(axes, f"names without {end}", style)
    return Picture(figure, _title(board, x, y), _description(board, x, y, points, left_out, chance))


def _y_head(board: Board, y: Field) -> str:
    if y.name == "score_percent":
        return f"{SCORE_NAMES[board.scoring][0]} (%)"
    return y.head


def _steps(points: Sequence[Point], x: Field) -> list[tuple[float, float]]:
    """Return the corners of the front, the line of what is reached at each cost."""
    best = sorted({(point.x, point.y) for point in points if point.in_front})
    if x.better == "more":
        best.reverse()
    corners = best[:1]
    for across, upwards in best[1:]:
        corners += [(across, corners[-1][1]), (across, upwards)]
    return corners


def _draw_front(axes: "Axes", corners: Sequence[tuple[float, float]], style: Style) -> None:
    if len(corners) > 1:
        axes.plot(
            *zip(*corners, strict=True),
            color=style.colours[0],
            linewidth=style.line_pt,
            alpha=0.6,
            zorder=2,
            gid=FRONT,
        )


def _draw_points(
    axes: "Axes", points: Sequence[Point], colour: str, gid: str, above: int, style: Style
) -> None:
    if not points:
        return
    across = [distances(point.x, point.x_ends) for point in points]
    upwards = [distances(point.y, point.y_ends) for point in points]
    axes.errorbar(
        [point.x for point in points],
        [point.y for point in points],
        xerr=list(zip(*across, strict=True)),
        yerr=list(zip(*upwards, strict=True)),
        fmt="none",
        ecolor=colour,
        elinewidth=0.5 * style.line_pt,
        alpha=0.35,
        zorder=1,
    )
    axes.plot(
        [point.x for point in points],
        [point.y for point in points],
        linestyle="none",
        marker="o" if gid == POINTS else "D",
        markersize=(3.6 if gid == POINTS else 2.6) * style.line_pt,
        color=colour,
        zorder=above,
        gid=gid,
    )


def _limits(axes: "Axes", points: Sequence[Point], y: Field, style: Style) -> None:
    axes.margins(0.07)
    axes.autoscale_view()
    if y.unit == "%":
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -4), min(high, 104))
    axes.set_autoscale_on(False)


def _draw_chance(axes: "Axes", board: Board, y: Field, style: Style) -> float | None:
    """Draw what guessing reaches, where it is in the figure; return it in percent."""
    if y.name not in ("score_percent", "top1_percent"):
        return None
    chances = {
        accuracy.chance for row in board.rows if (accuracy := row.record.accuracy) is not None
    }
    if len(chances) != 1 or board.scoring != "top-k":
        return None
    percent = 100 * chances.pop()
    low, high = axes.get_ylim()
    if not low <= percent <= high:
        return None
    axes.axhline(percent, color=style.quiet, linestyle=":", linewidth=style.line_pt, zorder=1)
    axes.annotate(
        "chance",
        (1, percent),
        xycoords=("axes fraction", "data"),
        xytext=(0, 0.2 * style.small_pt),
        textcoords="offset points",
        ha="right",
        fontsize=style.small_pt,
        color=style.muted,
    )
    return percent


def _name(
    axes: "Axes",
    points: Sequence[Point],
    texts: Sequence[str],
    style: Style,
    lines: Sequence[Segment],
    *,
    every: bool,
) -> list[str]:
    """Write names: those of the front and the chosen, and on wide figures all; return the rest."""
    named = [
        Named(
            text,
            point.x,
            point.y,
            style.ink if point.in_front or point.chosen else style.muted,
            must=point.in_front or point.chosen,
        )
        for text, point in zip(texts, points, strict=True)
        if every or point.in_front or point.chosen or len(points) <= 8
    ]
    left_out = place_labels(
        axes, named, [(point.x, point.y) for point in points], style.small_pt, lines
    )
    shown = {each.name for each in named} - set(left_out)
    return [point.name for text, point in zip(texts, points, strict=True) if text not in shown]


def _remark(axes: "Axes", text: str, style: Style) -> None:
    axes.annotate(
        text,
        (1, 0),
        xycoords="axes fraction",
        xytext=(0, 0.4 * style.small_pt),
        textcoords="offset points",
        ha="right",
        fontsize=style.small_pt,
        color=style.muted,
    )


def _title(board: Board, x: Field, y: Field) -> str:
    return f"{_y_head(board, y)} against {x.head}: {board.title}"


def _description(
    board: Board,
    x: Field,
    y: Field,
    points: Sequence[Point],
    unnamed: Sequence[str],
    chance: float | None,
) -> str:
    best = sorted((point for point in points if point.in_front), key=lambda point: point.x)
    listed = "; ".join(
        f"{each.name}: {of_figure(x, Figure(value=each.x))}, {of_figure(y, Figure(value=each.y))}"
        for each in best
    )
    lines = [
        f"{quantity(len(points), 'network')} of {board.title}: {_y_head(board, y)} against "
        f"{x.head}, with 95 % intervals where they are known."
    ]
    if best:
        lines.append(f"On the front, where no other is better in both: {listed}.")
    if chance is not None:
        lines.append(f"Guessing reaches {chance:g} %.")
    left = len(board.rows) - len(points)
    if left:
        lines.append(f"Not drawn, without both numbers: {quantity(left, 'row')}.")
    if unnamed:
        lines.append(f"Points without a name: {', '.join(unnamed)}.")
    return " ".join(lines)
