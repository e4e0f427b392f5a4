"""The version of kinobench."""

import tomllib
from importlib.metadata import PackageNotFoundError, version

from .bench.records.files import CHECKOUT


def _version() -> str:
    """Return the version of this very code: another one may be installed next to a checkout."""
    project = CHECKOUT / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    try:
        return version("kinobench")
    except PackageNotFoundError:  # copied somewhere without its metadata
        return "unknown"


__version__ = _version()
