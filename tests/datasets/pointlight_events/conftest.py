"""Videos of pointlight-events, generated once for all tests."""

from pathlib import Path

import pytest
from filelock import FileLock

from kinobench.datasets.pointlight_events import make_events


@pytest.fixture(scope="session")
def made_events(shared_folder: Path) -> Path:
    """The first six test videos, and eight for training."""
    with FileLock(shared_folder / "pointlight-events.lock"):
        return make_events(shared_folder / "pointlight-events", test=6, train=8, processes=None)
