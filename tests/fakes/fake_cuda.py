"""A GPU that nobody has: its stream, the host's clock, and torch.cuda's functions that ask them."""

from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
import torch

LAUNCH_S = 1e-5


class FakeGpu:
    """Works off a stream; the host enqueues on it and waits for it.

    Attributes:
        now: The host's clock, in seconds.
        free_at: When the stream will have done all that is on it.
        hz: In which it counts the cycles of a spin.
        spins: How long each spin lasted.
    """

    def __init__(self, hz: float = 2e9) -> None:
        self.now = self.free_at = 0.0
        self.hz = hz
        self.spins: list[float] = []

    def take(self, monkeypatch: pytest.MonkeyPatch, *modules: Any) -> None:
        """Stand in for torch's GPU, and for the clock of modules that import `time`."""
        gpu = self

        class Event:
            def __init__(self, enable_timing: bool) -> None:
                self.at = 0.0

            def record(self) -> None:
                self.at = max(gpu.now, gpu.free_at)

            def query(self) -> bool:
                return self.at <= gpu.now

            def elapsed_time(self, end: "Event") -> float:
                return (end.at - self.at) * 1e3

        monkeypatch.setattr(torch.cuda, "Event", Event)
        monkeypatch.setattr(torch.cuda, "synchronize", self.synchronize)
        monkeypatch.setattr(torch.cuda, "_sleep", self._sleep, raising=False)
        clock = SimpleNamespace(perf_counter=self.clock, process_time=self.clock)
        for module in modules:
            monkeypatch.setattr(module, "time", clock)

    def clock(self) -> float:
        return self.now

    def synchronize(self, *device: Any) -> None:
        self.now = max(self.now, self.free_at)

    def _sleep(self, cycles: int) -> None:
        self.spins.append(cycles / self.hz)
        self._put(cycles / self.hz)

    def launch(self, kernel_s: float, launch_s: float = LAUNCH_S) -> None:
        """Enqueue a kernel, which takes the host `launch_s`."""
        self.now += launch_s
        self._put(kernel_s)

    def _put(self, kernel_s: float) -> None:
        self.free_at = max(self.free_at, self.now) + kernel_s


class Forward:
    """A network of so many kernels, which may wait for the GPU half-way.

    Attributes:
        pauses_s: How much longer the host takes, by the number of the call, from 0 on.
    """

    def __init__(
        self,
        gpu: FakeGpu,
        kernels: int,
        kernel_s: float,
        waits: bool = False,
        pauses_s: Mapping[int, float] = MappingProxyType({}),
    ) -> None:
        self.gpu, self.kernels, self.kernel_s, self.waits = gpu, kernels, kernel_s, waits
        self.pauses_s, self.calls = pauses_s, 0

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        for kernel in range(self.kernels):
            if self.waits and kernel == self.kernels // 2:
                self.gpu.synchronize()
            self.gpu.launch(self.kernel_s)
        self.gpu.now += self.pauses_s.get(self.calls, 0.0)
        self.calls += 1
        return torch.zeros(1, 2)
