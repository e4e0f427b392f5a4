"""The figures of the measurements that come with kinobench: what people sort and choose by."""

from typing import Literal

from ..records.reading import Reader, mfu, reader
from ..records.record import Record
from ..text.units import milliseconds, percent_with_interval
from .columns import NOTHING, rough_mark
from .measurement import Cell, Figure
from .video_cost import score_per, video_macs
from .whole_time import throughput_ends, total_ends_s, video_ends_s


def _total_cell(record: Record) -> Cell:
    """Return the time that a user can reach, with the optical flow."""
    if record.total_s is None:
        return NOTHING
    value, interval = milliseconds(record.total_s, total_ends_s(record))
    return rough_mark(record) + value, interval


def _score_cell(record: Record) -> Cell:
    accuracy = record.evaluated
    if accuracy is None:
        return NOTHING
    return percent_with_interval(accuracy.score, accuracy.score_interval)


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
        label="arithmetic of a view",
        unit="GMACs",
        scale=1e9,
        read=reader("cost.macs"),
        better="less",
        column="GMACs",
    ),
    Figure(
        name="gflops",
        short="flops",
        label="arithmetic of a view",
        unit="GFLOPs",
        scale=1e9,
        read=reader("cost.flops"),
        better="less",
        column="GFLOPs",
    ),
    Figure(
        name="video_gmacs",
        short="video_macs",
        label="arithmetic of a video",
        unit="GMACs",
        scale=1e9,
        read=video_macs,
        better="less",
        column="GMACs/video",
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
        interval=total_ends_s,
        better="less",
        column="latency",
        cell=_total_cell,
    ),
    Figure(
        name="video_ms",
        short="video",
        label="time of a video",
        unit="ms",
        scale=1e-3,
        read=reader("video_s"),
        interval=video_ends_s,
        better="less",
        column="time/video",
    ),
    Figure(
        name="clips_per_s",
        short="throughput",
        label="throughput",
        unit="clips/s",
        read=reader("throughput_per_s"),
        interval=throughput_ends,
        better="more",
        column="clips/s",
    ),
    Figure(
        name="drift",
        label="largest logit difference from eager fp32",
        read=reader("drift.largest_logit_difference"),
        better="less",
        column="drift",
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
        column="energy/video",
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
        read=score_per(cost),
        better="more",
        column=f"points/{unit}",
    )


ACCURACY = (
    Figure(
        name="score_percent",
        short="score",
        label="accuracy",
        unit="%",
        scale=1e-2,
        read=reader("evaluated.score"),
        interval=reader("evaluated.score_interval"),
        better="more",
        cell=_score_cell,
    ),
    _share("top1", "top-1", "top-1", "top1"),
    _share("top5", "top-5", "top-5", "top5"),
    _share("hit1", "hit@1", "hit@1", "hit1"),
    _share("hit5", "hit@5", "hit@5", "hit5"),
    _share("map", "mAP", "mAP", "map"),
    _efficiency("gmac", "GMAC", 1e9, video_macs),
    _efficiency("ms", "ms", 1e-3, reader("video_s")),
    _efficiency("j", "J", 1.0, reader("j_per_video")),
)
"""`score` is what ranks: top-1, hit@1 or mAP. Points are those of percent."""
