"""The wheel of this checkout."""

import shutil
import subprocess
import sys
from pathlib import Path

from .media import REPOSITORY

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
OFFLINE = ["-q", "--no-deps", "--no-build-isolation", "--no-index"]


def copy_source(folder: Path) -> Path:
    """Copy into a folder what a build needs, and may write into."""
    source = folder / "kinobench"
    source.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "bench.py"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("bench", "zoo", "datasets", "tests"):
        shutil.copytree(
            REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return source


def build_wheel(folder: Path) -> Path:
    """Build the wheel in a folder that isn't there yet; return its path."""
    source = copy_source(folder / "source")
    target = folder / "built"
    subprocess.run(
        [*PIP, "wheel", *OFFLINE, "-w", str(target), str(source)], check=True, timeout=240
    )
    (built,) = target.glob("*.whl")
    return built
