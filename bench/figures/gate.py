"""The history of gate checks: the slowdown of each, with its interval, budget and verdict."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from .axes import distances
from .gate_checks import Check
from .picture import Picture
from .style import MOST_LINES, Style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VERDICTS = {
    "pass": ("o", 0),
    "fail": ("X", 1),
    "inconclusive": ("D", 3),
}
"""Verdict -> its marker and the number of its colour."""


def draw(
    checks: Sequence[Check],
    style: Style,
    *,
    width_in: float | None = None,
    models: Sequence[str] = (),
) -> Picture:
    """Draw the checks of each network in axes of their own, one after the other.

    Args:
        checks: The checks, the oldest first.
        style: The style; call this within `drawing`.
        width_in: Width in inches; None: the style's.
        models: Networks to draw, by their names in the checks; none: the most often checked.

    Raises:
        KinobenchError: There is no check of a model, or there are too many models.
    """
    by_name: dict[str, list[Check]] = {}
    for check in checks:
        by_name.setdefault(check.name, []).append(check)
    for model in models:
        if not any(name == model or name.startswith(f"{model}, ") for name in by_name):
            raise KinobenchError(f"--model {model}: no check is of it, but of {', '.join(by_name)}")
    kept = [
        name
        for name in by_name
        if not models or name in models or name.partition(", ")[0] in models
    ]
    kept = sorted(kept, key=lambda name: -len(by_name[name]))[:MOST_LINES]
    width = style.width_in if width_in is None else width_in
    high_in = style.small_pt / 6.5 * (0.5 + 1.25 * len(kept))
    figure = new_figure(style, width_in, high_in / width)
    every = figure.subplots(len(kept), 1, squeeze=False).flat
    for axes, name in zip(every, kept, strict=True):
        _draw_network(axes, name, by_name[name], style, width)
    every[-1].set_xlabel("check, the oldest first")
    figure.supylabel("slowdown (%)", fontsize=style.text_pt)
    _legend(figure, [check for name in kept for check in by_name[name]], style)
    counts = "; ".join(f"{name}: {_counted(by_name[name])}" for name in kept)
    left = len(by_name) - len(kept)
    rest = f" {quantity(left, 'other')} are not drawn." if left else ""
    drawn = sum(len(by_name[name]) for name in kept)
    return Picture(
        figure,
        f"History of {quantity(drawn, 'check')} of the speed gate",
        f"The slowdown of each check with its interval, and the budget as a dashed line. {counts}."
        f"{rest}",
    )


def _draw_network(
    axes: "Axes", name: str, checks: Sequence[Check], style: Style, width_in: float
) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.axhline(0, color=style.quiet, linewidth=0.6 * style.line_pt, zorder=1)
    numbers = range(1, len(checks) + 1)
    axes.step(
        [*numbers],
        [check.budget for check in checks],
        where="mid",
        color=style.ink,
        linestyle="--",
        linewidth=0.7 * style.line_pt,
        zorder=2,
        gid="budget",
    )
    for verdict in dict.fromkeys(check.verdict for check in checks):
        marker, colour = VERDICTS.get(verdict, ("s", 4))
        some = [
            (at, each) for at, each in zip(numbers, checks, strict=True) if each.verdict == verdict
        ]
        off = [
            distances(
                each.slowdown,
                None if each.low is None or each.high is None else (each.low, each.high),
            )
            for _, each in some
        ]
        axes.errorbar(
            [at for at, _ in some],
            [each.slowdown for _, each in some],
            yerr=list(zip(*off, strict=True)),
            fmt="none",
            ecolor=style.colours[colour],
            elinewidth=0.5 * style.line_pt,
            alpha=0.5,
            zorder=3,
        )
        axes.plot(
            [at for at, _ in some],
            [each.slowdown for _, each in some],
            linestyle="none",
            marker=marker,
            markersize=2.8 * style.line_pt,
            color=style.colours[colour],
            zorder=4,
            gid=f"verdict: {verdict}",
        )
    letters = int(width_in * 72 / (0.58 * style.small_pt)) - 8
    title = textwrap.fill(f"{name}: {_counted(checks)}", max(letters, 12))
    axes.set_title(title, loc="left", fontsize=style.small_pt)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _legend(figure: Any, checks: Sequence[Check], style: Style) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=style.colours[colour], label=verdict)
        for verdict, (marker, colour) in VERDICTS.items()
        if any(check.verdict == verdict for check in checks)
    ]
    handles.append(
        Line2D(
            [], [], color=style.ink, linestyle="--", linewidth=0.7 * style.line_pt, label="budget"
        )
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _counted(checks: Sequence[Check]) -> str:
    """Return how often each verdict was given: `48 pass, 2 inconclusive`."""
    verdicts = [check.verdict for check in checks]
    return ", ".join(f"{verdicts.count(each)} {each}" for each in dict.fromkeys(verdicts))
