"""Accuracy against latency by runtime: a line from each network's eager PyTorch to its fastest."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...datasets.errors import KinobenchError, UnknownNameError, program
from ...datasets.plurals import quantity
from ..leaderboard.gains import Gain, gains_of
from ..leaderboard.leaderboard import Board, Row
from ..leaderboard.runtimes import EAGER, RuntimeTable, runtime_table
from ..records.results import SCORE_NAMES
from .axes import scale
from .labels import Named, place_labels
from .picture import Picture
from .rows import letters_in, shortened, without_shared_end
from .style import MOST_LINES, Style, mark, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MISSING = (
    "no trained network was timed and scored both in eager PyTorch and in another runtime; "
    f"measure some: {program()} run deploy"
)
GAIN, BEFORE, AFTER = "gain", "eager", "fastest in"
"""The gids of what is drawn; the last goes on with the runtime."""
_NAME_SHARE = 0.3


def has_runtimes(board: Board, row: Row) -> bool:
    """Return whether a row is one of a network in another runtime than eager PyTorch."""
    case, accuracy = row.record.case, row.record.accuracy
    timed = row.record.latency is not None and accuracy is not None
    return timed and row.is_trained and not row.splits and not case.is_reference


def draw(
    board: Board, style: Style, *, width_in: float | None = None, models: Sequence[str] = ()
) -> Picture:
    """Draw how far each network moves.

    Args:
        board: The board, with rows in several runtimes.
        style: The style; call this within `drawing`.
        width_in: Width in inches; None: the style's.
        models: Networks that are named; none: those that no other beats, then the largest gains,
            eight in all.

    Raises:
        KinobenchError: Nothing can be drawn, no network is of one of the models, or the width can't
            be.
    """
    table = runtime_table(board)
    gains = [] if table is None else gains_of(table)
    if table is None or not gains:
        raise KinobenchError(f"nothing to plot: {MISSING}")
    named = _named(gains, models)
    figure = new_figure(style, width_in, 0.62 if style.is_broad(width_in) else 0.85)
    axes = figure.subplots()
    scale(axes, "x", [at[0] for gain in gains for at in (gain.begin, gain.end)])
    axes.set(xlabel="latency (ms)", ylabel=f"{SCORE_NAMES[board.scoring][0]} (%)")
    _draw_moves(axes, gains, style)
    winners = [way for way in table.ways if any(gain.after.way == way for gain in gains)]
    _draw_ends(axes, gains, winners, table, style)
    axes.margins(0.07)
    axes.autoscale_view()
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -4), min(high, 104))
    axes.set_autoscale_on(False)
    figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2)
    texts, end = without_shared_end([gain.network.name for gain in gains])
    letters = letters_in(_NAME_SHARE * figure.get_figwidth(), style)
    left_out = place_labels(
        axes,
        [
            Named(shortened(text, letters), *gain.end, style.ink, must=True)
            for text, gain in zip(texts, gains, strict=True)
            if gain in named
        ],
        [at for gain in gains for at in (gain.begin, gain.end)],
        style.small_pt,
        [(gain.begin, gain.end) for gain in gains],
    )
    if end:
        axes.annotate(
            f"names without {end}",
            (1, 0),
            xycoords="axes fraction",
            xytext=(0, 0.4 * style.small_pt),
            textcoords="offset points",
            ha="right",
            fontsize=style.small_pt,
            color=style.muted,
        )
    title = f"{SCORE_NAMES[board.scoring][0]} against latency, by runtime: {board.title}"
    return Picture(figure, title, _description(board, gains, left_out))


def _named(gains: Sequence[Gain], models: Sequence[str]) -> list[Gain]:
    known = {gain.network.model for gain in gains}
    for model in models:
        if model not in known:
            raise UnknownNameError("drawn network", model, known)
    if models:
        return [gain for gain in gains if gain.network.model in set(models)]
    best = [
        gain
        for gain in gains
        if not any(
            other.end != gain.end and other.end[0] <= gain.end[0] and other.end[1] >= gain.end[1]
            for other in gains
        )
    ]
    rest = sorted((g for g in gains if g not in best), key=lambda g: -(g.after.speed_up or 0.0))
    return [*best, *rest][:MOST_LINES]


def _draw_moves(axes: "Axes", gains: Sequence[Gain], style: Style) -> None:
    for gain in gains:
        axes.plot(
            *zip(gain.begin, gain.end, strict=True),
            color=style.quiet,
            linewidth=0.6 * style.line_pt,
            alpha=0.7,
            zorder=2,
            gid=GAIN,
        )


def _draw_ends(
    axes: "Axes",
    gains: Sequence[Gain],
    winners: Sequence[str],
    table: RuntimeTable,
    style: Style,
) -> None:
    axes.plot(
        *zip(*(gain.begin for gain in gains), strict=True),
        linestyle="none",
        marker="o",
        markersize=2.8 * style.line_pt,
        markerfacecolor=style.ground,
        markeredgecolor=style.quiet,
        markeredgewidth=0.6 * style.line_pt,
        zorder=3,
        label="eager PyTorch",
        gid=BEFORE,
    )
    # A colour is a runtime's own, whichever others win; those past the last share none.
    for way in winners:
        looks = mark(style, min(table.ways.index(way), MOST_LINES - 1))
        points = [gain.end for gain in gains if gain.after.way == way]
        label = "fastest in eager PyTorch" if way == EAGER.name else f"fastest in {way}"
        axes.plot(
            *zip(*points, strict=True),
            linestyle="none",
            marker=looks.marker,
            markersize=3.4 * style.line_pt,
            color=looks.colour,
            zorder=4,
            label=f"{label} ({len(points)})",
            gid=f"{AFTER} {way}",
        )


def _description(board: Board, gains: Sequence[Gain], left_out: Sequence[str]) -> str:
    listed = "; ".join(
        f"{gain.network.name}: {gain.begin[0]:.3g} ms, {gain.begin[1]:.1f} % to "
        f"{gain.end[0]:.3g} ms, {gain.end[1]:.1f} % in {gain.after.way}"
        for gain in gains
    )
    unnamed = f" Points without a name: {', '.join(left_out)}." if left_out else ""
    return (
        f"{quantity(len(gains), 'network')} of {board.title}: a line goes from eager PyTorch to "
        "the runtime in which a network is fastest without a loss of more than 1 point. "
        f"{listed}.{unnamed}"
    )
