"""How figures look: sizes of text, and colours that differ in grey and for the colour-blind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ...datasets.errors import KinobenchError, UnknownNameError
from ..text.ranges import INCHES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LINES = 8
"""The most lines of one axis that people can tell apart."""

_BROAD_PT = 45.0
"""Width of a broad figure, in heights of its small text."""


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """A style of figures.

    Attributes:
        width_in: Width of a figure, in inches, where none is given.
        text_pt: Size of text; that of marks and labels of points is `small_pt`.
        line_pt: Width of lines.
        ground, ink, muted, quiet, pale: Colours of the background, of text, of less important text,
            of what is not highlighted, and of grids.
        colours: Colours of the highlighted, in their order.
    """

    width_in: float
    text_pt: float
    small_pt: float
    line_pt: float
    ground: str = "#ffffff"
    ink: str = "#1b1f24"
    muted: str = "#5d666f"
    quiet: str = "#8a929b"
    pale: str = "#e4e8ec"
    colours: tuple[str, ...]

    def is_broad(self, width_in: float | None) -> bool:
        """Return whether a figure of a width has room for 45 letters or more across its axes."""
        return (self.width_in if width_in is None else width_in) >= _BROAD_PT * self.small_pt / 72


# Okabe & Ito (2002), https://jfly.uni-koeln.de/color/, without yellow, which is too pale on white;
# in an order in which neighbours differ in lightness as well.
_ON_WHITE = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7"),
    *("#000000", "#56b4e9", "#8c510a", "#e69f00"),
)
_ON_BLACK = (
    *("#56b4e9", "#e69f00", "#2fc79a", "#cc79a7"),
    *("#ffffff", "#4a90d9", "#d55e00", "#f0e442"),
)

STYLES: dict[str, Style] = {
    "paper": Style(width_in=3.3, text_pt=7.5, small_pt=6.5, line_pt=1.0, colours=_ON_WHITE),
    "slides": Style(width_in=9.0, text_pt=17, small_pt=14, line_pt=2.2, colours=_ON_WHITE),
    "dark": Style(
        width_in=9.0,
        text_pt=17,
        small_pt=14,
        line_pt=2.2,
        ground="#0d1117",
        ink="#f0f3f6",
        muted="#a3abb5",
        quiet="#7d8590",
        pale="#2a313a",
        colours=_ON_BLACK,
    ),
}
"""`paper` is as wide as a column of a page with two."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)))
"""Every line has a marker and, in turns, a dash of its own, so that it is known in grey."""


class Mark(NamedTuple):
    """What distinguishes a line or a group of points."""

    colour: str
    marker: str
    dash: Any


def mark(style: Style, number: int) -> Mark:
    """Return the mark of one of at most `MOST_LINES` lines, counted from 0."""
    return Mark(style.colours[number], MARKERS[number], DASHES[number % len(DASHES)])


def style_of(name: str) -> Style:
    """Return a style by its name.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if name not in STYLES:
        raise UnknownNameError("style", name, STYLES)
    return STYLES[name]


def settings_of(style: Style) -> Any:
    """Return matplotlib's settings; each is given, so that nobody's matplotlibrc changes them."""
    return {
        "font.family": ["sans-serif"],
        # The first comes with matplotlib: the same everywhere. The others are for browsers.
        "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial", "sans-serif"],
        "font.size": style.text_pt,
        "axes.labelsize": style.text_pt,
        "axes.titlesize": style.text_pt,
        "xtick.labelsize": style.small_pt,
        "ytick.labelsize": style.small_pt,
        "legend.fontsize": style.small_pt,
        "legend.frameon": False,
        "lines.linewidth": style.line_pt,
        "lines.markersize": 3.2 * style.line_pt,
        "axes.linewidth": 0.6 * style.line_pt,
        "grid.linewidth": 0.5 * style.line_pt,
        "xtick.major.width": 0.6 * style.line_pt,
        "ytick.major.width": 0.6 * style.line_pt,
        "figure.facecolor": style.ground,
        "savefig.facecolor": style.ground,
        "axes.facecolor": style.ground,
        "axes.edgecolor": style.quiet,
        "axes.labelcolor": style.ink,
        "text.color": style.ink,
        "xtick.color": style.quiet,
        "ytick.color": style.quiet,
        "xtick.labelcolor": style.ink,
        "ytick.labelcolor": style.ink,
        "grid.color": style.pale,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": False,
        "pdf.fonttype": 42,  # TrueType: text stays text, as most publishers want it
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "kinobench",  # the same names in each file
        "text.usetex": False,
        "text.parse_math": False,  # names are no formulas
    }


@contextmanager
def drawing(style: Style) -> Iterator[None]:
    """Draw and save within this: matplotlib has the settings of a style, and then its own again.

    A sign that the font lacks is drawn as a box, without a warning.
    """
    import warnings

    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings_of(style))
        yield


def new_figure(style: Style, width_in: float | None, height: float) -> "Figure":
    """Return an empty figure.

    Args:
        style: Its style; call this within `drawing`.
        width_in: Its width in inches; None: that of the style.
        height: Its height as a share of the width.

    Raises:
        KinobenchError: It is too narrow or too wide.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = check_width(style.width_in if width_in is None else width_in)
    figure = Figure(figsize=(width, width * height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def check_width(width_in: float) -> float:
    """Return a width in inches that a figure can have.

    Raises:
        KinobenchError: It is too narrow or too wide.
    """
    if not INCHES.has(width_in):
        raise KinobenchError(
            f"--width {width_in:g}: it must be {INCHES}, in inches; a column of a paper is about "
            "3.3 wide, a page about 7"
        )
    return width_in
