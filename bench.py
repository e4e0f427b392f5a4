"""`python bench.py ...` from a checkout: the same program as the installed command `kinobench`."""

import importlib
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def _name_the_checkout_kinobench() -> None:
    """Make `kinobench` mean this checkout, whatever else is installed.

    The root itself leaves `sys.path`: on it, `datasets/` and `bench/` would answer to
    `import datasets` and `import bench` of anything else that runs in this process.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    spec = importlib.util.spec_from_file_location(
        "kinobench",
        ROOT / "bench" / "api" / "__init__.py",
        submodule_search_locations=[str(ROOT)],
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["kinobench"] = module
    spec.loader.exec_module(module)


if __name__ in ("__main__", "__mp_main__"):  # the second in processes that multiprocessing spawns
    _name_the_checkout_kinobench()

if __name__ == "__main__":
    importlib.import_module("kinobench.bench.cli").main()
