"""Watches the machine during each block of samples, and finds the blocks that were disturbed."""

import statistics
from collections.abc import Callable, Sequence
from typing import Literal

from ..machine.scheduling import Counters, missing, most_waited_s, read_counters
from ..records.latency import BlockLoad
from .gpu_watch import GpuWatch

MOST_WAITED = 0.02
"""Share of a block for which a thread may wait for a processor. Without other work it is 0.001 or
less, with two busy neighbours on two cores 0.2 or more."""
MOST_SLOWED = 1.06
"""Time of the reference kernel, over its least, up to which a block is undisturbed. It differs by
0.01 on a quiet processor, and by 0.3 or more where a neighbour takes a share of the core."""
REFERENCE_SHARE = 0.03
"""Share of the time that the reference kernel may take."""

Disturbance = Literal["throttled", "waited", "slow"]
"""A GPU that is slowed, a thread that waits for a processor, a processor that is slower."""

TimeReference = Callable[[], float]
"""Times the reference kernel once, in seconds."""


class BlockWatch:
    """Reads counters before and after each block, and times the reference kernel within it.

    Attributes:
        missing: What this system doesn't report, each with the reason.
    """

    def __init__(
        self,
        time_reference: TimeReference | None = None,
        gpu: GpuWatch | None = None,
        time_memory: TimeReference | None = None,
        read: Callable[[], Counters] = read_counters,
    ) -> None:
        """Take the first readings.

        Args:
            time_reference: Times the reference kernel; None where a GPU does the work.
            gpu: Looks at the GPU after each block.
            time_memory: Times a copy before each block; None: it isn't timed.
            read: Reads the counters of this process.
        """
        self._time_reference = time_reference
        self._gpu = gpu
        self._time_memory = time_memory
        self._memory_s: float | None = None
        self._read = read
        self._references_s: list[float] = []
        self._since_s = self._wait_s = 0.0
        self._before = read()
        self.missing = missing(self._before)

    def begin(self) -> None:
        """Begin a block."""
        self._references_s = []
        if self._time_memory is not None:
            self._memory_s = self._time_memory()
        self._look()
        self._before = self._read()

    def sampled(self, wall_s: float) -> None:
        """Take note of a forward; now and then the reference kernel is timed after one."""
        self._since_s += wall_s
        if self._since_s >= self._wait_s:
            self._look()

    def end(self, forwards: int) -> BlockLoad:
        """End the block, and return what the machine did during it."""
        before, after = self._before, self._read()
        wall_s = max(after.wall_s - before.wall_s, 1e-9)
        slowed = self._gpu is not None and not self._gpu.undisturbed()
        waited_s = most_waited_s(before, after)
        return BlockLoad(
            forwards=forwards,
            processor_share=(after.processor_s - before.processor_s) / wall_s,
            waited_share=None if waited_s is None else waited_s / wall_s,
            involuntary_switches=_count(before.involuntary_switches, after.involuntary_switches),
            minor_faults=_count(before.minor_faults, after.minor_faults),
            reference_s=statistics.median(self._references_s) if self._references_s else None,
            memory_s=self._memory_s,
            slowed=slowed,
        )

    def _look(self) -> None:
        if self._time_reference is None:
            return
        reference_s = self._time_reference()
        self._references_s.append(reference_s)
        # It computes four times, of which it times two.
        self._since_s, self._wait_s = 0.0, 4 * reference_s / REFERENCE_SHARE


def quiet_reference_s(loads: Sequence[BlockLoad]) -> float | None:
    """Return the reference kernel's time on the undisturbed machine: that of the fastest block."""
    return min((each.reference_s for each in loads if each.reference_s is not None), default=None)


def is_disturbed(load: BlockLoad, quiet_s: float | None, threads: int = 1) -> bool:
    """Return whether a block tells less of the network than of what else went on.

    Args:
        load: What the machine did during it.
        quiet_s: See `disturbance`.
        threads: See `disturbance`.
    """
    return disturbance(load, quiet_s, threads) is not None


def disturbance(load: BlockLoad, quiet_s: float | None, threads: int = 1) -> Disturbance | None:
    """Return what disturbed a block; None if nothing did.

    Args:
        load: What the machine did during it.
        quiet_s: The reference kernel's time on the undisturbed machine, in seconds.
        threads: Threads of the forward. If there is one, the time in which it had no processor is
            known even where the system doesn't report it (macOS).
    """
    if load.slowed:
        return "throttled"
    waited = load.waited_share
    if waited is None and threads == 1 and load.involuntary_switches is not None:
        waited = 1 - load.processor_share
    if waited is not None and waited > MOST_WAITED:
        return "waited"
    if load.reference_s is None or quiet_s is None:
        return None
    return "slow" if load.reference_s > MOST_SLOWED * quiet_s else None


def _count(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before
