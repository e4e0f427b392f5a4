"""Lines that can be told apart: at most eight have colours, and the rest is grey."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from .axes import distances
from .rows import LETTER, letters_in, shortened
from .style import MOST_LINES, Style, mark

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HANDLE = 6
"""Width of the piece of line before a name, in letters."""
_APART = 2.6
"""Distance of two intervals at one x, in widths of a line: their marks touch, the bars don't."""
_SHARED = 0.6
"""The part of the distance of two x that lines moved apart at one of them may take."""
_USUAL_ROWS = 2
"""Rows of names for which a figure has room."""
HIGHLIGHTED, GREY = "highlighted", "grey"
"""The gids of lines; the first goes on with a colon and the name."""


class Line(NamedTuple):
    """A line.

    Attributes:
        name: Its name in the legend.
        x, y: Its points.
        ends: The interval of each point; None where there is none. Empty: none has one.
        colour: Number of its mark, below `MOST_LINES`; None: it is grey.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    ends: Sequence[tuple[float, float] | None] = ()
    colour: int | None = None


def draw_lines(
    axes: "Axes", lines: Sequence[Line], style: Style, *, is_dodged: bool = False
) -> None:
    """Draw lines: the grey ones, and the highlighted above them, with their intervals.

    Args:
        axes: The axes.
        lines: The lines.
        style: The style.
        is_dodged: Move the highlighted lines sideways a little, so that intervals at the same x can
            be told apart. Their points keep their x: they are only drawn elsewhere.

    Raises:
        ValueError: More lines than `MOST_LINES` have a colour.
    """
    coloured = [line for line in lines if line.colour is not None]
    if len(coloured) > MOST_LINES:
        raise ValueError(f"{len(coloured)} lines can't be told apart")
    for line in lines:
        if line.colour is None:
            axes.plot(
                line.x,
                line.y,
                color=style.quiet,
                linewidth=0.5 * style.line_pt,
                alpha=0.45,
                zorder=2,
                gid=GREY,
            )
    moved = is_dodged and len(coloured) > 1 and any(any(line.ends) for line in coloured)
    step_pt = 0.0
    if moved:
        count = len({x for line in lines for x in line.x})
        step_pt = _step_pt(axes, count, len(coloured), style)
        axes.margins(x=0.5 / max(1, count - 1))
    for number, line in enumerate(coloured):
        assert line.colour is not None
        looks = mark(style, line.colour)
        drawn: list[Artist] = [
            *axes.plot(
                line.x,
                line.y,
                color=looks.colour,
                marker=looks.marker,
                linestyle=looks.dash,
                zorder=4,
                label=line.name,
                gid=f"{HIGHLIGHTED}: {line.name}",
            )
        ]
        if any(line.ends):
            off = [distances(y, ends) for y, ends in zip(line.y, line.ends, strict=True)]
            *_, (bars,) = axes.errorbar(
                line.x,
                line.y,
                yerr=list(zip(*off, strict=True)),
                fmt="none",
                ecolor=looks.colour,
                elinewidth=0.5 * style.line_pt,
                alpha=0.7 if moved else 0.4,
                zorder=3,
            )
            drawn.append(bars)
        if moved:
            _move(axes, drawn, step_pt * (number - (len(coloured) - 1) / 2))


def _step_pt(axes: "Axes", count: int, lines: int, style: Style) -> float:
    """Return how far apart lines are moved, in points: less where many x are close together."""
    room_pt = 72 * _figure_of(axes).get_figwidth() / (count + 1)
    return min(_APART * style.line_pt, _SHARED * room_pt / lines)


def _figure_of(axes: "Axes") -> "Figure":
    """Return the figure that axes are part of."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def _move(axes: "Axes", drawn: Sequence["Artist"], right_pt: float) -> None:
    """Move what is drawn to the right; the limits of the axes stay those of the data."""
    from matplotlib.transforms import ScaledTranslation

    inches = _figure_of(axes).dpi_scale_trans
    for artist in drawn:
        artist.set_transform(axes.transData + ScaledTranslation(right_pt / 72, 0, inches))


def add_legend(figure: "Figure", axes: "Axes", lines: Sequence[Line], style: Style) -> None:
    """Name the highlighted lines below the axes, in as many columns as fit, and the grey ones.

    Names that are wider than the figure are shortened; many rows of names make the figure higher.
    """
    from matplotlib.lines import Line2D

    handles, names = axes.get_legend_handles_labels()
    grey = sum(line.colour is None for line in lines)
    if grey:
        handles = [*handles, Line2D([], [], color=style.quiet, linewidth=0.5 * style.line_pt)]
        names = [*names, f"{grey} more"]
    if not names:
        return
    wide = letters_in(figure.get_figwidth(), style) - _HANDLE
    names = [shortened(name, wide) for name in names]
    letter_in = LETTER * style.small_pt / 72
    column_in = letter_in * (max(map(cell_len, names)) + _HANDLE)
    columns = max(1, min(len(names), int(figure.get_figwidth() / column_in)))
    more_rows = max(0, math.ceil(len(names) / columns) - _USUAL_ROWS)
    figure.set_figheight(figure.get_figheight() + more_rows * 1.6 * style.small_pt / 72)
    figure.legend(handles, names, loc="outside lower center", ncols=columns, columnspacing=1.2)
