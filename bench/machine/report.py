"""This machine, all that is known of it: what `kinobench environment` says."""

from typing import TYPE_CHECKING

import msgspec
import psutil

from ...datasets.plurals import quantity
from ..records.record import Environment
from .disturbances import Disturbance, find_disturbances, find_hints
from .environment import Decisive, decisive, describe, physical_cores
from .gpus import Gpu, Gpus, read_gpus
from .host import Host, read_host
from .other_work import OtherWork, sample_other_work
from .processor import Processor, read_processor
from .rapl import RaplError, counted_domains
from .software import Software, read_software
from .systems import missing_here

if TYPE_CHECKING:
    from rich.console import Console

UNKNOWN = "not reported by the system"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that measurements run on, and what disturbs them.

    Attributes:
        environment: Environment in every record of a measurement on the CPU.
        fingerprint_of: Parts of its fingerprint: all of them must agree before two timings may be
            compared.
        cuda_fingerprint, cuda_fingerprint_of: The same for times of the first GPU; None where
            there is none.
        hints: Advice that would make timings steadier, although nothing disturbs them.
        battery: True if the battery is plugged in; None where there is none.
        energy_counters: Domains that RAPL counts the energy of, such as `package-0`.
        no_energy_counters: Why there are none.
        unsupported: Things that can't be measured or known on this system, with the reason.
    """

    environment: Environment
    fingerprint_of: Decisive
    cuda_fingerprint: str | None = None
    cuda_fingerprint_of: Decisive | None = None
    cuda_variables: dict[str, str] | None = None
    processor: Processor
    host: Host
    gpus: Gpus
    software: Software
    other_work: OtherWork
    battery: bool | None
    disturbances: tuple[Disturbance, ...]
    hints: tuple[Disturbance, ...] = ()
    energy_counters: tuple[str, ...] = ()
    no_energy_counters: str | None = None
    unsupported: tuple[str, ...] = ()

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that change a result, on the CPU or on a GPU."""
        return (self.environment.variables or {}) | (self.cuda_variables or {})


def read_machine(full: bool = False) -> Machine:
    """Read everything; imports no torch. `full` asks torch about its build, in a process."""
    environment = describe()
    processor, host, gpus, work = (
        read_processor(),
        read_host(),
        read_gpus(),
        sample_other_work(),
    )
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    plugged = None if battery is None else battery.power_plugged
    on_gpu = describe("cuda", first_gpu=True) if gpus.gpus else None
    found = find_disturbances(processor, host, gpus, work, physical_cores(), plugged)
    counters, no_counters = _energy_counters()
    return Machine(
        environment=environment,
        fingerprint_of=decisive(environment, "cpu"),
        cuda_fingerprint=None if on_gpu is None else on_gpu.fingerprint,
        cuda_fingerprint_of=None if on_gpu is None else decisive(on_gpu, "cuda"),
        cuda_variables=None if on_gpu is None else on_gpu.variables,
        processor=processor,
        host=host,
        gpus=gpus,
        software=read_software(full),
        other_work=work,
        battery=plugged,
        disturbances=tuple(found),
        hints=tuple(find_hints(gpus)),
        energy_counters=counters,
        no_energy_counters=no_counters,
        unsupported=missing_here(),
    )


def _energy_counters() -> tuple[tuple[str, ...], str | None]:
    """Return the domains that RAPL counts, or why it counts none."""
    try:
        return counted_domains(), None
    except RaplError as error:
        return (), str(error)


def plain(machine: Machine) -> dict[str, object]:
    """Return what `--json` prints: the environment as records have it, and the rest after it."""
    rest: dict[str, object] = msgspec.to_builtins(machine)
    environment = rest.pop("environment")
    assert isinstance(environment, dict)
    for name, found in (("disturbances", machine.disturbances), ("hints", machine.hints)):
        rest[name] = [each._asdict() for each in found]
    # The old name of a key remains for a release.
    rest["spoilers"] = rest["disturbances"]
    rest["deprecated"] = {"spoilers": "this key is now called disturbances"}
    return environment | rest


