"""End-to-end times after a run: a small table for each network."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..records.record import Record
from ..records.times import PipelineTime, StageTime


def show(records: Iterable[Record], console: Console) -> None:
    """Print the end-to-end times of the records that have any."""
    for record in records:
        if record.pipeline is not None:
            _show(f"{record.case.model}, {record.case.mode}", record.pipeline, console)


def _show(name: str, timed: PipelineTime, console: Console) -> None:
    views = "1 view" if timed.views == 1 else f"{timed.views} views"
    console.print(f"[bold]From the file to the prediction[/bold]: {escape(name)}", highlight=False)
    rows = [(stage.name, stage.median_s, stage.interval_s, stage) for stage in timed.stages]
    table = _table("a video", [*rows, ("all", timed.median_s, timed.interval_s, None)])
    console.print(table)
    forward = timed.overlapped_views_in_a_forward
    console.print(
        f"{timed.per_view_s * 1e3:.2f} ms a view ({views}); the bottleneck is {timed.bottleneck}. "
        f"Overlapped, {timed.videos_per_s:.2f} videos/s with {timed.readers} readers"
        + ("." if forward is None else f" and {forward} views in a forward."),
        highlight=False,
    )
    if timed.streamed is not None:
        frame = timed.streamed
        rows = [(stage.name, stage.median_s, stage.interval_s, stage) for stage in frame.stages]
        console.print(_table("a frame", [*rows, ("all", frame.median_s, frame.interval_s, None)]))
    console.print()


_Row = tuple[str, float, tuple[float, float] | None, StageTime | None]


def _table(of: str, rows: list[_Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("stage")
    for head in (f"ms {of}", "95 % interval", "share (%)"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, median_s, interval_s, stage in rows:
        low_high = (
            "–"
            if interval_s is None
            else "[{:.3f}, {:.3f}]".format(*(bound_s * 1e3 for bound_s in interval_s))
        )
        share = 1.0 if stage is None else stage.share
        table.add_row(name, f"{median_s * 1e3:.3f}", escape(low_high), f"{share * 100:.1f}")
    return table
