"""What `environment` says of a machine: of trees like /proc and /sys, and of an NVML made up."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil
import pynvml
import pytest
from rich.console import Console

from kinobench.bench.machine import environment, other_work, processor
from kinobench.bench.machine import report as machines
from kinobench.bench.machine import software as builds
from kinobench.bench.machine.disturbances import Disturbance, find_disturbances, find_hints
from kinobench.bench.machine.gpus import Gpu, GpuProcess, Gpus, read_gpus
from kinobench.bench.machine.host import Host, read_host
from kinobench.bench.machine.other_work import Busy, OtherWork, processors_time_s, sample_other_work
from kinobench.bench.machine.processor import (
    Cache,
    Processor,
    last_level_cache_bytes,
    read_processor,
)
from kinobench.bench.machine.report import Machine, plain, show
from kinobench.bench.machine.software import Software, read_software
from kinobench.bench.machine.systems import SUPPORTED, missing_here
from kinobench.datasets.visible import one_line

from ...fakes.hostile import NAMES, controls
from ...fakes.kernel_tree import tree
from ...fakes.made_records import MACHINE
from ...fakes.media import REPOSITORY

GIB = 2**30
CPU = "sys/devices/system/cpu"
QUIET = OtherWork(
    load=0.1, processors=0.05, busiest=(), stolen=0.0, stolen_since_start=0.001, sampled_s=0.5
)


def two_sockets(root: Path) -> Path:
    """Two sockets of two cores of two threads, the last core switched off."""
    files = {f"{CPU}/smt/active": "1", f"{CPU}/intel_pstate/no_turbo": "0"}
    files |= {f"sys/devices/system/node/node{n}/cpulist": "0" for n in range(2)}
    for cpu in range(8):
        core, here = cpu % 4, f"{CPU}/cpu{cpu}"
        files |= {
            f"{here}/topology/physical_package_id": str(core // 2),
            f"{here}/topology/thread_siblings_list": f"{core},{core + 4}",
            f"{here}/cpufreq/cpuinfo_max_freq": "3500000",
            f"{here}/cpufreq/scaling_cur_freq": str(2_000_000 + cpu),
            f"{here}/cpufreq/scaling_governor": "powersave" if cpu == 1 else "performance",
            f"{here}/thermal_throttle/core_throttle_count": "1",
            f"{here}/cache/index0/level": "1",
            f"{here}/cache/index0/type": "Data",
            f"{here}/cache/index0/size": "32K",
            f"{here}/cache/index0/shared_cpu_list": f"{core},{core + 4}",
            f"{here}/cache/index3/level": "3",
            f"{here}/cache/index3/type": "Unified",
            f"{here}/cache/index3/size": "16M",
            f"{here}/cache/index3/shared_cpu_list": str(core // 2),
        }
        if cpu:
            files[f"{here}/online"] = "0" if core == 3 else "1"
    blocks = [
        f"processor : {n}\nmodel name : A CPU\ncpu MHz : 1000.0\nflags : fpu" for n in range(6)
    ]
    return tree(root, files | {"proc/cpuinfo": "\n\n".join(blocks)})


def test_sockets_cores_and_caches_are_counted_of_what_is_switched_on(tmp_path: Path) -> None:
    assert read_processor(two_sockets(tmp_path)) == Processor(
        name="A CPU",
        sockets=2,
        cores=3,
        threads=6,
        smt=True,
        max_hz=3.5e9,
        current_hz=2_000_006e3,
        caches=(
            Cache(level=1, kind="data", size_bytes=2**15, count=3),
            Cache(level=3, kind="unified", size_bytes=2**24, count=2),
        ),
        governors=("performance", "powersave"),
        turbo=True,
        numa_nodes=2,
        throttled=6,
    )


def test_the_last_caches_are_summed_over_those_who_share_them(tmp_path: Path) -> None:
    assert last_level_cache_bytes(two_sockets(tmp_path)) == 2 * 2**24
    assert last_level_cache_bytes(tmp_path / "nowhere") == 0


def test_what_the_system_does_not_tell_of_its_processors_is_none(tmp_path: Path) -> None:
    cpuinfo = {"proc/cpuinfo": "processor : 0\ncpu MHz : 2445.4\n\nprocessor : 1\ncpu MHz : ?"}
    found = read_processor(tree(tmp_path, cpuinfo))
    assert (found.threads, found.current_hz) == (2, 2445.4e6)
    unknown = (found.name, found.sockets, found.cores, found.smt, found.max_hz, found.turbo)
    assert {*unknown, found.numa_nodes, found.throttled} == {None}
    assert found.caches == found.governors == ()
    assert read_processor(tmp_path / "nowhere").threads == 0


def test_amds_boost_is_turbo(tmp_path: Path) -> None:
    assert read_processor(tree(tmp_path, {f"{CPU}/cpufreq/boost": "1"})).turbo is True
    assert read_processor(tree(tmp_path, {f"{CPU}/cpufreq/boost": "0"})).turbo is False


def test_limits_are_read_from_both_versions_of_control_groups(tmp_path: Path) -> None:
    second = tree(
        tmp_path / "2",
        {
            "proc/meminfo": "MemTotal: 8388608 kB\nMemAvailable: 1024 kB\nSwapTotal: 4 kB\n"
            "SwapFree: 1 kB\nHugePages_Total: 0",
            "proc/cpuinfo": "processor : 0\nflags : fpu hypervisor",
            "proc/1/cgroup": "0::/kubepods/pod1",
            "sys/class/dmi/id/sys_vendor": "QEMU",
            "sys/class/dmi/id/product_name": "Standard PC",
            "sys/fs/cgroup/memory.max": str(2 * GIB),
            "sys/fs/cgroup/cpu.max": "150000 100000",
            "sys/fs/cgroup/cpu.stat": "usage_usec 7\nnr_periods 9\nnr_throttled 3",
            "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
            "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
        },
    )
    assert read_host(second) == Host(
        memory_bytes=8 * GIB,
        available_bytes=2**20,
        memory_limit_bytes=2 * GIB,
        swap_bytes=4096,
        swap_used_bytes=3072,
        huge_pages="madvise",
        clock_source="tsc",
        processor_quota=1.5,
        quota_stops=3,
        container="kubepods",
        virtual_machine="QEMU Standard PC",
    )
    first = read_host(
        tree(
            tmp_path / "1",
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": str(GIB),
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
                ".dockerenv": "",
            },
        )
    )
    assert (first.memory_limit_bytes, first.processor_quota, first.container) == (
        GIB,
        0.5,
        "docker",
    )
    assert first.virtual_machine is None and first.memory_bytes is None


def test_what_a_control_group_has_left_is_all_that_may_be_had(tmp_path: Path) -> None:
    files = {
        "proc/meminfo": "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB",
        "sys/fs/cgroup/memory.max": str(2 * GIB),
        "sys/fs/cgroup/memory.current": str(GIB),
    }
    assert read_host(tree(tmp_path, files)).available_bytes == GIB
    files["sys/fs/cgroup/memory.max"] = str(7 * GIB)
    assert read_host(tree(tmp_path, files)).available_bytes == 4 * GIB


@pytest.mark.parametrize(
    "files",
    [
        {"sys/fs/cgroup/memory.max": "max", "sys/fs/cgroup/cpu.max": "max 100000"},
        {
            "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2**63 - 4096),
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
        {},
    ],
)
def test_no_limit_is_none(tmp_path: Path, files: dict[str, str]) -> None:
    host = read_host(tree(tmp_path, files))
    assert host.memory_limit_bytes is None and host.processor_quota is None


def test_other_processes_are_told_by_the_time_that_they_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]

    def process(pid: int, name: str | None, born: float, rate: float) -> Any:
        times = SimpleNamespace(user=rate * now[0], system=1.0)
        told = {"pid": pid, "name": name, "create_time": born, "cpu_times": times}
        return SimpleNamespace(info=told)

    def listed(fields: list[str]) -> list[Any]:
        again = 5.0 if now[0] else 4.0  # another process with the number of one that ended
        return [
            process(10**9, "ffmpeg", 1.0, 0.75),
            process(10**9 + 1, None, 1.0, 0.25),
            process(10**9 + 2, "idle", 1.0, 0.0),
            process(10**9 + 3, "again", again, 1.0),
            process(os.getpid(), "pytest", 1.0, 1.0),
            SimpleNamespace(info={"pid": 1, "name": "?", "create_time": 0, "cpu_times": None}),
        ]

    monkeypatch.setattr(psutil, "process_iter", listed)
    monkeypatch.setattr(psutil, "cpu_times", lambda: SimpleNamespace(user=1.0))
    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 0.0, 0.0))
    work = sample_other_work(2.0, lambda s: now.__setitem__(0, now[0] + s), lambda: now[0])
    assert work == OtherWork(
        load=1.5,
        processors=1.0,
        busiest=(
            Busy(name="ffmpeg", pid=10**9, processors=0.75),
            Busy(name="unnamed", pid=10**9 + 1, processors=0.25),
        ),
        sampled_s=2.0,
    )


@pytest.mark.parametrize(("ticks", "share"), [(0, 0.0), (1, 0.0), (2, 0.02), (25, 0.25)])
def test_what_neighbours_take_is_reported_as_a_share_of_the_time_that_had_work(
    monkeypatch: pytest.MonkeyPatch, ticks: int, share: float
) -> None:
    """In 2 s, of which the processors had work for 1, in any way; idling and guests don't count."""
    now = [0.0]

    def told() -> Any:
        worked = dict.fromkeys(("user", "nice", "system", "irq", "softirq"), now[0] / 10)
        steal = now[0] / 2 * ticks * 0.01
        worked["user"] -= steal
        return SimpleNamespace(**worked, idle=now[0], iowait=now[0], guest=now[0], steal=steal)

    monkeypatch.setattr(psutil, "cpu_times", told)
    monkeypatch.setattr(psutil, "process_iter", lambda fields: [])
    monkeypatch.setattr(other_work, "TICK_S", 0.01)
    work = sample_other_work(2.0, lambda s: now.__setitem__(0, now[0] + s), lambda: now[0])
    assert work.stolen == pytest.approx(share)
    assert work.stolen_since_start == pytest.approx(share)


