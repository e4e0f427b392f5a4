"""A watch of blocks on a made-up machine."""

from collections.abc import Callable
from typing import Any

from kinobench.bench.records.latency import BlockLoad


def made_load(forwards: int = 1, **changes: Any) -> BlockLoad:
    """Return what an undisturbed block's watch says."""
    fields: dict[str, Any] = {
        "forwards": forwards,
        "processor_share": 1.0,
        "waited_share": 0.0,
        "involuntary_switches": 0,
        "minor_faults": 0,
        "reference_s": 1e-5,
    }
    return BlockLoad(**(fields | changes))


class MadeWatch:
    """Says of block i what `load(i)` says; by default nothing else runs."""

    def __init__(self, load: Callable[[int], dict[str, Any]] = lambda block: {}) -> None:
        self._load = load
        self._blocks = 0
        self.missing: dict[str, str] = {}

    def begin(self) -> None:
        """Do nothing."""

    def sampled(self, wall_s: float) -> None:
        """Do nothing."""

    def end(self, forwards: int) -> BlockLoad:
        self._blocks += 1
        return made_load(forwards, **self._load(self._blocks - 1))
