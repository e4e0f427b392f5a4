"""The fixture `model_benchmark`, of this checkout even where it is not installed."""

from collections.abc import Iterator

import pytest

from kinobench.bench import pytest_models
from kinobench.zoo import registry


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("kinobench"):
        config.pluginmanager.register(pytest_models, "kinobench")


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    """Forget the networks that a test registers: others list, count and run all there are."""
    architectures, plugins = dict(registry._architectures), set(registry._plugins)
    yield
    for name in registry._architectures.keys() - architectures.keys():
        if name not in registry.listed():
            del registry._architectures[name]
    registry._plugins.intersection_update(plugins)
