"""Accuracy against the number of views, computed from stored logits."""

from collections.abc import Callable, Sequence

from ...datasets.errors import KinobenchError, program
from ...datasets.plurals import quantity
from ..analysis.analyse import analyse
from ..analysis.map_analysis import analyse_map
from ..analysis.source import Source
from ..leaderboard.leaderboard import Board, Row
from ..records.results import SCORE_NAMES
from ..records.stores import Results, predictions_in
from .lines import Line, add_legend, draw_lines
from .picture import Picture
from .rows import highlighted, names
from .style import Style, new_figure

MISSING = (
    "no trained network was scored with several temporal views and keeps its predictions; score "
    f"some: {program()} run --measure accuracy --views 10x3"
)


def has_views(board: Board, row: Row) -> bool:
    """Return whether a row has predictions of several temporal views."""
    accuracy = row.record.accuracy
    return (
        row.is_trained
        and not row.splits
        and row.record.case.probe is None
        and row.record.case.protocol.clips > 1
        and accuracy is not None
        and accuracy.predictions is not None
    )


def lines_of(
    rows: Sequence[Row],
    results: Results,
    models: Sequence[str],
    on_problem: Callable[[str], None] = lambda line: None,
) -> list[Line]:
    """Return a line for each row whose predictions can be read: views, and accuracy in percent."""
    chosen = highlighted(models, rows)
    found = []
    for place, (name, row) in enumerate(zip(names(rows), rows, strict=True)):
        try:
            x, y, ends = _by_views(row, results)
        except KinobenchError as error:
            on_problem(f"left out, {name}: {error}")
            continue
        colour = chosen.index(place) if place in chosen else None
        found.append(Line(name, x, y, ends, colour))
    return found


def _by_views(
    row: Row, results: Results
) -> tuple[list[float], list[float], list[tuple[float, float] | None]]:
    accuracy, protocol = row.record.accuracy, row.record.case.protocol
    assert accuracy is not None and accuracy.predictions is not None
    source = Source(path=predictions_in(accuracy, results), record=row.record)
    opened = source.open()
    if opened.scoring == "map":
        by_map = analyse_map(opened, protocol.aggregation, clips=protocol.clips).by_clips
        known = [each for each in by_map if each.map is not None]
        shares = [each.map or 0.0 for each in known]
        return [each.views for each in known], [100 * each for each in shares], [None] * len(known)
    by_clips = analyse(opened, protocol.aggregation, clips=protocol.clips).by_clips
    return (
        [each.views for each in by_clips],
        [100 * each.top1 for each in by_clips],
        [(100 * each.interval_top1[0], 100 * each.interval_top1[1]) for each in by_clips],
    )


def draw(
    board: Board,
    results: Results,
    style: Style,
    *,
    width_in: float | None = None,
    models: Sequence[str] = (),
    on_problem: Callable[[str], None] = lambda line: None,
) -> Picture:
    """Draw the accuracy of the first one, two, ... temporal views.

    Args:
        board: The board, with rows that have predictions of several views.
        results: Folder with the predictions, or the folders that the rows were read from.
        style: The style; call this within `drawing`.
        width_in: Width in inches; None: the style's.
        models: Networks whose lines have colours; none: the best `MOST_LINES`.
        on_problem: Called with a line for each row whose predictions can't be read.

    Raises:
        KinobenchError: No predictions can be read, or the models are too many or unknown.
    """
    rows = [row for row in board.rows if has_views(board, row)]
    lines = lines_of(rows, results, models, on_problem)
    if not lines:
        raise KinobenchError(f"nothing to plot: {MISSING}")
    figure = new_figure(style, width_in, 0.6 if style.is_broad(width_in) else 0.78)
    axes = figure.subplots()
    draw_lines(axes, lines, style, is_dodged=True)
    score = f"{SCORE_NAMES[board.scoring][0]} (%)"
    protocol = rows[0].record.case.protocol
    crops = f", {protocol.crops} spatial for each temporal" if protocol.crops > 1 else ""
    axes.set(xlabel=f"views of a video{crops}", ylabel=score)
    ticks = sorted({int(x) for line in lines for x in line.x})
    axes.set_xticks(ticks if len(ticks) <= 12 else ticks[:: len(ticks) // 8])
    add_legend(figure, axes, lines, style)
    gains = "; ".join(
        f"{line.name}: {line.y[0]:.1f} % with {line.x[0]:g}, {line.y[-1]:.1f} % with {line.x[-1]:g}"
        for line in lines
        if line.colour is not None
    )
    return Picture(
        figure,
        f"{score} against the number of views: {board.title}",
        f"{quantity(len(lines), 'network')} of {board.title}; bars are 95 % intervals. {gains}.",
    )