class Refused:
    """An answer that a GPU doesn't give."""


def test_the_time_that_all_processors_worked_is_without_rest_and_without_what_was_stolen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times: dict[str, float] = {"user": 100.0, "nice": 20.0, "system": 3.0, "irq": 0.5}
    times |= {"softirq": 0.25, "steal": 9.0, "idle": 1e6, "iowait": 1e5, "guest": 50.0}
    monkeypatch.setattr(psutil, "cpu_times", lambda: SimpleNamespace(**times))
    assert processors_time_s() == pytest.approx(123.75)
    del times["steal"]  # as on macOS
    assert processors_time_s() is None


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """NVML with one GPU; the answers may be changed."""
    answers: dict[str, Any] = {
        "nvmlInit": None,
        "nvmlShutdown": None,
        "nvmlDeviceGetCount": 1,
        "nvmlDeviceGetHandleByIndex": "handle",
        "nvmlSystemGetDriverVersion": "570.10",
        "nvmlSystemGetCudaDriverVersion": 12080,
        "nvmlDeviceGetName": "A GPU",
        "nvmlDeviceGetUUID": "GPU-1",
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=80 * GIB),
        "nvmlDeviceGetEnforcedPowerLimit": 700_000,
        "nvmlDeviceGetPowerManagementLimit": 700_000,
        "nvmlDeviceGetPowerManagementDefaultLimit": 700_000,
        "nvmlDeviceGetApplicationsClock": 1500,
        "nvmlDeviceGetDefaultApplicationsClock": 1980,
        "nvmlDeviceGetClockInfo": 345,
        "nvmlDeviceGetMaxClockInfo": 1980,
        "nvmlDeviceGetTemperature": 31,
        "nvmlDeviceGetCurrentClocksEventReasons": pynvml.nvmlClocksEventReasonGpuIdle,
        "nvmlDeviceGetPersistenceMode": 1,
        "nvmlDeviceGetMigMode": [0, 0],
        "nvmlDeviceGetEccMode": [1, 1],
        "nvmlDeviceGetComputeRunningProcesses": [],
    }

    def call(name: str) -> Callable[..., Any]:
        def answer(*arguments: Any) -> Any:
            if answers[name] is Refused:
                raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
            return answers[name]

        return answer

    for name in answers:
        monkeypatch.setattr(pynvml, name, call(name))
    return answers


