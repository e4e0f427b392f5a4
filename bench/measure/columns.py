"""The columns of the measurements that come with kinobench: cells in the units of the tables."""

from collections.abc import Callable, Sequence

from ...datasets.plurals import quantity
from ...datasets.split import Scoring
from ..records.latency import ROUGH
from ..records.reading import mfu
from ..records.record import Record
from ..records.results import Accuracy
from ..text.units import (
    ABSENT,
    joules,
    logit_difference,
    megabytes,
    milliseconds,
    of_spread,
    percent,
    percent_with_interval,
    rate,
    scaled,
)
from . import lost_accuracy
from .measurement import Cell, Column

LOWER_BOUND = "≥"
NOTHING: Cell = (ABSENT, "")


def uncounted(record: Record) -> tuple[str, ...]:
    """Return the operators that nothing could count, each with how often it ran."""
    found = record.cost.uncounted if record.cost is not None else {}
    return tuple(f"{name} ({count})" for name, count in found.items())


def _arithmetic(record: Record, count: int | None) -> Cell:
    bound = LOWER_BOUND if count is not None and uncounted(record) else ""
    return f"{bound}{scaled(count, 1e9, 3)}", ""


def rough_mark(record: Record) -> str:
    """Return `~` for a record whose latency is rough, before whatever follows from it."""
    return "~" if record.latency is not None and record.latency.is_rough else ""


def rough_line() -> str:
    """Return the line that explains that mark."""
    share = f"{100 * ROUGH:.0f} %"
    return f"~: the latency was disturbed, or its interval is wider than {share} to a side."


def disturbances_line(records: Sequence[Record]) -> str:
    """Return a line on the latencies of which blocks were disturbed, and on what else ran."""
    timed = [record.latency for record in records if record.latency is not None]
    disturbed = [each for each in timed if each.disturbed or each.discarded_loads]
    if not disturbed:
        return ""
    blocks = sum(len(each.discarded_loads) for each in timed)
    networks = quantity(len(disturbed), "latency", "latencies")
    line = f"disturbed blocks of samples: in {networks}, {blocks} discarded"
    names = dict.fromkeys(name.partition(" (")[0] for each in timed for name in each.others)
    return f"{line}; what else ran: {', '.join(names)}." if names else f"{line}."


def _gmacs(record: Record) -> Cell:
    return _arithmetic(record, record.cost.macs if record.cost is not None else None)


def _gflops(record: Record) -> Cell:
    return _arithmetic(record, record.cost.flops if record.cost is not None else None)


def _latency(record: Record) -> Cell:
    if record.latency is None:
        return NOTHING
    value, interval = milliseconds(record.latency.median_s, record.latency.interval_s)
    return rough_mark(record) + value, interval


def _wall(record: Record) -> Cell:
    if record.latency is None:
        return NOTHING
    value, interval = milliseconds(record.latency.wall_median_s, record.latency.wall_interval_s)
    return (value if value == ABSENT else rough_mark(record) + value), interval


def _with_flow(record: Record) -> Cell:
    if record.flow_s is None:
        return NOTHING
    total = rough_mark(record) + scaled(record.total_s, 1e-3, 2)
    return total, f"({record.case.flow} {record.flow_s * 1e3:.2f})"


def _clips_per_s(record: Record) -> Cell:
    mark = "" if record.throughput_per_s is None else rough_mark(record)
    return mark + rate(record.throughput_per_s), ""


def _drift(record: Record) -> Cell:
    drift = record.drift
    if drift is None:
        return NOTHING
    scale = of_spread(drift.largest_logit_difference, drift.logit_spread)
    parts = (scale, f"{drift.top1_flips}/{drift.clips}")
    return logit_difference(drift.largest_logit_difference), f"({', '.join(filter(None, parts))})"


def _mfu(record: Record) -> Cell:
    limit = record.roofline.operators.limit if record.roofline is not None else None
    share = mfu(record)
    mark = "" if share is None else rough_mark(record)
    return mark + percent(share), f"({limit})" if limit and share is not None else ""


def _peak_memory(record: Record) -> Cell:
    return megabytes(record.memory.peak_bytes if record.memory is not None else None), ""


def _energy(record: Record) -> Cell:
    return joules(record.energy.j_per_clip if record.energy is not None else None), ""


_Ends = tuple[float, float]


def _first_of(scoring: Scoring) -> Callable[[Record], Cell]:
    """Return the cell of a scoring's first figure."""
    return _of_scoring(scoring, lambda found: (found.score, found.score_interval))


