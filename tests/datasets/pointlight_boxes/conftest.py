"""A small pointlight-boxes, generated once: its videos are the first of the usual dataset's."""

from pathlib import Path

import pytest
from filelock import FileLock

from kinobench.datasets.pointlight_boxes import make_boxes


@pytest.fixture(scope="session")
def small_boxes(shared_folder: Path) -> Path:
    """16 test videos and 12 training videos."""
    with FileLock(shared_folder / "small_boxes.lock"):
        return make_boxes(shared_folder / "small_boxes", test=16, train=12)
