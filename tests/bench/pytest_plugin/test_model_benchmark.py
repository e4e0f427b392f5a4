"""The fixture `model_benchmark` in another project's tests, and what pytest pays for it elsewhere.

Each test is a pytest of its own, in a folder that knows of kinobench only as of a package that pip
installed: its modules and its entry points.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kinobench.bench.gate import stored_files
from kinobench.bench.machine.environment import describe
from kinobench.bench.network.runtimes.known import versions_of
from kinobench.bench.network.settings import settings_restored
from kinobench.bench.pytest_plugin.model_benchmark import ModelBenchmark
from kinobench.bench.pytest_plugin.plugin import CURE
from kinobench.datasets.errors import KinobenchError

from ...fakes.media import REPOSITORY

MODELS = """
import torch
from torch import nn
from kinobench.zoo.registry import register

CALLS = []


class Mean(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.classifier = nn.Linear(3, num_classes)

    def forward(self, clip):
        asked = torch.is_inference_mode_enabled(), self.training, torch.get_num_threads()
        CALLS.append((clip.mean().item(), *asked))
        return self.classifier(clip.mean(dim=(2, 3, 4)))


@register("mean_colour_of_mine", family="colour", paper="Nobody, Colours, 2026")
def build(num_classes: int, frames: int, size: int):
    return Mean(num_classes)
"""

SPEED = """
import pytest
import torch
import my_models

SETTINGS = dict(protocol="pointlight", classes=5, threads=1, warmup_max_s=0.1)


@pytest.mark.benchmark(max_time=0.01)
def test_speed(model_benchmark):
    torch.manual_seed(7)
    torch.set_num_threads(2)
    logits = model_benchmark("mean_colour_of_mine", batch=2, **SETTINGS)
    assert logits.shape == (2, 5) and logits.isfinite().all()
    timed = my_models.CALLS[-5:]
    assert {tuple(settings) for _, *settings in timed} == {(True, False, 1)}
    # Two clips in rotation.
    means = [mean for mean, *_ in timed]
    assert means[0] == means[2] == means[4] != means[1] == means[3]


def test_settings_are_as_they_were():
    # What the test before set itself is its own matter; the fixture's is undone.
    assert torch.get_num_threads() == THREADS
    torch.manual_seed(7)


THREADS = torch.get_num_threads()


@pytest.mark.benchmark(max_time=0.01, group="mine")
def test_early_fusion(model_benchmark):
    model_benchmark("early_fusion_tiny", **SETTINGS)


def test_misspelt(model_benchmark):
    model_benchmark("early_fusion_tyni", **SETTINGS)


def test_contradiction(model_benchmark):
    model_benchmark("early_fusion_tiny", mode="cudagraph", **SETTINGS)
"""


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and its metadata, as pip would have them."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_pytest(folder: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_python(folder, site, "-m", "pytest", *OPTIONS, *arguments)


def run_python(folder: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, PYTHONPATH=str(site), COLUMNS="200")
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):  # this pytest's own matters
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


OPTIONS = ("-p", "no:cacheprovider", "-W", "error")
BETWEEN = "==== another pytest ===="
SEVERAL = f"""
import json, sys
import pytest

sys.path.insert(0, "")
for arguments in json.loads(sys.argv[1]):
    print({BETWEEN!r})
    pytest.main([*{OPTIONS!r}, *arguments])
    for name in ("my_models", "test_speed"):
        sys.modules.pop(name, None)
    from kinobench.zoo import registry
    registry._architectures.pop("mean_colour_of_mine", None)
"""


def write_project(folder: Path) -> Path:
    """Write a project of networks and of tests that time them into a folder, and return it."""
    (folder / "my_models.py").write_text(MODELS)
    (folder / "test_speed.py").write_text(SPEED)
    return folder


CHOSEN = ("test_speed.py::test_speed", "test_speed.py::test_settings_are_as_they_were")
RUNS = {
    "all": ["--benchmark-json=out.json"],
    "only": ["--benchmark-only", *CHOSEN],
    "skipped": ["--benchmark-skip", *CHOSEN],
    "once": ["--benchmark-disable", "test_speed.py::test_early_fusion"],
}


class Printed(NamedTuple):
    """What pytests printed that ran one after the other in a process, which imports torch once."""

    project: Path
    of: dict[str, str]


@pytest.fixture(scope="module")
def printed(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Printed:
    project = write_project(tmp_path_factory.mktemp("project"))
    done = run_python(project, site, "-c", SEVERAL, json.dumps(list(RUNS.values())))
    parts = done.stdout.split(BETWEEN)[1:]
    assert len(parts) == len(RUNS), done.stdout + done.stderr
    return Printed(project, dict(zip(RUNS, parts, strict=True)))


def test_models_are_timed_by_name_with_what_they_are_and_ran_on(printed: Printed) -> None:
    project, text = printed.project, printed.of["all"]
    assert "2 failed, 3 passed" in text, text
    assert "did you mean 'early_fusion_tiny'?" in text
    assert "mode 'cudagraph' needs device 'cuda'" in text
    # The failures end in the test's own line: kinobench's frames are hidden.
    assert "model_timing.py" not in text
    mine, fusion = json.loads((project / "out.json").read_text())["benchmarks"]
    assert mine["group"] == "colour on cpu" and fusion["group"] == "mine"
    told = mine["extra_info"]
    # 3 x 5 weights and 5 biases; 5 outputs of 3 multiply-adds, of one view.
    assert (told["params"], told["macs"], told["batch"], told["threads"]) == (20, 15, 2, 1)
    assert told["inputs"] == {"rgb": [2, 3, 16, 64, 64]}
    here = describe()
    assert told["fingerprint"] == here.fingerprint and told["cpu"] == here.cpu
    assert told["kinobench_commit"] is None  # a package, and no checkout
    assert told["warmup_calls"] >= 1 and mine["stats"]["rounds"] >= 5
    assert {name: told[name] for name in ("model", "device", "precision", "mode", "protocol")} == {
        "model": "mean_colour_of_mine",
        "device": "cpu",
        "precision": "fp32",
        "mode": "eager",
        "protocol": "pointlight",
    }
    # What a check against this file needs: the clock, and a kernel timed beside the network.
    assert told["clock"] == "wall" and told["peak"]["threads"] == 1
    one, other = stored_files.read_stored(project / "out.json")
    assert (one.case.model, one.case.batch, one.case.classes) == ("mean_colour_of_mine", 2, 5)
    assert one.reference_s == 1e9 / told["peak"]["flops_per_s"] and other.reference_s
    assert fusion["extra_info"]["macs"] > 10**7 and len(fusion["extra_info"]["case"]) == 16


class Benchmark:
    """pytest-benchmark's fixture, which calls once."""

    def __init__(self) -> None:
        self.enabled, self.skipped, self.group = False, False, None
        self.extra_info: dict[str, Any] = {}

    def __call__(self, once: Callable[[], Any]) -> Any:
        return once()


SETTINGS: Any = {"protocol": "pointlight", "classes": 5, "threads": 1}


def test_a_network_is_timed_in_a_runtime_and_its_time_is_that_runtimes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    benchmark = Benchmark()
    timed = ModelBenchmark(benchmark)
    with settings_restored():
        logits = timed("early_fusion_tiny", runtime="onnxruntime", **SETTINGS)
    assert logits.shape == (1, 5)
    about = benchmark.extra_info
    assert benchmark.group == "early_fusion on cpu in onnxruntime"
    assert about["runtime"] == "onnxruntime" and about["export"]["format"] == "onnx"
    assert about["fingerprint"] == describe(runtime=versions_of("onnxruntime")).fingerprint
    assert about["fingerprint"] != describe().fingerprint
    stats = {"median": 0.01, "iqr": 0.001, "rounds": 100}
    content = {"benchmarks": [{"name": "it", "stats": stats, "extra_info": about}]}
    file = tmp_path / "times.json"
    file.write_text(json.dumps(content))
    (stored,) = stored_files.read_stored(file)
    assert stored.case.runtime == "onnxruntime" and "onnxruntime" in stored.machine
    del about["settings"]  # as a file has it that was written by hand
    file.write_text(json.dumps(content))
    assert stored_files.read_stored(file)[0].case == stored.case


def test_a_runtime_is_one_and_a_misspelt_argument_is_refused() -> None:
    timed = ModelBenchmark(Benchmark())
    with pytest.raises(KinobenchError, match=r"runtime='all'.*one runtime"):
        timed("early_fusion_tiny", runtime="all", **SETTINGS)
    with pytest.raises(TypeError, match="unexpected keyword argument 'run_time'"):
        timed("early_fusion_tiny", run_time="openvino", **SETTINGS)


def test_it_is_a_benchmark_like_any_other_to_the_options_of_pytest_benchmark(
    printed: Printed,
) -> None:
    assert "1 passed, 1 skipped" in printed.of["only"], printed.of["only"]
    assert "1 passed, 1 skipped" in printed.of["skipped"], printed.of["skipped"]
    # Called once, without a warm-up: nothing is in rotation.
    assert "1 passed" in printed.of["once"], printed.of["once"]


@pytest.mark.parametrize(
    "without", ["no:benchmark", pytest.param("no:kinobench", marks=pytest.mark.slow)]
)
def test_without_pytest_benchmark_only_the_tests_that_time_fail_with_the_cure(
    tmp_path: Path, site: Path, without: str
) -> None:
    project = write_project(tmp_path)
    (project / "test_other.py").write_text("def test_other(tmp_path): assert tmp_path.is_dir()\n")
    asked = ("test_other.py", "test_speed.py::test_early_fusion")
    done = run_pytest(project, site, "-p", without, "-W", "ignore", *asked)
    assert "1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    cure = CURE if without == "no:benchmark" else "fixture 'model_benchmark' not found"
    assert cure in done.stdout


def test_a_pytest_that_does_not_ask_for_it_imports_nothing_of_kinobench(
    tmp_path: Path, site: Path
) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_other():\n"
        "    loaded = sorted(n for n in sys.modules if n.split('.')[0] == 'kinobench')\n"
        "    plugin = 'kinobench.bench.pytest_plugin'\n"
        "    package = ['kinobench', 'kinobench.bench', plugin, plugin + '.plugin']\n"
        "    assert loaded == [*package, 'kinobench.datasets']\n"
        "    assert not {'torch', 'numpy', 'msgspec', 'psutil', 'rich'} & set(sys.modules)\n"
    )
    for more in ((), ("-p", "no:benchmark")):
        done = run_pytest(tmp_path, site, *more)
        assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_entry_point_is_the_checkouts_own() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text()
    assert (
        '[project.entry-points.pytest11]\nkinobench = "kinobench.bench.pytest_plugin.plugin"'
        in project
    )
