"""The cost of a network by module: a bar for each, for a page in light or dark."""

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...datasets.visible import one_line
from ..cards.module_bars import amount, bars_of
from ..text.units import percent
from .style import STYLES, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN, ROW_IN = 4.6, 0.2


def modules_svg(macs_by_module: Mapping[str, int], depth: int) -> str:
    """Return an `svg` element for a page of HTML.

    Its text has the page's colour, and its bars that of the page's `--bar`.

    Args:
        macs_by_module: MACs by the name of the module.
        depth: Levels of modules.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = STYLES["paper"]
    bars = bars_of(macs_by_module, depth)
    total = sum(macs for _, macs in bars) or 1
    with drawing(style):
        figure = Figure(figsize=(WIDTH_IN, 0.1 + ROW_IN * max(1, len(bars))), layout="constrained")
        FigureCanvasAgg(figure)
        _draw(figure.subplots(), bars, total)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for colour, shown in (
        (style.ink, "currentColor"),
        (style.colours[0], "var(--bar, #0072b2)"),
    ):
        text = text.replace(colour, shown)
    alt = (
        f"MACs by module: the largest is {max(bars, key=lambda each: each[1], default=('-', 0))[0]}"
    )
    label = one_line(alt).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _draw(axes: "Axes", bars: list[tuple[str, int]], total: int) -> None:
    style = STYLES["paper"]
    places = range(len(bars))
    shares = [100 * macs / total for _, macs in bars]
    axes.barh(places, shares, height=0.72, color=style.colours[0])
    axes.set_yticks(places, [one_line(name) for name, _ in bars])
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0, labelsize=style.text_pt)
    axes.xaxis.set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlim(0, max([*shares, 1]) * 1.3)
    gap = max([*shares, 1]) / 100
    for place, (_, macs), share in zip(places, bars, shares, strict=True):
        text = f"{percent(share / 100)} %, {amount(macs)}"
        axes.text(share + gap, place, text, va="center", fontsize=style.text_pt)