FAST_GPU = Gpu(
    name="A GPU",
    uuid="GPU-1",
    memory_bytes=80 * GIB,
    power_limit_w=700.0,
    default_power_limit_w=700.0,
    sm_hz=345e6,
    max_sm_hz=1980e6,
    clocks_set=True,
    memory_hz=345e6,
    temperature_c=31,
    slowed_by=(),
    persistence=True,
    mig=False,
    ecc=True,
    processes=(),
    missing={},
)


def test_a_gpu_is_reported_with_its_clocks_and_limits(nvml: dict[str, Any]) -> None:
    assert read_gpus() == Gpus(driver="570.10", cuda="12.8", gpus=(FAST_GPU,))


def test_what_holds_a_gpu_down_and_who_uses_it_is_named(nvml: dict[str, Any]) -> None:
    nvml["nvmlDeviceGetCurrentClocksEventReasons"] = (
        pynvml.nvmlClocksEventReasonHwThermalSlowdown
        | pynvml.nvmlClocksEventReasonSwPowerCap
        | pynvml.nvmlClocksEventReasonGpuIdle
    )
    nvml["nvmlDeviceGetComputeRunningProcesses"] = [
        SimpleNamespace(pid=7, usedGpuMemory=GIB),
        SimpleNamespace(pid=8, usedGpuMemory=None),
        SimpleNamespace(pid=os.getpid(), usedGpuMemory=1),
    ]
    (gpu,) = read_gpus().gpus
    assert gpu.slowed_by == ("software power cap", "hardware thermal slowdown")
    assert gpu.processes == (
        GpuProcess(pid=7, memory_bytes=GIB),
        GpuProcess(pid=8, memory_bytes=None),
    )