def show(machine: Machine, console: "Console") -> None:
    """Print it for a person."""
    from ..text.terminal import line

    environment = machine.environment
    sections = {
        "": {"system": environment.system},
        "processor": _processor_lines(machine.processor, environment) | _energy_line(machine),
        "memory": _host_lines(machine.host),
        "GPU": _gpu_lines(machine.gpus),
        "libraries": environment.versions | _software_lines(machine.software),
        "environment variables": machine.variables or {"that change a result": "none is set"},
        "kinobench": {"commit": environment.kinobench_commit or "not a checkout"},
        "other work": _work_lines(machine.other_work, machine.host),
    }
    for title, lines in sections.items():
        if title:
            console.print()
            console.print(line(title, "bold"))
        for name, value in lines.items():
            console.print(line(f"  {name:<30} {value}" if title else f"{name:<32} {value}"))
    console.print()
    for device, fingerprint, parts in (
        ("cpu", environment.fingerprint, machine.fingerprint_of),
        ("cuda", machine.cuda_fingerprint, machine.cuda_fingerprint_of),
    ):
        if fingerprint is not None and parts is not None:
            made = ", ".join(f"{name} {value or 'none'}" for name, value in parts.items())
            console.print(line(f"fingerprint on {device} {fingerprint}"))
            console.print(line(f"  of {made}."))
    console.print("  All of it must agree before two timings may be compared.", highlight=False)
    console.print()
    if not machine.disturbances:
        console.print("Nothing was found that would disturb a measurement.")
    for title, found in (("disturbs timings", machine.disturbances), ("hint", machine.hints)):
        for each in found:
            console.print(line(f"{title}: {each.what}"))
            console.print(line(f"  cure: {each.cure}"))
    for reason in machine.unsupported:
        console.print(line(f"not on this system: {reason}"))


def _processor_lines(processor: Processor, environment: Environment) -> dict[str, str]:
    cores = quantity(environment.physical_cores, "core")
    here = f"{cores}, {quantity(environment.logical_cores, 'thread')}"
    caches = (
        f"{each.count} x L{each.level} {each.kind} {_size(each.size_bytes)}"
        for each in processor.caches
    )
    return {
        "name": environment.cpu,
        "sockets, cores, threads": f"{_known(processor.sockets)}, {_known(processor.cores)}, "
        f"{processor.threads}",
        "for this process": here,
        "threads share a core (SMT)": _on(processor.smt),
        "clock now, highest": f"{_hertz(processor.current_hz)}, {_hertz(processor.max_hz)}",
        "frequency governor": ", ".join(processor.governors) or UNKNOWN,
        "turbo": _on(processor.turbo),
        "caches": ", ".join(caches) or UNKNOWN,
        "NUMA nodes": _known(processor.numa_nodes),
        "slowed by heat": UNKNOWN
        if processor.throttled is None
        else f"{quantity(processor.throttled, 'time')} since the system started",
    }


def _energy_line(machine: Machine) -> dict[str, str]:
    counters = ", ".join(machine.energy_counters)
    return {"energy counters (RAPL)": counters or f"none: {machine.no_energy_counters or UNKNOWN}"}


def _host_lines(host: Host) -> dict[str, str]:
    quota = "none"
    if host.processor_quota is not None:
        quota = quantity(host.processor_quota, "processor", spec=".2g")
    limit = host.memory_limit_bytes
    return {
        "total, free": f"{_size(host.memory_bytes)}, {_size(host.available_bytes)}",
        "limit of the control group": "none" if limit is None else _size(limit),
        "swap, used": f"{_size(host.swap_bytes)}, {_size(host.swap_used_bytes)}",
        "transparent huge pages": _known(host.huge_pages),
        "clock source": _known(host.clock_source),
        "processor quota": quota,
        "container": host.container or "none that is known",
        "virtual machine": host.virtual_machine or "no",
    }


