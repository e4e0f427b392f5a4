"""What holds a GPU's clocks down, by the bits of NVML's clocks event reasons (nvml.h)."""

from typing import Any

_NAMES = {
    0x04: "sw_power_cap",
    0x08: "hw_slowdown",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
}
"""The other bits (idle, a setting of the user, boards in step) are no fault."""
POWER_CAP = "sw_power_cap"
SLOWDOWN = sum(bit for bit, name in _NAMES.items() if name != POWER_CAP)
"""All bits of a hardware or thermal slowdown."""
CLOCKS_SET = 0x02
"""Held at clocks that were set by hand."""


def ask_reasons(gpu: Any) -> int:
    """Ask why an NVML device's clocks are what they are; the answer has a bit for each reason.

    Raises:
        pynvml.NVMLError: It doesn't tell.
    """
    import pynvml

    try:
        return int(pynvml.nvmlDeviceGetCurrentClocksEventReasons(gpu))
    # A driver before 535 has the older name, and so does an nvidia-ml-py before 12.535.
    except (AttributeError, pynvml.NVMLError_FunctionNotFound):
        return int(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu))


def limits_of(reasons: int) -> tuple[str, ...]:
    """Return what holds the clocks down, by NVML's names: `hw_thermal_slowdown`."""
    return tuple(name for bit, name in _NAMES.items() if reasons & bit)


def in_words(limit: str) -> str:
    """Return such a name for people: `hardware thermal slowdown`."""
    kind, _, what = limit.partition("_")
    return f"{ {'sw': 'software', 'hw': 'hardware'}[kind] } {what.replace('_', ' ')}"