def test_clocks_are_set_if_nvml_says_so_in_one_of_its_ways(nvml: dict[str, Any]) -> None:
    def is_set() -> bool | None:
        return read_gpus().gpus[0].clocks_set

    assert is_set()  # an application's clock of 1500 MHz, where 1980 is usual
    nvml["nvmlDeviceGetApplicationsClock"] = 1980
    assert is_set() is False
    nvml["nvmlDeviceGetApplicationsClock"] = Refused
    assert is_set() is False
    nvml["nvmlDeviceGetCurrentClocksEventReasons"] = (
        pynvml.nvmlClocksEventReasonApplicationsClocksSetting
    )
    assert is_set()
    nvml["nvmlDeviceGetCurrentClocksEventReasons"] = Refused
    assert is_set() is None


def test_what_a_gpu_does_not_answer_is_none_with_the_reason(
    nvml: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    nvml["nvmlDeviceGetMigMode"] = nvml["nvmlDeviceGetEccMode"] = Refused
    monkeypatch.delattr(pynvml, "nvmlDeviceGetPersistenceMode")
    gpus = read_gpus()
    (gpu,) = gpus.gpus
    assert gpu.mig is gpu.ecc is gpu.persistence is None and gpu.temperature_c == 31
    assert gpu.missing == {
        "mig": "Not Supported",
        "ecc": "Not Supported",
        "persistence": "this nvidia-ml-py has no such call",
    }
    text = printed(gpus=gpus)
    assert "not reported: Not Supported" in text and "not reported: this nvidia-ml-py" in text


def test_without_nvml_or_a_gpu_the_reason_is_reported(nvml: dict[str, Any]) -> None:
    nvml["nvmlDeviceGetCount"] = 0
    assert read_gpus().reason == "NVML knows of no GPU"
    nvml["nvmlDeviceGetCount"] = Refused
    assert read_gpus() == Gpus(reason="NVML doesn't answer: Not Supported")
    nvml["nvmlInit"] = Refused
    assert read_gpus() == Gpus(reason="NVML can't be used: Not Supported")
    assert "NVML can't be used: Not Supported" in printed(gpus=read_gpus())


FAST = Processor(
    name="A CPU",
    sockets=1,
    cores=4,
    threads=8,
    smt=True,
    max_hz=3e9,
    current_hz=3e9,
    caches=(Cache(level=3, kind="unified", size_bytes=2**25, count=1),),
    governors=("performance",),
    turbo=False,
    numa_nodes=1,
    throttled=0,
)
WIDE = Host(
    memory_bytes=8 * GIB,
    available_bytes=6 * GIB,
    memory_limit_bytes=None,
    swap_bytes=0,
    swap_used_bytes=0,
    huge_pages="madvise",
    clock_source="tsc",
    processor_quota=None,
    quota_stops=0,
    container=None,
    virtual_machine=None,
)
ALONE = {
    "processor": FAST,
    "host": WIDE,
    "gpus": Gpus(gpus=(FAST_GPU,)),
    "work": QUIET,
    "cores": 4,
    "plugged": True,
}


def test_a_quiet_machine_has_no_disturbances() -> None:
    assert find_disturbances(**ALONE) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "changes", "what", "cure"),
    [
        ("processor", {"governors": ("powersave", "performance")}, "is powersave", "cpupower"),
        ("processor", {"turbo": True}, "turbo is on", "intel_pstate/no_turbo"),
        ("processor", {"throttled": 12}, "heat slowed the processor 12 times", "cool it"),
        ("work", {"stolen": 0.024}, "took 2.4% of the processor time just now", "ratios"),
        ("host", {"processor_quota": 1.5, "quota_stops": 7}, "1.5 cores: the", "cpuset"),
        ("host", {"processor_quota": 1.5, "quota_stops": 7}, "(7 times so far)", "cpuset"),
        ("host", {"clock_source": "hpet"}, "read from hpet", "clocksource=tsc"),
        ("host", {"available_bytes": GIB // 2}, "0.5 of 8.0 GiB", "swaps"),
        (
            "host",
            {"available_bytes": GIB // 8, "memory_limit_bytes": 2 * GIB},
            "0.1 of 2.0 GiB",
            "swaps",
        ),
        ("work", {"load": 1.5}, "load 1.5, 0.1 of 4 cores", "stop it"),
        ("work", {"processors": 1.2}, "load 0.1, 1.2 of 4 cores", "stop it"),
        ("gpus", {"persistence": False}, "persistence mode is off", "nvidia-smi -pm 1"),
        ("gpus", {"mig": True}, "divided into parts", "-mig 0"),
        ("gpus", {"slowed_by": ("hardware slowdown",)}, "lowered by hardware slowdown", "smi -pl"),
        ("gpus", {"power_limit_w": 500.0}, "500 W, below the default of 700", "smi -pl 700"),
        (
            "gpus",
            {"processes": (GpuProcess(pid=7, memory_bytes=1),)},
            "A GPU: 1 other process computes on it (pid 7)",
            "stop it, or choose another GPU with CUDA_VISIBLE_DEVICES",
        ),
        (
            "gpus",
            {"processes": tuple(GpuProcess(pid=pid, memory_bytes=1) for pid in (7, 8))},
            "A GPU: 2 other processes compute on it (pid 7, 8)",
            "stop them, or choose another GPU with CUDA_VISIBLE_DEVICES",
        ),
    ],
)
def test_what_disturbs_timings_is_reported_with_its_cure(
    part: str, changes: dict[str, Any], what: str, cure: str
) -> None:
    if part == "gpus":
        changed: Any = Gpus(gpus=(msgspec.structs.replace(FAST_GPU, **changes),))
    else:
        changed = msgspec.structs.replace(ALONE[part], **changes)  # type: ignore[type-var]
    (found,) = find_disturbances(**(ALONE | {part: changed}))  # type: ignore[arg-type]
    assert what in found.what and cure in found.cure


def test_other_work_is_reported_with_who_does_it() -> None:
    busy = (Busy(name="ffmpeg", pid=7, processors=1.5),)
    work = OtherWork(load=0.0, processors=1.5, busiest=busy, sampled_s=0.5)
    (found,) = find_disturbances(**(ALONE | {"work": work}))  # type: ignore[arg-type]
    assert found.what.endswith("1.5 of 4 cores in use; ffmpeg (pid 7) 150% of one")


def test_in_a_container_the_load_of_the_whole_host_is_not_held_against_it() -> None:
    host = msgspec.structs.replace(WIDE, container="docker")
    work = msgspec.structs.replace(QUIET, load=60.0)
    assert find_disturbances(**(ALONE | {"host": host, "work": work})) == []  # type: ignore[arg-type]
    busy = msgspec.structs.replace(work, processors=1.2)
    (found,) = find_disturbances(**(ALONE | {"host": host, "work": busy}))  # type: ignore[arg-type]
    assert found.what == "other work: 1.2 of 4 cores in use"
    assert "60.00, of the whole host" in printed(host=host, other_work=work)


@pytest.mark.parametrize(
    ("stolen", "since_start", "told"),
    [
        (0.0, 0.004, None),
        (0.009, 0.004, None),
        (0.011, 0.004, "neighbours on the same host took 1.1%"),
        (0.0, 0.0, "they may slow it without being seen"),
        (None, None, "they may slow it without being seen"),
    ],
)
def test_a_virtual_machine_is_disturbed_by_neighbours_that_are_seen_or_never_could_be(
    stolen: float | None, since_start: float | None, told: str | None
) -> None:
    host = msgspec.structs.replace(WIDE, virtual_machine="KVM")
    work = msgspec.structs.replace(QUIET, stolen=stolen, stolen_since_start=since_start)
    found = find_disturbances(**(ALONE | {"host": host, "work": work}))  # type: ignore[arg-type]
    assert len(found) == (told is not None) and all((told or "") in each.what for each in found)


def test_a_clock_that_is_not_set_is_a_hint_and_disturbs_nothing() -> None:
    gpus = Gpus(gpus=(msgspec.structs.replace(FAST_GPU, clocks_set=False),))
    assert find_disturbances(**(ALONE | {"gpus": gpus})) == []  # type: ignore[arg-type]
    (hint,) = find_hints(gpus)
    assert hint.what.startswith("A GPU: its clock isn't set") and "--lock-gpu" in hint.cure
    assert find_hints(Gpus(gpus=(FAST_GPU,))) == []
    text = printed(hints=(hint,))
    assert f"hint: {hint.what}" in text and "Nothing was found that would disturb" in text
    assert plain(made_machine(hints=(hint,)))["hints"] == [hint._asdict()]


@pytest.mark.parametrize(
    ("files", "container"),
    [
        ({"proc/1/cgroup": "0::/", "etc/hosts": "# Kubernetes-managed hosts file."}, "kubernetes"),
        ({"var/run/secrets/kubernetes.io/serviceaccount/token": "?"}, "kubernetes"),
        ({"run/systemd/container": "systemd-nspawn"}, "systemd-nspawn"),
        ({"run/.containerenv": ""}, "podman"),
        ({"proc/1/cgroup": "0::/", "etc/hosts": "127.0.0.1 localhost"}, None),
    ],
)
def test_a_container_is_known_by_what_it_leaves(
    tmp_path: Path, files: dict[str, str], container: str | None
) -> None:
    assert read_host(tree(tmp_path, files)).container == container


def test_a_battery_is_reported() -> None:
    assert find_disturbances(**(ALONE | {"plugged": False})) == [  # type: ignore[arg-type]
        Disturbance("running on battery", "plug it in")
    ]
    assert find_disturbances(**(ALONE | {"plugged": None})) == []  # type: ignore[arg-type]


SOFTWARE = Software(
    torch_cuda="13.0",
    cudnn="9.24.0",
    blas=None,
    openmp=None,
    cpu_capability=None,
    ffmpeg={"libavcodec": "62.28.102"},
    decoders=("pyav",),
    extras={"ray": None, "transformers": "5.0"},
)


def made_machine(**changes: Any) -> Machine:
    fields: dict[str, Any] = {
        "environment": MACHINE,
        "fingerprint_of": {"processor": "Made-up CPU", "torch": None},
        "processor": FAST,
        "host": WIDE,
        "gpus": Gpus(gpus=(FAST_GPU,), driver="570.10", cuda="12.8"),
        "software": SOFTWARE,
        "other_work": QUIET,
        "battery": None,
        "disturbances": (),
    }
    return Machine(**(fields | changes))


def printed(**changes: Any) -> str:
    out = io.StringIO()
    show(made_machine(**changes), Console(file=out, width=200))
    return out.getvalue()


def test_names_of_other_programs_are_shown_as_they_are() -> None:
    for name in NAMES.values():
        busy = msgspec.structs.replace(QUIET, busiest=(Busy(name=name, pid=7, processors=0.5),))
        cure = Disturbance(f"{name} runs", f"end {name}")
        text = printed(other_work=busy, disturbances=(cure,))
        assert not controls(text), name
        assert f"{one_line(name)} runs" in text, name


def test_the_machine_is_printed_with_its_disturbances() -> None:
    text = printed(disturbances=(Disturbance("[turbo] is on", "switch it off"),))
    for words in (
        "Made-up CPU & Sons <i9>",
        "1, 4, 8",
        "1 x L3 unified 32.0 MiB",
        "8.0 GiB, 6.0 GiB",
        "700 W",
        "0.34 GHz",
        "CUDA 13.0",
        "libavcodec 62.28.102",
        "ask with --full",
        "not installed",
        "fingerprint on cpu 00000000feedface",
        "processor Made-up CPU, torch none",
        "disturbs timings: [turbo] is on",
        "  cure: switch it off",
    ):
        assert words in text, words
    assert "Nothing was found that would disturb a measurement." in printed()
    assert "fingerprint on cuda" not in text
    text = printed(cuda_fingerprint="feed", cuda_fingerprint_of={"GPU": "A GPU", "cuDNN": None})
    assert "fingerprint on cuda feed\n  of GPU A GPU, cuDNN none." in text


def test_the_energy_counters_are_listed_or_the_reason_why_there_are_none() -> None:
    text = printed(energy_counters=("package-0", "package-0/dram"))
    assert re.search(r"energy counters \(RAPL\) +package-0, package-0/dram\n", text)
    assert re.search(r"\(RAPL\) +none: no folder\n", printed(no_energy_counters="no folder"))
    found = plain(made_machine(no_energy_counters="no folder"))
    assert (found["energy_counters"], found["no_energy_counters"]) == ((), "no folder")


def test_the_json_is_the_environment_of_records_and_the_rest_beside_it() -> None:
    told = plain(made_machine(disturbances=(Disturbance("noise", "silence"),)))
    assert told["fingerprint"] == MACHINE.fingerprint and told["cpu"] == MACHINE.cpu
    assert told["disturbances"] == [{"what": "noise", "cure": "silence"}]
    assert told["spoilers"] == told["disturbances"] and "spoilers" in told["deprecated"]
    assert told["fingerprint_of"] == {"processor": "Made-up CPU", "torch": None}
    assert {"processor", "host", "gpus", "software", "other_work"} <= set(told)


def test_torchs_build_is_known_without_importing_it() -> None:
    torch = pytest.importorskip("torch")
    found = read_software()
    assert found.torch_cuda == torch.version.cuda
    assert (found.blas, found.cpu_capability) == (None, None)
    assert found.decoders[0] == "pyav" and found.ffmpeg["libavcodec"].count(".") == 2


def test_torch_itself_tells_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "cudnn": "91002",
        "built_with": "PyTorch built with:\n - BLAS_INFO=mkl, BUILD_TYPE=Release",
        "threading": "ATen/Parallel:\n\tOpenMP 201511 (a.k.a. OpenMP 4.5)\n\tomp_get: 2",
        "cpu_capability": "AVX2",
    }
    done = SimpleNamespace(stdout=json.dumps(answer).encode())
    monkeypatch.setattr(subprocess, "run", lambda *command, **options: done)
    found = read_software(full=True)
    assert (found.cudnn, found.blas, found.cpu_capability) == ("9.10.2", "mkl", "AVX2")
    assert found.openmp == "OpenMP 201511 (a.k.a. OpenMP 4.5)"


def test_a_torch_that_cannot_be_asked_leaves_what_is_known_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(builds, "_FULL", "raise SystemExit(1)")
    assert read_software(full=True) == read_software()


def test_the_command_says_all_of_it_without_torch_and_strict_exits_4(tmp_path: Path) -> None:
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['bench.py', 'environment', '--json', *sys.argv[1:]]\n"
        "try:\n"
        f"    runpy.run_path({str(REPOSITORY / 'bench.py')!r}, run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert 'torch' not in sys.modules\n"
        "    sys.exit(end.code)\n"
    )
    for options in ((), ("--strict",)):
        done = subprocess.run(
            [sys.executable, "-c", code, *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        told = json.loads(done.stdout)
        fit = not told["disturbances"] or not options
        assert done.returncode == (0 if fit else 4), done.stderr
        assert fit or "unfit for a measurement: " in done.stderr
    assert told["processor"]["threads"] >= 1 and told["host"]["memory_bytes"] > 2**28


def test_this_machine_is_read_and_survives_json() -> None:
    found = machines.read_machine()
    assert msgspec.json.decode(msgspec.json.encode(plain(found)))["fingerprint"]
    assert found.fingerprint_of["torch"] == found.environment.versions["torch"]


def test_on_a_machine_with_a_gpu_its_times_have_a_fingerprint_of_their_own(
    nvml: dict[str, Any],
) -> None:
    found = machines.read_machine()
    assert found.cuda_fingerprint not in (None, found.environment.fingerprint)
    assert found.cuda_fingerprint_of is not None
    assert found.cuda_fingerprint_of["driver"] == "570.10"
    assert "driver" not in found.fingerprint_of


def test_linux_misses_nothing_and_macos_says_what_it_misses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert missing_here() == ()
    monkeypatch.setattr(sys, "platform", "darwin")
    missing = missing_here()
    assert any(each.startswith("peak memory of a forward: ") for each in missing)
    assert any(each.startswith("energy on the CPU: ") for each in missing)
    text = printed(unsupported=missing)
    assert f"not on this system: {missing[0]}" in text
    monkeypatch.setattr(sys, "platform", "win32")
    (reason,) = missing_here()
    assert "win32" in reason and SUPPORTED in reason


def test_a_system_without_proc_and_sys_is_described_with_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As macOS: what the kernel's files would say is None, and nothing fails."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 10 if logical else 5)
    monkeypatch.setattr(environment, "_CPU", tmp_path / "cpu")
    answer = SimpleNamespace(stdout="Apple M9\n")
    monkeypatch.setattr(processor.subprocess, "run", lambda command, **settings: answer)
    assert environment.usable_cpus() == list(range(10))
    assert environment.physical_cores() == 5
    found = read_processor(tmp_path)
    assert (found.name, found.cores, found.max_hz, found.caches) == ("Apple M9", None, None, ())
    host = read_host(tmp_path)
    assert (host.memory_limit_bytes, host.processor_quota, host.container) == (None, None, None)
    gpus = Gpus(reason="NVML can't be used")
    nothing = find_disturbances(found, host, gpus, ALONE["work"], 5, None)  # type: ignore[arg-type]
    assert [each.what for each in nothing] == []
