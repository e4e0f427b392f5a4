"""What a measurement ran on, and what can't be measured here at all."""

import hashlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil
import pynvml
import pytest

from kinobench.bench.machine import environment, kernel_files
from kinobench.bench.machine.environment import (
    UnfitEnvironmentError,
    available_memory_bytes,
    decisive,
    describe,
    memory_bytes,
    physical_cores,
    require_device,
)
from kinobench.bench.machine.git import GitError
from kinobench.datasets.errors import KinobenchError

GIB = 2**30


class Machine:
    """A made-up machine: its files, its processors and its memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.files: dict[str, str] = {}
        self.cpus = [0, 1, 2, 3]
        self.memory = SimpleNamespace(total=8 * GIB, available=6 * GIB)
        self.folder = root / "cpu"
        monkeypatch.setattr(environment, "_CPU", self.folder)
        monkeypatch.setattr(kernel_files, "text", lambda path: self.files.get(str(path)))
        monkeypatch.setattr(environment, "usable_cpus", lambda: self.cpus)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: self.memory)

    def write(self, name: str, text: str) -> None:
        """Make a file below the folder of the processors; globs find it there."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.files[str(path)] = text


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path)


def test_hyperthreads_are_one_core(machine: Machine) -> None:
    for cpu, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        machine.write(f"cpu{cpu}/topology/thread_siblings_list", siblings)
    assert physical_cores() == 2
    machine.cpus = [0, 2]  # both threads of one core, by affinity
    assert physical_cores() == 1


def test_processors_without_a_topology_are_a_core_each(machine: Machine) -> None:
    assert physical_cores() == 4
    machine.cpus = []
    assert physical_cores() == 1


def test_a_quota_of_processor_time_leaves_no_more_cores_than_it_has(machine: Machine) -> None:
    for quota, cores in (("200000", 2), ("250000", 2), ("50000", 1), ("1600000", 4), ("max", 4)):
        machine.files["/sys/fs/cgroup/cpu.max"] = f"{quota} 100000"
        assert physical_cores() == cores


def test_this_machine_has_a_core_and_no_more_cores_than_threads() -> None:
    assert 1 <= physical_cores() <= describe().logical_cores


def test_memory_is_the_machines_or_its_groups(machine: Machine) -> None:
    assert memory_bytes() == 8 * GIB
    machine.files["/sys/fs/cgroup/memory.max"] = "max"
    assert memory_bytes() == 8 * GIB
    machine.files["/sys/fs/cgroup/memory.max"] = str(2 * GIB)
    assert memory_bytes() == 2 * GIB


def test_memory_is_limited_by_the_first_version_of_control_groups_too(machine: Machine) -> None:
    group = "/sys/fs/cgroup/memory"
    machine.files[f"{group}/memory.limit_in_bytes"] = str(4 * GIB)
    machine.files[f"{group}/memory.usage_in_bytes"] = str(3 * GIB)
    assert (memory_bytes(), available_memory_bytes()) == (4 * GIB, GIB)
    machine.files[f"{group}/memory.stat"] = f"inactive_file 5\ntotal_inactive_file {GIB}\n"
    assert available_memory_bytes() == 2 * GIB
    machine.files[f"{group}/memory.limit_in_bytes"] = str(2**63 - 4096)
    assert (memory_bytes(), available_memory_bytes()) == (8 * GIB, 6 * GIB)


def test_available_memory_counts_what_the_group_holds_but_not_its_file_cache(
    machine: Machine,
) -> None:
    assert available_memory_bytes() == 6 * GIB
    machine.files["/sys/fs/cgroup/memory.max"] = str(4 * GIB)
    machine.files["/sys/fs/cgroup/memory.current"] = str(3 * GIB)
    assert available_memory_bytes() == 1 * GIB
    machine.files["/sys/fs/cgroup/memory.stat"] = f"anon 5\ninactive_file {GIB}\nactive_file 7\n"
    assert available_memory_bytes() == 2 * GIB
    machine.files["/sys/fs/cgroup/memory.current"] = str(9 * GIB)
    assert available_memory_bytes() == 0
    machine.memory.available = GIB
    machine.files["/sys/fs/cgroup/memory.current"] = "0"
    assert available_memory_bytes() == GIB


