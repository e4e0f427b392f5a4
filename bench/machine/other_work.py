"""What else runs on this machine, and beside it on the same host, sampled for a moment."""

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import psutil

INTERVAL_S = 0.5
TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
"""In which the system tells the time of processors (proc(5), stat)."""


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """A process and the processors that it used: 1.0 is all of one."""

    name: str
    pid: int
    processors: float


class OtherWork(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but this process.

    Attributes:
        load: Mean number of processes that ran or wanted to, over the last minute.
        processors: How many all of them used together, while it was sampled.
        busiest: The most of it, by process.
        stolen, stolen_since_start: Share of the time in which this machine's processors had work
            that the host gave to neighbours instead: while it was sampled, and since the system
            started. None where the system doesn't tell; 0 since the start may mean the same.
        sampled_s: For how long.
    """

    load: float | None
    processors: float
    busiest: tuple[Busy, ...]
    stolen: float | None = None
    stolen_since_start: float | None = None
    sampled_s: float


class _Wanted(NamedTuple):
    """Processor time since the system started, in seconds: in all that had work, and the stolen."""

    wanted_s: float
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
    """Compare the processor time of every process at the begin and the end of an interval.

    Args:
        interval_s: For how long.
        wait: Lets that time pass.
        clock: Seconds.
    """
    begin, before, wanted_before = clock(), _times(), _wanted()
    wait(interval_s)
    wanted, after, elapsed_s = _wanted(), _times(), clock() - begin
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
        stolen=_stolen(wanted_before, wanted),
        stolen_since_start=_stolen(_Wanted(0, 0), wanted),
        sampled_s=elapsed_s,
    )


def _wanted() -> _Wanted | None:
    """Read the time of all processors; None where the system doesn't tell what is stolen."""
    try:
        times = psutil.cpu_times()
    except OSError:  # a sandbox without /proc/stat
        return None
    if not hasattr(times, "steal"):
        return None
    # A guest's time is in that of its user.
    worked = times.user + times.nice + times.system + times.irq + times.softirq
    return _Wanted(worked + times.steal, times.steal)


def _stolen(before: _Wanted | None, after: _Wanted | None) -> float | None:
    if before is None or after is None:
        return None
    wanted_s, stolen_s = after.wanted_s - before.wanted_s, after.stolen_s - before.stolen_s
    # The kernel counts whole ticks: most of a single one may have been stolen before.
    return stolen_s / wanted_s if stolen_s > 1.5 * TICK_S and wanted_s > 0 else 0.0


def _times() -> dict[tuple[int, float], tuple[str, float]]:
    """Return name and processor time by number and birth: numbers are given again."""
    found = {}
    for process in psutil.process_iter(["pid", "name", "create_time", "cpu_times"]):
        told: dict[str, Any] = process.info
        if told["pid"] != os.getpid() and told["cpu_times"] is not None:
            times = told["cpu_times"]
            key = (told["pid"], told["create_time"])
            found[key] = (told["name"] or "unnamed", times.user + times.system)
    return found
