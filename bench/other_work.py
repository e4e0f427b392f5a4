"""What else runs on this machine: processor time of other processes, sampled for a moment."""

import os
import time
from collections.abc import Callable
from typing import Any

import msgspec
import psutil

INTERVAL_S = 0.5


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
        sampled_s: For how long.
    """

    load: float | None
    processors: float
    busiest: tuple[Busy, ...]
    sampled_s: float


def sample_other_work(
    interval_s: float = INTERVAL_S,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.perf_counter,
) -> OtherWork:
    """Compare the processor time of every process at the begin and the end of an interval."""
    begin, before = clock(), _times()
    sleep(interval_s)
    after, elapsed_s = _times(), clock() - begin
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
        sampled_s=elapsed_s,
    )


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