def test_the_description_of_a_machine_is_the_same_twice() -> None:
    first, second = describe(), describe()
    assert first == second
    assert len(first.fingerprint) == 16 and int(first.fingerprint, 16) >= 0
    assert {"python", "torch", "fvcore", "av", "numpy"} <= set(first.versions)
    assert first.memory_bytes > 2**28 and first.cpu and first.physical_cores >= 1


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("processor_name", lambda: "Another CPU"),
        ("physical_cores", lambda: 97),
        ("version", lambda library: "9.9.9"),
    ],
)
def test_the_fingerprint_changes_with_what_decides_a_timing(
    monkeypatch: pytest.MonkeyPatch, part: str, value: Any
) -> None:
    before = describe().fingerprint
    monkeypatch.setattr(environment, part, value)
    assert describe().fingerprint != before


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("memory_bytes", lambda: 3),
        ("_commit", lambda: "1234567"),
        ("version", lambda library: version("torch") if library == "torch" else "9.9.9"),
    ],
)
def test_the_fingerprint_stays_where_no_timing_changes(
    monkeypatch: pytest.MonkeyPatch, part: str, value: Any
) -> None:
    before = describe().fingerprint
    monkeypatch.setattr(environment, part, value)
    assert describe().fingerprint == before


def test_a_fingerprint_says_what_it_is_made_of() -> None:
    described = msgspec.structs.replace(
        describe(),
        system="Linux 6.0.1-rc x86_64",
        cpu="A CPU",
        physical_cores=2,
        gpu="A GPU",
        variables=None,
    )
    on_cpu = decisive(described, "cpu")
    assert list(on_cpu.items())[:3] == [
        ("system", "Linux x86_64"),  # another kernel is no other machine
        ("processor", "A CPU"),
        ("cores", 2),
    ]
    assert set(on_cpu) == {"system", "processor", "cores", "python", "torch"}
    of_gpu = {"GPU", "driver", "power limit (W)", "CUDA", "cuDNN", "triton"}
    assert set(decisive(described, "cuda")) == set(on_cpu) | of_gpu


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine of which all is made up that a fingerprint is made of."""
    for part, value in {
        "processor_name": lambda: "A CPU",
        "physical_cores": lambda: 2,
        "_gpu": lambda first: environment._Gpu("A GPU", "570.10", 700.0),
        "version": lambda library: "2.11.0",
        "torch_cuda": lambda: "13.0",
        "installed_cudnn": lambda: "9.24.0",
        "variables": lambda device: {},
    }.items():
        monkeypatch.setattr(environment, part, value)
    monkeypatch.setattr(environment.platform, "system", lambda: "Linux")
    monkeypatch.setattr(environment.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(environment.platform, "python_version", lambda: "3.11.7")
    return monkeypatch


@pytest.mark.usefixtures("known")
def test_a_cpus_fingerprint_is_that_of_older_records_of_machines_without_a_gpu() -> None:
    text = b'["Linux x86_64","A CPU",2,null,null,"3.11.7","2.11.0"]'
    assert hashlib.sha256(text).hexdigest()[:16] == "0593abcc9129007c"
    assert describe().fingerprint == "0593abcc9129007c"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("_gpu", lambda first: environment._Gpu("Another GPU", "570.10", 700.0)),
        ("_gpu", lambda first: environment._Gpu("A GPU", "580.20", 700.0)),
        ("_gpu", lambda first: environment._Gpu("A GPU", "570.10", 500.0)),
        ("_gpu", lambda first: environment._Gpu()),
        ("torch_cuda", lambda: "12.8"),
        ("installed_cudnn", lambda: "9.10.2"),
        ("installed_cudnn", lambda: None),
        ("version", lambda library: "9.9.9" if library == "triton" else "2.11.0"),
    ],
)
def test_what_decides_a_gpus_times_changes_the_fingerprint_on_cuda_alone(
    known: pytest.MonkeyPatch, part: str, value: Any
) -> None:
    before = describe("cuda", first_gpu=True).fingerprint
    assert before == describe("cuda", first_gpu=True).fingerprint
    known.setattr(environment, part, value)
    assert describe("cuda", first_gpu=True).fingerprint != before
    assert describe().fingerprint == "0593abcc9129007c"


@pytest.mark.usefixtures("known")
def test_a_record_of_a_gpu_has_the_versions_of_what_torch_runs_on_it() -> None:
    described = describe("cuda", first_gpu=True)
    told = {"cuda": "13.0", "cudnn": "9.24.0", "triton": "2.11.0"}
    assert described.versions == describe().versions | told
    assert described.gpu_power_limit_w == 700


def test_a_machine_without_nvml_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    described = describe()
    assert (described.gpu, described.gpu_driver) == (None, None)


def test_the_first_gpu_and_its_driver_are_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: f"gpu {index}")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda gpu: f"Made-up {gpu}")
    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: "570.10")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerManagementLimit", lambda gpu: 350_000)
    described = describe()
    assert (described.gpu, described.gpu_driver) == ("Made-up gpu 0", "570.10")
    assert described.gpu_power_limit_w == 350

    def lacking(gpu: str) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerManagementLimit", lacking)
    assert describe() == msgspec.structs.replace(described, gpu_power_limit_w=None)


def test_a_checkout_has_its_commit_and_a_failing_git_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(folder: Path, *arguments: str, **options: Any) -> str:
        assert "describe" in arguments
        return "abc1234+"

    def refuse(folder: Path, *arguments: str, **options: Any) -> str:
        raise GitError("exit code 128")

    def absent(folder: Path, *arguments: str, **options: Any) -> str:
        raise FileNotFoundError("git")

    monkeypatch.setattr(Path, "exists", lambda path: True)
    for run, commit in ((answer, "abc1234+"), (refuse, None), (absent, None)):
        monkeypatch.setattr(environment, "git", run)
        assert environment._commit() == commit
    monkeypatch.setattr(Path, "exists", lambda path: False)
    monkeypatch.setattr(environment, "git", answer)
    assert environment._commit() is None


def test_a_cpu_is_always_fit() -> None:
    require_device("cpu")


def test_for_cuda_the_gpu_that_torch_uses_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    uuid = "5f1e2d3c"
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=uuid)
    )
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: f"number {index}")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda asked: f"the one of {asked}")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda gpu: gpu)
    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: "580.20")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerManagementLimit", lambda gpu: 350_000)
    assert describe("cuda").gpu == "the one of GPU-5f1e2d3c"
    assert describe("cpu").gpu == "number 0"


def test_cuda_without_a_gpu_says_the_cure() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UnfitEnvironmentError) as caught:
        require_device("cuda")
    message = str(caught.value)
    assert message.startswith("--device cuda: ") and "measure with --device cpu" in message
    assert isinstance(caught.value, KinobenchError)


@pytest.mark.parametrize(
    ("built_for", "cure"), [(None, "install a CUDA build"), ("13.0", "`nvidia-smi` should list")]
)
def test_a_missing_build_and_a_missing_driver_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, built_for: str | None, cure: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built_for)
    with pytest.raises(UnfitEnvironmentError, match=cure):
        require_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    require_device("cuda")


def test_describing_a_machine_imports_no_torch() -> None:
    code = (
        "import sys; from kinobench.bench.machine import environment as e; e.describe(); "
        "e.describe('cuda', first_gpu=True); e.require_device('cpu'); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_description_survives_json() -> None:
    described = describe()
    assert msgspec.json.decode(msgspec.json.encode(described), type=type(described)) == described
