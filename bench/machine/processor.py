"""The processors of this machine, as Linux reports them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from . import kernel_files
from .kernel_files import ROOT

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """Caches of one level and kind: how large one is, and how many there are."""

    level: int
    kind: str
    size_bytes: int
    count: int


class Processor(msgspec.Struct, frozen=True, kw_only=True):
    """All processors that are switched on; what the system doesn't report is None.

    Attributes:
        name: Name of the first processor.
        sockets, cores, threads: Packages; physical cores; logical processors.
        smt: True if cores run more than one thread.
        max_hz, current_hz: The highest clock that any may have, and the highest that one has now.
        caches: Caches by level and kind.
        governors: Policies of the clock, each once; empty where the system doesn't set it.
        turbo: True if clocks above the nominal one are allowed.
        numa_nodes: Regions of memory that are nearer to some cores than to others.
        throttled: Number of times a core or a package was slowed by heat since the system started.
    """

    name: str | None
    sockets: int | None
    cores: int | None
    threads: int
    smt: bool | None
    max_hz: float | None
    current_hz: float | None
    caches: tuple[Cache, ...]
    governors: tuple[str, ...]
    turbo: bool | None
    numa_nodes: int | None
    throttled: int | None


def processor_name(root: Path = ROOT) -> str | None:
    """Return the name of the first processor; None where the system doesn't report it."""
    return _name(_blocks(kernel_files.text(root / "proc/cpuinfo") or "")) or _name_by_sysctl()


def _name_by_sysctl() -> str | None:
    """Return the name that macOS gives; None on other systems."""
    if sys.platform != "darwin":
        return None
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def read_processor(root: Path = ROOT) -> Processor:
    """Read what /proc and /sys below `root` say of the processors."""
    system = root / "sys/devices/system"
    cpus = [path for path in _cpus(root) if _is_on(path)]
    blocks = _blocks(kernel_files.text(root / "proc/cpuinfo") or "")
    packages, cores = set(), set()
    for cpu in cpus:
        package = kernel_files.text(cpu / "topology/physical_package_id")
        siblings = kernel_files.text(cpu / "topology/thread_siblings_list")
        packages |= {package} - {None}
        cores |= {siblings} - {None}
    threads = len(cpus) or len(blocks) or (os.cpu_count() or 0 if root == ROOT else 0)
    nodes = len(list((system / "node").glob("node[0-9]*")))
    return Processor(
        name=processor_name(root),
        sockets=len(packages) or None,
        cores=len(cores) or None,
        threads=threads,
        smt=_smt(system / "cpu", threads, len(cores)),
        max_hz=_highest(cpus, "cpufreq/cpuinfo_max_freq"),
        current_hz=_highest(cpus, "cpufreq/scaling_cur_freq")
        or max((hz for block in blocks if (hz := _current_hz(block))), default=None),
        caches=_caches(cpus),
        governors=tuple(
            sorted(
                {
                    governor
                    for cpu in cpus
                    if (governor := kernel_files.text(cpu / "cpufreq/scaling_governor"))
                }
            )
        ),
        turbo=_turbo(system / "cpu"),
        numa_nodes=nodes or None,
        throttled=_throttled(cpus),
    )


def last_level_cache_bytes(root: Path = ROOT) -> int:
    """Return the size of all caches of the last level together; 0 where the system reports none."""
    caches = _caches([path for path in _cpus(root) if _is_on(path)])
    last = max((cache.level for cache in caches), default=0)
    return sum(cache.size_bytes * cache.count for cache in caches if cache.level == last)


def _cpus(root: Path) -> Iterator[Path]:
    return (root / "sys/devices/system/cpu").glob("cpu[0-9]*")


def _is_on(cpu: Path) -> bool:
    return kernel_files.text(cpu / "online") != "0"  # the first has no such file


def _blocks(cpuinfo: str) -> list[dict[str, str]]:
    """Return the fields of each logical processor."""
    blocks = []
    for block in re.split(r"\n\s*\n", cpuinfo):
        fields = {
            name.strip(): value.strip()
            for name, colon, value in (line.partition(":") for line in block.splitlines())
            if colon
        }
        if "processor" in fields:
            blocks.append(fields)
    return blocks


def _name(blocks: list[dict[str, str]]) -> str | None:
    return next((block["model name"] for block in blocks if "model name" in block), None)


def _current_hz(block: dict[str, str]) -> float | None:
    try:
        return float(block["cpu MHz"]) * 1e6
    except (KeyError, ValueError):
        return None


def _highest(cpus: list[Path], name: str) -> float | None:
    kilohertz = [khz for cpu in cpus if (khz := kernel_files.number(cpu / name))]
    return max(kilohertz) * 1e3 if kilohertz else None


def _smt(folder: Path, threads: int, cores: int) -> bool | None:
    active = kernel_files.text(folder / "smt/active")
    if active is not None:
        return active == "1"
    return threads > cores if cores else None


def _turbo(folder: Path) -> bool | None:
    off = kernel_files.text(folder / "intel_pstate/no_turbo")
    if off is not None:
        return off == "0"
    on = kernel_files.text(folder / "cpufreq/boost")
    return None if on is None else on == "1"


def _caches(cpus: list[Path]) -> tuple[Cache, ...]:
    """Return each kind of cache; one that processors share is counted once."""
    found: dict[tuple[int, str, int], set[str]] = {}
    for cpu in cpus:
        for index in (cpu / "cache").glob("index[0-9]*"):
            level, kind = kernel_files.number(index / "level"), kernel_files.text(index / "type")
            size = re.fullmatch(r"(\d+)([KMG]?)", kernel_files.text(index / "size") or "")
            if level is None or kind is None or size is None:
                continue
            size_bytes = int(size[1]) * _UNITS.get(size[2], 1)
            shared = kernel_files.text(index / "shared_cpu_list") or cpu.name
            found.setdefault((level, kind.lower(), size_bytes), set()).add(shared)
    return tuple(
        Cache(level=level, kind=kind, size_bytes=size_bytes, count=len(shared))
        for (level, kind, size_bytes), shared in sorted(found.items())
    )


def _throttled(cpus: list[Path]) -> int | None:
    counts = [
        count
        for cpu in cpus
        for name in ("core_throttle_count", "package_throttle_count")
        if (count := kernel_files.number(cpu / "thermal_throttle" / name)) is not None
    ]
    return sum(counts) if counts else None
