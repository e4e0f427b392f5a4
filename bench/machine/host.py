"""The system around a process: memory, limits, containers, virtual machines."""

from pathlib import Path

import msgspec

from . import control_group, kernel_files
from .kernel_files import ROOT

_SERVICE_ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """The system around a process; what it doesn't report is None.

    Attributes:
        memory_bytes, available_bytes: Memory of the machine; what this process may use of it now.
        memory_limit_bytes: Limit of the control group and those around it; None is no limit.
        swap_bytes, swap_used_bytes: Memory on disk.
        huge_pages: Transparent huge pages: `always`, `madvise` or `never`.
        clock_source: Clock that the time is read from.
        processor_quota: Processors that the control groups may use in total; None is no limit.
        quota_stops: Number of times a control group was stopped because its quota was used up.
        container: Kind of container that this process runs in.
        virtual_machine: Name of the hypervisor that runs this system, or `unnamed`.
    """

    memory_bytes: int | None
    available_bytes: int | None
    memory_limit_bytes: int | None
    swap_bytes: int | None
    swap_used_bytes: int | None
    huge_pages: str | None
    clock_source: str | None
    processor_quota: float | None
    quota_stops: int | None
    container: str | None
    virtual_machine: str | None


def read_host(root: Path = ROOT) -> Host:
    """Read what /proc and /sys below `root` say of the system."""
    memory = _memory(kernel_files.text(root / "proc/meminfo") or "")
    swap, free = memory.get("SwapTotal"), memory.get("SwapFree")
    available = (memory.get("MemAvailable"), control_group.memory_left_bytes(root))
    pages = kernel_files.text(root / "sys/kernel/mm/transparent_hugepage/enabled") or ""
    clocks = root / "sys/devices/system/clocksource/clocksource0"
    return Host(
        memory_bytes=memory.get("MemTotal"),
        available_bytes=min((each for each in available if each is not None), default=None),
        memory_limit_bytes=control_group.memory_limit_bytes(root),
        swap_bytes=swap,
        swap_used_bytes=None if swap is None or free is None else swap - free,
        huge_pages=pages.partition("[")[2].partition("]")[0] or None,
        clock_source=kernel_files.text(clocks / "current_clocksource"),
        processor_quota=control_group.processor_quota(root),
        quota_stops=control_group.quota_stops(root),
        container=_container(root),
        virtual_machine=_virtual_machine(root),
    )


def _memory(meminfo: str) -> dict[str, int]:
    """Return the lines of /proc/meminfo in bytes."""
    found = {}
    for line in meminfo.splitlines():
        name, _, amount = line.partition(":")
        words = amount.split()
        if words and words[0].isdecimal():
            found[name] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return found


def _container(root: Path) -> str | None:
    for path, kind in ((".dockerenv", "docker"), ("run/.containerenv", "podman")):
        if (root / path).exists():
            return kind
    groups = kernel_files.text(root / "proc/1/cgroup") or ""
    names = ("kubepods", "docker", "containerd", "lxc")
    named = next((name for name in names if name in groups), None)
    if named is not None:
        return named
    # A group in a name space of its own is named just /.
    hosts = kernel_files.text(root / "etc/hosts") or ""
    if hosts.startswith("# Kubernetes-managed") or _is_there(root / _SERVICE_ACCOUNT):
        return "kubernetes"
    return kernel_files.text(root / "run/systemd/container") or None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # this process may not look at it
        return False


def _virtual_machine(root: Path) -> str | None:
    cpuinfo = kernel_files.text(root / "proc/cpuinfo") or ""
    if "hypervisor" not in cpuinfo.split():
        return None
    product = kernel_files.text(root / "sys/class/dmi/id/product_name")
    vendor = kernel_files.text(root / "sys/class/dmi/id/sys_vendor")
    kind = kernel_files.text(root / "sys/hypervisor/type")
    return " ".join(filter(None, (vendor, product))) or kind or "unnamed"
