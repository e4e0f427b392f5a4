"""Throughput, latency and memory against the batch, one below the other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...datasets.errors import program
from ...datasets.plurals import quantity
from ..leaderboard.leaderboard import Board, Row
from ..records.times import Sweep, SweepPoint
from .axes import plain, scale
from .lines import Line, add_legend, draw_lines
from .picture import Picture
from .rows import highlighted, names
from .style import Style, mark, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MISSING = f"no network has a batch sweep; measure one: {program()} run --measure sweep"
KNEE = "knee"
"""The gid of a knee's ring."""

PANELS = ("throughput", "latency", "memory")


def has_sweep(board: Board, row: Row) -> bool:
    """Return whether a row has a sweep with a point."""
    return row.record.sweep is not None and bool(row.record.sweep.points)


def lines_of(rows: Sequence[Row], panel: str, models: Sequence[str]) -> list[Line]:
    """Return a line for each row: batches, and clips/s, ms or MB."""
    chosen = highlighted(models, rows)
    found = []
    for place, (name, row) in enumerate(zip(names(rows), rows, strict=True)):
        points = _points(row.record.sweep, panel)
        colour = chosen.index(place) if place in chosen else None
        values = [_value(point, panel) for point in points]
        ends = [_ends(point, panel) for point in points]
        found.append(Line(name, [point.batch for point in points], values, ends, colour))
    return found


def _points(sweep: Sweep | None, panel: str) -> list[SweepPoint]:
    points = () if sweep is None else sweep.points
    return [point for point in points if panel != "memory" or point.memory.peak_bytes is not None]


def _value(point: SweepPoint, panel: str) -> float:
    if panel == "throughput":
        return point.throughput_per_s
    if panel == "latency":
        return 1e3 * point.latency.reached_s
    return float(point.memory.peak_bytes or 0) / 1e6


def _ends(point: SweepPoint, panel: str) -> tuple[float, float] | None:
    if panel == "throughput":
        return point.latency.throughput_interval(point.batch)
    latency = point.latency
    ends_s = latency.wall_interval_s if latency.launch_bound else latency.interval_s
    if panel == "memory" or ends_s is None:
        return None
    return 1e3 * ends_s[0], 1e3 * ends_s[1]


def draw(
    board: Board, style: Style, *, width_in: float | None = None, models: Sequence[str] = ()
) -> Picture:
    """Draw the sweeps of a board: a panel each for throughput, latency and memory.

    Args:
        board: The board, with rows that have a sweep.
        style: The style; call this within `drawing`.
        width_in: Width in inches; None: the style's.
        models: Networks whose lines have colours; none: the best `MOST_LINES`.

    Raises:
        KinobenchError: The models are too many or unknown; or the width can't be.
    """
    rows = [row for row in board.rows if has_sweep(board, row)]
    panels = {name: lines_of(rows, name, models) for name in PANELS}
    shown = {name: lines for name, lines in panels.items() if any(line.y for line in lines)}
    wide = style.is_broad(width_in)
    figure = new_figure(style, width_in, 0.5 if wide else 0.52 * len(shown))
    shape = (1, len(shown)) if wide else (len(shown), 1)
    every = list(figure.subplots(*shape, sharex=True, squeeze=False).flat)
    streamed = rows[0].record.case.mode == "stream"
    heads = {
        "throughput": "frames/s" if streamed else "clips/s",
        "latency": "latency (ms)",
        "memory": "peak memory (MB)",
    }
    for axes, (name, lines) in zip(every, shown.items(), strict=True):
        draw_lines(axes, lines, style)
        scale(axes, "y", [value for line in lines for value in line.y])
        axes.set_ylabel(heads[name])
        _batches(axes, lines)
        if name == "throughput":
            _ring_knees(axes, rows, lines, style)
        if wide or axes is every[-1]:
            axes.set_xlabel("batch")
    figure.align_ylabels()
    add_legend(figure, every[0], panels["throughput"], style)
    return Picture(figure, f"Batch sweep: {board.title}", _description(board, rows))


def _batches(axes: "Axes", lines: Sequence[Line]) -> None:
    from matplotlib.ticker import NullLocator

    batches = sorted({int(batch) for line in lines for batch in line.x})
    axes.set_xscale("log", base=2)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(batches, [plain(batch) for batch in batches])


def _ring_knees(axes: "Axes", rows: Sequence[Row], lines: Sequence[Line], style: Style) -> None:
    for row, line in zip(rows, lines, strict=True):
        knee = row.record.sweep.knee if row.record.sweep is not None else None
        if line.colour is None or knee is None:
            continue
        axes.plot(
            [knee],
            [line.y[list(line.x).index(knee)]],
            linestyle="none",
            marker="o",
            markersize=7.5 * style.line_pt,
            markerfacecolor="none",
            markeredgecolor=mark(style, line.colour).colour,
            markeredgewidth=0.8 * style.line_pt,
            zorder=5,
            gid=KNEE,
        )


def _description(board: Board, rows: Sequence[Row]) -> str:
    listed = []
    for name, row in zip(names(rows), rows, strict=True):
        sweep = row.record.sweep
        best = max(sweep.points, key=lambda point: point.throughput_per_s) if sweep else None
        if sweep is not None and best is not None:
            listed.append(
                f"{name}: at most {best.throughput_per_s:.4g} a second at batch {best.batch}, "
                f"the knee at batch {sweep.knee}"
            )
    return (
        f"Throughput, latency and peak memory of {quantity(len(rows), 'network')} of {board.title} "
        "against the batch; a ring marks the smallest batch that reaches 95 % of the best "
        f"throughput. {'; '.join(listed)}."
    )
