"""NVML's view of a GPU: which device torch uses, and why its clocks are what they are."""

from typing import Any

_LIMITS = {
    0x04: "sw_power_cap",
    0x08: "hw_slowdown",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
}
"""Bits of NVML's clocks event reasons (nvml.h) that lower the clocks. The other bits (idle, a
setting of the user, boards in step) are no fault."""
POWER_CAP = "sw_power_cap"
SLOWDOWN = sum(bit for bit, name in _LIMITS.items() if name != POWER_CAP)
"""All bits of a hardware or thermal slowdown."""
CLOCKS_SET = 0x02
"""The bit of clocks that a user set."""


def nvml_device() -> Any:
    """Return NVML's device for torch's current CUDA device.

    NVML numbers all GPUs of the machine, CUDA those that it may see: a UUID is the same for both.

    Raises:
        pynvml.NVMLError: The driver does not answer.
    """
    import pynvml
    import torch

    pynvml.nvmlInit()
    uuid = torch.cuda.get_device_properties(torch.cuda.current_device()).uuid
    return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")


def clock_reasons(gpu: Any) -> int:
    """Return why an NVML device's clocks are what they are: a bit for each reason.

    Raises:
        pynvml.NVMLError: The device does not answer.
    """
    import pynvml

    try:
        return int(pynvml.nvmlDeviceGetCurrentClocksEventReasons(gpu))
    # A driver before 535 has the older name, and so does an nvidia-ml-py before 12.535.
    except (AttributeError, pynvml.NVMLError_FunctionNotFound):
        return int(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu))


def limits_of(reasons: int) -> tuple[str, ...]:
    """Return what lowers the clocks, by NVML's names: `hw_thermal_slowdown`."""
    return tuple(name for bit, name in _LIMITS.items() if reasons & bit)


def limit_text(limit: str) -> str:
    """Return such a name as people write it: `hardware thermal slowdown`."""
    kind, _, what = limit.partition("_")
    return f"{ {'sw': 'software', 'hw': 'hardware'}[kind] } {what.replace('_', ' ')}"
