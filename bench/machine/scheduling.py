"""What the system did to this process: time that its threads waited for a processor, and faults."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .kernel_files import ROOT, text

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]


class Counters(NamedTuple):
    """Counters of a process since it started; None is what the system doesn't report.

    Attributes:
        wall_s: Reading of the wall clock.
        processor_s: Processor time of all threads.
        waited_s: Time that each living thread, by its number, could run and waited for a processor
            (Linux, Documentation/scheduler/sched-stats.rst: the second number of `schedstat`).
        involuntary_switches: Number of times a thread was taken off its processor.
        minor_faults: Page faults without reading a file: memory that is touched for the first time.
    """

    wall_s: float
    processor_s: float
    waited_s: Mapping[str, float] | None
    involuntary_switches: int | None
    minor_faults: int | None


def read_counters(root: Path = ROOT) -> Counters:
    """Read the counters of this process; it takes some 20 microseconds and 5 for each thread."""
    switches = faults = None
    if resource is not None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        switches, faults = usage.ru_nivcsw, usage.ru_minflt
    return Counters(
        wall_s=time.perf_counter(),
        processor_s=time.process_time(),
        waited_s=_waited_s(root / "proc/self/task"),
        involuntary_switches=switches,
        minor_faults=faults,
    )


def most_waited_s(before: Counters, after: Counters) -> float | None:
    """Return how long the thread that waited most did so between two readings, in seconds.

    An operator is done when its last thread is, so one that waits delays all; the sum over the
    threads of a large machine exceeds any limit although each waits next to nothing.
    """
    if before.waited_s is None or after.waited_s is None:
        return None
    return max(
        (
            waited_s - before.waited_s.get(thread, 0.0)
            for thread, waited_s in after.waited_s.items()
        ),
        default=None,
    )


def _waited_s(threads: Path) -> dict[str, float] | None:
    """Return the time of each thread; None if the kernel doesn't keep it (CONFIG_SCHED_INFO)."""
    try:
        folders = list(threads.iterdir())
    except OSError:  # not on Linux, or a sandbox
        return None
    waited_s = {}
    for folder in folders:
        line = text(folder / "schedstat")  # None for a thread that has just ended
        fields = line.split() if line is not None else ()
        if len(fields) == 3:
            waited_s[folder.name] = int(fields[1]) / 1e9
    return waited_s or None


def missing(counters: Counters) -> dict[str, str]:
    """Return what this system doesn't report, each with the reason."""
    found = {}
    if counters.waited_s is None:
        found["time in the run queue"] = "this system has no /proc/self/task/*/schedstat"
    if counters.minor_faults is None:
        found["page faults and switches"] = "this system has no getrusage"
    return found
