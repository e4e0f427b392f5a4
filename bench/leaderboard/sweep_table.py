"""A batch sweep as a table: latency, throughput and memory at each batch, the knee marked."""

from rich import box
from rich.console import Console
from rich.table import Table

from ...datasets.plurals import quantity
from ..measure.columns import rough_line
from ..records.case_names import runtime_of
from ..records.latency import Drift
from ..records.record import Record
from ..records.times import FORWARD_ALONE, NEAR_BEST, Sweep, SweepPoint
from ..text.terminal import line
from ..text.units import logit_difference, megabytes, milliseconds, of_spread, rate, scaled


def show(record: Record, console: Console) -> None:
    """Print the sweep of a record that has one."""
    sweep, case = record.sweep, record.case
    assert sweep is not None
    unit = "frames" if case.mode == "stream" else "clips"
    settings = (case.protocol.name, case.device, *runtime_of(case), case.precision, case.mode)
    console.print(line(f"Batch sweep of {case.model}, {', '.join(settings)}", "bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    rows = [_cells(point, unit) for point in sweep.points]
    absent = set()
    if not any(point.latency.launch_bound for point in sweep.points):
        absent.add("wall (ms)")
    if all(point.memory.peak_reserved_bytes is None for point in sweep.points):
        absent.add("reserved (MB)")
    heads = [head for head in (rows[0] if rows else ("batch",)) if head not in absent]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for point, cells in zip(sweep.points, rows, strict=True):
        marks = {"knee": point.batch == sweep.knee, "launch bound": point.latency.launch_bound}
        marked = ", ".join(mark for mark, is_so in marks.items() if is_so)
        table.add_row(*(line(cells[head]) for head in heads), marked)
    console.print(table)
    for note in footnotes(sweep, case.batch, with_flow=case.flow is not None):
        console.print(line(note))
    console.print()


def footnotes(sweep: Sweep, batch: int, with_flow: bool = False) -> list[str]:
    """Return the lines that explain the table.

    Args:
        sweep: The sweep of the table.
        batch: The case's own, at which the drift was seen.
        with_flow: The network takes optical flow, which is not in the table.
    """
    lines = [sweep.end_text]
    if sweep.knee is not None:
        lines.append(
            f"knee: the smallest batch that reaches {100 * NEAR_BEST:.0f} % of the best throughput."
        )
    if with_flow:
        lines.append(FORWARD_ALONE)
    if any(point.latency.is_rough for point in sweep.points):
        lines.append(rough_line())
    if any(point.latency.launch_bound for point in sweep.points):
        lines.append(
            "launch bound: wall, a call by the host's clock, is over 1.1 times latency, which "
            "leaves out the gaps in which the GPU waits for the host; throughput is by wall there."
        )
    gaps = [str(point.batch) for point in sweep.points if point.latency.host_gaps]
    if gaps:
        lines.append(
            f"batch {', '.join(gaps)}: latency includes gaps in which the GPU waits for the host."
        )
    if sweep.drift is not None:
        lines.append(_drift_line(sweep.drift, batch))
    return lines


def _drift_line(drift: Drift, batch: int) -> str:
    largest, flips = drift.largest_logit_difference, drift.top1_flips
    scale = of_spread(largest, drift.logit_spread)
    of_scale = "" if scale is None else f" ({scale} of the standard deviation over the classes)"
    return (
        f"drift from eager fp32, at batch {batch}: the largest logit difference is "
        f"{logit_difference(largest)}{of_scale}; another top-1 class: {flips} of "
        f"{quantity(drift.clips, 'clip')}."
    )


def _cells(point: SweepPoint, unit: str) -> dict[str, str]:
    """Return all that a line may have, under the heads of its columns."""
    latency, memory = point.latency, point.memory
    rough = "~" if latency.is_rough else ""
    time = _joined(rough, *milliseconds(latency.median_s, latency.interval_s))
    rates = latency.throughput_interval(point.batch)
    interval = "" if rates is None else f"[{rate(rates[0])}, {rate(rates[1])}]"
    throughput = _joined(rough, rate(point.throughput_per_s), interval)
    wall_s, digits = latency.wall_median_s, 3 if latency.median_s < 1e-3 else 2
    return {
        "batch": str(point.batch),
        "latency (ms)": time,
        "wall (ms)": scaled(wall_s, 1e-3, digits),
        f"{unit}/s": throughput,
        "activations (MB)": megabytes(memory.peak_activation_bytes),
        "peak memory (MB)": megabytes(memory.peak_bytes),
        "reserved (MB)": megabytes(memory.peak_reserved_bytes),
    }


def _joined(mark: str, value: str, interval: str) -> str:
    return f"{mark}{value} {interval}".rstrip()
