"""The classes that a network confuses most, as a heat map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..analysis.analyse import Analysis, analyse
from ..analysis.source import Source
from .picture import Picture
from .style import Style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 12
"""The most classes whose names and counts can be read in a column of a paper."""

_LONGEST = 24
"""Letters of a class's name."""


def analysis_of(source: Source) -> Analysis:
    """Return the analysis of predictions in which each video has one label, or several.

    Raises:
        KinobenchError: They can't be read, or are scored by mAP, which names no class.
    """
    opened = source.open()
    if opened.scoring == "map":
        raise KinobenchError(
            f"{source.title}: it is scored by mAP, which doesn't take a video for one class; there "
            "are no confusions to plot"
        )
    names = opened.names or source.names(opened.classes)
    return analyse(opened, source.aggregation or "softmax", names=names)


def classes_of(analysis: Analysis) -> list[str]:
    """Return the classes of the largest confusions, at most `MOST_CLASSES`, in their order.

    Raises:
        KinobenchError: Nothing was confused.
    """
    kept: dict[str, None] = {}
    for each in analysis.confusions:
        new = {each.true, each.named} - set(kept)
        if len(kept) + len(new) > MOST_CLASSES:
            break
        kept |= dict.fromkeys((each.true, each.named))
    if not kept:
        raise KinobenchError(
            "nothing to plot: no video was taken for another class; all "
            f"{quantity(analysis.videos, 'video')} are right, or have scores that are no numbers"
        )
    return [each.name for each in analysis.by_class if each.name in kept]


def counts_of(analysis: Analysis, classes: Sequence[str]) -> np.ndarray:
    """Return the number of videos of each class taken for each, `[true, named]`."""
    place = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), int)
    for each in analysis.by_class:
        if each.name in place:
            counts[place[each.name], place[each.name]] = each.hits
    for pair in analysis.confusions:
        if pair.true in place and pair.named in place:
            counts[place[pair.true], place[pair.named]] = pair.count
    return counts


def draw(source: Source, style: Style, *, width_in: float | None = None) -> Picture:
    """Draw how many videos of each class were taken for which.

    Args:
        source: The predictions.
        style: The style; call this within `drawing`.
        width_in: Width in inches; None: the style's.

    Raises:
        KinobenchError: Nothing was confused, or the predictions can't be read.
    """
    analysis = analysis_of(source)
    classes = classes_of(analysis)
    counts = counts_of(analysis, classes)
    videos = {each.name: each.videos for each in analysis.by_class}
    shares = counts / np.array([[max(videos[name], 1)] for name in classes])
    figure = new_figure(style, width_in, 0.95)
    axes = figure.subplots()
    image = axes.imshow(100 * shares, cmap=_colours(style), vmin=0, vmax=100)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    texts = [_short(name) for name in classes]
    axes.set_xticks(range(len(classes)), texts, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), texts)
    axes.set(xlabel="taken for", ylabel="true class")
    _write_counts(axes, counts, shares, style)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("of the class's videos (%)")
    rest = analysis.classes - len(classes)
    worst = "; ".join(
        f"{one_line(each.true)} taken for {one_line(each.named)}, {each.count} of {each.of}"
        for each in analysis.confusions[:8]
    )
    ground = f" on {source.ground}" if source.ground else ""
    left = f" {quantity(rest, 'other class', 'other classes')} are not drawn." if rest else ""
    return Picture(
        figure,
        f"Confusions of {source.title}{ground}",
        f"Videos of the classes that {source.title} confuses most{ground}: a row is the true "
        f"class, a column what its videos were taken for. Most often: {worst}.{left}",
    )


def _colours(style: Style) -> Any:
    """Return colours from the background to a strong one, whose lightness only falls, or rises."""
    from matplotlib.colors import LinearSegmentedColormap

    strong = "#08306b" if style.ground == "#ffffff" else "#c6e6ff"
    return LinearSegmentedColormap.from_list("share", [style.ground, style.colours[0], strong])


def _write_counts(axes: "Axes", counts: np.ndarray, shares: np.ndarray, style: Style) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axes.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                fontsize=style.small_pt,
                color=style.ground if shares[row, column] > 0.4 else style.ink,
            )


def _short(name: str) -> str:
    shown = one_line(name)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
