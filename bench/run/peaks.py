"""The machine's peaks, timed before the cases of a run, each in a process of its own.

No case's network, memory or runtime is in that process, and no process of a case has been started.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable

import msgspec

from ..machine.threads import thread_variables
from ..measure import registry
from ..records.case import Case, Device, Precision
from ..records.job import worker_command
from ..records.results import Peak
from .planned import Planned

LONGEST_S = 180.0
"""Time of one process. A case whose peak isn't there measures torch's by itself."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a peak depends on: it is measured once for each in a run.

    Attributes:
        device: Device of the cases.
        precision: Their precision.
        threads: Their threads on the CPU.
    """

    device: Device
    precision: Precision
    threads: int | None


def asked_by(case: Case) -> Asked:
    """Return the peak that a case is compared with."""
    return Asked(device=case.device, precision=case.precision, threads=case.threads)


def needed(planned: Iterable[Planned]) -> list[Asked]:
    """Return the peaks that the cases of a run are compared with, in their order."""
    follows = set(registry.get("peak").follows)
    found = (asked_by(entry.case) for entry in planned if follows <= set(entry.measures))
    return list(dict.fromkeys(found))


def measured(asked: Asked) -> Peak | None:
    """Measure a peak in a process of its own; None if that fails, or takes too long."""
    threads = {} if asked.threads is None else thread_variables(asked.threads)
    process = subprocess.Popen(
        [*worker_command(), "--peak"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | threads,
        start_new_session=True,  # Ctrl-C reaches the command, which then ends this process
    )
    try:
        written, _ = process.communicate(msgspec.json.encode(asked), timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    try:
        return msgspec.json.decode(written, type=Peak | None)
    except msgspec.DecodeError:  # it died
        return None


def peaks_of(
    planned: Iterable[Planned],
    on_begin: Callable[[Asked], None] = lambda asked: None,
    measure: Callable[[Asked], Peak | None] = measured,
) -> dict[Asked, Peak]:
    """Measure the peaks that cases need; one that can't be measured is left out.

    Args:
        planned: The cases.
        on_begin: Called before each.
        measure: Measures one.
    """
    found = {}
    for asked in needed(planned):
        on_begin(asked)
        peak = measure(asked)
        if peak is not None:
            found[asked] = peak
    return found


def main() -> None:
    """Measure the peak that standard input names, and write it to standard output."""
    from .worker import end_with

    end_with(os.getppid())
    written = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no peak
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    import torch

    from ..measure.peak import machine_peak
    from ..network.arithmetic import allow_tf32

    if asked.threads is not None:
        torch.set_num_threads(asked.threads)
    torch.set_num_interop_threads(1)
    allow_tf32(asked.precision == "tf32")
    try:
        peak = machine_peak(torch.device(asked.device), asked.precision)
    except RuntimeError:  # no product in that precision; the case says so
        peak = None
    with written:
        written.write(msgspec.json.encode(peak))
