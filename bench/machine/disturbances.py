"""Disturbances of timings on a machine, and what to do about each."""

from collections.abc import Iterator
from typing import NamedTuple

from ...datasets.plurals import quantity
from .gpus import Gpu, Gpus
from .host import Host
from .other_work import OtherWork
from .processor import Processor

LOAD = 0.25
"""Share of the cores that other work may use without being reported."""
STOLEN = 0.01
"""Share of the processors' working time that neighbours may take without being reported."""
SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "pit")
"""Clocks that take microseconds to read, or tick coarsely."""
LITTLE_MEMORY = 0.1
"""Share of the memory below which what is free is little."""


class Disturbance(NamedTuple):
    """A reason why timings on this machine are worse than they could be, and its cure."""

    what: str
    cure: str


def find_disturbances(
    processor: Processor, host: Host, gpus: Gpus, work: OtherWork, cores: int, plugged: bool | None
) -> list[Disturbance]:
    """Return what would disturb a timing.

    Args:
        processor: The processors, as `read_processor` found them.
        host: The system around this process.
        gpus: The GPUs.
        work: Other work that runs here.
        cores: Number of cores that this process may use.
        plugged: True if the battery is plugged in; None for a machine without one.
    """
    found = [
        *_of_work(work, host, cores),
        *_of_neighbours(work, host),
        *_of_processor(processor),
        *_of_host(host),
    ]
    for gpu in gpus.gpus:
        found += _of_gpu(gpu)
    if plugged is False:
        found.append(Disturbance("running on battery", "plug it in"))
    return found


def find_hints(gpus: Gpus) -> list[Disturbance]:
    """Return what would make timings steadier, although nothing disturbs them."""
    return [
        Disturbance(
            f"{gpu.name}: its clock isn't set, as far as NVML reports, and follows temperature and "
            "power",
            "sudo nvidia-smi --lock-gpu-clocks=MHZ, below what it reaches under load; "
            "--reset-gpu-clocks undoes it",
        )
        for gpu in gpus.gpus
        if gpu.clocks_set is False
    ]


def _of_work(work: OtherWork, host: Host, cores: int) -> Iterator[Disturbance]:
    # The load in a container is that of the whole host: it says nothing about these cores.
    own_load = work.load if host.container is None else None
    if max(own_load or 0, work.processors) > LOAD * cores:
        busy = "".join(
            f"; {each.name} (pid {each.pid}) {each.processors:.0%} of one"
            for each in work.busiest[:3]
        )
        load = "" if own_load is None else f"load {own_load:.1f}, "
        yield Disturbance(
            f"other work: {load}{work.processors:.1f} of {quantity(cores, 'core')} in use{busy}",
            "stop it, or wait until it has ended",
        )


def _of_neighbours(work: OtherWork, host: Host) -> Iterator[Disturbance]:
    cure = "compare side by side in one run; trust ratios, not single times"
    if work.stolen is not None and work.stolen > STOLEN:
        yield Disturbance(
            f"neighbours on the same host took {work.stolen:.1%} of the processor time just now",
            f"another machine, or a dedicated one; else {cure}",
        )
    elif host.virtual_machine is not None and not work.stolen_since_start:
        yield Disturbance(
            "a virtual machine whose host doesn't report the time that neighbours take: "
            "they may slow it without being seen",
            cure,
        )


def _of_processor(processor: Processor) -> Iterator[Disturbance]:
    slow = [governor for governor in processor.governors if governor != "performance"]
    if slow:
        yield Disturbance(
            f"the frequency governor is {', '.join(slow)}",
            "sudo cpupower frequency-set --governor performance",
        )
    if processor.turbo:
        yield Disturbance(
            "turbo is on: the clock depends on temperature and on neighbours",
            "switch it off in /sys/devices/system/cpu (intel_pstate/no_turbo, cpufreq/boost)",
        )
    if processor.throttled:
        yield Disturbance(
            f"heat slowed the processor {quantity(processor.throttled, 'time')} since the system "
            "started",
            "cool it better, or lower its power limit; see "
            "/sys/devices/system/cpu/cpu*/thermal_throttle",
        )


def _of_host(host: Host) -> Iterator[Disturbance]:
    if host.processor_quota is not None:
        stops = f" ({quantity(host.quota_stops, 'time')} so far)" if host.quota_stops else ""
        yield Disturbance(
            f"a processor quota of {quantity(host.processor_quota, 'core', spec='.2g')}: "
            f"the process is stopped when it is used up{stops}",
            "lift it, or give whole cores (cpuset)",
        )
    if host.clock_source in SLOW_CLOCKS:
        yield Disturbance(
            f"the time is read from {host.clock_source}, which takes microseconds",
            "boot with clocksource=tsc, if the processor's is stable",
        )
    limits = (host.memory_bytes, host.memory_limit_bytes)
    total = min((each for each in limits if each is not None), default=0)
    available = host.available_bytes
    if available is not None and available < LITTLE_MEMORY * total:
        yield Disturbance(
            f"memory is short: {available / 2**30:.1f} of {total / 2**30:.1f} GiB are free",
            "end what uses it; a machine that swaps measures its disk",
        )


def _of_gpu(gpu: Gpu) -> Iterator[Disturbance]:
    if gpu.processes:
        numbers = ", ".join(str(process.pid) for process in gpu.processes[:3])
        count = len(gpu.processes)
        others, them = ("process computes", "it") if count == 1 else ("processes compute", "them")
        yield Disturbance(
            f"{gpu.name}: {count} other {others} on it (pid {numbers})",
            f"stop {them}, or choose another GPU with CUDA_VISIBLE_DEVICES",
        )
    if gpu.slowed_by:
        yield Disturbance(
            f"{gpu.name}: its clock is lowered by {', '.join(gpu.slowed_by)}",
            "cool it, wait until it has cooled, or raise its power limit (nvidia-smi -pl)",
        )
    limit_w, default_w = gpu.power_limit_w, gpu.default_power_limit_w
    if limit_w is not None and default_w is not None and limit_w < default_w:
        yield Disturbance(
            f"{gpu.name}: its power limit is {limit_w:.0f} W, below the default of {default_w:.0f}",
            f"sudo nvidia-smi -pl {default_w:.0f}, or compare only with times under that limit",
        )
    if gpu.persistence is False:
        yield Disturbance(
            f"{gpu.name}: persistence mode is off, so the driver starts again for each process",
            "sudo nvidia-smi -pm 1",
        )
    if gpu.mig:
        yield Disturbance(
            f"{gpu.name}: it is divided into parts (MIG), which share power and clocks",
            "sudo nvidia-smi -mig 0, or compare only with parts of the same kind",
        )
