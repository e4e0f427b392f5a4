"""The motion card as a picture: a bar of accuracy for the plain clips and for each probe."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.errors import KinobenchError
from ...datasets.visible import one_line
from ..analysis.motion_judge import Outcome
from ..analysis.motion_sentences import WHEN, percent, verdict_sentence
from ..records.files import writing
from .card import Card
from .page import rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

_PLAIN = "#4c566a"
_COLOURS: dict[Outcome, str] = {
    "loss": "#c44e52",
    "slight": "#dd9a6b",
    "none": "#8ab17d",
    "gain": "#5b8fb9",
    "undecided": "#b8bcc4",
}
_MEANINGS: dict[Outcome, str] = {
    "loss": "a loss",
    "slight": "a negligible loss",
    "none": "no measurable loss",
    "gain": "a gain",
    "undecided": "undecided",
}
"""The meaning of a bar's colour; red and green differ in lightness, too."""


def check_suffix(path: Path) -> None:
    """Refuse a name that says no known format of pictures.

    Raises:
        KinobenchError: The name ends in none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise KinobenchError(
            f"--chart {path}: name a file that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        )


def draw_chart(path: Path, card: Card) -> None:
    """Write the picture of a card.

    Args:
        path: The file; its ending decides the format.
        card: The card to draw.

    Raises:
        KinobenchError: The file can't be written.
    """
    check_suffix(path)
    figure = figure_of(card)
    with writing(path, option="--chart") as unfinished:
        figure.savefig(unfinished, dpi=150, format=path.suffix[1:].lower())


def figure_of(card: Card) -> "Figure":
    """Draw top-1 with its 95 % interval, chance, and the drop of each probe."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    _draw_bars(figure.subplots(), card)
    _draw_legend(figure, {effect.outcome for effect in card.judgement.effects})
    lines = (f"{card.title} on {card.ground}", verdict_sentence(card.judgement))
    # A path of weights may look like mathematics.
    head = "\n".join(part for line in lines for part in textwrap.wrap(one_line(line), 110))
    figure.suptitle(head, fontsize=10, parse_math=False)
    return figure


def _draw_bars(axes: "Axes", card: Card) -> None:
    judged = card.judgement
    shares = {"plain": judged.top1} | {str(each.probe): each.top1 for each in judged.effects}
    colours = {"plain": _PLAIN} | {
        str(each.probe): _COLOURS[each.outcome] for each in judged.effects
    }
    labels = {"plain": "plain"} | {str(probe): f"{probe}\n{when}" for probe, when in WHEN.items()}
    cells = rows(card)
    written: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),  # x in parts of the axes, y in rows
        "textcoords": "offset points",
        "va": "center",
        "fontsize": 9,
    }
    for row, (name, (top1, _), (drop, interval), _p) in enumerate(cells):
        if name not in shares:
            axes.annotate("not measured", (0, row), xytext=(4, 0), color="grey", **written)
            continue
        value, (low, high) = shares[name].share, shares[name].interval
        axes.barh(row, 100 * value, height=0.62, color=colours[name])
        axes.errorbar(
            100 * value,
            row,
            xerr=[[max(0.0, 100 * (value - low))], [max(0.0, 100 * (high - value))]],
            color="black",
            capsize=3,
            linewidth=1,
        )
        axes.annotate(f"{top1} %", (1, row), xytext=(8, 0), **written)
        if drop:
            text = f"drop {drop} {interval}".rstrip()
            axes.annotate(text, (1, row), xytext=(56, 0), **written)
    axes.axvline(100 * judged.chance, color="black", linestyle=":", linewidth=1.2)
    axes.annotate(
        f"chance {percent(judged.chance)}",
        (100 * judged.chance, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )
    axes.set_yticks(range(len(cells)), [labels[name] for name, *_ in cells])
    axes.set(xlim=(0, 100), ylim=(len(cells) - 0.4, -0.6), xlabel="top-1 (%), 95 % interval")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)


def _draw_legend(figure: "Figure", outcomes: set[Outcome]) -> None:
    """Explain the colours under the axes."""
    from matplotlib.patches import Patch

    patches = [
        Patch(color=colour, label=_MEANINGS[outcome])
        for outcome, colour in _COLOURS.items()
        if outcome in outcomes
    ]
    if patches:
        figure.legend(
            handles=patches,
            loc="outside lower center",
            ncols=len(patches),
            fontsize=8,
            frameon=False,
        )
