"""The samples of latencies, process by process, with the medians."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from ...datasets.errors import program
from ...datasets.plurals import quantity
from ..leaderboard.leaderboard import Board, Row
from ..records.latency import Latency
from .axes import distances, scale
from .picture import Picture
from .rows import highlighted, letters_in, names, shortened
from .style import Style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MISSING = f"no network has a latency; measure one: {program()} run --measure latency"
SAMPLES, PROCESS_MEDIANS, MEDIANS = "samples", "medians of processes", "medians"
"""The gids of what is drawn."""

_ROW_IN, _LEAST_ROW_IN = 0.24, 0.14
"""Height of a network, for text of the style `paper`; the second if there are many."""
_PAGE_IN = 9.0
"""Height of a page, which many networks fill."""
_NAMES_SHARE = 0.5
"""Largest share of the width that names take."""


def has_latency(board: Board, row: Row) -> bool:
    """Return whether a row has a latency."""
    return row.record.latency is not None


def samples_of(latency: Latency) -> list[list[float]]:
    """Return the samples of each process, in milliseconds."""
    blocks = latency.samples_s
    ends = list(accumulate(latency.blocks_of_processes or (len(blocks),)))
    return [
        [1e3 * sample for sample in chain.from_iterable(blocks[begin:end])]
        for begin, end in zip([0, *ends], ends, strict=False)
    ]


def chosen_rows(rows: Sequence[Row], models: Sequence[str]) -> list[Row]:
    """Return the rows to draw: those of some models, or all, the fastest first.

    Raises:
        UnknownNameError: There is no row of a model.
    """
    kept = [rows[place] for place in highlighted(models, rows)] if models else list(rows)
    return sorted(kept, key=lambda row: row.record.latency.median_s if row.record.latency else 0)


def draw(
    board: Board, style: Style, *, width_in: float | None = None, models: Sequence[str] = ()
) -> Picture:
    """Draw every sample of each network as a tick, a line of ticks for each process.

    Args:
        board: The board, with rows that have a latency.
        style: The style; call this within `drawing`.
        width_in: Width in inches; None: the style's.
        models: Networks to draw; none: all.

    Raises:
        KinobenchError: A model is unknown, or the width can't be.
    """
    rows = chosen_rows([row for row in board.rows if has_latency(board, row)], models)
    width = style.width_in if width_in is None else width_in
    row_in = max(_LEAST_ROW_IN, min(_ROW_IN, _PAGE_IN / (len(rows) + 2)))
    high_in = row_in * style.small_pt / 6.5 * (len(rows) + 2)
    figure = new_figure(style, width_in, high_in / width)
    axes = figure.subplots()
    found = [row.record.latency for row in rows]
    latencies = [latency for latency in found if latency is not None]
    for place, latency in enumerate(latencies):
        _draw_samples(axes, place, latency, style)
        _draw_median(axes, place, latency, style)
    every = [x for latency in latencies for process in samples_of(latency) for x in process]
    scale(axes, "x", every)
    letters = letters_in(_NAMES_SHARE * width, style)
    axes.set_yticks(range(len(rows)), [shortened(name, letters) for name in names(rows)])
    with_flow = any(row.record.flow_time is not None for row in rows)
    head = "latency without flow (ms)" if with_flow else "latency (ms)"
    axes.set(xlabel=head, ylim=(len(rows) - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    return Picture(
        figure, f"Samples of the latency: {board.title}", _description(board, rows, latencies)
    )


def _heights(processes: int) -> Iterator[float]:
    """Yield where the samples of each process are drawn, from the middle of their network."""
    step = 0.72 / max(processes, 1)
    for number in range(processes):
        yield (number - (processes - 1) / 2) * step


def _draw_samples(axes: "Axes", place: int, latency: Latency, style: Style) -> None:
    processes = samples_of(latency)
    tall = 0.72 / len(processes) * 0.85
    for up, samples, median_s in zip(
        _heights(len(processes)), processes, latency.process_medians_s, strict=True
    ):
        axes.vlines(
            samples,
            place + up - tall / 2,
            place + up + tall / 2,
            color=style.colours[0],
            linewidth=0.35 * style.line_pt,
            alpha=0.3,
            gid=SAMPLES,
            rasterized=True,  # thousands of ticks would make a large file
        )
        axes.vlines(
            [1e3 * median_s],
            place + up - tall / 2,
            place + up + tall / 2,
            color=style.ink,
            linewidth=1.1 * style.line_pt,
            gid=PROCESS_MEDIANS,
        )


def _draw_median(axes: "Axes", place: int, latency: Latency, style: Style) -> None:
    ends = latency.interval_s
    median = 1e3 * latency.median_s
    low, high = distances(median, None if ends is None else (1e3 * ends[0], 1e3 * ends[1]))
    axes.errorbar(
        [median],
        [place],
        xerr=[[low], [high]],
        fmt="none",
        ecolor=style.colours[1],
        elinewidth=0.9 * style.line_pt,
        zorder=4,
    )
    axes.plot(
        [median],
        [place],
        linestyle="none",
        marker="D",
        markersize=3 * style.line_pt,
        markerfacecolor=style.colours[1] if not latency.is_rough else style.ground,
        markeredgecolor=style.colours[1],
        markeredgewidth=0.7 * style.line_pt,
        zorder=5,
        gid=MEDIANS,
    )


def _description(board: Board, rows: Sequence[Row], latencies: Sequence[Latency]) -> str:
    listed = "; ".join(
        f"{name} {1e3 * latency.median_s:.3g} ms"
        for name, latency in zip(names(rows), latencies, strict=True)
    )
    rough = sum(latency.is_rough for latency in latencies)
    hollow = f" Hollow: {quantity(rough, 'latency', 'latencies')} that other work disturbed, or "
    return (
        f"Samples of the latency of {quantity(len(rows), 'network')} of {board.title}. A line of "
        "ticks is a process, the long tick its median; the diamond is the latency with its 95 % "
        f"interval.{hollow + 'that is known to no better than 20 %.' if rough else ''} Medians: "
        f"{listed}."
    )
