"""NVIDIA GPUs as NVML reports them; a value that a GPU doesn't report has its reason instead."""

import os
from collections.abc import Callable
from typing import Any

import msgspec

from .nvml import CLOCKS_SET, clock_reasons, limit_text, limits_of


class GpuProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process that computes on a GPU; `memory_bytes` is None where that can't be seen."""

    pid: int
    memory_bytes: int | None


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU. A value that is None has its reason in `missing`, by the name of the attribute.

    Attributes:
        power_limit_w, default_power_limit_w: The limit that is enforced, and the maker's.
        sm_hz, max_sm_hz, memory_hz: Clocks now, and the highest.
        clocks_set: True if a user set the clock, as far as that can be seen: NVML has no call for
            locked clocks.
        slowed_by: Reasons why its clock is lowered now; empty where nothing lowers it.
        persistence: True if the driver stays loaded while nothing uses the GPU.
        mig, ecc: True if it is divided into parts; true if its memory is checked.
        processes: Other processes that compute on it.
    """

    name: str
    uuid: str | None
    memory_bytes: int | None
    power_limit_w: float | None
    default_power_limit_w: float | None
    sm_hz: float | None
    max_sm_hz: float | None
    clocks_set: bool | None
    memory_hz: float | None
    temperature_c: int | None
    slowed_by: tuple[str, ...] | None
    persistence: bool | None
    mig: bool | None
    ecc: bool | None
    processes: tuple[GpuProcess, ...] | None
    missing: dict[str, str]


class Gpus(msgspec.Struct, frozen=True, kw_only=True):
    """All GPUs; where none can be asked, `reason` says why.

    `cuda` is the newest version of CUDA that the driver can run.
    """

    driver: str | None = None
    cuda: str | None = None
    gpus: tuple[Gpu, ...] = ()
    reason: str | None = None


def read_gpus() -> Gpus:
    """Ask NVML for every GPU of the machine."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return Gpus(reason=f"NVML can't be used: {error}")
    try:
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())
        ]
        version = pynvml.nvmlSystemGetCudaDriverVersion()
        return Gpus(
            driver=str(pynvml.nvmlSystemGetDriverVersion()),
            cuda=f"{version // 1000}.{version % 1000 // 10}",
            gpus=tuple(_gpu(handle) for handle in handles),
            reason=None if handles else "NVML knows of no GPU",
        )
    except pynvml.NVMLError as error:
        return Gpus(reason=f"NVML doesn't answer: {error}")
    finally:
        pynvml.nvmlShutdown()  # it counts how often it was begun


def _gpu(handle: Any) -> Gpu:
    import pynvml as nvml

    missing: dict[str, str] = {}

    def asked(attribute: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except nvml.NVMLError as error:
            missing[attribute] = str(error)
        except AttributeError:  # an older nvidia-ml-py
            missing[attribute] = "this nvidia-ml-py has no such call"
        return None

    def clock(kind: str, most: bool = False) -> float:
        get = nvml.nvmlDeviceGetMaxClockInfo if most else nvml.nvmlDeviceGetClockInfo
        return float(get(handle, getattr(nvml, f"NVML_CLOCK_{kind}"))) * 1e6

    return Gpu(
        name=str(asked("name", lambda: nvml.nvmlDeviceGetName(handle)) or "unnamed"),
        uuid=asked("uuid", lambda: str(nvml.nvmlDeviceGetUUID(handle))),
        memory_bytes=asked("memory_bytes", lambda: nvml.nvmlDeviceGetMemoryInfo(handle).total),
        power_limit_w=asked(
            "power_limit_w", lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1e3
        ),
        default_power_limit_w=asked(
            "default_power_limit_w",
            lambda: nvml.nvmlDeviceGetPowerManagementDefaultLimit(handle) / 1e3,
        ),
        sm_hz=asked("sm_hz", lambda: clock("SM")),
        max_sm_hz=asked("max_sm_hz", lambda: clock("SM", most=True)),
        clocks_set=asked("clocks_set", lambda: _clocks_set(handle)),
        memory_hz=asked("memory_hz", lambda: clock("MEM")),
        temperature_c=asked(
            "temperature_c",
            lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        ),
        slowed_by=asked(
            "slowed_by", lambda: tuple(map(limit_text, limits_of(clock_reasons(handle))))
        ),
        persistence=asked("persistence", lambda: bool(nvml.nvmlDeviceGetPersistenceMode(handle))),
        mig=asked("mig", lambda: bool(nvml.nvmlDeviceGetMigMode(handle)[0])),
        ecc=asked("ecc", lambda: bool(nvml.nvmlDeviceGetEccMode(handle)[0])),
        processes=asked("processes", lambda: _processes(handle)),
        missing=missing,
    )


def _clocks_set(handle: Any) -> bool:
    import pynvml as nvml

    if clock_reasons(handle) & CLOCKS_SET:
        return True
    try:
        set_mhz = nvml.nvmlDeviceGetApplicationsClock(handle, nvml.NVML_CLOCK_SM)
        default_mhz = nvml.nvmlDeviceGetDefaultApplicationsClock(handle, nvml.NVML_CLOCK_SM)
    except (AttributeError, nvml.NVMLError):  # GeForce has no clocks of applications
        return False
    return bool(set_mhz != default_mhz)


def _processes(handle: Any) -> tuple[GpuProcess, ...]:
    import pynvml as nvml

    return tuple(
        GpuProcess(pid=process.pid, memory_bytes=process.usedGpuMemory)
        for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        if process.pid != os.getpid()
    )
