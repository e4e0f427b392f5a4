"""The figures of the measurements that come with kinobench: what people sort and choose by."""

from collections.abc import Callable
from typing import Literal

from ..records.latency import Latency
from ..records.reading import Reader, mfu, reader
from ..records.record import Record
from ..records.results import Accuracy
from .measurement import Figure

_Ends = tuple[float, float]


def _reached_ends_s(latency: Latency) -> _Ends | None:
    """Return the interval of `reached_s`: of the wall time, if that is what a user can reach."""
    return latency.wall_interval_s if latency.launch_bound else latency.interval_s


def _with_flow(record: Record, forwards: float, flows: float) -> _Ends | None:
    """Return the interval of some forwards of a batch, and of the flow of some clips.

    The ends of the two add up, which is never too narrow. None if one of them is unknown.
    """
    latency, flow = record.latency, record.flow_time
    ends_s = None if latency is None else _reached_ends_s(latency)
    if ends_s is None or record.total_s is None:
        return None
    if flow is None:
        return ends_s[0] * forwards, ends_s[1] * forwards
    if flow.interval_s is None:
        return None
    low, high = (
        each * forwards + of_flow * flows
        for each, of_flow in zip(ends_s, flow.interval_s, strict=True)
    )
    return low, high


def _total_ends_s(record: Record) -> _Ends | None:
    return _with_flow(record, 1, record.case.batch)


def _video_ends_s(record: Record) -> _Ends | None:
    if record.video_s is None:
        return None
    protocol = record.case.protocol
    return _with_flow(record, protocol.views / record.case.batch, protocol.clips)


def _throughput_ends(record: Record) -> _Ends | None:
    ends_s = _total_ends_s(record)
    return (
        None if ends_s is None else (record.case.batch / ends_s[1], record.case.batch / ends_s[0])
    )


def _video_macs(record: Record) -> float | None:
    """Return the MACs of all views of a video, without its optical flow, which has none."""
    if record.cost is None or record.case.mode == "stream":
        return None
    return record.cost.macs * record.case.protocol.views


def _of_accuracy(read: Callable[[Accuracy], float | None]) -> Reader:
    return lambda record: None if record.accuracy is None else read(record.accuracy)


def _score_per(cost: Reader) -> Reader:
    """Return a reader of the score over a cost of a whole video; None of an untrained network."""

    def read(record: Record) -> float | None:
        accuracy, spent = record.accuracy, cost(record)
        if record.case.weights is None or accuracy is None or accuracy.score is None or not spent:
            return None
        return accuracy.score / float(spent)

    return read


PARAMS = Figure(
    name="params_m",
    short="params",
    label="parameters",
    unit="M",
    scale=1e6,
    read=reader("params"),
    better="less",
    column="params",
)
COST = (
    Figure(
        name="gmacs",
        short="macs",
        label="GMACs of a view",
        unit="GMACs",
        scale=1e9,
        read=reader("cost.macs"),
        better="less",
        column="GMACs",
    ),
    Figure(
        name="gflops",
        short="flops",
        label="GFLOPs of a view",
        unit="GFLOPs",
        scale=1e9,
        read=reader("cost.flops"),
        better="less",
        column="GFLOPs",
    ),
    Figure(
        name="video_gmacs",
        short="video_macs",
        label="GMACs of a video",
        unit="GMACs",
        scale=1e9,
        read=_video_macs,
        better="less",
    ),
)
LATENCY = (
    Figure(
        name="latency_ms",
        short="latency",
        label="latency",
        unit="ms",
        scale=1e-3,
        read=reader("total_s"),
        interval=_total_ends_s,
        better="less",
        column="latency",
    ),
    Figure(
        name="video_ms",
        short="video",
        label="time of a video",
        unit="ms",
        scale=1e-3,
        read=reader("video_s"),
        interval=_video_ends_s,
        better="less",
    ),
    Figure(
        name="clips_per_s",
        short="throughput",
        label="throughput",
        unit="clips/s",
        read=reader("throughput_per_s"),
        interval=_throughput_ends,
        better="more",
        column="clips/s",
    ),
    Figure(
        name="mfu_percent",
        short="mfu",
        label="MFU",
        unit="%",
        scale=1e-2,
        read=mfu,
        better="more",
        column="MFU",
    ),
)
MEMORY = (
    Figure(
        name="memory_mb",
        short="memory",
        label="peak memory",
        unit="MB",
        scale=1e6,
        read=reader("memory.peak_bytes"),
        better="less",
        column="peak memory",
    ),
)
ENERGY = (
    Figure(
        name="j_per_clip",
        short="energy",
        label="energy of a clip",
        unit="J",
        read=reader("energy.j_per_clip"),
        better="less",
        column="energy",
    ),
    Figure(
        name="j_per_video",
        short="video_energy",
        label="energy of a video",
        unit="J",
        read=reader("j_per_video"),
        better="less",
    ),
)


def _share(name: str, label: str, column: str, field: str) -> Figure:
    return Figure(
        name=f"{name}_percent",
        short=name,
        label=label,
        unit="%",
        scale=1e-2,
        read=reader(f"accuracy.{field}"),
        interval=reader(f"accuracy.interval_{field}"),
        better="more",
        column=column,
    )


def _efficiency(per: Literal["gmac", "ms", "j"], unit: str, scale: float, cost: Reader) -> Figure:
    return Figure(
        name=f"score_per_{per}",
        label=f"accuracy per {unit} of a video",
        unit=f"points/{unit}",
        scale=1e-2 / scale,
        read=_score_per(cost),
        better="more",
    )


ACCURACY = (
    Figure(
        name="score_percent",
        short="score",
        label="accuracy",
        unit="%",
        scale=1e-2,
        read=_of_accuracy(lambda found: found.score),
        interval=reader("accuracy.score_interval"),
        better="more",
    ),
    _share("top1", "top-1", "top-1", "top1"),
    _share("top5", "top-5", "top-5", "top5"),
    _share("hit1", "hit@1", "hit@1", "hit1"),
    _share("hit5", "hit@5", "hit@5", "hit5"),
    _share("map", "mAP", "mAP", "map"),
    _efficiency("gmac", "GMAC", 1e9, _video_macs),
    _efficiency("ms", "ms", 1e-3, reader("video_s")),
    _efficiency("j", "J", 1.0, reader("j_per_video")),
)
"""`score` is what ranks: top-1, hit@1 or mAP. Points are those of percent."""
