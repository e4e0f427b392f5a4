"""The machine and the libraries of a measurement. Imports no torch."""

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from ...datasets.errors import KinobenchError
from ...datasets.names import DEFAULT_DECODER, Decoder
from ..records.case import Device
from ..records.files import CHECKOUT
from ..records.record import Environment
from . import control_group, kernel_files
from .git import GitError, git
from .processor import processor_name
from .software import installed_cudnn, torch_cuda
from .variables import decisive_text, variables

_LIBRARIES = (
    "torch",
    "torchvision",
    "pytorchvideo",
    "transformers",
    "fvcore",
    "av",
    "opencv-contrib-python-headless",
    "numpy",
    "scipy",
    "kinobench",
)
_CPU = Path("/sys/devices/system/cpu")


class UnfitEnvironmentError(KinobenchError):
    """This machine can't measure what was asked for."""

    has_lines = True  # what git or pip wrote


RUNTIME_PACKAGES = (
    *("onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt"),
    *("onnx", "onnxscript", "nncf", "torchao"),
)
"""Packages of runtimes: where a record has their versions, a fingerprint has them, too."""


def describe(
    device: Device = "cpu",
    decoder: Decoder = DEFAULT_DECODER,
    *,
    first_gpu: bool = False,
    runtime: Mapping[str, str] | None = None,
) -> Environment:
    """Describe this machine and the libraries that decide a result.

    Args:
        device: Device of the measurement, whose fingerprint this is. For `cuda` the GPU is the one
            that torch uses, which imports torch; otherwise the machine's first.
        decoder: Decoder whose versions are given next to PyAV's; it is loaded.
        first_gpu: True to take the machine's first GPU for `cuda`, too, and to import no torch.
        runtime: Versions of the packages of the runtime, of those in `RUNTIME_PACKAGES`.
    """
    gpu = _gpu(first=first_gpu or device == "cpu")
    versions = library_versions(decoder) | dict(runtime or {})
    if device == "cuda":
        versions |= _cuda_versions()
    cpu = processor_name()
    if cpu is None:
        cpu = platform.processor() or platform.machine()
    described = Environment(
        fingerprint="",
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu,
        physical_cores=physical_cores(),
        logical_cores=len(usable_cpus()),
        memory_bytes=memory_bytes(),
        gpu=gpu.name,
        gpu_driver=gpu.driver,
        gpu_power_limit_w=gpu.power_limit_w,
        versions=versions,
        variables=variables(device),
        kinobench_commit=_commit(),
    )
    parts = decisive(described, device)
    machine = {name: part for name, part in parts.items() if name not in RUNTIME_PACKAGES}
    return msgspec.structs.replace(
        described,
        fingerprint=_fingerprint(parts),
        machine=_fingerprint(machine) if machine != parts else "",
    )


Decisive = dict[str, str | int | float | None]


def decisive(described: Environment, device: Device) -> Decisive:
    """Return what a fingerprint is made of: all that must agree before two timings may compare."""
    system, versions = described.system.split(), described.versions
    parts: Decisive = {
        "system": f"{system[0]} {system[-1]}",  # the kernel's release is left out
        "processor": described.cpu,
        "cores": described.physical_cores,
        "python": versions["python"],
        "torch": versions.get("torch"),
    }
    parts |= {name: versions[name] for name in RUNTIME_PACKAGES if name in versions}
    set_variables = decisive_text(described.variables or {})
    if set_variables is not None:  # where none is set, the fingerprint is that of older records
        parts["variables"] = set_variables
    if device == "cpu":
        return parts
    return parts | {
        "GPU": described.gpu,
        "driver": described.gpu_driver,
        "power limit (W)": described.gpu_power_limit_w,
        "CUDA": versions.get("cuda"),
        "cuDNN": versions.get("cudnn"),
        "triton": versions.get("triton"),
    }


_ORDER = ("system", "processor", "cores", "GPU", "driver", "python", "torch")
"""Order of the oldest parts of a fingerprint. A CPU's has two empty places, so that it equals that
of older records of machines without a GPU."""


