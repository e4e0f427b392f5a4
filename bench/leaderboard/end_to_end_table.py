"""End-to-end times after a run: a small table for each network."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...datasets.plurals import quantity
from ..records.case_names import runtime_of
from ..records.record import Record
from ..records.times import PipelineTime, StreamedFrames, bottleneck_of, shares_of
from ..text.terminal import line
from ..text.units import ABSENT, percentages


def show(records: Iterable[Record], console: Console) -> None:
    """Print the end-to-end times of the records that have any."""
    for record in records:
        if record.pipeline is not None:
            case = record.case
            settings = (case.model, *runtime_of(case), case.precision, case.mode)
            _show(", ".join(settings), record.pipeline, console)


def _show(name: str, timed: PipelineTime, console: Console) -> None:
    views = quantity(timed.views, "view")
    console.print(Text.assemble(("From the file to the prediction", "bold"), ": ", line(name)))
    console.print(_table("a video", timed))
    forward = timed.overlapped_views_in_a_forward
    text = (
        f"{timed.per_view_s * 1e3:.2f} ms a view ({views}); the bottleneck is "
        f"{bottleneck_of(timed.stages)}. "
        f"Overlapped, {timed.videos_per_s:.2f} videos/s with {quantity(timed.readers, 'reader')}"
    )
    text += "." if forward is None else f" and {quantity(forward, 'view')} in a forward."
    console.print(line(text))
    if timed.streamed is not None:
        console.print(_table("a frame", timed.streamed))
    console.print(
        "share: the stage's median over the sum of the stages' medians, which need not be the "
        "median of all.",
        highlight=False,
    )
    console.print()


def _table(of: str, timed: PipelineTime | StreamedFrames) -> Table:
    """Return a line for each stage; shares follow from the medians shown, in older records too."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("stage")
    for head in (f"ms {of}", "95 % interval", "share (%)"):
        table.add_column(head, justify="right", no_wrap=True)
    shares = percentages(shares_of([stage.median_s for stage in timed.stages]))
    for stage, share in zip(timed.stages, shares, strict=True):
        table.add_row(line(stage.name), *_times(stage.median_s, stage.interval_s), share)
    table.add_row("all", *_times(timed.median_s, timed.interval_s), "100.0")
    return table


def _times(median_s: float, interval_s: tuple[float, float] | None) -> tuple[str, Text]:
    """Return a median and its interval in milliseconds."""
    low_high = ABSENT
    if interval_s is not None:
        low_high = "[{:.3f}, {:.3f}]".format(*(bound_s * 1e3 for bound_s in interval_s))
    return f"{median_s * 1e3:.3f}", line(low_high)
