"""The course of a training: a CSV file, and a picture of it."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.plurals import quantity
from ...datasets.split import Scoring
from ...datasets.visible import one_line
from ..figures.lines import Line, add_legend, draw_lines
from ..figures.picture import Picture, save
from ..figures.rows import without_shared_end
from ..figures.style import MOST_LINES, STYLES, Style, drawing, new_figure
from ..records.files import write_text
from ..records.fitted_weights import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def write_curve(path: Path, curve: Sequence[Epoch]) -> None:
    """Write a CSV file with a line for each epoch.

    Raises:
        KinobenchError: It can't be written.
    """
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(Epoch.__struct_fields__)
    lines.writerows([getattr(epoch, name) for name in Epoch.__struct_fields__] for epoch in curve)
    write_text(path, out.getvalue(), own=True)


IN_TRAINING: dict[Scoring, str] = {
    "top-k": "top-1",
    "hit-k": "first class is the drawn label",
    "map": "first class is a true one",
}
"""What `Epoch.top1` is the share of, by the scoring of the split."""


_WIDTH_IN, _COLUMNS, _DOTS_PER_INCH = 7.0, 6, 120


def draw_curves(
    path: Path,
    curves: Mapping[str, Sequence[Epoch]],
    chance: float,
    *,
    own: bool = False,
    scoring: Scoring = "top-k",
) -> None:
    """Draw loss and top-1 by epoch as a PNG file, a line for each training.

    Up to `MOST_LINES` trainings share their axes. More have axes of their own each, with the others
    in grey.

    Args:
        path: The file.
        curves: The epochs of each training, by its name.
        chance: The share that guessing gets right; a dotted line.
        own: As in `writing`.
        scoring: How the split is scored that they are trained on.

    Raises:
        KinobenchError: It can't be written.
    """
    style = STYLES["paper"]
    with drawing(style):
        figure = _figure_of(curves, chance, scoring, style)
    title = f"Learning curves of {quantity(len(curves), 'training')}"
    ends = "; ".join(
        f"{name}: {100 * curve[-1].top1:.1f} %" for name, curve in curves.items() if curve
    )
    description = f"Loss, and {IN_TRAINING[scoring]} in training, by epoch. In the last: {ends}."
    save(Picture(figure, title, description), path, style, own=own, dots_per_inch=_DOTS_PER_INCH)


def _figure_of(
    curves: Mapping[str, Sequence[Epoch]], chance: float, scoring: Scoring, style: Style
) -> "Figure":
    entropy = "binary cross-entropy" if scoring == "map" else "cross-entropy, smoothed labels"
    heads = (f"training loss ({entropy})", f"{IN_TRAINING[scoring]} in training (%)")
    names, _ = without_shared_end([one_line(name) for name in curves])
    found = list(curves.values())
    losses, shares = _lines(names, found, "loss", 1.0), _lines(names, found, "top1", 100.0)
    if len(curves) <= MOST_LINES:
        figure = new_figure(style, _WIDTH_IN, 0.42)
        every = figure.subplots(1, 2)
        for axes, lines, head in zip(every, (losses, shares), heads, strict=True):
            coloured = [line._replace(colour=place) for place, line in enumerate(lines)]
            draw_lines(axes, coloured, style)
            axes.set(xlabel="epoch", ylabel=head.replace(" (cross", "\n(cross"))
        _draw_chance(every[1], chance, style, named=True)
        add_legend(figure, every[1], coloured, style)
        return figure
    rows = -(-len(curves) // _COLUMNS)
    figure = new_figure(style, _WIDTH_IN, 2 * 0.155 * rows + 0.1)
    parts: Any = figure.subfigures(2, 1, hspace=0.03)
    upper, lower = parts
    for part, lines, head in ((upper, shares, heads[1]), (lower, losses, heads[0])):
        _draw_each(part, lines, head, None if lines is losses else chance, style)
    return figure


def _lines(
    names: Sequence[str], curves: Sequence[Sequence[Epoch]], field: str, unit: float
) -> list[Line]:
    return [
        Line(
            name,
            [epoch.epoch for epoch in curve],
            [unit * getattr(epoch, field) for epoch in curve],
        )
        for name, curve in zip(names, curves, strict=True)
    ]


def _draw_each(
    part: Any, lines: Sequence[Line], head: str, chance: float | None, style: Style
) -> None:
    """Draw each line in axes of its own, above all others in grey."""
    shape = (-(-len(lines) // _COLUMNS), _COLUMNS)
    every = part.subplots(*shape, sharex=True, sharey=True)
    for axes in every.flat[len(lines) :]:
        axes.set_visible(False)
    for place, (axes, line) in enumerate(zip(every.flat, lines, strict=False)):
        draw_lines(axes, [*lines[:place], *lines[place + 1 :]], style)
        axes.plot(line.x, line.y, color=style.colours[0], zorder=4, gid=line.name)
        axes.set_title(line.name, fontsize=style.small_pt, pad=2)
        if chance is not None:
            _draw_chance(axes, chance, style, named=False)
    part.supxlabel("epoch", fontsize=style.text_pt)
    part.supylabel(head, fontsize=style.text_pt)


def _draw_chance(axes: "Axes", chance: float, style: Style, *, named: bool) -> None:
    axes.set_ylim(0, 101)
    axes.axhline(100 * chance, color=style.quiet, linestyle=":", linewidth=0.8 * style.line_pt)
    if named:
        axes.annotate(
            "chance",
            (0, 100 * chance),
            xycoords=("axes fraction", "data"),
            xytext=(2, 2),
            textcoords="offset points",
            color=style.quiet,
            fontsize=style.small_pt,
        )
