"""What happens in videos and what a network found there, along an axis in seconds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...datasets.errors import KinobenchError, program
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..analysis.source import Source
from ..evaluation.origin import UNKNOWN, origin_of
from ..tasks.stored import open_task
from ..tasks.timelines import Span, Timeline, timelines_of
from ..tasks.truth_file import has_truth
from .picture import Picture
from .style import Style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_VIDEOS = 4
"""Videos of a figure that nobody chose."""
_ROW_PT = 1.25
"""Height of a row, in heights of its text."""
_FAINTEST = 0.05
_LONGEST = 24
"""Letters of a class's name."""


def draw(
    source: Source, style: Style, *, width_in: float | None = None, videos: Sequence[str] = ()
) -> Picture:
    """Draw true events and predictions of some videos.

    Args:
        source: The predictions.
        style: The style; call this within `drawing`.
        width_in: Width in inches; None: the style's.
        videos: Ids of the videos; none: a few that are evenly spaced.

    Raises:
        KinobenchError: They are no predictions of localization, or a video was not scored.
    """
    if not has_truth(source.path):
        raise KinobenchError(f"nothing to plot: {source.title} localizes nothing; {_CURE}")
    task = open_task(source.path, origin_of(source.record) if source.record else UNKNOWN)
    if task.truth.events is None:
        raise KinobenchError(f"nothing to plot: {source.title} has boxes, and no times; {_CURE}")
    found = timelines_of(task, videos or None)
    shown = found.videos if videos else found.videos[::2][:MOST_VIDEOS]
    if not shown:
        raise KinobenchError("nothing to plot: no scored video has a true event")
    rows = [2 * len(_names(each)) + 1 for each in shown]
    width = style.width_in if width_in is None else width_in
    height = (sum(rows) * _ROW_PT + 3 * len(shown) + 3) * style.small_pt / 72 / width
    figure = new_figure(style, width_in, height)
    places = figure.subplots(len(shown), 1, squeeze=False, height_ratios=rows)[:, 0]
    for axes, each in zip(places, shown, strict=True):
        _draw_video(axes, each, style)
    places[-1].set_xlabel("time (s)")
    figure.legend(handles=_legend(style), loc="outside lower center", ncols=2)
    counts = "; ".join(
        f"{one_line(each.video)}: {sum(span.hit for span in each.truths)} of "
        f"{quantity(len(each.truths), 'event')} found, "
        f"{sum(not span.hit for span in each.found)} false"
        for each in shown
    )
    cut = "" if found.cut is None else f" from a score of {found.cut.score:.3f} on"
    return Picture(
        figure,
        f"Timelines of {source.title}",
        f"True events above, predictions{cut} below, by class, in {quantity(len(shown), 'video')} "
        f"of {found.of}: {counts}.",
    )


_CURE = f"`{program()} run --measure localization` makes such predictions"


def _names(timeline: Timeline) -> list[str]:
    return sorted({span.name for span in (*timeline.truths, *timeline.found)})


def _draw_video(axes: "Axes", timeline: Timeline, style: Style) -> None:
    names = _names(timeline)
    place = {name: number for number, name in enumerate(names)}
    for start, end in timeline.ignored:
        axes.axvspan(start, end, color=style.pale, linewidth=0)
    for span in timeline.truths:
        _draw_span(axes, span, place[span.name] - 0.4, style)
    for span in timeline.found:
        _draw_span(axes, span, place[span.name] + 0.02, style)
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_xlim(0, timeline.end_s or 1)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_title(one_line(timeline.video), loc="left", fontsize=style.small_pt)


def _draw_span(axes: "Axes", span: Span, top: float, style: Style) -> None:
    axes.broken_barh([(span.start_s, span.end_s - span.start_s)], (top, 0.36), **_look(span, style))


def _look(span: Span, style: Style) -> dict[str, Any]:
    """Return how a bar looks: fill and outline tell hits from misses, as well as the colour."""
    from matplotlib.colors import to_rgba

    line = 0.8 * style.line_pt
    if span.score is None:
        fill = style.quiet if span.hit else "none"
        dash = "-" if span.hit else ":"
        return {"facecolor": fill, "edgecolor": style.ink, "linestyle": dash, "linewidth": line}
    colour = style.colours[0 if span.hit else 1]
    return {
        "facecolor": to_rgba(colour, min(1.0, max(_FAINTEST, span.score))),
        "edgecolor": colour,
        "linestyle": "-" if span.hit else "--",
        "linewidth": line,
        "hatch": None if span.hit else "////",
    }


def _legend(style: Style) -> list[object]:
    from matplotlib.patches import Patch

    kinds = {
        "event, found": Span(name="", start_s=0, end_s=0, hit=True),
        "event, missed": Span(name="", start_s=0, end_s=0, hit=False),
        "prediction, a hit": Span(name="", start_s=0, end_s=0, hit=True, score=0.6),
        "prediction, false": Span(name="", start_s=0, end_s=0, hit=False, score=0.6),
    }
    return [Patch(label=name, **_look(span, style)) for name, span in kinds.items()]


def _short(name: str) -> str:
    shown = one_line(name)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
