"""The pytest fixture `model_benchmark`: time a network by its name, in any project's tests.

pytest loads this file wherever kinobench is installed; the rest of kinobench is imported only when
a test asks for the fixture.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .model_benchmark import ModelBenchmark

CURE = (
    "model_benchmark needs pytest-benchmark, which is not here: `pip install pytest-benchmark`, "
    "and leave out `-p no:benchmark`"
)


def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixture; what it depends on must be known before tests are collected."""
    plugins = config.pluginmanager
    # It has the name of its entry point, or that given to `-p` where those are switched off.
    timed = plugins.hasplugin("benchmark") or plugins.hasplugin("pytest_benchmark.plugin")
    plugins.register(_Timed() if timed else _Untimed(), "kinobench model_benchmark")


class _Timed:
    @pytest.fixture
    def model_benchmark(self, benchmark: Any) -> Iterator["ModelBenchmark"]:
        """Time a network of kinobench's zoo, or a registered one, by its name."""
        from ..network.jit_warnings import jit_unmentioned

        with jit_unmentioned():
            from ..network.settings import settings_restored
            from .model_benchmark import ModelBenchmark

        with settings_restored():
            yield ModelBenchmark(benchmark)


class _Untimed:
    @pytest.fixture
    def model_benchmark(self) -> None:
        """Time a network by its name; without pytest-benchmark it fails."""
        pytest.fail(CURE, pytrace=False)