def _fingerprint(parts: Decisive) -> str:
    names = dict.fromkeys((*_ORDER, *parts))
    values = msgspec.json.encode([parts.get(name) for name in names])
    return hashlib.sha256(values).hexdigest()[:16]


def library_versions(decoder: Decoder = DEFAULT_DECODER) -> dict[str, str]:
    """Return the versions of the interpreter and of the libraries that decide a result.

    Raises:
        KinobenchError: The decoder can't be loaded.
    """
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    if decoder == "torchcodec":
        from ...datasets.video.torchcodec import load

        versions |= load().versions
    return versions


def _cuda_versions() -> dict[str, str]:
    """Return the versions of what torch runs on a GPU, as far as they are known without torch."""
    try:
        triton = version("triton")
    except PackageNotFoundError:
        triton = None
    found = {"cuda": torch_cuda(), "cudnn": installed_cudnn(), "triton": triton}
    return {name: version for name, version in found.items() if version is not None}


def physical_cores() -> int:
    """Return how many cores this process may use, hyperthreads not counted.

    Under a quota of processor time these are the whole processors in it, or one: with more threads
    the process would be stopped again and again.
    """
    cores, usable = set(), usable_cpus()
    for cpu in usable:
        siblings = kernel_files.text(_CPU / f"cpu{cpu}" / "topology" / "thread_siblings_list")
        cores.add(siblings if siblings is not None else str(cpu))
    count = len(cores)
    if sys.platform == "darwin":
        count = min(len(usable), psutil.cpu_count(logical=False) or len(usable))
    quota = control_group.processor_quota()
    return max(1, count if quota is None else min(count, int(quota)))


def memory_bytes() -> int:
    """Return the memory that this process may use: the machine's, or its control group's."""
    total: int = psutil.virtual_memory().total
    limit = control_group.memory_limit_bytes()
    return total if limit is None else min(total, limit)


def available_memory_bytes() -> int:
    """Return how much of that is free now, or would be given back when asked for."""
    available: int = psutil.virtual_memory().available
    left = control_group.memory_left_bytes()
    return available if left is None else min(available, left)


def require_device(device: Device) -> None:
    """Raise UnfitEnvironmentError where torch can't use the device; imports torch for a GPU."""
    if device == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        why = (
            "this torch was built without CUDA; install a CUDA build"
            if torch.version.cuda is None
            else "torch finds no usable NVIDIA GPU or driver; `nvidia-smi` should list one"
        )
        raise UnfitEnvironmentError(f"--device cuda: {why}, or measure with --device cpu")


def require_decoder(decoder: Decoder) -> None:
    """Raise UnfitEnvironmentError where the decoder can't be loaded."""
    if decoder == "torchcodec":
        from ...datasets.video.torchcodec import load

        try:
            load()
        except KinobenchError as error:
            raise UnfitEnvironmentError(f"--decoder {decoder}: {error}") from error


def usable_cpus() -> list[int]:
    """Return the numbers of the logical processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


class _Gpu(NamedTuple):
    name: str | None = None
    driver: str | None = None
    power_limit_w: float | None = None


def _gpu(first: bool) -> _Gpu:
    """Return what NVML reports of the machine's first GPU, or of the one that torch uses."""
    import pynvml

    from .nvml import nvml_device

    try:
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0) if first else nvml_device()
        name, driver = pynvml.nvmlDeviceGetName(gpu), pynvml.nvmlSystemGetDriverVersion()
    except pynvml.NVMLError:
        return _Gpu()
    try:
        # The limit that was set: the enforced one may change by itself, as on a laptop.
        limit_w = pynvml.nvmlDeviceGetPowerManagementLimit(gpu) / 1e3
    except pynvml.NVMLError:
        limit_w = None
    return _Gpu(str(name), str(driver), limit_w)


def _commit() -> str | None:
    """Return the commit of the checkout that runs."""
    return commit_of(CHECKOUT)


def commit_of(checkout: Path) -> str | None:
    """Return the commit of a checkout, with + where files differ from it; None: it is none."""
    if not (checkout / ".git").exists():
        return None
    try:
        described = git(checkout, "describe", "--always", "--dirty=+", "--exclude=*", timeout_s=10)
    except (OSError, GitError):
        return None
    return described or None
