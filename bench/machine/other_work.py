"""Other work on this machine, and of its neighbours on the same host, sampled for a moment."""

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import psutil

INTERVAL_S = 0.5
TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
"""Unit in which the system reports the time of processors (proc(5), stat)."""


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """A process and the processors that it used: 1.0 is all of one."""

    name: str
    pid: int
    processors: float


class OtherWork(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but this process.

    Attributes:
        load: Mean number of processes that ran or worked to, over the last minute.
        processors: Number of processors that all of them used together while they were sampled.
        busiest: The processes that used most.
        stolen, stolen_since_start: Share of the time in which this machine's processors had work
            that the host gave to neighbours instead: while it was sampled, and since the system
            started. None where the system doesn't report it; 0 since the start may mean the same.
        sampled_s: Length of the sampling.
    """

    load: float | None
    processors: float
    busiest: tuple[Busy, ...]
    stolen: float | None = None
    stolen_since_start: float | None = None
    sampled_s: float


class _WorkTime(NamedTuple):
    """Processor time with work since the system started, and what of it was stolen, in seconds."""

    worked_s: float
    stolen_s: float


def spin(seconds: float) -> None:
    """Keep a processor busy: from one that has no work nothing can be stolen."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def sample_other_work(
    interval_s: float = INTERVAL_S,
    wait: Callable[[float], None] = spin,
    clock: Callable[[], float] = time.perf_counter,
) -> OtherWork:
    """Compare the processor time of every process at the start and the end of an interval.

    Args:
        interval_s: Length of the interval.
        wait: Lets that time pass.
        clock: Returns the time in seconds.
    """
    begin, before, worked_before = clock(), _times(), _work_time()
    wait(interval_s)
    worked, after, elapsed_s = _work_time(), _times(), clock() - begin
    used = [
        Busy(name=name, pid=key[0], processors=(seconds - before[key][1]) / elapsed_s)
        for key, (name, seconds) in after.items()
        if key in before and seconds > before[key][1]
    ]
    used.sort(key=lambda each: -each.processors)
    return OtherWork(
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        processors=sum(each.processors for each in used),
        busiest=tuple(each for each in used[:5] if each.processors >= 0.02),
        stolen=_stolen(worked_before, worked),
        stolen_since_start=_stolen(_WorkTime(0, 0), worked),
        sampled_s=elapsed_s,
    )


def processors_time_s() -> float | None:
    """Return how long all processors of the machine together have worked since it started.

    In a container they are the host's too. What a host of virtual machines gave to neighbours
    is not in it.

    Returns:
        Seconds, in whole ticks (`TICK_S`); None where the system doesn't report it.
    """
    work = _work_time()
    return None if work is None else work.worked_s - work.stolen_s


def _work_time() -> _WorkTime | None:
    """Read the time of all processors; None where the system doesn't report what is stolen."""
    try:
        times = psutil.cpu_times()
    except OSError:  # a sandbox without /proc/stat
        return None
    if not hasattr(times, "steal"):
        return None
    # A guest's time is in that of its user.
    worked = times.user + times.nice + times.system + times.irq + times.softirq
    return _WorkTime(worked + times.steal, times.steal)


def _stolen(before: _WorkTime | None, after: _WorkTime | None) -> float | None:
    if before is None or after is None:
        return None
    worked_s, stolen_s = after.worked_s - before.worked_s, after.stolen_s - before.stolen_s
    # The kernel counts whole ticks: most of a single one may have been stolen before.
    return stolen_s / worked_s if stolen_s > 1.5 * TICK_S and worked_s > 0 else 0.0


def _times() -> dict[tuple[int, float], tuple[str, float]]:
    """Return name and processor time by number and birth: numbers are given again."""
    found = {}
    for process in psutil.process_iter(["pid", "name", "create_time", "cpu_times"]):
        about: dict[str, Any] = process.info
        if about["pid"] != os.getpid() and about["cpu_times"] is not None:
            times = about["cpu_times"]
            key = (about["pid"], about["create_time"])
            found[key] = (about["name"] or "unnamed", times.user + times.system)
    return found
