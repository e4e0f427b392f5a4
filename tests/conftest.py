"""The fixture `model_benchmark`, of this checkout even where it is not installed."""

import pytest

from kinobench.bench import pytest_models


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("kinobench"):
        config.pluginmanager.register(pytest_models, "kinobench")