def _among_five_of(scoring: Scoring) -> Callable[[Record], Cell]:
    """Return the cell of a scoring's top-5 or hit@5."""
    return _of_scoring(scoring, lambda found: (found.among_five, found.among_five_interval))


def _of_scoring(
    scoring: Scoring, read: Callable[[Accuracy], tuple[float | None, _Ends | None]]
) -> Callable[[Record], Cell]:
    """Return a cell of an accuracy; records that are scored in another way have none."""

    def cell(record: Record) -> Cell:
        accuracy = record.accuracy
        if accuracy is None or accuracy.scoring != scoring:
            return NOTHING
        return percent_with_interval(*read(accuracy))

    return cell


def has_batches(records: Sequence[Record]) -> bool:
    """Return whether a forward is of several clips somewhere; for one clip the time says it all."""
    return any(record.case.batch > 1 for record in records)


def is_launch_bound(records: Sequence[Record]) -> bool:
    """Return whether the GPU waits for the host somewhere."""
    return any(record.latency is not None and record.latency.launch_bound for record in records)


def _of_latency(records: Sequence[Record]) -> str:
    timed = (record for record in records if record.latency is not None)
    clips = any(record.case.mode != "stream" for record in timed)
    return "latency: time of one forward of the batch." if clips else ""


def _of_rate(records: Sequence[Record]) -> str:
    with_flow = any(record.flow_s is not None for record in records)
    return "clips/s: forward and optical flow (CPU), one after the other." if with_flow else ""


def _of_drift(records: Sequence[Record]) -> str:
    scale = ""
    if any(record.drift is not None and record.drift.logit_spread for record in records):
        scale = "its share of the logits' standard deviation over the classes, and "
    return (
        f"drift: largest logit difference from eager fp32 (in parentheses: {scale}the clips whose "
        "top-1 class changes)."
    )


COST = (
    Column(name="GMACs", cell=_gmacs, footnote="GMACs, GFLOPs: arithmetic of one view."),
    Column(name="GFLOPs", cell=_gflops),
)
LATENCY = (
    Column(name="latency", unit="ms", cell=_latency, footnote=_of_latency),
    Column(
        name="wall",
        unit="ms",
        cell=_wall,
        shown=is_launch_bound,  # elsewhere it is the latency, and the launch of a kernel
        footnote="wall: time of one forward by the host's clock. Latency leaves out the gaps in "
        "which the GPU waits for the host; where wall is over 1.1 times latency, clips/s and the "
        "order by latency use wall.",
    ),
    Column(
        name="with flow",
        unit="ms",
        cell=_with_flow,
        footnote="with flow: latency including optical flow (CPU).",
    ),
    Column(name="clips/s", cell=_clips_per_s, shown=has_batches, footnote=_of_rate),
    Column(name="drift", cell=_drift, footnote=_of_drift),
    Column(
        name="MFU",
        unit="%",
        cell=_mfu,
        footnote="MFU: FLOPs per second at the latency, as a share of those of a large matrix "
        "product in the same run (in parentheses: the limit of its operators by the roofline).",
    ),
)
MEMORY = (
    Column(
        name="peak memory",
        unit="MB",
        cell=_peak_memory,
        footnote="peak memory: the weights, and the peak of a forward on top of them.",
    ),
)
ENERGY = (Column(name="energy", unit="J/clip", cell=_energy),)
ACCURACY = (
    Column(name="top-1", unit="%", cell=_first_of("top-k"), marks=lost_accuracy.marks),
    Column(name="top-5", unit="%", cell=_among_five_of("top-k")),
    Column(
        name="hit@1",
        unit="%",
        cell=_first_of("hit-k"),
        marks=lost_accuracy.marks,
        footnote="hit@k: the share of the videos of which any true class is among the first k "
        "(Karpathy et al. 2014); it is no top-k.",
    ),
    Column(name="hit@5", unit="%", cell=_among_five_of("hit-k")),
    Column(
        name="mAP",
        unit="%",
        cell=_first_of("map"),
        marks=lost_accuracy.marks,
        footnote="mAP: mean over the classes of the average precision of their ranked videos, as "
        "the script of Charades computes it, from the mean over the views of the sigmoid (or of "
        "the logits, if the protocol averages these); its interval is by a bootstrap of videos, or "
        "of source groups.",
    ),
)
