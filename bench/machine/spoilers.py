"""What makes timings on a machine worse than they could be, and how to mend each."""

from collections.abc import Iterator
from typing import NamedTuple

from .gpus import Gpu, Gpus
from .host import Host
from .other_work import OtherWork
from .processor import Processor

LOAD = 0.25
"""Of the cores: more other work than that is felt."""
STOLEN = 0.01
"""Of the time in which processors had work."""
SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "pit")
"""Clocks that take microseconds to read, or tick coarsely."""
LITTLE_MEMORY = 0.1


class Spoiler(NamedTuple):
    """What makes timings on this machine worse than they could be, and its cure."""

    what: str
    cure: str


def find_spoilers(
    processor: Processor, host: Host, gpus: Gpus, work: OtherWork, cores: int, plugged: bool | None
) -> list[Spoiler]:
    """Return what would spoil a timing.

    Args:
        processor: As it was read.
        host: The same.
        gpus: The same.
        work: What else runs.
        cores: Those that this process may use.
        plugged: Whether a battery is being charged; None where there is none.
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
        found.append(Spoiler("running on battery", "plug it in"))
    return found


def find_hints(gpus: Gpus) -> list[Spoiler]:
    """Return what would make timings steadier still, but spoils none."""
    return [
        Spoiler(
            f"{gpu.name}: its clock isn't set, as far as NVML tells, and follows temperature and "
            "power",
            "sudo nvidia-smi --lock-gpu-clocks=MHZ, below what it holds under load; "
            "--reset-gpu-clocks undoes it",
        )
        for gpu in gpus.gpus
        if gpu.clocks_set is False
    ]


def _of_work(work: OtherWork, host: Host, cores: int) -> Iterator[Spoiler]:
    # In a container the load is that of the whole host, and so says nothing of these cores.
    felt = work.load if host.container is None else None
    if max(felt or 0, work.processors) > LOAD * cores:
        busy = "".join(
            f"; {each.name} (pid {each.pid}) {each.processors:.0%} of one"
            for each in work.busiest[:3]
        )
        load = "" if felt is None else f"load {felt:.1f}, "
        yield Spoiler(
            f"other work: {load}{work.processors:.1f} of {cores} cores in use{busy}",
            "stop it, or wait until it has ended",
        )


def _of_neighbours(work: OtherWork, host: Host) -> Iterator[Spoiler]:
    cure = "compare side by side in one run; trust ratios, not single times"
    if work.stolen is not None and work.stolen > STOLEN:
        yield Spoiler(
            f"neighbours on the same host took {work.stolen:.1%} of the processor time just now",
            f"another machine, or a dedicated one; else {cure}",
        )
    elif host.virtual_machine is not None and not work.stolen_since_start:
        yield Spoiler(
            "a virtual machine whose host tells of no time that neighbours take: "
            "they may be felt and not seen",
            cure,
        )


def _of_processor(processor: Processor) -> Iterator[Spoiler]:
    slow = [governor for governor in processor.governors if governor != "performance"]
    if slow:
        yield Spoiler(
            f"the frequency governor is {', '.join(slow)}",
            "sudo cpupower frequency-set --governor performance",
        )
    if processor.turbo:
        yield Spoiler(
            "turbo is on: the clock depends on temperature and on neighbours",
            "switch it off in /sys/devices/system/cpu (intel_pstate/no_turbo, cpufreq/boost)",
        )
    if processor.throttled:
        yield Spoiler(
            f"heat slowed the processor {processor.throttled} times since the system started",
            "cool it better, or lower its power limit; see "
            "/sys/devices/system/cpu/cpu*/thermal_throttle",
        )


def _of_host(host: Host) -> Iterator[Spoiler]:
    if host.processor_quota is not None:
        stops = f" ({host.quota_stops} times so far)" if host.quota_stops else ""
        yield Spoiler(
            f"a processor quota of {host.processor_quota:.2g} cores: "
            f"the process is stopped when it is used up{stops}",
            "lift it, or give whole cores (cpuset)",
        )
    if host.clock_source in SLOW_CLOCKS:
        yield Spoiler(
            f"the time is read from {host.clock_source}, which takes microseconds",
            "boot with clocksource=tsc, if the processor's is stable",
        )
    limits = (host.memory_bytes, host.memory_limit_bytes)
    total = min((each for each in limits if each is not None), default=0)
    available = host.available_bytes
    if available is not None and available < LITTLE_MEMORY * total:
        yield Spoiler(
            f"memory is short: {available / 2**30:.1f} of {total / 2**30:.1f} GiB can be had",
            "end what holds it; a machine that swaps times its disk",
        )


def _of_gpu(gpu: Gpu) -> Iterator[Spoiler]:
    if gpu.processes:
        numbers = ", ".join(str(process.pid) for process in gpu.processes[:3])
        count = len(gpu.processes)
        others, them = ("process computes", "it") if count == 1 else ("processes compute", "them")
        yield Spoiler(
            f"{gpu.name}: {count} other {others} on it (pid {numbers})",
            f"stop {them}, or choose another GPU with CUDA_VISIBLE_DEVICES",
        )
    if gpu.slowed_by:
        yield Spoiler(
            f"{gpu.name}: its clock is held down by {', '.join(gpu.slowed_by)}",
            "cool it, wait until it has cooled, or raise its power limit (nvidia-smi -pl)",
        )
    limit_w, default_w = gpu.power_limit_w, gpu.default_power_limit_w
    if limit_w is not None and default_w is not None and limit_w < default_w:
        yield Spoiler(
            f"{gpu.name}: its power limit is {limit_w:.0f} W, below the default of {default_w:.0f}",
            f"sudo nvidia-smi -pl {default_w:.0f}, or compare only with times under that limit",
        )
    if gpu.persistence is False:
        yield Spoiler(
            f"{gpu.name}: persistence mode is off, so the driver starts anew for each process",
            "sudo nvidia-smi -pm 1",
        )
    if gpu.mig:
        yield Spoiler(
            f"{gpu.name}: it is cut into parts (MIG), which share power and clocks",
            "sudo nvidia-smi -mig 0, or compare only with parts of the same kind",
        )
