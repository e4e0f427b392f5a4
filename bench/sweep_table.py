"""A batch sweep as a table: latency, throughput and memory at each batch, the knee marked."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .record import NEAR_BEST, Record, Sweep, SweepPoint

_NONE = "–"


def show(record: Record, console: Console) -> None:
    """Print the sweep of a record that has one."""
    sweep, case = record.sweep, record.case
    assert sweep is not None
    unit = "frames" if case.mode == "stream" else "clips"
    title = (
        f"Batch sweep of {case.model}, {case.protocol.name}, {case.device}, {case.precision}, "
        f"{case.mode}"
    )
    console.print(escape(title), style="bold", highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    heads = ["batch", "latency (ms)", f"{unit}/s", "activations (MB)", "peak memory (MB)"]
    if any(point.memory.peak_reserved_bytes is not None for point in sweep.points):
        heads.append("reserved (MB)")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for point in sweep.points:
        knee = "knee" if point.batch == sweep.knee else ""
        table.add_row(*_cells(point)[: len(heads)], knee)
    console.print(table)
    for line in footnotes(sweep):
        console.print(escape(line), highlight=False)
    console.print()


def footnotes(sweep: Sweep) -> list[str]:
    """Return what a reader must know to read the table right, a line each."""
    lines = [end_in_words(sweep)]
    if sweep.knee is not None:
        lines.append(
            f"knee: the smallest batch that reaches {100 * NEAR_BEST:.0f} % of the best throughput."
        )
    if any(not point.latency.converged for point in sweep.points):
        lines.append("~ the latency had not converged when its time was up.")
    return lines


def end_in_words(sweep: Sweep) -> str:
    """Return why there is no larger batch, as a sentence."""
    match sweep.ended:
        case "out_of_memory":
            return f"The sweep ended where memory ran out, at batch {sweep.ended_at}."
        case "flat":
            return "The sweep ended as two doublings had made throughput grow by less than 2 %."
        case "max_batch":
            return "The sweep ended at the largest batch that was asked for."
        case "unfinished":
            return f"The process ended within the sweep, at batch {sweep.ended_at}."
        case "error":
            return f"The sweep ended at batch {sweep.ended_at}, which failed: {sweep.reason}"


def rate(per_s: float | None) -> str:
    """Return something a second, to three digits or to the unit."""
    if per_s is None:
        return _NONE
    digits = 0 if per_s >= 100 else 1 if per_s >= 10 else 2
    return f"{per_s:.{digits}f}"


def _cells(point: SweepPoint) -> tuple[str, ...]:
    latency, memory = point.latency, point.memory
    rough = "" if latency.converged else "~"
    digits = 3 if latency.median_s < 1e-3 else 2
    time = f"{rough}{latency.median_s * 1e3:.{digits}f}"
    throughput = f"{rough}{rate(point.throughput_per_s)}"
    rates = latency.throughput_interval(point.batch)
    if latency.interval_s is not None and rates is not None:
        low, high = (value * 1e3 for value in latency.interval_s)
        time += f" [{low:.{digits}f}, {high:.{digits}f}]"
        throughput += f" [{rate(rates[0])}, {rate(rates[1])}]"
    return (
        str(point.batch),
        time,
        throughput,
        _megabytes(memory.peak_activation_bytes),
        _megabytes(memory.peak_bytes),
        _megabytes(memory.peak_reserved_bytes),
    )


def _megabytes(value: int | None) -> str:
    return _NONE if value is None else f"{value / 1e6:.1f}"
