"""`python bench.py ...` from a checkout: the same program as the installed command `kinobench`."""

import importlib
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def _name_the_checkout_kinobench() -> None:
    """Make `kinobench` mean this checkout, whatever else is installed.

    The three packages lie at the root of the repository, so the name that holds them together is
    made here. The root itself leaves `sys.path`: on it, `datasets/` and `bench/` would answer to
    `import datasets` and `import bench` of anything else that runs in this process.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    package = types.ModuleType("kinobench")
    package.__path__ = [str(ROOT)]
    sys.modules["kinobench"] = package


if __name__ == "__main__":
    _name_the_checkout_kinobench()
    importlib.import_module("kinobench.bench.cli").main()
