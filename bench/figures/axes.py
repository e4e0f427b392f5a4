"""Axes: logarithmic where numbers span more than a decade, with plain numbers on them."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADE = 10.0
_STEPS = (1.0, 2.0, 5.0)


def scale(axes: "Axes", which: Literal["x", "y"], values: Iterable[float]) -> bool:
    """Make an axis logarithmic where its values span more than a decade; return whether it is."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    found = [value for value in values if math.isfinite(value)]
    if not found or min(found) <= 0 or max(found) / min(found) <= DECADE:
        return False
    decades = math.log10(max(found) / min(found))
    getattr(axes, f"set_{which}scale")("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=_STEPS if decades < 2.5 else (1.0,), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, place: plain(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    return True


def plain(value: float) -> str:
    """Return a number as people write it: `0.05`, `20`, `5k`, `2M`."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def distances(value: float, ends: tuple[float, float] | None) -> tuple[float, float]:
    """Return how far an interval reaches below and above; none where there is no interval."""
    if ends is None:
        return 0.0, 0.0
    return max(0.0, value - ends[0]), max(0.0, ends[1] - value)
