"""A spin that delays the GPU while the host enqueues a forward, so that no launch is timed."""

import statistics
from typing import Any

import torch

FIRST_S, LONGEST_S = 1e-3, 0.1
LATE_IN_A_ROW = 3
"""Once by chance, as another process took the core; three times since the forward is made so."""
CALIBRATING_CYCLES = 20_000_000
"""Some 10 ms."""


class Spin:
    """A kernel that spins in front of a forward, which is timed between two CUDA events.

    Otherwise the events would also enclose the gaps in which the GPU waits for the host. (NVIDIA's
    nvbench blocks the stream for the same reason.)

    Some forwards can't be enqueued behind a spin: those that wait for the GPU themselves, as in
    copying from the host, or launch more kernels than CUDA queues, some 1024. A longer spin would
    make them wait longer and no more, so that after `LATE_IN_A_ROW` such forwards none is put in
    front any more: the events enclose the gaps.
    """

    def __init__(self) -> None:
        """Calibrate the spin on this GPU."""
        self._cycles_per_s = cycles_per_second()
        self._length_s = FIRST_S
        self._late = 0

    @property
    def given_up(self) -> bool:
        """No spin is put in front of a forward any more."""
        return self._late >= LATE_IN_A_ROW

    def fit(self, enqueueing_s: float) -> None:
        """Last twice as long as it takes to enqueue a forward, 0.1 s at most.

        Args:
            enqueueing_s: Time to enqueue without a spin in front. After a spin, a forward that
                waits for the GPU would take longer, the longer the spin.
        """
        self._length_s = min(2 * enqueueing_s, LONGEST_S)

    def enqueue(self) -> None:
        """Let the GPU spin, unless given up."""
        if not self.given_up:
            torch.cuda._sleep(int(self._length_s * self._cycles_per_s))

    def was_late(self, start: Any) -> bool:
        """Return whether the GPU may have waited for the host during the forward.

        Args:
            start: The CUDA event between the spin and the forward. It is asked right after the
                forward was enqueued: if the GPU is past it, the spin was over too early.
        """
        if self.given_up:
            return True
        self._late = self._late + 1 if start.query() else 0
        return self._late > 0


def cycles_per_second() -> float:
    """Return how many cycles of `torch.cuda._sleep` this GPU counts in a second, as it is now."""
    rates = []
    for _ in range(5):
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        start.record()
        torch.cuda._sleep(CALIBRATING_CYCLES)
        end.record()
        torch.cuda.synchronize()
        rates.append(CALIBRATING_CYCLES / (start.elapsed_time(end) / 1e3))
    return statistics.median(rates)
