"""CUDA graphs, and the account that CUDA's allocator keeps, without a GPU."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch

RESIDENT, GARBAGE, CACHED, CAPTURED, HEADROOM = 1000, 400, 7000, 500, 96


class FakeCuda:
    """A capture keeps the call, a replay makes it again if `replay` says how.

    Warm-ups on a side stream leave garbage, which only a collection frees, and a cache, which only
    `empty_cache` gives back. A capture allocates `CAPTURED` bytes, in segments that are larger by
    `HEADROOM`, and empties the cache as torch's does.
    """

    def __init__(self) -> None:
        self.allocated = self.peak_allocated = RESIDENT
        self.reserved = self.peak_reserved = RESIDENT
        self.capturing = False
        self.replays = 0
        self.replay: Callable[[], None] = lambda: None

    def _take(self, allocated: int, reserved: int) -> None:
        self.allocated += allocated
        self.reserved += reserved
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        self.peak_reserved = max(self.peak_reserved, self.reserved)

    def _collect(self) -> None:
        self.allocated = min(self.allocated, RESIDENT)

    def _empty_cache(self) -> None:
        self.reserved = self.allocated

    def _reset_peaks(self) -> None:
        self.peak_allocated, self.peak_reserved = self.allocated, self.reserved

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it in the place of torch's."""
        fake = self

        class Stream:
            def wait_stream(self, other: "Stream") -> None:
                pass

        class Graph:
            def replay(self) -> None:
                fake.replays += 1
                fake.replay()

            def pool(self) -> tuple[int, int]:
                return (0, 7)

        @contextmanager
        def on_stream(stream: Stream) -> Iterator[None]:
            yield
            fake._take(GARBAGE, GARBAGE + CACHED)

        @contextmanager
        def capture(graph: Graph) -> Iterator[None]:
            fake._empty_cache()
            fake.capturing = True
            try:
                yield
            except RuntimeError:  # CUDA says so of a capture that was broken by whatever
                raise RuntimeError("CUDA error: the capture was invalidated")  # noqa: B904
            fake._take(CAPTURED, CAPTURED + HEADROOM)
            fake.capturing = False

        for name, value in {
            "Stream": Stream,
            "CUDAGraph": Graph,
            "current_stream": Stream,
            "stream": on_stream,
            "graph": capture,
            "synchronize": lambda *device: None,
            "empty_cache": fake._empty_cache,
            "reset_peak_memory_stats": fake._reset_peaks,
            "memory_allocated": lambda: fake.allocated,
            "max_memory_allocated": lambda: fake.peak_allocated,
            "max_memory_reserved": lambda: fake.peak_reserved,
            "memory_snapshot": lambda: [
                {"segment_pool_id": (0, 7), "total_size": 2048},
                {"segment_pool_id": (0, 0), "total_size": 9999},
                {"segment_pool_id": (0, 7), "total_size": 1024},
            ],
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)
        monkeypatch.setattr(gc, "collect", fake._collect)
