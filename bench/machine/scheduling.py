"""What the system did to this process: time that its threads waited for a processor, and faults."""

import time
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
        waited_s: Time that threads which could run waited for a processor (Linux,
            Documentation/scheduler/sched-stats.rst: the second number of `schedstat`), over all
            threads that are alive.
        involuntary_switches: Number of times a thread was taken off its processor.
        minor_faults: Page faults without reading a file: memory that is touched for the first time.
    """

    wall_s: float
    processor_s: float
    waited_s: float | None
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


def _waited_s(threads: Path) -> float | None:
    """Return the sum over all threads; None if the kernel doesn't keep it (CONFIG_SCHED_INFO)."""
    try:
        folders = list(threads.iterdir())
    except OSError:  # not on Linux, or a sandbox
        return None
    waited_ns = None
    for folder in folders:
        line = text(folder / "schedstat")  # None for a thread that has just ended
        fields = line.split() if line is not None else ()
        if len(fields) == 3:
            waited_ns = (waited_ns or 0) + int(fields[1])
    return None if waited_ns is None else waited_ns / 1e9


def missing(counters: Counters) -> dict[str, str]:
    """Return what this system doesn't report, each with the reason."""
    found = {}
    if counters.waited_s is None:
        found["time in the run queue"] = "this system has no /proc/self/task/*/schedstat"
    if counters.minor_faults is None:
        found["page faults and switches"] = "this system has no getrusage"
    return found