def _gpu_lines(gpus: Gpus) -> dict[str, str]:
    lines = {}
    if gpus.driver is not None:
        lines["driver, its CUDA"] = f"{gpus.driver}, {_known(gpus.cuda)}"
    if gpus.reason is not None:
        lines["none"] = gpus.reason
    for number, gpu in enumerate(gpus.gpus):
        lines[f"{number}"] = gpu.name
        lines |= {f"{number}: {name}": value for name, value in _lines_of(gpu).items()}
    return lines


def _lines_of(gpu: Gpu) -> dict[str, str]:
    def known(attribute: str, value: str) -> str:
        reason = gpu.missing.get(attribute)
        return value if reason is None else f"not reported: {reason}"

    slowed = ", ".join(gpu.slowed_by or ()) or "nothing"
    others = ", ".join(str(each.pid) for each in gpu.processes or ()) or "none"
    return {
        "memory": known("memory_bytes", _size(gpu.memory_bytes)),
        "power limit": known("power_limit_w", _watts(gpu.power_limit_w)),
        "power limit, default": known("default_power_limit_w", _watts(gpu.default_power_limit_w)),
        "SM clock now": known("sm_hz", _hertz(gpu.sm_hz)),
        "SM clock, highest": known("max_sm_hz", _hertz(gpu.max_sm_hz)),
        "SM clock set by a user": known("clocks_set", _yes(gpu.clocks_set)),
        "memory clock now": known("memory_hz", _hertz(gpu.memory_hz)),
        "temperature": known("temperature_c", f"{gpu.temperature_c} °C"),
        "lowered by": known("slowed_by", slowed),
        "persistence mode": known("persistence", _on(gpu.persistence)),
        "MIG": known("mig", _on(gpu.mig)),
        "ECC": known("ecc", _on(gpu.ecc)),
        "other processes (pid)": known("processes", others),
    }


def _software_lines(software: Software) -> dict[str, str]:
    ask = "ask with --full"
    return {
        "torch was built for": f"CUDA {software.torch_cuda}" if software.torch_cuda else "the CPU",
        "cuDNN": software.cudnn or "not installed",
        "BLAS": software.blas or ask,
        "OpenMP": software.openmp or ask,
        "instructions chosen by torch": software.cpu_capability or ask,
        "FFmpeg behind PyAV": ", ".join(f"{k} {v}" for k, v in software.ffmpeg.items()),
        "decoders": ", ".join(software.decoders),
        **{name: version or "not installed" for name, version in software.extras.items()},
    }


def _work_lines(work: OtherWork, host: Host) -> dict[str, str]:
    busiest = ", ".join(
        f"{each.name} (pid {each.pid}) {each.processors:.0%}" for each in work.busiest
    )
    return {
        "load of the last minute": UNKNOWN
        if work.load is None
        else f"{work.load:.2f}{'' if host.container is None else ', of the whole host'}",
        f"in {work.sampled_s:.1f} s": f"{work.processors:.2f} processors",
        "the busiest": busiest or "none",
        "taken by neighbours": _share(work.stolen),
        "since the system started": _share(work.stolen_since_start),
    }


def _known(value: str | int | None) -> str:
    return UNKNOWN if value is None else str(value)


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1%} of the processor time"


def _on(value: bool | None) -> str:
    return UNKNOWN if value is None else "on" if value else "off"


def _yes(value: bool | None) -> str:
    return UNKNOWN if value is None else "yes" if value else "no"


def _watts(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f} W"


def _hertz(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value / 1e9:.2f} GHz"


def _size(value: int | None) -> str:
    if value is None:
        return UNKNOWN
    for unit, name in ((2**30, "GiB"), (2**20, "MiB")):
        if value >= unit:
            return f"{value / unit:.1f} {name}"
    return f"{value / 2**10:.0f} KiB"
