"""Names next to points, placed so that none covers another name or a point."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

Segment = tuple[tuple[float, float], tuple[float, float]]
"""The ends of a line, in the data."""

LABEL = "label"
"""The gid of such names."""


class Named(NamedTuple):
    """A point with a name.

    Attributes:
        name: The name.
        x, y: Its place in the data.
        colour: Colour of the name.
        must: It is named even if a thin line must lead to it.
    """

    name: str
    x: float
    y: float
    colour: str
    must: bool = False


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def lies_in(self, other: "_Box") -> bool:
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.bottom <= self.bottom
            and self.top <= other.top
        )


def place_labels(
    axes: "Axes",
    points: Sequence[Named],
    every: Sequence[tuple[float, float]],
    size_pt: float,
    lines: Sequence[Segment] = (),
) -> list[str]:
    """Write the names of points, those that must be there first; return those without a place.

    Args:
        axes: The axes, whose limits and scales are set.
        points: The points to name.
        every: All points, which no name may cover.
        size_pt: Size of the names.
        lines: Level and upright lines that no name may cover.
    """
    figure: Any = axes.figure
    figure.draw_without_rendering()  # the layout decides where points are
    pixel = figure.dpi / 72
    room = _Box(*axes.get_window_extent().extents)
    radius = 0.42 * size_pt * pixel
    at = axes.transData.transform
    taken = [
        _Box(x - radius, y - radius, x + radius, y + radius)
        for x, y in (at(point) for point in every)
    ]
    for begin, end in lines:
        (x1, y1), (x2, y2) = at(begin), at(end)
        taken.append(_Box(min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2) + 1, max(y1, y2) + 1))
    left_out = []
    for point in sorted(points, key=lambda each: not each.must):
        placed = _placed(axes, point, taken, room, size_pt, pixel)
        if placed is None:
            left_out.append(point.name)
        else:
            taken.append(placed)
    return left_out


def _placed(
    axes: "Axes",
    point: Named,
    taken: Sequence[_Box],
    room: _Box,
    size_pt: float,
    pixel: float,
) -> _Box | None:
    """Write a name at the first free place around its point; None if there is none."""
    text = axes.annotate(
        point.name,
        (point.x, point.y),
        xytext=(0, 0),
        textcoords="offset points",
        fontsize=size_pt,
        color=point.colour,
        va="center",
        gid=LABEL,
    )
    figure: Any = axes.figure
    renderer = figure.canvas.get_renderer()
    width, height = text.get_window_extent(renderer).size
    x, y = axes.transData.transform((point.x, point.y))
    for side, across, up in _offsets(size_pt, far=point.must):
        begin = x + across * pixel - (width if side == "right" else width / 2 * (side == "center"))
        middle = y + up * pixel
        box = _Box(begin - 1, middle - height / 2, begin + width + 1, middle + height / 2)
        if box.lies_in(room) and not any(box.meets(other) for other in taken):
            text.set(ha=side)
            text.set_position((across, up))
            if abs(up) > size_pt or abs(across) > 1.5 * size_pt:
                _lead(axes, text, point)
            return box
    text.remove()
    return None


def _offsets(size_pt: float, *, far: bool) -> Iterator[tuple[str, float, float]]:
    """Yield where a name may begin, end or be centred, in points from its point; nearest first."""
    near = 0.65 * size_pt
    for up in (0.0, 0.55, -0.55):
        yield "left", near, up * size_pt
        yield "right", -near, up * size_pt
    for up in (0.95, -0.95):
        yield "center", 0.0, up * size_pt
    if not far:
        return
    for ring in (1.6, 2.4, 3.2, 4.2, 5.4, 6.6, 8.0, 10.0, 12.0):
        for across, up in ((1, 0.8), (1, -0.8), (-1, 0.8), (-1, -0.8), (0, 1), (0, -1)):
            side = {1: "left", -1: "right", 0: "center"}[across]
            for stretch in (0.5, 1.0, 2.0) if across else (1.0,):
                yield side, across * ring * stretch * size_pt, up * ring * size_pt


def _lead(axes: "Axes", text: "Annotation", point: Named) -> None:
    """Draw a thin line from a name to its point."""
    across, up = text.get_position()
    beyond = 0.5 * float(text.get_fontsize())
    below = -beyond if up > 0 else beyond if up < 0 else 0.0
    axes.annotate(
        "",
        (point.x, point.y),
        xytext=(across, up + below),
        textcoords="offset points",
        arrowprops={
            "arrowstyle": "-",
            "color": point.colour,
            "linewidth": 0.4,
            "shrinkA": 0,
            "shrinkB": 2,
        },
    )
