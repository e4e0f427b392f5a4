"""A GPU as NVML would tell of it, without one."""

import os
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest
import torch

OWN_PID = os.getpid()
UUID = "01234567-89ab-cdef-0123-456789abcdef"


class FakeNvml:
    """What NVML answers; lists give one answer a question, the last one again and again.

    Attributes:
        lacking: Names of NVML's functions that this GPU or driver doesn't have.
        asked: How often each function was called.
    """

    def __init__(self) -> None:
        self.clocks_mhz = [1980]
        self.temperatures_c = [60]
        self.powers_mw = [400_000]
        self.reasons = [0]
        self.compute: list[int] = [OWN_PID]
        self.graphics: list[int] = []
        self.lacking: dict[str, int] = {}
        self.asked: dict[str, int] = {}

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it in the place of pynvml's functions, and a GPU in that of torch's."""
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(
            torch.cuda,
            "get_device_properties",
            lambda device: SimpleNamespace(uuid=UUID, L2_cache_size=50 * 2**20),
        )
        answers: dict[str, Any] = {
            "nvmlInit": lambda: None,
            "nvmlDeviceGetHandleByUUID": lambda uuid: uuid,
            "nvmlDeviceGetClockInfo": lambda gpu, kind: self._next(self.clocks_mhz),
            "nvmlDeviceGetTemperature": lambda gpu, sensor: self._next(self.temperatures_c),
            "nvmlDeviceGetPowerUsage": lambda gpu: self._next(self.powers_mw),
            "nvmlDeviceGetCurrentClocksEventReasons": lambda gpu: self._next(self.reasons),
            "nvmlDeviceGetCurrentClocksThrottleReasons": lambda gpu: self._next(self.reasons),
            "nvmlDeviceGetComputeRunningProcesses": lambda gpu: _processes(self.compute),
            "nvmlDeviceGetGraphicsRunningProcesses": lambda gpu: _processes(self.graphics),
        }
        for name, answer in answers.items():
            monkeypatch.setattr(pynvml, name, self._counted(name, answer))

    def _counted(self, name: str, answer: Any) -> Any:
        def call(*arguments: Any) -> Any:
            self.asked[name] = self.asked.get(name, 0) + 1
            if name in self.lacking:
                raise pynvml.NVMLError(self.lacking[name])
            return answer(*arguments)

        return call

    @staticmethod
    def _next(answers: list[int]) -> int:
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _processes(pids: list[int]) -> list[SimpleNamespace]:
    return [SimpleNamespace(pid=pid, usedGpuMemory=2**30) for pid in pids]
