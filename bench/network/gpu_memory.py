"""What another runtime than torch takes on a GPU: torch's allocator knows nothing of it."""

from collections.abc import Callable
from typing import NamedTuple

import torch


class GpuMemory(NamedTuple):
    """The memory of torch's current GPU.

    Attributes:
        free_bytes: What no process has.
        reserved_bytes: What torch's allocator has, of this process.
    """

    free_bytes: int
    reserved_bytes: int

    @classmethod
    def now(cls) -> "GpuMemory":
        """Read it, once all that is on the GPU's streams is done."""
        torch.cuda.synchronize()
        return cls(torch.cuda.mem_get_info()[0], torch.cuda.memory_reserved())

    def taken_since(self, before: "GpuMemory") -> int:
        """Return what was taken since then outside of torch's allocator, by whatever process."""
        reserved = self.reserved_bytes - before.reserved_bytes
        return max(before.free_bytes - self.free_bytes - reserved, 0)


class OnGpu(NamedTuple):
    """A network that a runtime has loaded on a GPU.

    Attributes:
        before: The GPU's memory before it was loaded.
        activation_bytes: Returns what a forward takes besides what torch's allocator gives; None
            if the runtime doesn't say.
    """

    before: GpuMemory
    activation_bytes: Callable[[], int | None]
