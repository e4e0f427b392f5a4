"""What a measurement runs on, and what there spoils one. Imports no torch."""

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import psutil

from ..datasets.decoders import DEFAULT as DEFAULT_DECODER
from ..datasets.decoders import Decoder
from ..datasets.errors import KinobenchError
from .record import Device, Environment

if TYPE_CHECKING:
    from rich.console import Console

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


class Spoiler(NamedTuple):
    """What makes timings on this machine worse than they could be, and its cure."""

    what: str
    cure: str


def describe(device: Device = "cpu", decoder: Decoder = DEFAULT_DECODER) -> Environment:
    """Describe this machine and the libraries that decide a result.

    Args:
        device: For `cuda` the GPU is the one that torch uses, which imports torch; otherwise the
            machine's first.
        decoder: Of the decoders besides PyAV, the versions of this one are told; it is loaded.
    """
    gpu, driver = _gpu(device)
    versions = library_versions(decoder)
    system = f"{platform.system()} {platform.machine()}"
    cpu, cores = _cpu_name(), physical_cores()
    decisive = [system, cpu, cores, gpu, driver, versions["python"], versions.get("torch")]
    return Environment(
        fingerprint=hashlib.sha256(msgspec.json.encode(decisive)).hexdigest()[:16],
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu,
        physical_cores=cores,
        logical_cores=len(usable_cpus()),
        memory_bytes=memory_bytes(),
        gpu=gpu,
        gpu_driver=driver,
        versions=versions,
        kinobench_commit=_commit(),
    )


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
        from ..datasets.torchcodec_frames import load

        versions |= load().versions
    return versions


def physical_cores() -> int:
    """Return how many cores this process may use, hyperthreads not counted."""
    cores = set()
    for cpu in usable_cpus():
        siblings = _read(_CPU / f"cpu{cpu}" / "topology" / "thread_siblings_list")
        cores.add(siblings if siblings is not None else str(cpu))
    return max(1, len(cores))


def memory_bytes() -> int:
    """Return the memory that this process may use: the machine's, or its control group's."""
    total: int = psutil.virtual_memory().total
    limit = _read(Path("/sys/fs/cgroup/memory.max"))
    return min(total, int(limit)) if limit is not None and limit.isdecimal() else total


def available_memory_bytes() -> int:
    """Return how much of that is free now, or would be given back when asked for."""
    available: int = psutil.virtual_memory().available
    used = _read(Path("/sys/fs/cgroup/memory.current"))
    if used is None or not used.isdecimal():
        return available
    # The group is charged for cached files too, which the kernel drops before it lacks memory.
    charged = (_read(Path("/sys/fs/cgroup/memory.stat")) or "").split()
    counts = dict(zip(charged[::2], charged[1::2], strict=False))
    cached = int(counts.get("inactive_file", 0))
    return min(available, max(memory_bytes() - int(used) + cached, 0))


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
        from ..datasets.torchcodec_frames import load

        try:
            load()
        except KinobenchError as error:
            raise UnfitEnvironmentError(f"--decoder {decoder}: {error}") from error


def spoilers() -> list[Spoiler]:
    """Return what would spoil a timing on this machine now."""
    found: list[Spoiler] = []
    cores = physical_cores()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.25 * cores:
        busiest = _busiest()
        found.append(
            Spoiler(
                f"other work: load {load:.1f} on {cores} cores{busiest}",
                "stop it, or wait until it has ended",
            )
        )
    governors = {_read(path) for path in _CPU.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    slow = sorted(name for name in governors - {"performance", None} if name)
    if slow:
        found.append(
            Spoiler(
                f"the frequency governor is {', '.join(slow)}",
                "sudo cpupower frequency-set --governor performance",
            )
        )
    if _read(_CPU / "intel_pstate" / "no_turbo") == "0" or _read(_CPU / "cpufreq" / "boost") == "1":
        found.append(
            Spoiler(
                "turbo is on: the clock depends on temperature and on neighbours",
                "switch it off in /sys/devices/system/cpu (intel_pstate/no_turbo, cpufreq/boost)",
            )
        )
    if "hypervisor" in (_read(Path("/proc/cpuinfo")) or "").split():
        found.append(
            Spoiler(
                "a virtual machine: neighbours on the same host are felt and not seen",
                "compare side by side in one run; trust ratios, not single times",
            )
        )
    quota = (_read(Path("/sys/fs/cgroup/cpu.max")) or "max").split()
    if quota[0] != "max":
        found.append(
            Spoiler(
                f"a processor quota of {int(quota[0]) / int(quota[1]):.2g} cores: "
                "the process is stopped when it is used up",
                "lift it, or give whole cores (cpuset)",
            )
        )
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    if battery is not None and not battery.power_plugged:
        found.append(Spoiler("running on battery", "plug it in"))
    return found


def show(described: Environment, found: list[Spoiler], console: "Console") -> None:
    """Print the description and the spoilers for a person."""
    gib = described.memory_bytes / 2**30
    facts = {
        "system": described.system,
        "processor": f"{described.cpu}, {described.physical_cores} cores, "
        f"{described.logical_cores} threads",
        "memory": f"{gib:.1f} GiB",
        "GPU": f"{described.gpu} (driver {described.gpu_driver})" if described.gpu else "none",
        **described.versions,
        "commit": described.kinobench_commit or "not a checkout",
        "fingerprint": described.fingerprint,
    }
    for name, value in facts.items():
        console.print(f"{name:<13} {value}", highlight=False, markup=False)
    console.print()
    if not found:
        console.print("Nothing was found that would spoil a measurement.")
    for spoiler in found:
        console.print(f"spoils timings: {spoiler.what}", highlight=False, markup=False)
        console.print(f"  cure: {spoiler.cure}", highlight=False, markup=False)


def _busiest() -> str:
    """Name up to three programs, but for this one, that are on a processor right now."""
    running = []
    for process in psutil.process_iter(["name", "status", "pid"]):
        own = process.info["pid"] == os.getpid()
        if process.info["status"] == psutil.STATUS_RUNNING and process.info["name"] and not own:
            running.append(process.info["name"])
    return f" ({', '.join(sorted(set(running))[:3])})" if running else ""


def usable_cpus() -> list[int]:
    """Return the numbers of the logical processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _cpu_name() -> str:
    for line in (_read(Path("/proc/cpuinfo")) or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpu(device: Device) -> tuple[str | None, str | None]:
    """Return a GPU's name and the driver's version, or None for both."""
    import pynvml

    from .gpu import nvml_device

    try:
        pynvml.nvmlInit()
        gpu = nvml_device() if device == "cuda" else pynvml.nvmlDeviceGetHandleByIndex(0)
        return str(pynvml.nvmlDeviceGetName(gpu)), str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return None, None


def _commit() -> str | None:
    """Return the commit of the checkout that runs, with + where files differ from it."""
    checkout = Path(__file__).resolve().parent.parent
    if not (checkout / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "-C", str(checkout), "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
