"""Videos that several tests read."""

from pathlib import Path

import pytest
from filelock import FileLock

from kinobench.datasets.pointlight import LEVELS, make_changed


@pytest.fixture(scope="session")
def few_points(shared_folder: Path) -> Path:
    """PointLight with four training and eight test videos of each class; made once."""
    folder = shared_folder / "few_points"
    with FileLock(shared_folder / "few_points.lock"):
        if not folder.exists():
            make_changed(folder, LEVELS["pointlight"], (), None, 4, 8, None)
    return folder
