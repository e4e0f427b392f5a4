"""The fixture `model_benchmark`, of this checkout even where it is not installed."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from kinobench.bench.pytest_plugin import plugin as pytest_models
from kinobench.zoo import registry

from .fakes.wheel import build_wheel

if "PYTEST_XDIST_WORKER" in os.environ:
    # Tests run side by side: threads that wait for each other, here and in the processes that
    # tests start, leave their core to whoever has work. Read when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

MEMORY_BYTES = 3 * 2**30
"""Of a process that runs tests, and of what it starts."""


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("kinobench"):
        config.pluginmanager.register(pytest_models, "kinobench")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run tests side by side, as far as cores and memory go; what is timed, alone."""
    if config.getoption("benchmark_only", False):
        return 0
    return min(len(os.sched_getaffinity(0)), int(psutil.virtual_memory().total // MEMORY_BYTES), 8)


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over what was imported: each look at it takes a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)  # networks are millions of objects, and few are garbage


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is the same for all workers that run tests side by side."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def wheel(shared_folder: Path) -> Path:
    """The wheel of this checkout; it is built once."""
    with FileLock(shared_folder / "wheel.lock"):
        built = list(shared_folder.glob("wheel/built/*.whl"))
        return built[0] if built else build_wheel(shared_folder / "wheel")


@pytest.fixture(scope="session")
def made_pointlight(shared_folder: Path) -> Path:
    """The dataset as users have it, 1120 videos; it is generated once."""
    from kinobench.datasets.pointlight import make_pointlight

    with FileLock(shared_folder / "pointlight.lock"):
        return make_pointlight(shared_folder / "pointlight", processes=None)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Run torch on one thread: workers with two each would wait for each other on two cores."""
    torch = sys.modules.get("torch")  # most tests need none, and shouldn't import it for this
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture
def only_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the networks that come with kinobench: test modules register others at import."""
    # The dictionary stays: a family that is first imported meanwhile registers its networks in it.
    for name in registry._architectures.keys() - set(registry.listed()):
        monkeypatch.delitem(registry._architectures, name)


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    """Forget the networks that a test registers: others list, count and run all there are."""
    architectures, plugins = dict(registry._architectures), set(registry._plugins)
    yield
    for name in registry._architectures.keys() - architectures.keys():
        if name not in registry.listed():
            del registry._architectures[name]
    registry._plugins.intersection_update(plugins)


@pytest.fixture
def shared_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork what a test measures from one server, which has imported torch for all such tests."""
    from kinobench.bench.run import workers

    from .fakes.shared_workers import shared_servers_for

    monkeypatch.setattr(workers, "fork_servers_for", shared_servers_for)
