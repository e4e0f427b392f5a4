"""The NVIDIA GPU that torch uses, as NVML knows it."""

from typing import Any


def nvml_device() -> Any:
    """Return NVML's device for torch's current CUDA device.

    NVML numbers all GPUs of the machine, CUDA those that it may see: a UUID is the same for both.

    Raises:
        pynvml.NVMLError: The driver can't be asked.
    """
    import pynvml
    import torch

    pynvml.nvmlInit()
    uuid = torch.cuda.get_device_properties(torch.cuda.current_device()).uuid
    return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
