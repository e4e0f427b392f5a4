"""Two computations that never change, timed between forwards: how fast the machine is now.

A virtual processor is often half of a core, and nobody reports what the neighbour on the other half
does; clocks rise and fall with heat. Both change the time of this kernel as they change that of a
forward (by 30 to 80 % on the machine where it was tried, while quiet times differ by 1 %), so it
shows which blocks of samples were slowed. It stays in the first cache, so that it is the same after
every network, and leaves a network's data where they are.

It doesn't show what neighbours do to the memory and to the last cache, which they share. The time
of a large copy does: on the same machine it differed by 7 % between processes, and the forwards of
five networks followed it by 0.3 to 1.0 of its change.
"""

import time
from collections.abc import Callable

import torch

ELEMENTS = 4096
"""Elements for each thread of the computation; two tensors of 16 KB."""
PARALLEL_ELEMENTS = 32768
"""Elements for each thread if there are several: torch gives no thread fewer (its grain size)."""
COPIED_BYTES = 24 * 2**20
"""Bytes of the tensor that is copied, which takes some 2 milliseconds."""


class ReferenceKernel:
    """Sines of a tensor, by as many threads as torch uses."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Make the tensors."""
        threads = torch.get_num_threads()
        elements = ELEMENTS if threads == 1 else PARALLEL_ELEMENTS * threads
        self._clock = clock
        self._angles = torch.linspace(0.1, 1.0, elements)
        self._sines = torch.empty_like(self._angles)

    def time_s(self) -> float:
        """Time two computations, after two that fetch the data; seconds of one."""
        with torch.inference_mode():
            self._twice()
            begin = self._clock()
            self._twice()
            return (self._clock() - begin) / 2

    def _twice(self) -> None:
        torch.sin(self._angles, out=self._sines)
        torch.sin(self._angles, out=self._sines)


class MemoryKernel:
    """A copy of a tensor that no cache of a core holds, by as many threads as torch uses."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Make the tensors, and copy once, so that their pages are there."""
        self._clock = clock
        self._source = torch.ones(COPIED_BYTES // 4)
        self._target = torch.empty_like(self._source)
        self.time_s()

    def time_s(self) -> float:
        """Time a copy, in seconds."""
        with torch.inference_mode():
            begin = self._clock()
            self._target.copy_(self._source)
            return self._clock() - begin
