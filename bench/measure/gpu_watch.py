"""The state of the GPU between samples, by NVML: clock, temperature, power, limits, intruders.

It is asked between blocks of samples and never during one: a question takes the driver's locks.
"""

import os
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from ...datasets.plurals import quantity
from ..machine.nvml import (
    POWER_CAP,
    SLOWDOWN,
    clock_reasons,
    limit_text,
    limits_of,
    nvml_device,
)
from ..records.results import GpuConditions, Spread


class GpuWatch:
    """Reads the state of torch's GPU on request, and sums up the readings.

    A reading that this GPU or driver doesn't offer is left out from then on, with the reason.
    """

    def __init__(self) -> None:
        """Take the first look."""
        import pynvml

        self._nvml = pynvml
        self._gpu: Any = None
        self._looks = 0
        self._clocks_hz: list[float] = []
        self._temperatures_c: list[float] = []
        self._powers_w: list[float] = []
        self._limits: dict[str, None] = {}  # in the order in which they were seen
        self._intruders: dict[str, None] = {}
        self._missing: dict[str, str] = {}
        self._discarded = 0
        self._kept_slowed = False
        try:
            self._gpu = nvml_device()
        except pynvml.NVMLError as error:
            self._missing = dict.fromkeys(_QUESTIONS, str(error))
        self._slowed = self.look()

    def look(self) -> bool:
        """Ask NVML once; return whether the GPU is under a hardware or thermal slowdown."""
        self._looks += 1
        clock_mhz = self._asked("clock", self._clock_mhz)
        if clock_mhz is not None:
            self._clocks_hz.append(clock_mhz * 1e6)
        temperature_c = self._asked("temperature", self._temperature_c)
        if temperature_c is not None:
            self._temperatures_c.append(float(temperature_c))
        power_mw = self._asked("power", lambda: self._nvml.nvmlDeviceGetPowerUsage(self._gpu))
        if power_mw is not None:
            self._powers_w.append(power_mw / 1e3)
        reasons = self._asked("throttling", lambda: clock_reasons(self._gpu)) or 0
        self._limits |= dict.fromkeys(limits_of(reasons))
        self._intruders |= dict.fromkeys(self._asked("other processes", self._others) or ())
        return bool(reasons & SLOWDOWN)

    def undisturbed(self) -> bool:
        """Look after a block; return whether the GPU was slowed neither before it nor after."""
        before, self._slowed = self._slowed, self.look()
        fit = not (before or self._slowed)
        self._discarded += not fit
        return fit

    def keep_slowed(self) -> None:
        """Take note that the discarded blocks are kept after all, as there are no others."""
        self._discarded, self._kept_slowed = 0, True

    def conditions(self) -> GpuConditions:
        """Return what was seen so far."""
        return GpuConditions(
            looks=self._looks,
            sm_clock_hz=_spread(self._clocks_hz),
            temperature_c=_spread(self._temperatures_c),
            power_w=_spread(self._powers_w),
            limits=self._seen("throttling", self._limits),
            discarded_blocks=self._discarded,
            kept_slowed=self._kept_slowed,
            intruders=self._seen("other processes", self._intruders),
            missing=dict(self._missing),
        )

    def _seen(self, what: str, names: dict[str, None]) -> tuple[str, ...] | None:
        """Return what was seen before it could not be asked any more; None if that was nothing."""
        return None if what in self._missing and not names else tuple(names)

    def _asked(self, what: str, ask: Callable[[], Any]) -> Any:
        """Return the answer, or None once it could not be had: then it isn't asked any more."""
        if what in self._missing:
            return None
        try:
            return ask()
        except self._nvml.NVMLError as error:
            self._missing[what] = str(error)
            return None

    def _clock_mhz(self) -> int:
        return self._nvml.nvmlDeviceGetClockInfo(self._gpu, self._nvml.NVML_CLOCK_SM)

    def _temperature_c(self) -> int:
        return self._nvml.nvmlDeviceGetTemperature(self._gpu, self._nvml.NVML_TEMPERATURE_GPU)

    def _others(self) -> list[str]:
        pids = {
            process.pid
            for processes in (
                self._nvml.nvmlDeviceGetComputeRunningProcesses(self._gpu),
                self._nvml.nvmlDeviceGetGraphicsRunningProcesses(self._gpu),
            )
            for process in processes
        }
        if os.getpid() in pids:
            return [_named(pid) for pid in sorted(pids - {os.getpid()})]
        if len(pids) > 1:
            return [f"{len(pids) - 1} or more that NVML numbers as no process here is"]
        # Inside a container NVML may number processes as the host does, or list none.
        self._missing["other processes"] = "NVML doesn't list this process; is it in a container?"
        return []


_QUESTIONS = ("clock", "temperature", "power", "throttling", "other processes")


def watch_remarks(conditions: GpuConditions) -> list[str]:
    """Return what a reader of a measurement must know of the GPU that it was made on."""
    remarks = []
    limits = conditions.limits or ()
    slowdowns = ", ".join(limit_text(name) for name in limits if name != POWER_CAP)
    if not slowdowns and (conditions.kept_slowed or conditions.discarded_blocks):
        slowdowns = "a slowdown"  # older records don't say which, where NVML fell silent
    if conditions.kept_slowed:
        remarks.append(
            f"every block of samples was under {slowdowns}: this is a slowed GPU's time; cool it, "
            "or lower its clocks with nvidia-smi --lock-gpu-clocks"
        )
    elif conditions.discarded_blocks:
        blocks = quantity(conditions.discarded_blocks, "block")
        remarks.append(f"{blocks} of samples under {slowdowns} discarded")
    elif slowdowns:
        remarks.append(f"the GPU was under {slowdowns}")
    if POWER_CAP in limits:
        remarks.append("the power cap held the clocks down")
    if conditions.intruders:
        remarks.append(f"other processes on the GPU: {', '.join(conditions.intruders)}")
    reasons: dict[str, list[str]] = {}
    for what, reason in conditions.missing.items():
        reasons.setdefault(reason, []).append(what)
    remarks += [f"not watched: {', '.join(what)} ({reason})" for reason, what in reasons.items()]
    return remarks


def _named(pid: int) -> str:
    import psutil

    try:
        return f"{psutil.Process(pid).name()} ({pid})"
    except psutil.Error:
        return f"of unknown name ({pid})"


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    return Spread(least=min(values), median=statistics.median(values), most=max(values))
