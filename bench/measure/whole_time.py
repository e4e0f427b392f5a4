"""Intervals of times that a user can reach, with the optical flow counted in."""

from ..records.latency import Latency
from ..records.record import Record

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


def total_ends_s(record: Record) -> _Ends | None:
    """Return the interval of the time of a forward with its optical flow, in seconds."""
    return _with_flow(record, 1, record.case.batch)


def video_ends_s(record: Record) -> _Ends | None:
    """Return the interval of the time of all views of a video, in seconds."""
    if record.video_s is None:
        return None
    protocol = record.case.protocol
    return _with_flow(record, protocol.views / record.case.batch, protocol.clips)


def throughput_ends(record: Record) -> _Ends | None:
    """Return the interval of the clips a second."""
    ends_s = total_ends_s(record)
    return (
        None if ends_s is None else (record.case.batch / ends_s[1], record.case.batch / ends_s[0])
    )
